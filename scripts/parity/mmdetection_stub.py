"""Lets MMDetection 3.3 run with mmcv-lite: import this before mmdet.

mmcv-lite has all of mmcv.ops but its compiled module, of which a RetinaNet needs one function.
"""

import importlib.machinery
import sys
import types

from torchvision_reference import torchvision


class Extension(types.ModuleType):
    """Stands for mmcv._ext: what is not here raises when it is called."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*arguments, **options):
            raise NotImplementedError(f"mmcv._ext.{name}")

        return missing


def nms(boxes, scores, iou_threshold, offset):
    assert offset == 0
    return torchvision.ops.nms(boxes, scores, float(iou_threshold))


extension = Extension("mmcv._ext")
extension.nms = nms
extension.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)
sys.modules.setdefault("mmcv._ext", extension)
