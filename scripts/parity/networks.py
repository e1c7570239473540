"""torchvision RetinaNets of any size with weights from a formula, scaled so that outputs are sane.

A network is described by the same words as our model files (`ModelDescription`); `build` makes the
torchvision module, `fill` gives it weights. Random weights alone make activations explode or die and every
score the same, so `fill` runs pictures through the network and, layer by layer, sets the running
statistics and the scale of each convolution such that every output's rms is near 1, and the last class
convolution such that a stated number of scores lies above 0.95 and above 0.05. Scales are rounded to eight
bits of mantissa, which hides the last-bit differences between machines: the same checkpoint everywhere.
"""

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from formula import uniform
from torch import nn
from torchvision_reference import torchvision

from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.retinanet import RetinaNet, RetinaNetHead
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops.feature_pyramid_network import LastLevelP6P7
from torchvision.ops.misc import FrozenBatchNorm2d

BLOCKS = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
    "resnet152": (Bottleneck, (3, 8, 36, 3)),
}


def octave_sizes(*bases):
    """Anchor sizes per level as torchvision truncates them: x, x*2^(1/3), x*2^(2/3)."""
    return [[x, int(x * 2 ** (1 / 3)), int(x * 2 ** (2 / 3))] for x in bases]


@dataclass
class Variant:
    """One network; the defaults are torchvision's `retinanet_resnet50_fpn`."""

    name: str
    backbone: str = "resnet50"
    base_width: int = 64
    groups: int = 1
    group_width: int = None  # default: base_width
    stride_in_1x1: bool = False  # as Caffe's bottlenecks have it
    norm: str = "frozen"  # or "batch": trainable, with num_batches_tracked in the file
    norm_epsilon: float = 1e-5
    pyramid_channels: int = 256
    p6_source: str = "p5"
    relu_before_p7: bool = True  # MMDetection has none
    exact_anchors: bool = False  # not rounded, at strides of 8 to 128: as MMDetection and Detectron2 have them
    head_depth: int = 4
    head_norm: str = "none"  # or "groupNorm"
    classes: int = 91
    labels: list = None  # default: class_0 ...
    anchor_sizes: list = field(default_factory=lambda: octave_sizes(32, 64, 128, 256, 512))
    aspect_ratios: tuple = (0.5, 1.0, 2.0)
    min_size: int = 800
    max_size: int = 1333
    score_threshold: float = 0.05
    candidates_per_level: int = 1000
    nms_threshold: float = 0.5
    detections_per_image: int = 300
    # How many (anchor, class) pairs of a calibration picture score above 0.95, and above 0.05.
    ranks: tuple = (20, 5000)

    def _grouping(self):
        """What is said of a ResNeXt, or of one with its stride elsewhere, alone."""
        words = {}
        if self.groups != 1:
            words = {"groups": self.groups, "groupWidth": self.group_width}
        return words | ({"strideIn1x1": True} if self.stride_in_1x1 else {})

    def description(self):
        """The import configuration: what the weights do not say, in the words of our model files."""
        return {
            "formatVersion": 1,
            "architecture": {
                "backbone": self.backbone,
                "baseWidth": self.base_width,
                **self._grouping(),
                "normEpsilon": self.norm_epsilon,
                "pyramidChannels": self.pyramid_channels,
                "p6Source": self.p6_source,
                "headDepth": self.head_depth,
                "headNorm": self.head_norm,
            },
            "classes": self.labels or [f"class_{k}" for k in range(self.classes)],
            "preprocessing": {
                "minSize": self.min_size,
                "maxSize": self.max_size,
                "mean": [0.485, 0.456, 0.406],
                "standardDeviation": [0.229, 0.224, 0.225],
            },
            "anchors": {"sizes": self.anchor_sizes, "aspectRatios": list(self.aspect_ratios)},
            "postprocessing": {
                "scoreThreshold": self.score_threshold,
                "classThresholds": {},
                "candidatesPerLevel": self.candidates_per_level,
                "nmsThreshold": self.nms_threshold,
                "detectionsPerImage": self.detections_per_image,
            },
        }


