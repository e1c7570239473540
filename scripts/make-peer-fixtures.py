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
    sizes            I64 n 4          widths and heights of pictures, and what it resizes them to
and metadata `resized` ("HxW" before padding). NAME-noise-SEED.safetensors has boxes, scores and labels of outputs that are
made up by `noise`, of 80 classes, and
its other arguments as metadata: seeds for which a single rounding, which a rule of suppression
decides over, changes what is found.
"""
import itertools
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
            anchor_sizes=networks.octave_sizes(*BASES),
            candidates_per_level=LIMITS["candidatesPerLevel"],
            detections_per_image=LIMITS["detectionsPerImage"],
            **words,
        )
    )


SEEDS = {"deepforest-r50": 6}
NOISE_CLASSES = 80
# By seed the share of anchors that have a score. Suppression in one go is up to 1000 candidates: some have more.
NOISE = {1: 0.2, 2: 0.7}
MODELS = {
    "mmdetection-r18": (
        "mmdetection", SIDES, lambda s, k=CLASSES: families.MMDetection("retinanet_r18_fpn_1x_coco", k, s, small_mmdetection(32))),
    "mmdetection-caffe-r50": (
        "mmdetection-caffe", SIDES,
        lambda s, k=CLASSES: families.MMDetection("retinanet_r50-caffe_fpn_1x_coco", k, s, small_mmdetection(16))),
    "detectron2-r50": ("detectron2", SIDES, lambda s, k=CLASSES: families.Detectron2(50, k, s, small_detectron2)),
    "deepforest-r50": (
        "deepforest", SIDES, lambda s, k=CLASSES: families.DeepForest(k, s, small_torchvision(
            classes=k, base_width=4, score_threshold=0.1, nms_threshold=0.05))),
    "mlperf-resnext50": (
        "mlperf", (96, 96), lambda s, k=CLASSES: families.MLPerf(k, s, small_torchvision(
            classes=k, base_width=8, groups=4, group_width=2, min_size=96, max_size=96))),
}  # fmt: skip


def resized(rule, width, height, sides):
    """By the rules as they are documented."""
    low, high = min(width, height), max(width, height)
    factor = min(sides[1] / high, sides[0] / low)
    if rule == "stretch":
        return sides[0], sides[0]
    if rule == "steps":
        factor = sides[0] / low
        new = [sides[0] if side == low else side * factor for side in (width, height)]
        if max(new) > sides[1]:
            new = [side * (sides[1] / max(new)) for side in new]
        return tuple(int(side + 0.5) for side in new)
    return tuple(int(side * factor + (0.5 if rule == "round" else 0)) for side in (width, height))


def telling_sizes(sides):
    """Sizes of pictures by which any two rules differ, three of each pair."""
    found = {}
    for width in range(20, 400):
        for height in range(20, 400):
            by_rule = {rule: resized(rule, width, height, sides) for rule in ("truncate", "round", "steps", "stretch")}
            for pair in itertools.combinations(by_rule.items(), 2):
                (first, a), (second, b) = pair
                if a != b and len(found.setdefault((first, second), [])) < 3:
                    found[first, second].append((width, height))
    assert len(found) == 6 and all(len(sizes) == 3 for sizes in found.values()), found
    return sorted({size for sizes in found.values() for size in sizes})


def words(seed, count):
    """The first words of the tests' SeededGenerator(seed:)."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def noise(seed, share, square, shift, grids):
    """Head outputs: of some anchors a logit in -2...2 for one of the last three classes, and deltas in -0.5...0.5.

    Those of `square` in each cell have one always, of 0...4, for the last class, and deltas of 0, or, every second, `shift` in dx:
    squares in neighbouring cells then overlap by just as much as suppression asks for, so that any rounding decides.
    Of an anchor's six random numbers the first is for whether, the second for class and logit, the others for the deltas.
    """
    levels, first = ([], []), 0
    cells = sum(height * width for height, width in grids)
    units = (words(seed, cells * 9 * 6) >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
    units = units.reshape(-1, 6)
    is_square = np.arange(len(units)) % 9 == square
    thirds = units[:, 1] * np.float32(3)
    classes = np.where(is_square, 2, thirds.astype(int)) + NOISE_CLASSES - 3
    chosen = np.flatnonzero(is_square | (units[:, 0] < np.float32(share)))
    logits = np.full((len(units), NOISE_CLASSES), -20, np.float32)
    made = (thirds - np.floor(thirds) - np.float32(0.5)) * np.float32(4) + np.float32(2) * is_square
    logits[chosen, classes[chosen]] = made[chosen]
    deltas = units[:, 2:] - np.float32(0.5)
    moved = np.where(deltas[:, :1] < 0, np.float32([shift, 0, 0, 0]), np.float32(0))
    deltas = np.where(is_square[:, None], moved, deltas)
    scores = torch.sigmoid(torch.from_numpy(logits)).flatten()
    assert len(scores[scores > 0.05].unique()) == (scores > 0.05).sum(), "equal scores have no order"
    for height, width in grids:
        count = height * width * 9
        for half, flat in zip(levels, (logits, deltas)):
            part = torch.from_numpy(flat[first : first + count]).reshape(height, width, -1)
            half.append(part.permute(2, 0, 1)[None].contiguous())
        first += count
    return levels


def allow_candidates(model, count):
    """Of each level."""
    if hasattr(model, "bbox_head"):
        model.bbox_head.test_cfg.nms_pre = count
    elif hasattr(model, "test_topk_candidates"):
        model.test_topk_candidates = count
    else:
        model.topk_candidates = count


@torch.inference_mode()
def write_noise(folder, name, pixels):
    """What the program makes of made-up outputs for the same picture."""
    _, sides, make = MODELS[name]
    peer = make(sides, NOISE_CLASSES)
    allow_candidates(peer.model, 1000)
    tensor, memory = peer.input(pixels)
    grids = [tuple(level.shape[-2:]) for level in peer.heads(tensor)[0]]
    # With squares a shift of s makes an overlap of (1 - s) / (1 + s), cells are one side apart.
    shift = {"deepforest-r50": -2 / 21}.get(name, -2 / 3)
    square = 1 if name.startswith("detectron2") else 3
    for seed, share in NOISE.items():
        boxes, scores, labels = peer.detections(noise(seed, share, square, shift, grids), memory)
        tensors = {"boxes": boxes.astype(np.float32), "scores": scores, "labels": labels.astype(np.uint8)}
        tensors = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
        save_file(tensors, folder / f"{name}-noise-{seed}.safetensors", metadata={"share": f"{share}", "square": f"{square}", "shift": f"{shift}"})
        print(f"{name}, noise {seed}: {len(scores)} detections")


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
    sizes = []
    for width, height in telling_sizes(sides):
        rows, columns = peer.resized(peer.input(np.zeros((height, width, 3), np.uint8))[1])
        sizes.append((width, height, columns, rows))
    outputs["sizes"] = np.array(sizes, dtype=np.int64)
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
        write_noise(folder, name, picture("landscape", *SIZE))


if __name__ == "__main__":
    main()
