"""The backbone that the trainings of a seed start from: a narrow ResNet-18 that names what it sees, as the paper's names pictures.

It is trained with plain softmax cross entropy to name the one shape in the middle of a small picture, and its colour:
those of objects and those of the background alike, as ImageNet's classes hold most of COCO's. So it favours no loss, and
does not know what is to be found. Written in torchvision's names.
"""

import numpy as np
import torch
from torchvision.models.resnet import BasicBlock, ResNet

from . import pictures

WIDTH = 16
SIDE = 64
CANVAS = 5 * SIDE  # of the background that crops are taken from
PAINT = {**pictures.COLOURS, **pictures.OTHER_COLOURS}
NAMES = [(shape, colour) for shape in pictures.OUTLINES for colour in PAINT]
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


class NarrowResNet(ResNet):
    """torchvision's ResNet-18 with `WIDTH` channels in its stem."""

    def __init__(self):
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=len(NAMES))
        self.inplanes = WIDTH
        self.conv1 = torch.nn.Conv2d(3, WIDTH, 7, stride=2, padding=3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(WIDTH)
        for stage in range(4):
            layer = self._make_layer(BasicBlock, WIDTH << stage, 2, stride=1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = torch.nn.Linear(WIDTH << 3, len(NAMES))


def crops(rng):
    """Pictures of SIDE pixels with a shape in the middle, and the numbers of what it is; a background serves for eight."""
    canvas = pictures.background(rng, CANVAS)
    found = []
    for _ in range(8):
        number = int(rng.integers(len(NAMES)))
        shape, colour = NAMES[number]
        mask = pictures.sign(rng, shape, int(rng.integers(18, 62)))
        mask.thumbnail((SIDE - 4, SIDE - 4))
        x, y = (int(v) for v in rng.integers(0, CANVAS - SIDE, 2))
        part = canvas.crop((x, y, x + SIDE, y + SIDE))
        left, top = ((SIDE - side) // 2 + int(rng.integers(-3, 4)) for side in mask.size)
        pictures.paint(rng, part, (left, top), mask, PAINT[colour])
        found.append((np.asarray(pictures.photograph(rng, part), np.uint8), number))
    return found


def make(path, seed, count=16000, epochs=8, log=print):
    """Trains it, once."""
    if path.exists():
        return path
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    made = [one for _ in range(count // 8) for one in crops(rng)]
    shown = torch.from_numpy(np.stack([((pixels / 255 - MEAN) / DEVIATION).transpose(2, 0, 1) for pixels, _ in made]).astype(np.float32))
    named = torch.tensor([number for _, number in made])
    kept = len(made) // 12
    model = NarrowResNet().to(memory_format=torch.channels_last)
    batches = [slice(start, start + 64) for start in range(0, len(made) - kept, 64)]
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=epochs * len(batches))
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(made) - kept)
        for batch in batches:
            chosen = order[batch]
            loss = torch.nn.functional.cross_entropy(model(shown[chosen]), named[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            right = (model(shown[-kept:]).argmax(1) == named[-kept:]).float().mean()
        log(f"backbone, epoch {epoch + 1}: names {100 * right:.1f} % of unseen shapes", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)
    return path
