"""Reference values of the parts of the detector that need no network: sizes, resize, anchors, boxes, NMS."""

import json

import numpy as np
import torch
import torch.nn.functional as functional
from formula import uniform, words
from networks import octave_sizes
from torchvision_reference import torchvision

from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.transform import GeneralizedRCNNTransform

# (width, height) of pictures whose scaled side is just below a whole number, and is truncated; and shapes
# where the longer side rules, one pixel, and one to a thousand.
SIZES = [
    (500, 335), (640, 427), (1242, 375), (640, 480), (480, 640), (1920, 1080), (1080, 1920), (97, 97),
    (161, 200), (167, 300), (193, 193), (194, 256), (195, 300), (199, 233), (289, 400), (305, 305),
    (322, 500), (334, 400), (335, 335), (337, 480), (369, 640), (371, 400), (385, 600), (386, 386),
    (387, 387), (388, 388), (390, 600), (398, 500), (539, 700), (578, 800), (607, 607), (610, 640),
    (149, 20), (153, 30), (298, 40), (306, 60), (311, 100), (317, 100), (329, 100), (596, 200),
    (601, 300), (612, 100), (622, 100), (634, 200), (2000, 40), (40, 2000), (1, 1), (1000, 1),
    (4000, 3000), (800, 800), (1333, 800), (799, 1333), (801, 1332), (33, 1999),
]  # fmt: skip


def sizes():
    """Rows [width, height, resized width, resized height] for the bounds 800 and 1333."""
    transform = GeneralizedRCNNTransform(800, 1333, [0.0] * 3, [1.0] * 3)
    rows = []
    for width, height in SIZES:
        resized, _ = transform.resize(torch.zeros(3, height, width).expand(3, height, width))
        rows.append([width, height, resized.shape[2], resized.shape[1]])
    return rows


def resize():
    """One-channel pictures (bytes) and what bilinear resizing makes of them, sizes as [width, height]."""
    cases = []
    for (w, h), (out_w, out_h) in [
        ((7, 5), (13, 11)), ((13, 11), (7, 5)), ((9, 6), (9, 14)), ((17, 3), (5, 3)), ((5, 4), (10, 8)),
        ((1, 1), (4, 3)), ((2, 9), (31, 4)), ((31, 23), (32, 24)), ((33, 29), (8, 7)),
    ]:  # fmt: skip
        source = (words(f"resize {w}x{h}", w * h) >> np.uint64(56)).astype(np.float32)
        tensor = torch.as_tensor(source.reshape(1, 1, h, w))
        # Sizes are given, so the step is their ratio: what recompute_scale_factor=True comes to.
        out = functional.interpolate(tensor, size=(out_h, out_w), mode="bilinear")
        cases.append(
            {
                "from": [w, h],
                "to": [out_w, out_h],
                "source": source.astype(int).tolist(),
                "expected": floats(out),
            }
        )
    return cases


