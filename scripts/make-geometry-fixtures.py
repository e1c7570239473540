#!/usr/bin/env python3
"""Writes Tests/BoxGeometryTests/Fixtures/*.json: torchvision's answers for BoxGeometry's tests.

Needs torch and torchvision. Random inputs are not stored: both sides make them from a seed (splitmix64,
as in Tests/TestSupport/SeededGenerator.swift), in float32 and in the same order.
"""
import json
import pathlib

import numpy as np
import torch
from torchvision.models.detection import _utils as det_utils
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import batched_nms, box_iou, nms

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests/BoxGeometryTests/Fixtures"
MASK = (1 << 64) - 1
f32 = np.float32


class SeededGenerator:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def unit_float(self):
        return f32(self.next() >> 40) * f32(2.0**-24)

    def below(self, bound):
        return self.next() % bound


def write(name, value):
    (OUT / name).write_text(json.dumps(value, separators=(",", ":")).replace("},{", "},\n{") + "\n")


def anchors():
    cases = []
    default_sizes = [[x, int(x * 2 ** (1 / 3)), int(x * 2 ** (2 / 3))] for x in (32, 64, 128, 256, 512)]
    shapes = [
        (default_sizes, [0.5, 1.0, 2.0], 800, 1344),
        (default_sizes, [0.5, 1.0, 2.0], 640, 640),
        (default_sizes, [0.5, 1.0, 2.0], 32, 32),
    ]
    rng = SeededGenerator(1)
    for _ in range(20):
        levels, per_level = 1 + rng.below(5), 1 + rng.below(4)
        sizes = [[4 + rng.below(600) for _ in range(per_level)] for _ in range(levels)]
        ratios = [float(np.round(0.1 + 3 * float(rng.unit_float()), 3)) for _ in range(1 + rng.below(4))]
        shapes.append((sizes, ratios, 32 * (1 + rng.below(20)), 32 * (1 + rng.below(20))))
    for sizes, ratios, height, width in shapes:
        grids, rows, columns = [], height // 8, width // 8
        for _ in sizes:
            grids.append([rows, columns])
            rows, columns = (rows + 1) // 2, (columns + 1) // 2
        generator = AnchorGenerator(tuple(map(tuple, sizes)), (tuple(ratios),) * len(sizes))
        images = ImageList(torch.zeros(1, 1, height, width), [(height, width)])
        boxes = generator(images, [torch.zeros(1, 1, *grid) for grid in grids])[0]
        numbers = boxes.numpy()
        assert (numbers == np.round(numbers)).all()
        # A weighted sum over whole numbers: exact, and it changes with any box and any order.
        weights = np.arange(numbers.size, dtype=np.int64) % 1009 + 1
        samples = sorted({0, 1, len(numbers) - 1} | {rng.below(len(numbers)) for _ in range(8)})
        cases.append({
            "sizes": sizes, "aspectRatios": ratios, "height": height, "width": width, "grids": grids,
            "count": len(numbers), "checksum": int((numbers.reshape(-1).astype(np.int64) * weights).sum()),
            "samples": [[i] + [int(v) for v in numbers[i]] for i in samples],
        })
    write("anchors.json", cases)


def random_boxes(rng, count, extent, grid):
    """float32 boxes inside a square; `grid` > 0 snaps them to it, so that IoUs fall on thresholds exactly."""
    boxes = np.empty((count, 4), f32)
    for row in boxes:
        x, y = rng.unit_float() * f32(extent), rng.unit_float() * f32(extent)
        w, h = rng.unit_float() * f32(extent / 4), rng.unit_float() * f32(extent / 4)
        if grid:
            x, y, w, h = (np.floor(v / f32(grid)) * f32(grid) for v in (x, y, w, h))
            w, h = w + f32(grid), h + f32(grid)
        row[:] = (x, y, x + w, y + h)
    return boxes


def crowded_boxes(rng, count, extent, threshold):
    """float32 boxes in pairs whose IoU is the threshold up to rounding: a box and a part of it."""
    boxes = random_boxes(rng, count, extent, 0)
    for i in range(1, count, 2):
        x1, y1, x2, y2 = boxes[i - 1]
        boxes[i] = (x1, y1, x1 + (x2 - x1) * f32(threshold), y2)
    return boxes


def distinct_scores(rng, count):
    """A random order of count different float32 scores: what torch does with equal ones is not specified."""
    ranks = list(range(count))
    for i in range(count - 1, 0, -1):
        j = rng.below(i + 1)
        ranks[i], ranks[j] = ranks[j], ranks[i]
    return np.array([f32(rank + 1) / f32(count + 1) for rank in ranks], f32)


def checksum(kept):
    return sum((position % 1009 + 1) * int(index) for position, index in enumerate(kept))


