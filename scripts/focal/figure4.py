"""The paper's Figure 4: how the loss is shared among samples, easy ones first, for several gammas, from one trained model.

The samples are anchors times classes, as they enter the loss: p_t of each object anchor's own class for the objects, of
everything else for the background, of which a tenth is drawn. Sorted by loss, the cumulative sum says which share the
easiest ones contribute.
"""

import json
import pathlib
import subprocess
import tempfile

import numpy as np
from PIL import Image

from .pictures import SIDE

GAMMAS = [0, 0.5, 1, 2]
STRIDES = [8, 16, 32, 64, 128]
PADDED = -(-SIDE // 32) * 32  # pictures are filled up to whole places of P5


def anchors(sizes, ratios):
    """[n, 4] corners, as the tool flattens them: level, row, column, then shape (by ratio, then size)."""
    found = []
    for level, stride in enumerate(STRIDES):
        shapes = []
        for ratio in ratios:
            height = np.sqrt(ratio)
            for size in sizes:
                h, w = height * size * 2**level, size * 2**level / height
                shapes.append(np.round(np.array([-w, -h, w, h]) / 2))
        cells = -(-PADDED // stride)
        y, x = np.meshgrid(np.arange(cells) * stride, np.arange(cells) * stride, indexing="ij")
        corners = np.stack([x, y, x, y], -1).reshape(-1, 1, 4)
        found.append((corners + np.array(shapes)).reshape(-1, 4))
    return np.concatenate(found)


def overlaps(anchors, box):
    """IoU of anchors with a box, both as corners."""
    low, high = np.maximum(anchors[:, :2], box[:2]), np.minimum(anchors[:, 2:], box[2:])
    both = np.prod(np.clip(high - low, 0, None), 1)
    return both / (np.prod(anchors[:, 2:] - anchors[:, :2], 1) + np.prod(box[2:] - box[:2]) - both)


def samples(model, annotations, dev_tool, sizes, ratios, pictures):
    """p_t of object and background samples of that many pictures."""
    from safetensors.numpy import load_file

    truth = json.loads(annotations.read_text())
    boxes = anchors(sizes, ratios)
    random = np.random.default_rng(0)
    objects, background = [], []
    with tempfile.TemporaryDirectory() as folder:
        raw, heads = pathlib.Path(folder) / "picture.raw", pathlib.Path(folder) / "heads.safetensors"
        for image in truth["images"][:pictures]:
            raw.write_bytes(Image.open(annotations.parent / image["file_name"]).convert("RGB").tobytes())
            command = [dev_tool, "heads", raw, "--model", model, "--size", f"{SIDE}x{SIDE}", "--output", heads]
            subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
            logits = load_file(heads)["cls_logits"][0].astype(np.float64)
            assert logits.shape[0] == len(boxes), (logits.shape, len(boxes))
            scores = 1 / (1 + np.exp(-logits))
            best, label = np.zeros(len(boxes)), np.full(len(boxes), -1)
            for entry in (entry for entry in truth["annotations"] if entry["image_id"] == image["id"]):
                x, y, width, height = entry["bbox"]
                overlap = overlaps(boxes, np.array([x, y, x + width, y + height], float))
                better = overlap > best
                # The best anchor of an object is its own, however little they overlap.
                label[better] = entry["category_id"] - 1
                best = np.maximum(best, overlap)
                best[np.isclose(overlap, overlap.max())] = 1
            positive, ignored = best >= 0.5, (best >= 0.4) & (best < 0.5)
            mask = np.zeros(logits.shape, bool)
            mask[np.flatnonzero(positive), label[positive]] = True
            objects.append(scores[mask])
            rest = ~mask
            rest[ignored] = False
            places = np.flatnonzero(rest)
            background.append(1 - scores.ravel()[random.choice(places, len(places) // 10, replace=False)])
    return np.concatenate(objects), np.concatenate(background)


def cumulative(p, gamma):
    """The share of the loss of the easiest samples, by their share of all: 101 points."""
    p = np.clip(p, 1e-12, 1)
    losses = np.sort((1 - p) ** gamma * -np.log(p))
    total = np.cumsum(losses) / losses.sum()
    places = np.linspace(0, len(losses) - 1, 101).astype(int)
    return total[places]


def hardest(p, gamma, part):
    """The share of the loss that the hardest `part` of the samples have."""
    p = np.clip(p, 1e-12, 1)
    losses = np.sort((1 - p) ** gamma * -np.log(p))
    return losses[int((1 - part) * len(losses)) :].sum() / losses.sum()


def draw(model, annotations, dev_tool, sizes, ratios, folder, pictures=100):
    objects, background = samples(model, annotations, dev_tool, sizes, ratios, pictures)
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "reproduction"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6))
    lines = [f"{len(objects)} object samples, {len(background)} background samples.", ""]
    lines += ["| gamma | loss of the hardest 20 % of object samples | of the hardest 1 % of background samples |", "| --- | --- | --- |"]
    for gamma in GAMMAS:
        for axis, p in zip(axes, (objects, background)):
            axis.plot(np.linspace(0, 1, 101), cumulative(p, gamma), label=f"gamma = {gamma}")
        lines.append(f"| {gamma} | {hardest(objects, gamma, 0.2):.3f} | {hardest(background, gamma, 0.01):.3f} |")
    for axis, name in zip(axes, ("object", "background")):
        axis.set(xlabel=f"fraction of {name} samples, easiest first", ylabel="cumulative normalised loss")
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="#e4e4e4")
        axis.legend()
    figure.tight_layout()
    figure.savefig(folder / "figure4.svg", metadata={"Date": None})
    text = "\n".join(lines) + "\n"
    (folder / "figure4.md").write_text(text)
    return text
