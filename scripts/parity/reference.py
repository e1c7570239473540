"""What torchvision makes of one picture: network input, head outputs, detections with their anchors."""

from dataclasses import dataclass

import numpy as np
import torch
from torchvision_reference import torchvision

boxes_ops = torchvision.ops.boxes


@dataclass
class Reference:
    """All of float32 but where said; `boxes` are corners in pixels of the picture."""

    original: tuple  # (height, width) of the picture
    resized: tuple  # (height, width) after the resize, before padding
    input: np.ndarray  # 1x3xHxW, padded
    grids: list  # (height, width) of each level
    logits: np.ndarray  # 1 x anchors x classes
    regression: np.ndarray  # 1 x anchors x 4
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray  # int64
    anchors: np.ndarray  # int64, ordinal over all levels


def as_tensor(picture):
    """uint8 HxWx3 -> float 3xHxW in 0...1, as torchvision's preset does."""
    return torch.as_tensor(picture).permute(2, 0, 1).contiguous().float() / 255


def anchors_of(model, padded, grids):
    """Anchors per level for a padded input (height, width)."""
    images = torchvision.models.detection.image_list.ImageList(
        torch.zeros(1, 3, *padded), [tuple(padded)]
    )
    features = [torch.zeros(1, 1, *grid) for grid in grids]
    per_cell = model.anchor_generator.num_anchors_per_location()[0]
    counts = [height * width * per_cell for height, width in grids]
    return model.anchor_generator(images, features)[0].split(counts)


def candidates(model, logits, regression, anchors, resized):
    """(boxes, scores, labels, anchor ordinals) of every level that go on to NMS, as torchvision picks them."""
    found, first = [], 0
    for level in anchors:
        here = slice(first, first + len(level))
        scores = torch.sigmoid(logits[here]).flatten()
        above = torch.where(scores > model.score_thresh)[0]
        top, order = scores[above].topk(min(model.topk_candidates, len(above)))
        chosen = above[order]
        cell = torch.div(chosen, logits.shape[-1], rounding_mode="floor")
        boxes = model.box_coder.decode_single(regression[here][cell], level[cell])
        boxes = boxes_ops.clip_boxes_to_image(boxes, resized)
        found.append((boxes, top, chosen % logits.shape[-1], cell + first))
        first += len(level)
    return tuple(torch.cat(parts) for parts in zip(*found))


def detections(model, logits, regression, anchors, resized, original):
    """Final boxes in pixels of the picture, scores, labels and anchor ordinals, as torchvision's forward."""
    boxes, scores, labels, ordinals = candidates(model, logits, regression, anchors, resized)
    kept = boxes_ops.batched_nms(boxes, scores, labels, model.nms_thresh)
    kept = kept[: model.detections_per_img]
    # Like the transform's postprocess: float32 ratios, x and y apart.
    ratio = [
        torch.tensor(o, dtype=torch.float32) / torch.tensor(r, dtype=torch.float32)
        for o, r in zip(original, resized)
    ]
    scale = torch.stack([ratio[1], ratio[0], ratio[1], ratio[0]])
    return boxes[kept] * scale, scores[kept], labels[kept], ordinals[kept]


@torch.inference_mode()
def run(model, picture):
    """Everything about one picture (uint8 HxWx3); checks that our steps give what `model(...)` gives."""
    original = picture.shape[:2]
    tensor = as_tensor(picture)
    images, _ = model.transform([tensor])
    resized = tuple(images.image_sizes[0])
    features = list(model.backbone(images.tensors).values())
    heads = model.head(features)
    grids = [tuple(feature.shape[-2:]) for feature in features]
    anchors = anchors_of(model, images.tensors.shape[-2:], grids)
    logits, regression = heads["cls_logits"][0], heads["bbox_regression"][0]
    boxes, scores, labels, ordinals = detections(
        model, logits, regression, anchors, resized, original
    )
    whole = model([tensor])[0]
    for ours, theirs in ((boxes, "boxes"), (scores, "scores"), (labels, "labels")):
        if not torch.equal(ours, whole[theirs]):
            raise AssertionError(f"the steps taken here and torchvision's forward differ in {theirs}")
    return Reference(
        tuple(original),
        resized,
        images.tensors.numpy(),
        grids,
        heads["cls_logits"].numpy(),
        heads["bbox_regression"].numpy(),
        boxes.numpy(),
        scores.numpy(),
        labels.numpy(),
        ordinals.numpy(),
    )
