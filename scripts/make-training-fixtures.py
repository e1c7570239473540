#!/usr/bin/env python3
"""Writes Tests/TrainingTests/Fixtures/*.json: PyTorch's losses and gradients in float64.

Needs the packages of scripts/parity/requirements.txt. Random outputs are not stored: both sides make them
from a seed (splitmix64, as in Tests/TestSupport/SeededGenerator.swift).
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts/parity"))
from torchvision_reference import torchvision  # noqa: E402

from torchvision.models.detection import _utils as det_utils  # noqa: E402
from torchvision.models.detection.anchor_utils import AnchorGenerator  # noqa: E402
from torchvision.models.detection.image_list import ImageList  # noqa: E402
from torchvision.ops import box_iou, generalized_box_iou_loss, nms, sigmoid_focal_loss  # noqa: E402

OUT = ROOT / "Tests/TrainingTests/Fixtures"
MASK = (1 << 64) - 1
f64 = torch.float64


class SeededGenerator:
    def __init__(self, seed):
        self.state = seed

    def unit_float(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 40) * 2.0**-24

    def tensor(self, *shape, scale):
        """float32 numbers in -scale/2 ..< scale/2, as float64."""
        values = [(self.unit_float() - 0.5) * scale for _ in range(math.prod(shape))]
        return torch.tensor(values, dtype=torch.float32).reshape(shape).to(f64)


def numbers(tensor):
    return [float(f"{value:.12g}") for value in tensor.detach().flatten().tolist()]


def write(name, value):
    text = json.dumps(value, separators=(",", ":")).replace("},{", "},\n{")
    (OUT / name).write_text(text + "\n")


def class_loss(loss, logits, labels):
    """Element by element; labels are +1 and -1. Stable for any logit, unlike torchvision's at |x| > 30."""
    x = labels * logits
    alpha = loss.get("alpha")
    weight = 1 if alpha is None else (1 - labels) / 2 + labels * alpha
    gamma = loss.get("gamma", 0)
    if loss["kind"] == "focalStar":
        return weight * -F.logsigmoid(gamma * x + loss["beta"]) / gamma
    value = -F.logsigmoid(x)
    if loss["kind"] == "focal":
        value = value * torch.exp(gamma * F.logsigmoid(-x))
    return weight * value


LOSSES = (
    [{"kind": "crossEntropy"}]
    + [{"kind": "crossEntropy", "alpha": a} for a in (0.1, 0.75, 0.999)]
    + [{"kind": "focal", "gamma": g, "alpha": a} for g, a in ((0, 0.75), (0.1, 0.75), (0.5, 0.5))]
    + [{"kind": "focal", "gamma": g, "alpha": 0.25} for g in (1, 2, 5)]
    + [{"kind": "focal", "gamma": 2}]
    + [{"kind": "focalStar", "gamma": g, "beta": b, "alpha": 0.25} for g, b in ((2, 1), (4, 0))]
)


def classification():
    magnitudes = [0, 1e-3, 0.1, 0.7, 1, 2, math.log(99), 8, 20, 50, 88, 200, 1e4, 1e30]
    single = torch.tensor(magnitudes, dtype=torch.float32).to(f64)
    logits = torch.cat([single, -single[1:]]).requires_grad_()
    cases = []
    for loss in LOSSES:
        case = dict(loss)
        for sign, name in ((1.0, "object"), (-1.0, "background")):
            labels = torch.full_like(logits, sign)
            values = class_loss(loss, logits, labels)
            (gradient,) = torch.autograd.grad(values.sum(), logits)
            if loss["kind"] == "focal":  # torchvision's, where it is stable
                near = logits.detach().abs() <= 20
                theirs = sigmoid_focal_loss(
                    logits, (labels + 1) / 2, loss.get("alpha", -1), loss["gamma"]
                )
                torch.testing.assert_close(values[near], theirs[near], rtol=1e-7, atol=1e-12)
            case[name] = {"values": numbers(values), "derivatives": numbers(gradient)}
        cases.append(case)
    write("classification.json", {"logits": numbers(logits), "cases": cases})