def anchors():
    """Anchors by ordinal for padded inputs (height, width) of torchvision's and of other sizes."""
    cases = []
    for (height, width), sizes, ratios in [
        ((800, 1344), octave_sizes(32, 64, 128, 256, 512), (0.5, 1.0, 2.0)),
        ((1344, 800), octave_sizes(32, 64, 128, 256, 512), (0.5, 1.0, 2.0)),
        ((640, 640), octave_sizes(32, 64, 128, 256, 512), (0.5, 1.0, 2.0)),
        ((32, 1344), octave_sizes(32, 64, 128, 256, 512), (0.5, 1.0, 2.0)),
        ((320, 544), octave_sizes(24, 48, 96, 192, 384), (0.4, 1.0, 2.5)),
        ((96, 160), [[8], [16], [32], [64], [128]], (0.25, 0.3, 1.0, 3.7)),
    ]:
        grids, side = [], (height // 8, width // 8)
        for _ in range(5):
            grids.append(side)
            side = tuple((n + 1) // 2 for n in side)
        generator = AnchorGenerator(tuple(map(tuple, sizes)), (tuple(ratios),) * 5)
        images = ImageList(torch.zeros(1, 3, height, width), [(height, width)])
        boxes = generator(images, [torch.zeros(1, 1, *grid) for grid in grids])[0]
        count = len(boxes)
        picked = sorted({0, 1, 2, 3, 8, 9, 10, count - 1, count // 2, count // 3})
        picked += sorted({int(w) % count for w in words(f"anchors {height}x{width}", 40)})
        # Every anchor of the first cells of P6 and P7, where the strides are odd.
        per_cell = len(sizes[0]) * len(ratios)
        first = per_cell * sum(h * w for h, w in grids[:3])
        second = first + per_cell * grids[3][0] * grids[3][1]
        picked += list(range(first, first + 2 * per_cell)) + list(range(second, second + per_cell))
        picked = sorted({p for p in picked if p < count})
        cases.append(
            {
                "padded": [width, height],
                "sizes": sizes,
                "ratios": list(ratios),
                "count": count,
                "ordinals": picked,
                "boxes": [floats(boxes[p]) for p in picked],
            }
        )
    return cases


def decoding():
    """Anchors, deltas, decoded boxes, and the same clipped to a picture of 640x480."""
    from torchvision.models.detection._utils import BoxCoder

    anchors = np.array([[-23, -11, 23, 11], [100, 100, 164, 164]], dtype=np.float32)
    deltas = np.array([[0.1, 0.2, 0.3, 0.4], [-0.5, 0.25, -1, 5]], dtype=np.float32)
    random = uniform("decode anchors", (30, 4))
    corners = np.stack(
        [
            np.rint(320 + 300 * random[:, 0]), np.rint(240 + 220 * random[:, 1]),
            np.rint(340 + 300 * random[:, 0] + 80 * abs(random[:, 2])),
            np.rint(260 + 220 * random[:, 1] + 90 * abs(random[:, 3])),
        ],
        axis=1,
    )  # fmt: skip
    anchors = np.concatenate([anchors, corners.astype(np.float32)])
    deltas = np.concatenate([deltas, uniform("decode deltas", (30, 4)) * np.float32([1, 1, 3, 6])])
    boxes = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode_single(
        torch.as_tensor(deltas), torch.as_tensor(anchors)
    )
    clipped = torchvision.ops.boxes.clip_boxes_to_image(boxes, (480, 640))
    return {
        "anchors": floats(anchors),
        "deltas": floats(deltas),
        "boxes": floats(boxes),
        "clipped": floats(clipped),
    }


def suppression():
    """Random boxes with scores and classes, and the indices that survive, by falling score."""
    cases = []
    for count, classes, threshold, side in [
        (1, 1, 0.5, 100), (60, 1, 0.5, 60), (200, 4, 0.5, 90), (300, 3, 0.3, 120), (300, 2, 0.7, 80),
        (1100, 2, 0.5, 300),
    ]:  # fmt: skip
        u = (uniform(f"nms {count} {classes} {threshold}", (count, 6)) + 1) / 2
        # Quarter pixels: exact in decimal and in float32.
        x1, y1 = np.rint(u[:, 0] * side * 4) / 4, np.rint(u[:, 1] * side * 4) / 4
        w, h = 8 + np.rint(u[:, 2] * 100) / 4, 8 + np.rint(u[:, 3] * 100) / 4
        boxes = np.stack([x1, y1, x1 + w, y1 + h], axis=1).astype(np.float32)
        # Scores that all differ, so that the order is not a matter of the sort.
        scores = (np.argsort(np.argsort(u[:, 4])) + 1).astype(np.float32) / np.float32(2048)
        labels = np.minimum((u[:, 5] * classes).astype(int), classes - 1)
        kept = torchvision.ops.boxes.batched_nms(
            torch.as_tensor(boxes), torch.as_tensor(scores), torch.as_tensor(labels), threshold
        )
        cases.append(
            {
                "threshold": threshold,
                "boxes": floats(boxes),
                "scores": floats(scores),
                "labels": labels.tolist(),
                "kept": kept.tolist(),
            }
        )
    return cases


def floats(array):
    """A flat list of the shortest decimals that give the same float32."""
    return [float(np.format_float_positional(v, unique=True)) for v in np.asarray(array).ravel()]


def write(path):
    """Writes all of it as one JSON file, one case a line."""
    parts = {
        "sizes": sizes(),
        "resize": resize(),
        "anchors": anchors(),
        "decoding": [decoding()],
        "suppression": suppression(),
    }
    with open(path, "w") as out:
        out.write("{\n")
        for index, (name, cases) in enumerate(parts.items()):
            rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
            out.write(f' "{name}": [\n{rows}\n ]{"," if index + 1 < len(parts) else ""}\n')
        out.write("}\n")
    print(f"{path.name}: " + ", ".join(f"{len(v)} {k}" for k, v in parts.items()))
