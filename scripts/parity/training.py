"""Training steps of torchvision RetinaNets in float64 and float32: losses, gradients, some steps of SGD."""

from dataclasses import dataclass, field

import torch
from torchvision_reference import torchvision
from torchvision.models.detection.image_list import ImageList


@dataclass
class Batch:
    """Network inputs (N x 3 x H x W, float32, padded) and the objects in them."""

    images: torch.Tensor
    boxes: list  # per image n x 4, corners in pixels of the input
    labels: list  # per image n


@dataclass
class Step:
    classification: float
    box: float
    gradients: dict = field(default_factory=dict)


def prepare(model, trained, box_loss, train_norms):
    """Sets what is trained, by name, and how."""
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d) and not train_norms:
            module.eval()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(trained(name))
    model.head.regression_head._loss_type = box_loss


def losses(model, batch, dtype, channels_last=False):
    """(class loss, box loss) of a batch as torchvision's RetinaNet has them, without its resize."""
    images = batch.images.to(dtype)
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    features = list(model.backbone(images).values())
    outputs = model.head(features)
    sizes = [tuple(images.shape[-2:])] * len(images)
    anchors = model.anchor_generator(ImageList(images, sizes), features)
    targets = [
        {"boxes": boxes.to(dtype), "labels": labels}
        for boxes, labels in zip(batch.boxes, batch.labels)
    ]
    result = model.compute_loss(targets, outputs, anchors)
    return result["classification"], result["bbox_regression"]


def run(model, batch, dtype, steps=1, rate=0.001, channels_last=False):
    """Some steps of SGD (momentum 0.9, weight decay 1e-4); gradients of the first."""
    model = model.to(dtype)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    optimizer = torch.optim.SGD([p for _, p in trained], lr=rate, momentum=0.9, weight_decay=1e-4)
    result = []
    for index in range(steps):
        optimizer.zero_grad()
        classification, box = losses(model, batch, dtype, channels_last)
        (classification + box).backward()
        step = Step(classification.item(), box.item())
        if index == 0:
            step.gradients = {n: p.grad.detach().double().contiguous() for n, p in trained}
        result.append(step)
        optimizer.step()
    return result