def suppression():
    cases = []
    plan = [  # count, extent, grid, classes, threshold
        (1, 100, 0, 1, 0.5), (2, 10, 4, 1, 0.5), (7, 20, 2, 2, 0.5), (8, 20, 2, 2, 0.5), (9, 20, 2, 3, 0.5),
        (64, 64, 8, 1, 0.3), (64, 64, 8, 1, 0.7), (64, 64, 8, 3, 0.6), (200, 1333, 0, 91, 0.5),
        (300, 200, 4, 5, 0.3), (500, 300, 5, 10, 0.1), (1000, 1333, 0, 91, 0.5), (1000, 800, 3, 91, 0.5),
        (1000, 1333, -1, 91, 0.5), (1000, 1333, -1, 91, 0.3), (800, 1333, -1, 91, 0.7), (1000, 100, 1, 91, 0.0),
        (1001, 1333, 0, 91, 0.5), (1001, 1333, -1, 91, 0.5), (2000, 400, 4, 20, 0.5), (3000, 1333, -1, 91, 0.3),
        (5000, 1333, 0, 91, 0.5), (5000, 600, 0, 91, 0.7), (997, 50, 0, 91, 0.5), (1003, 50, 0, 3, 0.2),
    ]
    for seed, (count, extent, grid, classes, threshold) in enumerate(plan, start=100):
        rng = SeededGenerator(seed)
        boxes = (crowded_boxes(rng, count, extent, threshold) if grid < 0
                 else random_boxes(rng, count, extent, grid))
        scores = distinct_scores(rng, count)
        labels = np.array([rng.below(classes) for _ in range(count)])
        if grid < 0:  # both boxes of a pair in one class
            labels[1::2] = labels[: count - count % 2 : 2]
        b, s, l = torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(labels)
        plain, batched = nms(b, s, threshold).tolist(), batched_nms(b, s, l, threshold).tolist()
        # The per-class form, whatever the count, by torchvision's own kernel.
        alone = [i for c in range(classes)
                 for i in torch.where(l == c)[0][nms(b[l == c], s[l == c], threshold)].tolist()]
        alone.sort(key=lambda i: -scores[i])
        cases.append({
            "seed": seed, "count": count, "extent": extent, "grid": grid, "classes": classes,
            "threshold": threshold,
            "plain": {"count": len(plain), "first": plain[:10], "checksum": checksum(plain)},
            "batched": {"count": len(batched), "first": batched[:10], "checksum": checksum(batched)},
            "classwise": {"count": len(alone), "first": alone[:10], "checksum": checksum(alone)},
        })
    differing = [c["seed"] for c in cases if c["batched"] != c["classwise"]]
    print("batched_nms differs from the per-class form in the cases", differing)
    write("suppression.json", cases)


def coder():
    rng = SeededGenerator(7)
    anchors_, truth = random_boxes(rng, 60, 900, 1), random_boxes(rng, 60, 900, 1)
    deltas = np.array([[(rng.unit_float() - f32(0.5)) * f32(scale) for scale in (4, 4, 12, 12)]
                       for _ in range(60)], f32)
    box_coder = det_utils.BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
    encoded = box_coder.encode_single(torch.from_numpy(truth), torch.from_numpy(anchors_))
    decoded = box_coder.decode_single(torch.from_numpy(deltas), torch.from_numpy(anchors_))
    write("coder.json", {"seed": 7, "count": 60,
                         "encoded": [[float(str(v)) for v in row] for row in encoded.numpy()],
                         "decoded": [[float(str(v)) for v in row] for row in decoded.numpy()]})


def matcher():
    cases = []
    for seed in range(200, 240):
        rng = SeededGenerator(seed)
        count, objects = 1 + rng.below(400), 1 + rng.below(12)
        extent, grid = 60 + rng.below(200), (0, 1, 2, 8)[rng.below(4)]
        high, low = ((0.5, 0.4), (0.7, 0.3), (0.5, 0.5), (0.3, 0.1))[rng.below(4)]
        anchors_, truth = random_boxes(rng, count, extent, grid), random_boxes(rng, objects, extent, grid)
        if grid == 0:  # sides of zero cannot be ground truth
            truth[:, 2:] += f32(0.5)
        if seed % 5 == 0:  # an object that no anchor overlaps
            truth[-1] += f32(4 * extent)
        quality = box_iou(torch.from_numpy(truth), torch.from_numpy(anchors_))
        assert not quality.isnan().any()
        answers = [det_utils.Matcher(high, low, allow_low_quality_matches=flag)(quality).tolist()
                   for flag in (False, True)]
        cases.append({"seed": seed, "plain": answers[0], "lowQuality": answers[1]})
    print("matcher: low-quality matches change", sum(c["plain"] != c["lowQuality"] for c in cases), "of 40")
    write("matcher.json", cases)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    anchors()
    suppression()
    coder()
    matcher()