def box_loss(kind, deltas, anchors, targets):
    """Per object; kind is "l1", "giou" or a beta."""
    coder = det_utils.BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
    if kind == "giou":
        return generalized_box_iou_loss(coder.decode_single(deltas, anchors), targets)
    encoded = coder.encode_single(targets, anchors)
    if kind == "l1":
        return F.l1_loss(deltas, encoded, reduction="none").sum(-1)
    return F.smooth_l1_loss(deltas, encoded, reduction="none", beta=kind).sum(-1)


def boxes():
    rng = SeededGenerator(3)
    cases = []

    def add(deltas, anchor, target):
        deltas, anchor, target = (
            torch.tensor(v, dtype=torch.float32).to(f64)[None] for v in (deltas, anchor, target)
        )
        deltas.requires_grad_()
        case = {"deltas": deltas[0].tolist(), "anchor": anchor[0].tolist(), "target": target[0].tolist()}
        for name, kind in (("l1", "l1"), ("smooth011", 0.11), ("smooth1", 1.0), ("giou", "giou")):
            value = box_loss(kind, deltas, anchor, target)
            (gradient,) = torch.autograd.grad(value.sum(), deltas)
            case[name] = numbers(value) + numbers(gradient)
        cases.append(case)

    for _ in range(24):
        x, y, w, h = ((rng.unit_float() * s + o) for s, o in ((80, 0), (80, 0), (60, 4), (60, 4)))
        dx, dy, dw, dh = (rng.unit_float() - 0.5 for _ in range(4))
        anchor = [x + dx * w, y + dy * h, x + dx * w + w * 1.3, y + dy * h + h * 0.8]
        deltas = [(rng.unit_float() - 0.5) * s for s in (1, 1, 1.5, 1.5)]
        add(deltas, anchor, [x, y, x + w, y + h])
    anchor = [8, 8, 40, 24]
    add([0, 0, 0, 0], anchor, anchor)  # equal: every corner a tie
    add([0, 0, 0, 0], anchor, [8, 4, 40, 30])  # two ties
    add([3, 0, 0, 0], anchor, anchor)  # apart
    add([1, 0, 0, 0], anchor, anchor)  # touching: nothing shared
    add([0, 0, -1, -1], anchor, anchor)  # inside
    add([0.1, 0.1, 5, 0.2], anchor, anchor)  # width clamped: no gradient
    add([-40, 7, 4.2, -6], anchor, [0, 0, 300, 2])
    write("boxes.json", cases)


HEIGHT, WIDTH, CLASSES = 64, 96, 3
GRIDS = [(8, 12), (4, 6), (2, 3)]
SIZES = [[16, 20, 25], [32, 40, 50], [64, 80, 101]]
TRUTH = [
    [([10, 6, 30, 26], 0), ([40, 20, 90, 60], 2), ([41, 22, 93, 58], 1), ([70.5, 3.25, 79.5, 9.75], 1)],
    [],
    [([2, 2, 4, 5], 2)],
]


