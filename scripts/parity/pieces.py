"""Reference values of the parts of the detector that need no network: sizes and resize."""

import json

import numpy as np
import torch
import torch.nn.functional as functional
from formula import words
from torchvision_reference import torchvision  # noqa: F401 (makes the import below work)

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


def floats(array):
    """A flat list of the shortest decimals that give the same float32."""
    return [float(np.format_float_positional(v, unique=True)) for v in np.asarray(array).ravel()]


def write(path):
    """Writes all of it as one JSON file, one case a line."""
    parts = {
        "sizes": sizes(),
        "resize": resize(),
    }
    with open(path, "w") as out:
        out.write("{\n")
        for index, (name, cases) in enumerate(parts.items()):
            rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
            out.write(f' "{name}": [\n{rows}\n ]{"," if index + 1 < len(parts) else ""}\n')
        out.write("}\n")
    print(f"{path.name}: " + ", ".join(f"{len(v)} {k}" for k, v in parts.items()))
