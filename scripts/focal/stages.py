"""Detectors of torchvision over one narrow backbone, to compare them on equal terms: trained alike, from random weights."""

import functools
import json
import pathlib
import xml.etree.ElementTree as ElementTree

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

from .kept import write_whole

KINDS = ["retinanet", "fcos", "ssd", "faster-rcnn"]


class Body(ResNet):
    """ResNet-18 with `width` channels in its stem; C2 to C5."""

    def __init__(self, width):
        super().__init__(BasicBlock, [1, 1, 1, 1], num_classes=1)
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for stage in range(4):
            setattr(self, f"layer{stage + 1}", self._make_layer(BasicBlock, width << stage, 2, stride=1 if stage == 0 else 2))
        del self.fc, self.avgpool
        # As torchvision's own and ours start; it has done so only for the layers that were replaced here.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pixels):
        value = self.maxpool(self.relu(self.bn1(self.conv1(pixels))))
        levels = []
        for stage in range(4):
            value = getattr(self, f"layer{stage + 1}")(value)
            levels.append(value)
        return levels


class Pyramid(nn.Module):
    """A body with its feature pyramid: P3 to P7, or P2 to P6 as Faster R-CNN has it."""

    def __init__(self, width, channels, from_p2):
        super().__init__()
        self.body = Body(width)
        self.first = 0 if from_p2 else 1
        sizes = [width << stage for stage in range(self.first, 4)]
        extra = LastLevelMaxPool() if from_p2 else LastLevelP6P7(channels, channels)
        self.fpn = FeaturePyramidNetwork(sizes, channels, extra_blocks=extra)
        self.out_channels = channels

    def forward(self, pixels):
        levels = self.body(pixels)[self.first :]
        return self.fpn({str(index): level for index, level in enumerate(levels)})


class SingleShot(nn.Module):
    """SSD's features: C3 to C5 and three smaller levels, without a pyramid."""

    def __init__(self, width, channels):
        super().__init__()
        self.body = Body(width)
        inputs, blocks = width << 3, []
        for _ in range(3):
            blocks.append(nn.Sequential(
                nn.Conv2d(inputs, channels, 1), nn.ReLU(), nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), nn.ReLU(),
            ))  # fmt: skip
            inputs = 2 * channels
        self.extra = nn.ModuleList(blocks)
        self.out_channels = [width << 1, width << 2, width << 3, *[2 * channels] * 3]

    def forward(self, pixels):
        levels = self.body(pixels)[1:]
        for block in self.extra:
            levels.append(block(levels[-1]))
        return {str(index): level for index, level in enumerate(levels)}


class DefaultBoxes(DefaultBoxGenerator):
    """SSD's boxes by their size in pixels of a square of `side`; torchvision's are parts of the batch, padding included."""

    def __init__(self, side, finest, levels):
        scales = [finest * 2.0**level / side for level in range(levels + 1)]
        super().__init__([[2]] * levels, scales=scales, steps=[8 << level for level in range(levels)], clip=False)
        self.side = side

    def forward(self, image_list, feature_maps):
        places = [features.shape[-2:] for features in feature_maps]
        boxes = self._grid_default_boxes(places, [self.side, self.side], dtype=feature_maps[0].dtype)
        corners = torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], -1) * self.side
        return [corners for _ in image_list.image_sizes]


