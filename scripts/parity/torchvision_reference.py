"""torchvision, made to import beside any build of torch.

torchvision wheels whose compiled part wants another torch (CUDA against CPU, mostly) fail with "operator
torchvision::nms does not exist". The detectors here need that one operator only, so where it is missing it
is defined from the description of the CPU kernel: greedy, by falling score, suppressing IoU > threshold.
"""

import numpy as np
import torch


def _nms(boxes, scores, threshold):
    """Indices of the boxes (x1, y1, x2, y2) that survive, by falling score; float32 like the kernel."""
    corners = boxes.detach().numpy()
    order = np.argsort(-scores.detach().numpy(), kind="stable")
    x1, y1, x2, y2 = (corners[order, column] for column in range(4))
    areas = (x2 - x1) * (y2 - y1)
    alive = np.ones(len(order), dtype=bool)
    kept = []
    for place in range(len(order)):
        if not alive[place]:
            continue
        kept.append(order[place])
        rest = slice(place + 1, None)
        width = np.maximum(np.minimum(x2[rest], x2[place]) - np.maximum(x1[rest], x1[place]), 0)
        height = np.maximum(np.minimum(y2[rest], y2[place]) - np.maximum(y1[rest], y1[place]), 0)
        shared = width * height
        with np.errstate(invalid="ignore", divide="ignore"):
            alive[rest] &= ~(shared / (areas[place] + areas[rest] - shared) > threshold)
    return torch.as_tensor(np.array(kept, dtype=np.int64))


def _import():
    try:
        import torchvision

        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
        return torchvision
    except (RuntimeError, AttributeError, NotImplementedError):
        pass
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", _nms, "CPU")
    import torchvision

    torchvision.ops.boxes._assert_has_ops = lambda: None
    torchvision._keep_nms_library = library  # the operators live as long as this object
    return torchvision


torchvision = _import()
