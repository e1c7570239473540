#!/usr/bin/env python3
"""Writes Tests/RetinaNetModelTests/Fixtures: tiny RetinaNets and what torchvision makes of small pictures.

    python scripts/make-model-fixtures.py [FOLDER]     (environment: scripts/parity/README.md)

For each model NAME.pth (state dict), NAME.json (import configuration) and one NAME-CASE.safetensors per
picture with
    picture          U8  H W 3        RGB
    input            F32 1 3 h w      padded network input (v1-resnet18-portrait only)
    cls_logits       F32 1 anchors K  raw head outputs, flattened (y, x, anchor in cell) over P3...P7
    bbox_regression  F32 1 anchors 4
    boxes            F32 n 4          corners in pixels of the picture, in torchvision's order
    scores, labels, anchors           F32, I64, I64: n each; anchors are ordinals over all levels
and metadata `resized` ("HxW" before padding). pieces.json holds the parts that need no network,
coco-labels.json torchvision's labels of its 91-class heads.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "parity"))

import networks
import pieces
import reference
import torch
from pictures import picture
from safetensors.numpy import save_file
from torchvision.models import _meta

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMALL_ANCHORS = networks.octave_sizes(8, 16, 32, 64, 128)
COMMON = {
    "classes": 3,
    "labels": ["red", "green", "blue"],
    "min_size": 96,
    "max_size": 160,
    "candidates_per_level": 150,
    "detections_per_image": 100,
    "ranks": (6, 900),
}
MODELS = [
    # torchvision v1's form; channels (4) below a vector's width, eps 0 as its published weights.
    networks.Variant(
        "v1-resnet18",
        backbone="resnet18",
        base_width=4,
        norm_epsilon=0.0,
        pyramid_channels=32,
        head_depth=2,
        anchor_sizes=SMALL_ANCHORS,
        **COMMON,
    ),
    # torchvision v2's form: GroupNorm heads (two channels a group), P6 from C5, trainable batch norm.
    networks.Variant(
        "v2-resnet18",
        backbone="resnet18",
        base_width=4,
        norm="batch",
        pyramid_channels=64,
        p6_source="c5",
        head_depth=1,
        head_norm="groupNorm",
        anchor_sizes=[sizes[:2] for sizes in SMALL_ANCHORS],
        **COMMON,
    ),
    # Bottlenecks.
    networks.Variant(
        "v1-resnet50",
        backbone="resnet50",
        base_width=4,
        pyramid_channels=16,
        head_depth=3,
        anchor_sizes=[sizes[:2] for sizes in SMALL_ANCHORS],
        aspect_ratios=(0.4, 1.0, 2.5),
        **{**COMMON, "detections_per_image": 40},
    ),
    # ResNeXt: groups of 2, 4, 8 and 16 channels, from below a vector's width to a whole one; Caffe's stride.
    networks.Variant(
        "v1-resnext50",
        backbone="resnet50",
        base_width=8,
        groups=4,
        group_width=2,
        stride_in_1x1=True,
        pyramid_channels=16,
        head_depth=1,
        anchor_sizes=[sizes[:1] for sizes in SMALL_ANCHORS],
        **COMMON,
    ),
]
STORED_AS = {
    "v1-resnet18": torch.float32,
    "v2-resnet18": torch.bfloat16,
    "v1-resnet50": torch.float16,
    "v1-resnext50": torch.float16,
}
# Name -> (width, height). Padded inputs and P5-P6-P7: 96x160 3x5-2x3-1x2; 160x96 5x3-3x2-2x1 (odd both
# ways); 32x160 1x5-1x3-1x2, resized to less than one cell of padding (11 high); 96x96 without any resize.
CASES = {"landscape": (223, 140), "portrait": (75, 131), "sliver": (200, 14), "exact": (96, 96)}


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for variant in MODELS:
        model = networks.build(variant)
        calibration = [picture(f"calibration {index}", 223, 140) for index in range(12)]
        calibration += [picture("landscape", 223, 140)] * 4
        networks.fill(model, variant, [reference.as_tensor(pixels) for pixels in calibration])
        # The file is smaller in 16 bits, and the reader's F16 and BF16 paths are met.
        kind = STORED_AS[variant.name]
        state = {k: v.to(kind) if v.is_floating_point() else v for k, v in model.state_dict().items()}
        model.load_state_dict(state)
        torch.save(state, folder / f"{variant.name}.pth")
        description = json.dumps(variant.description(), indent=1)
        (folder / f"{variant.name}.json").write_text(description + "\n")
        for case, (width, height) in CASES.items():
            if case == "exact" and variant is not MODELS[0]:
                continue
            pixels = picture(case, width, height)
            result = reference.run(model, pixels)
            tensors = {
                "picture": pixels,
                "cls_logits": result.logits,
                "bbox_regression": result.regression,
                "boxes": result.boxes,
                "scores": result.scores,
                "labels": result.labels,
                "anchors": result.anchors,
            }
            if variant is MODELS[0] and case == "portrait":
                tensors["input"] = result.input
            size = "x".join(map(str, result.resized))
            path = folder / f"{variant.name}-{case}.safetensors"
            save_file(tensors, path, metadata={"resized": size})
            print(
                f"{path.name}: resized {size}, grids {result.grids}, {len(result.scores)} detections,"
                f" scores {result.scores.min():.3f}...{result.scores.max():.3f}"
            )
    pieces.write(folder / "pieces.json")
    labels = json.dumps(_meta._COCO_CATEGORIES, indent=0)
    (folder / "coco-labels.json").write_text(labels + "\n")


if __name__ == "__main__":
    default = ROOT / "Tests/RetinaNetModelTests/Fixtures"
    write(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
