"""Whether a detection that only one side has is a matter of rounding: how near it came to being on the other."""

from dataclasses import dataclass

import numpy as np
import torch
from reference import anchors_of, candidates


@dataclass
class Detection:
    score: float
    box: np.ndarray


def Side(anchors, labels, scores, boxes):
    """Detections as (anchor, label) -> Detection."""
    return {
        (int(anchor), int(label)): Detection(float(score), box)
        for anchor, label, score, box in zip(anchors, labels, scores, boxes)
    }


def matched(key, side, other):
    """Whether `other` has a detection with the same label, score and box (of whichever anchor)."""
    detection = side[key]
    width, height = detection.box[2:] - detection.box[:2]
    tolerance = max(0.1, 1e-4 * max(width, height))
    return any(
        label == key[1]
        and abs(partner.score - detection.score) <= 1e-3
        and np.abs(partner.box - detection.box).max() <= tolerance
        for (_, label), partner in other.items()
    )


def overlaps(box, boxes):
    """IoU of one box with many."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    return shared / (np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - shared)


class Margins:
    """torchvision's candidates of one picture, and the differences of head outputs to judge them by."""

    def __init__(self, model, result, differences):
        logits, regression = (torch.as_tensor(t[0]) for t in (result.logits, result.regression))
        padded = result.input.shape[-2:]
        self.levels = anchors_of(model, padded, result.grids)
        found = candidates(model, logits, regression, self.levels, result.resized)
        boxes, scores, labels, anchors = (t.numpy() for t in found)
        self.boxes, self.scores, self.labels, self.anchors = boxes, scores, labels, anchors
        self.place = {(int(a), int(k)): i for i, (a, k) in enumerate(zip(anchors, labels))}
        self.logits, self.model, self.final = logits, model, result.scores
        # A logit moves a score by at most a quarter of itself; a regression moves an edge by about itself times
        # the anchor's side, and an IoU by about four times itself.
        self.score_margin = 10 * (differences[0] / 4 + 1e-7)
        self.iou_margin = 10 * (4 * differences[1] + 1e-6)

    def reason(self, key, side, alone):
        """Why the other side may lack it, in words; None if nothing explains it."""
        score = torch.sigmoid(self.logits[key]).item()
        if abs(score - self.model.score_thresh) < self.score_margin:
            return f"score {score:.6f} is at the threshold"
        first = 0
        for anchors in self.levels:
            here = (self.anchors >= first) & (self.anchors < first + len(anchors))
            if first <= key[0] < first + len(anchors) and here.sum() == self.model.topk_candidates:
                if abs(score - self.scores[here].min()) < self.score_margin:
                    return f"score {score:.6f} is at the last place of its level"
            first += len(anchors)
        if len(self.final) == self.model.detections_per_img:
            if abs(score - self.final.min()) < self.score_margin:
                return f"score {score:.6f} is at the last place of the picture"
        if key not in self.place:
            return None
        return self._suppression(self.place[key], score, alone)

    def _suppression(self, index, score, alone):
        same = np.flatnonzero((self.labels == self.labels[index]) & (np.arange(len(self.labels)) != index))
        shares = overlaps(self.boxes[index], self.boxes[same])
        threshold = self.model.nms_thresh
        for other, share in zip(same, shares):
            above = self.scores[other] > score - self.score_margin
            if above and abs(share - threshold) < self.iou_margin:
                return f"IoU {share:.6f} with a better box is at the threshold"
            if share > threshold and abs(self.scores[other] - score) < self.score_margin:
                return f"overlaps a box of nearly the same score {score:.6f}"
            if share > threshold and above and (int(self.anchors[other]), int(self.labels[other])) in alone:
                return "overlaps a box that itself is on one side only"
        return None