def whole():
    """Three images of one batch: several objects, none, one too small for any anchor."""
    generator = AnchorGenerator(tuple(map(tuple, SIZES)), ((0.5, 1.0, 2.0),) * 3)
    images = ImageList(torch.zeros(1, 1, HEIGHT, WIDTH), [(HEIGHT, WIDTH)])
    anchors = generator(images, [torch.zeros(1, 1, *grid) for grid in GRIDS])[0]
    matcher = det_utils.Matcher(0.5, 0.4, allow_low_quality_matches=True)
    result = {
        "height": HEIGHT, "width": WIDTH, "grids": GRIDS, "sizes": SIZES, "classes": CLASSES,
        "images": [], "losses": [],
    }
    matches, outputs = [], []
    for index, truth in enumerate(TRUTH):
        corners = torch.tensor([box for box, _ in truth], dtype=torch.float32).reshape(-1, 4)
        if truth:
            match = matcher(box_iou(corners, anchors))
        else:
            match = torch.full((len(anchors),), -1, dtype=torch.int64)
        rng = SeededGenerator(100 + index)
        logits = rng.tensor(len(anchors), CLASSES, scale=8).requires_grad_()
        deltas = rng.tensor(len(anchors), 4, scale=2).requires_grad_()
        matches.append((match, corners.to(f64), torch.tensor([c for _, c in truth], dtype=torch.int64)))
        outputs.append((logits, deltas))
        result["images"].append({
            "seed": 100 + index,
            "boxes": corners.tolist(), "classes": [c for _, c in truth],
            "objects": [[a, int(match[a])] for a in torch.where(match >= 0)[0].tolist()],
            "ignored": torch.where(match == -2)[0].tolist(),
        })
    inputs = [tensor for pair in outputs for tensor in pair]
    for spec in (
        {"loss": {"kind": "focal", "gamma": 2, "alpha": 0.25}, "box": "l1", "normalization": "image"},
        {"loss": {"kind": "focal", "gamma": 2, "alpha": 0.25}, "box": "giou", "normalization": "image"},
        {"loss": {"kind": "crossEntropy"}, "box": "smooth011", "normalization": "batch"},
        {"loss": {"kind": "crossEntropy"}, "box": "l1", "normalization": "image",
         "mining": {"count": 64, "nms": 0.5, "oneToThree": False}},
        {"loss": {"kind": "crossEntropy"}, "box": "l1", "normalization": "image",
         "mining": {"count": 48, "nms": 0.7, "oneToThree": True}},
    ):  # fmt: skip
        total_objects = sum(int((match >= 0).sum()) for match, _, _ in matches)
        class_sum, box_sum, picked_of = 0.0, 0.0, []
        for (match, corners, classes), (logits, deltas) in zip(matches, outputs):
            labels = torch.full_like(logits, -1.0)
            objects = torch.where(match >= 0)[0]
            labels[objects, classes[match[objects]]] = 1.0
            losses = class_loss(spec["loss"], logits, labels)
            if spec["normalization"] == "batch":
                weight = 1 / max(1, total_objects)
            else:
                weight = 1 / max(1, len(objects)) / len(matches)
            if mining := spec.get("mining"):
                picked = mine(mining, losses.detach().sum(1), match, anchors)
                picked_of.append(picked)
                class_sum = class_sum + losses[picked].sum() / len(picked) / len(matches)
            else:
                class_sum = class_sum + losses[match != -2].sum() * weight
            kind = 0.11 if spec["box"] == "smooth011" else spec["box"]
            box = box_loss(kind, deltas[objects], anchors[objects].to(f64), corners[match[objects]])
            box_sum = box_sum + box.sum() * weight
        gradients = torch.autograd.grad(class_sum + box_sum, inputs, retain_graph=True)
        # Of every gradient the sum, and the products with numbers both sides make.
        checks = []
        for index, gradient in enumerate(gradients):
            probe = SeededGenerator(1000 + index).tensor(*gradient.shape, scale=2)
            checks.append([float(gradient.abs().sum()), float((gradient * probe).sum())])
        result["losses"].append(spec | {
            "classification": class_sum.item(), "boxes": box_sum.item(), "gradients": checks,
            "picked": picked_of,
        })  # fmt: skip
    write("whole.json", result)


def mine(mining, losses, match, anchors):
    """Indices of the anchors that are trained on, by falling loss."""
    candidates = torch.where(match != -2)[0]
    kept = candidates[nms(anchors[candidates], losses[candidates].float(), mining["nms"])].tolist()
    if not mining["oneToThree"]:
        return kept[: mining["count"]]
    objects = [a for a in kept if match[a] >= 0][: mining["count"] // 4]
    wanted = 3 * len(objects) if objects else mining["count"] * 3 // 4
    background = [a for a in kept if match[a] == -1][:wanted]
    return [a for a in kept if a in set(objects) | set(background)]


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    classification()
    boxes()
    whole()