def variant_of(description):
    """The variant whose `description()` this is; the weights say the kind of batch norm, so that is not known."""
    architecture, limits = description["architecture"], description["postprocessing"]
    return Variant(
        "described",
        backbone=architecture["backbone"],
        base_width=architecture["baseWidth"],
        groups=architecture.get("groups", 1),
        group_width=architecture.get("groupWidth"),
        stride_in_1x1=architecture.get("strideIn1x1", False),
        norm_epsilon=architecture["normEpsilon"],
        pyramid_channels=architecture["pyramidChannels"],
        p6_source=architecture["p6Source"],
        head_depth=architecture["headDepth"],
        head_norm=architecture["headNorm"],
        classes=len(description["classes"]),
        labels=description["classes"],
        anchor_sizes=description["anchors"]["sizes"],
        aspect_ratios=tuple(description["anchors"]["aspectRatios"]),
        min_size=description["preprocessing"]["minSize"],
        max_size=description["preprocessing"]["maxSize"],
        score_threshold=limits["scoreThreshold"],
        candidates_per_level=limits["candidatesPerLevel"],
        nms_threshold=limits["nmsThreshold"],
        detections_per_image=limits["detectionsPerImage"],
    )


class HeadOutputs(nn.Module):
    """What engines are compared on: padded input in, class logits and box regression out."""

    def __init__(self, model):
        super().__init__()
        self.backbone, self.head = model.backbone, model.head

    def forward(self, images):
        outputs = self.head(list(self.backbone(images).values()))
        return outputs["cls_logits"], outputs["bbox_regression"]


class Body(nn.Module):
    """torchvision's residual blocks under torchvision's names, for any base width (its own class fixes 64)."""

    def __init__(self, variant, norm):
        super().__init__()
        block, counts = BLOCKS[variant.backbone]
        width = variant.base_width
        # torchvision's blocks count a group's channels in parts of 64.
        group_width = 64 * (variant.group_width or width) // width
        grouping = {"groups": variant.groups, "base_width": group_width}
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = width
        for stage, count in enumerate(counts):
            planes, stride = width << stage, 1 if stage == 0 else 2
            layers = []
            for index in range(count):
                shortcut = None
                if index == 0 and (stride != 1 or channels != planes * block.expansion):
                    shortcut = nn.Sequential(
                        nn.Conv2d(channels, planes * block.expansion, 1, stride=stride, bias=False),
                        norm(planes * block.expansion),
                    )
                layers.append(
                    block(
                        channels,
                        planes,
                        stride if index == 0 else 1,
                        shortcut,
                        norm_layer=norm,
                        **grouping,
                    )
                )
                if variant.stride_in_1x1:
                    last = layers[-1]
                    last.conv1.stride, last.conv2.stride = last.conv2.stride, (1, 1)
                channels = planes * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))


class P6P7(LastLevelP6P7):
    """torchvision's, with the rules of others."""

    def __init__(self, in_channels, out_channels, variant):
        super().__init__(in_channels, out_channels)
        self.use_P5 = variant.p6_source == "p5"
        self.relu = nn.functional.relu if variant.relu_before_p7 else lambda x: x

    def forward(self, p, c, names):
        p6 = self.p6(p[-1] if self.use_P5 else c[-1])
        return [*p, p6, self.p7(self.relu(p6))], [*names, "p6", "p7"]


class ExactAnchors(AnchorGenerator):
    """Anchors that are not rounded, at strides of 8 to 128 whatever the picture's size."""

    def generate_anchors(self, scales, aspect_ratios, dtype=torch.float32, device="cpu"):
        roots = torch.as_tensor(aspect_ratios, dtype=torch.float64).sqrt()
        scales = torch.as_tensor(scales, dtype=torch.float64)
        width, height = ((factor[:, None] * scales).flatten() / 2 for factor in (1 / roots, roots))
        return torch.stack([-width, -height, width, height], dim=1).to(dtype)

    def forward(self, images, features):
        self.set_cell_anchors(features[0].dtype, features[0].device)
        strides = [[torch.tensor(8 << level)] * 2 for level in range(5)]
        levels = self.grid_anchors([feature.shape[-2:] for feature in features], strides)
        return [torch.cat(levels) for _ in images.image_sizes]


def build(variant):
    """The torchvision module of a variant, in evaluation mode, weights not set."""
    norms = {"frozen": FrozenBatchNorm2d, "batch": nn.BatchNorm2d}
    norm = partial(norms[variant.norm], eps=variant.norm_epsilon)
    body = Body(variant, norm)
    expansion = BLOCKS[variant.backbone][0].expansion
    stages = [(variant.base_width << stage) * expansion for stage in (1, 2, 3)]
    channels = variant.pyramid_channels
    p6_channels = stages[-1] if variant.p6_source == "c5" else channels
    backbone = BackboneWithFPN(
        body,
        {"layer2": "0", "layer3": "1", "layer4": "2"},
        stages,
        channels,
        extra_blocks=P6P7(p6_channels, channels, variant),
    )
    anchors = (ExactAnchors if variant.exact_anchors else AnchorGenerator)(
        tuple(tuple(sizes) for sizes in variant.anchor_sizes),
        (tuple(variant.aspect_ratios),) * 5,
    )
    head_norm = partial(nn.GroupNorm, 32) if variant.head_norm == "groupNorm" else None
    head = RetinaNetHead(
        channels, anchors.num_anchors_per_location()[0], variant.classes, norm_layer=head_norm
    )
    # torchvision's heads have four layers; fewer are the first so many.
    for half in (head.classification_head, head.regression_head):
        half.conv = half.conv[: variant.head_depth]
    model = RetinaNet(
        backbone,
        variant.classes,
        min_size=variant.min_size,
        max_size=variant.max_size,
        anchor_generator=anchors,
        head=head,
        score_thresh=variant.score_threshold,
        nms_thresh=variant.nms_threshold,
        detections_per_img=variant.detections_per_image,
        topk_candidates=variant.candidates_per_level,
    )
    return model.eval()


