#!/usr/bin/env python3
"""Writes Tests/RetinaNetModelTests/Fixtures/peers: small RetinaNets of other programs and what these make of a picture.

    python scripts/make-peer-fixtures.py [FOLDER]     (scripts/parity/requirements-peers.txt; scripts/parity/README.md)

For each program NAME.safetensors (weights by our names, F16), NAME.json (import configuration) and NAME-picture.safetensors with
    picture          U8  H W 3        RGB
    input            F32 1 3 h w      padded network input
    cls_logits       F32 1 anchors K  raw head outputs, flattened (y, x, anchor in cell) over P3...P7
    bbox_regression  F32 1 anchors 4
    boxes            F32 n 4          corners in pixels of the picture, in the program's order
    scores, labels   F32, I64         n each
and metadata `resized` ("HxW" before padding).
"""
import json
import pathlib
import sys
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts/parity"))
warnings.filterwarnings("ignore")
import families  # noqa: E402
import networks  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from pictures import picture  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

SIDES = (96, 160)
CLASSES = 3
LABELS = ["red", "green", "blue"]
SIZE = (223, 140)  # becomes 152.9x96
LIMITS = {"candidatesPerLevel": 150, "detectionsPerImage": 250}
BASES = (8, 16, 32, 64, 128)
EXACT = [[x, x * 2 ** (1.0 / 3), x * 2 ** (2.0 / 3)] for x in BASES]


def small_mmdetection(channels):
    """A width of 4, and as many pyramid channels as C5 has for R18: its weights do not say what P6 reads."""

    def change(model):
        expansion = 1 if model.backbone.depth == 18 else 4
        model.backbone.base_channels = 4
        model.backbone.stem_channels = 4
        model.neck.in_channels = [4 * expansion << stage for stage in range(4)]
        model.neck.out_channels = channels
        model.bbox_head.update(in_channels=channels, feat_channels=channels, stacked_convs=2)
        model.bbox_head.anchor_generator.octave_base_scale = 1
        model.test_cfg.update(nms_pre=LIMITS["candidatesPerLevel"], max_per_img=LIMITS["detectionsPerImage"])

    return change


def small_detectron2(config):
    config.MODEL.RESNETS.STEM_OUT_CHANNELS = 4
    config.MODEL.RESNETS.RES2_OUT_CHANNELS = 16
    config.MODEL.RESNETS.WIDTH_PER_GROUP = 4
    config.MODEL.FPN.OUT_CHANNELS = 16
    config.MODEL.RETINANET.NUM_CONVS = 2
    config.MODEL.ANCHOR_GENERATOR.SIZES = EXACT
    config.MODEL.RETINANET.TOPK_CANDIDATES_TEST = LIMITS["candidatesPerLevel"]
    config.TEST.DETECTIONS_PER_IMAGE = LIMITS["detectionsPerImage"]


def small_torchvision(**words):
    return networks.build(
        networks.Variant(
            "small",
            pyramid_channels=16,
            head_depth=2,
            classes=CLASSES,
            anchor_sizes=networks.octave_sizes(*BASES),
            candidates_per_level=LIMITS["candidatesPerLevel"],
            detections_per_image=LIMITS["detectionsPerImage"],
            **words,
        )
    )


SEEDS = {"deepforest-r50": 6}
MODELS = {
    "mmdetection-r18": (
        "mmdetection", SIDES, lambda s: families.MMDetection("retinanet_r18_fpn_1x_coco", CLASSES, s, small_mmdetection(32))),
    "mmdetection-caffe-r50": (
        "mmdetection-caffe", SIDES,
        lambda s: families.MMDetection("retinanet_r50-caffe_fpn_1x_coco", CLASSES, s, small_mmdetection(16))),
    "detectron2-r50": ("detectron2", SIDES, lambda s: families.Detectron2(50, CLASSES, s, small_detectron2)),
    "deepforest-r50": (
        "deepforest", SIDES, lambda s: families.DeepForest(CLASSES, s, small_torchvision(
            base_width=4, score_threshold=0.1, nms_threshold=0.05))),
    "mlperf-resnext50": (
        "mlperf", (96, 96), lambda s: families.MLPerf(CLASSES, s, small_torchvision(
            base_width=8, groups=4, group_width=2, min_size=96, max_size=96))),
}  # fmt: skip


@torch.inference_mode()
def write(folder, name):
    preset, sides, make = MODELS[name]
    peer = make(sides)
    pixels = picture("landscape", *SIZE)
    calibration = [picture(f"calibration {index}", *SIZE) for index in range(8)]
    families.randomise(peer, calibration + [pixels] * 4, seed=SEEDS.get(name, 3), bias=-4)
    own = ("data_preprocessor", "pixel_", "anchor_generator")  # not the network's
    for key, tensor in [*peer.model.named_parameters(), *peer.model.named_buffers()]:
        if tensor.dim() > 0 and tensor.is_floating_point() and not key.startswith(own):
            tensor.copy_(tensor.half().float())
    weights = {key: value.astype(np.float16) for key, value in peer.weights().items()}
    save_file(weights, folder / f"{name}.safetensors")
    exact = preset in ("mmdetection", "mmdetection-caffe", "detectron2")
    config = {
        "conventions": {"preset": preset},
        "classes": LABELS,
        "preprocessing": {"minSize": sides[0], "maxSize": sides[1]},
        "anchors": {"sizes": EXACT if exact else networks.octave_sizes(*BASES), "aspectRatios": [0.5, 1.0, 2.0]},
        "postprocessing": LIMITS,
    }
    (folder / f"{name}.json").write_text(json.dumps(config, indent=1) + "\n")
    tensor, memory = peer.input(pixels)
    heads = peer.heads(tensor)
    boxes, scores, labels = peer.detections(heads, memory)
    assert all(np.allclose(a, b, atol=1e-3) for a, b in zip((boxes, scores, labels), peer.whole(pixels)))
    outputs = {
        "picture": pixels,
        "input": tensor.numpy(),
        "cls_logits": families.flat(heads[0], CLASSES).numpy(),
        "bbox_regression": families.flat(heads[1], 4).numpy(),
        "boxes": boxes.astype(np.float32),
        "scores": scores,
        "labels": labels,
    }
    height, width = peer.resized(memory)
    outputs = {key: np.ascontiguousarray(value) for key, value in outputs.items()}
    save_file(outputs, folder / f"{name}-picture.safetensors", metadata={"resized": f"{height}x{width}"})
    empty = int(((boxes[:, 2:] - boxes[:, :2]).min(axis=1) <= 0).sum())
    print(f"{name}: {len(scores)} detections, {empty} of them empty, scores {scores.min():.3f}...{scores.max():.3f}")


def main():
    folder = ROOT / "Tests/RetinaNetModelTests/Fixtures/peers"
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in MODELS:
        write(folder, name)


if __name__ == "__main__":
    main()