def build(kind, classes, plan):
    """A detector of `classes` labels (background apart); `plan` has the sizes."""
    size = {"min_size": plan.size, "max_size": plan.longest}
    width, channels = plan.width, plan.channels
    sizes = tuple(tuple(size << level for size in plan.anchors) for level in range(5))
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5)
    if kind == "faster-rcnn":
        finest = plan.anchors[0]
        proposals = AnchorGenerator(tuple((finest << level,) for level in range(5)), ((0.5, 1.0, 2.0),) * 5)
        pool = MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=7, sampling_ratio=2, canonical_scale=224 * plan.size / 800)
        backbone = Pyramid(width, channels, from_p2=True)
        head = detection.faster_rcnn.TwoMLPHead(channels * 49, 256)
        predictor = detection.faster_rcnn.FastRCNNPredictor(256, classes + 1)
        return detection.FasterRCNN(
            backbone, rpn_anchor_generator=proposals, box_roi_pool=pool, box_head=head, box_predictor=predictor,
            rpn_pre_nms_top_n_train=500, rpn_post_nms_top_n_train=500, box_batch_size_per_image=plan.sampled,
            rpn_pre_nms_top_n_test=300, rpn_post_nms_top_n_test=300, box_score_thresh=0.05, **size,
        )  # fmt: skip
    if kind == "ssd":
        backbone = SingleShot(width, channels)
        boxes = DefaultBoxes(plan.size, plan.anchors[0], len(backbone.out_channels))
        model = detection.ssd.SSD(
            backbone, boxes, (plan.size, plan.size), classes + 1, score_thresh=0.05, nms_thresh=0.5,
            head=detection.ssd.SSDHead(backbone.out_channels, boxes.num_anchors_per_location(), classes + 1),
        )  # fmt: skip
        # As the others look at pictures, not squeezed into a square.
        model.transform = detection.transform.GeneralizedRCNNTransform(
            plan.size, plan.longest, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        )
        return model
    backbone = Pyramid(width, channels, from_p2=False)
    if kind == "fcos":
        one = AnchorGenerator(((8,), (16,), (32,), (64,), (128,)), ((1.0,),) * 5)
        head = detection.fcos.FCOSHead(channels, 1, classes, num_convs=plan.depth)
        return detection.FCOS(backbone, classes, anchor_generator=one, head=head, score_thresh=0.05, nms_thresh=0.5, **size)
    # Norms as FCOS has them.
    norm = functools.partial(nn.GroupNorm, 32)
    head = detection.retinanet.RetinaNetHead(channels, anchors.num_anchors_per_location()[0], classes, norm_layer=norm)
    for part in (head.classification_head, head.regression_head):
        part.conv = nn.Sequential(*list(part.conv)[: plan.depth])
    return detection.RetinaNet(backbone, classes, anchor_generator=anchors, head=head, score_thresh=0.05, nms_thresh=0.5, **size)


class Pictures(torch.utils.data.Dataset):
    """A COCO file's pictures, decoded once, as tensors with their boxes."""

    def __init__(self, annotations):
        truth = json.loads(pathlib.Path(annotations).read_text())
        self.entries = truth["images"]
        self.folder = pathlib.Path(annotations).parent
        self.boxes = {image["id"]: [] for image in self.entries}
        for entry in truth["annotations"]:
            self.boxes[entry["image_id"]].append(entry)
        self.kept = {}

    def __len__(self):
        return len(self.entries)

    def decoded(self, index):
        """From its file: float32 [3, height, width], 0 to 1."""
        picture = Image.open(self.folder / self.entries[index]["file_name"]).convert("RGB")
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous().float() / 255

    def pixels(self, index):
        if index not in self.kept:
            self.kept[index] = (self.decoded(index) * 255).round().byte()
        return self.kept[index].float() / 255

    def __getitem__(self, index):
        found = self.boxes[self.entries[index]["id"]]
        corners = [[x, y, x + w, y + h] for x, y, w, h in (entry["bbox"] for entry in found)]
        return self.pixels(index), {
            "boxes": torch.tensor(corners, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor([entry["category_id"] for entry in found], dtype=torch.int64),
        }


def coco_of_voc(folder, split, path):
    """A COCO file of a Pascal VOC split, beside a link to the pictures; 1-based pixels as they stand."""
    if path.exists():
        return path
    link = path.parent / "voc"
    if not link.exists():
        link.symlink_to(folder.resolve(), target_is_directory=True)
    names, images, annotations = [], [], []
    for number, name in enumerate((folder / f"ImageSets/Main/{split}.txt").read_text().split()):
        tree = ElementTree.parse(folder / f"Annotations/{name}.xml")
        size = tree.find("size")
        images.append({
            "id": number + 1, "file_name": f"voc/JPEGImages/{name}.jpg", "width": int(size.findtext("width")), "height": int(size.findtext("height")),
        })  # fmt: skip
        for found in tree.iter("object"):
            label = found.findtext("name")
            if label not in names:
                names.append(label)
            corners = found.find("bndbox")
            x, y, right, bottom = (float(corners.findtext(key)) for key in ("xmin", "ymin", "xmax", "ymax"))
            if right <= x or bottom <= y:
                continue
            annotations.append({
                "id": len(annotations) + 1, "image_id": number + 1, "category_id": label, "iscrowd": 0,
                "bbox": [x, y, right - x, bottom - y], "area": (right - x) * (bottom - y),
            })  # fmt: skip
    names.sort()
    for entry in annotations:
        entry["category_id"] = names.index(entry["category_id"]) + 1
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(names)]
    write_whole(path, json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    return path