def rounded(values):
    """Values with eight bits of mantissa."""
    mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    return np.ldexp(np.round(mantissa * 256) / 256, exponent).astype(np.float32)


def _calibrate_norm(module, inputs):
    """Sets running statistics to those of the batch norm's input."""
    x = inputs[0].double()
    module.running_mean.copy_(torch.as_tensor(rounded(x.mean((0, 2, 3)))))
    # A channel that never fires must not be blown up: eps may be 0.
    variance = x.var((0, 2, 3), unbiased=False).clamp(min=1e-3)
    module.running_var.copy_(torch.as_tensor(rounded(variance)))


def _calibrate_convolution(module, inputs, output):
    """Scales a convolution that no batch norm follows: output rms 1."""
    factor = float(rounded(1 / output.double().square().mean().sqrt().item()))
    module.weight.mul_(factor)
    return module._conv_forward(inputs[0], module.weight, module.bias)


def _norm_gain(name):
    """Gain of a batch norm: small where it closes a bottleneck's residual branch, so that blocks stay near the
    identity. With 0.7 a random ResNet-101 makes 9e-4 of one float32 rounding (torchvision against itself in
    float64), with 0.2 it makes 2e-5."""
    return 0.2 if name.endswith("bn3") else 1.0


@torch.inference_mode()
def fill(model, variant, pictures):
    """Weights from the formula, scaled on pictures (float tensors 3xHxW in 0...1).

    Small networks want several pictures: statistics over a few cells of P5 fit no other picture.
    """
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            values = uniform(f"{name}.weight", tuple(module.weight.shape)) * math.sqrt(6 / fan_in)
            module.weight.copy_(torch.as_tensor(values))
            if module.bias is not None:
                bias = uniform(f"{name}.bias", tuple(module.bias.shape)) * np.float32(0.1)
                module.bias.copy_(torch.as_tensor(bias))
                if not name.endswith("cls_logits"):
                    hooks.append(_once(module, _calibrate_convolution))
        elif isinstance(module, (FrozenBatchNorm2d, nn.BatchNorm2d, nn.GroupNorm)):
            shape = tuple(module.weight.shape)
            gain = _norm_gain(name) * (1 + 0.25 * uniform(f"{name}.weight", shape))
            module.weight.copy_(torch.as_tensor(gain.astype(np.float32)))
            module.bias.copy_(torch.as_tensor(0.25 * uniform(f"{name}.bias", shape)))
            if not isinstance(module, nn.GroupNorm):
                hooks.append(module.register_forward_pre_hook(_calibrate_norm))
    images, _ = model.transform(list(pictures))
    features = list(model.backbone(images.tensors).values())
    outputs = model.head(features)
    for hook in hooks:
        hook.remove()
    last = model.head.regression_head.bbox_reg
    last.weight.mul_(0.4)
    last.bias.mul_(0.4)
    ranks = [rank * len(pictures) for rank in variant.ranks]
    spread_scores(model.head.classification_head.cls_logits, outputs["cls_logits"], ranks)


def _once(module, calibrate):
    """A forward hook that acts on the first call only: the heads are called once per level, P3 first."""

    def hook(module, inputs, output):
        if hook.done:
            return None
        hook.done = True
        return calibrate(module, inputs, output)

    hook.done = False
    return module.register_forward_hook(hook)


def spread_scores(last, logits, ranks):
    """Scales and shifts the class logits so that `ranks` of them lie above 0.95 and 0.05."""
    highest = torch.topk(logits.flatten().double(), ranks[1]).values
    top, bottom = highest[ranks[0] - 1].item(), highest[-1].item()
    limit = math.log(0.95 / 0.05)
    scale = float(rounded(2 * limit / (top - bottom)))
    last.weight.mul_(scale)
    last.bias.mul_(scale).add_(float(rounded(limit - scale * top)))
