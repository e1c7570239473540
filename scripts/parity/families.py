"""The RetinaNets of MMDetection, Detectron2, DeepForest and MLPerf as they are: their own code, run piece by piece.

Each class here has `model`, and with it
    input(picture)                the padded network input of an RGB picture (uint8 HxWx3), and what is remembered of it
    heads(input)                  class logits and box regressions, a list of levels each, [1, channels, h, w]
    detections(heads, memory)     boxes, scores and labels that its own post-processing finds in heads
    whole(picture)                the same from the entry that its users call
    weights()                     tensors by the names of our model files
Needs scripts/parity/requirements-peers.txt; nothing is compiled or downloaded. The compiled parts of mmcv and Detectron2
that are missing are one function, `nms`, which torchvision has.
"""

import pathlib
import re
import sys
import tempfile

import numpy as np
import reference
import torch
from torchvision_reference import torchvision


def flat(levels, last):
    """Levels of [1, A * last, h, w] as [1, anchors, last], in the order (level, y, x, anchor)."""
    parts = []
    for level in levels:
        _, channels, height, width = level.shape
        split = level.view(channels // last, last, height, width)
        parts.append(split.permute(2, 3, 0, 1).reshape(-1, last))
    return torch.cat(parts)[None].contiguous()


def arrays(*tensors):
    return tuple(t.detach().cpu().numpy() for t in tensors)


def renamed(state, rules):
    """A state dict under other names: the first rule that matches a whole name; what matches none is an error."""
    result = {}
    for name, tensor in state.items():
        for pattern, replacement in rules:
            match = re.fullmatch(pattern, name)
            if match:
                new = replacement(match) if callable(replacement) else match.expand(replacement) if replacement else None
                break
        else:
            raise KeyError(name)
        if new:
            result[new] = tensor.detach().float().numpy().copy()
    return result


class MMDetection:
    """mmdet 3.3.0 with mmcv-lite 2.1.0."""

    def __init__(self, config, classes, sizes, change=lambda model: None):
        self._import()
        from mmengine.config import Config, ConfigDict
        from mmdet.registry import MODELS

        root = pathlib.Path(sys.modules["mmdet"].__file__).parent / ".mim/configs/retinanet"
        settings = Config.fromfile(root / f"{config}.py").model
        settings.backbone.pop("init_cfg", None)  # names a download
        settings.bbox_head.num_classes = classes
        change(settings)
        self.settings = ConfigDict(settings.to_dict() if hasattr(settings, "to_dict") else settings)
        self.model = MODELS.build(self.settings)
        self.model.init_weights()
        self.model.eval()
        self.classes, self.sizes = classes, sizes
        head = self.model.bbox_head
        self.outputs = head.retina_cls, head.retina_reg
        self.towers = [block.conv for block in [*head.cls_convs, *head.reg_convs]]

    @staticmethod
    def _import():
        import mmdetection_stub  # noqa: F401  (before mmdet)
        from mmdet.utils import register_all_modules
        from mmengine.logging import MMLogger

        register_all_modules()
        MMLogger.get_current_instance().setLevel("ERROR")  # says how each of the weights was begun

    def input(self, picture):
        from mmcv.transforms import Compose
        from PIL import Image

        steps = Compose(
            [
                dict(type="LoadImageFromFile", backend_args=None),
                dict(type="Resize", scale=self.sizes[::-1], keep_ratio=True),
                dict(
                    type="PackDetInputs",
                    meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
                ),
            ]
        )
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            Image.fromarray(picture).save(file.name)
            packed = steps(dict(img_path=file.name, img_id=0))
        data = self.model.data_preprocessor(
            dict(inputs=[packed["inputs"]], data_samples=[packed["data_samples"]]), False
        )
        self._data = data
        return data["inputs"], data["data_samples"][0]

    def heads(self, tensor):
        return self.model(tensor, mode="tensor")

    def detections(self, heads, sample):
        found = self.model.bbox_head.predict_by_feat(
            *[[level.clone() for level in half] for half in heads], batch_img_metas=[sample.metainfo], rescale=True
        )[0]
        return arrays(found.bboxes, found.scores, found.labels)

    def whole(self, picture):
        tensor, sample = self.input(picture)
        found = self.model(tensor, [sample], mode="predict")[0].pred_instances
        return arrays(found.bboxes, found.scores, found.labels)

    def resized(self, sample):
        return tuple(sample.img_shape[:2])

    def weights(self):
        halves = {"cls": "classification_head", "reg": "regression_head"}
        ends = {"cls": "cls_logits", "reg": "bbox_reg"}
        return renamed(
            self.model.state_dict(),
            [
                (r".*num_batches_tracked", None),
                (r"backbone\.(.*)", r"backbone.body.\1"),
                (r"neck\.lateral_convs\.(\d)\.conv\.(.*)", r"backbone.fpn.inner_blocks.\1.0.\2"),
                (r"neck\.fpn_convs\.([012])\.conv\.(.*)", r"backbone.fpn.layer_blocks.\1.0.\2"),
                (
                    r"neck\.fpn_convs\.([34])\.conv\.(.*)",
                    lambda m: f"backbone.fpn.extra_blocks.p{int(m[1]) + 3}.{m[2]}",
                ),
                (
                    r"bbox_head\.(cls|reg)_convs\.(\d)\.conv\.(.*)",
                    lambda m: f"head.{halves[m[1]]}.conv.{m[2]}.0.{m[3]}",
                ),
                (r"bbox_head\.retina_(cls|reg)\.(.*)", lambda m: f"head.{halves[m[1]]}.{ends[m[1]]}.{m[2]}"),
            ],
        )

    def checkpoint(self, path, labels):
        meta = dict(epoch=1, dataset_meta=dict(classes=tuple(labels)), mmengine_version="0.10.7")
        torch.save(dict(meta=meta, state_dict=self.model.state_dict()), path.with_suffix(".pth"))
        return path.with_suffix(".pth")


def find_detectron2():
    """Its files are unpacked beside the environment's packages."""
    unpacked = pathlib.Path(sys.prefix) / "detectron2"
    if unpacked.is_dir() and str(unpacked) not in sys.path:
        sys.path.insert(0, str(unpacked))


class Detectron2:
    """Detectron2 0.7 (the fork sal-detectron2, unpacked)."""

    def __init__(self, depth, classes, sizes, change=lambda config: None):
        find_detectron2()
        from detectron2 import model_zoo
        from detectron2.modeling import build_model

        config = model_zoo.get_config(f"COCO-Detection/retinanet_R_{depth}_FPN_3x.yaml")
        config.MODEL.DEVICE, config.MODEL.WEIGHTS = "cpu", ""
        config.MODEL.RETINANET.NUM_CLASSES = classes
        config.INPUT.MIN_SIZE_TEST, config.INPUT.MAX_SIZE_TEST = sizes
        change(config)
        self.config, self.classes, self.sizes = config, classes, sizes
        self.model = build_model(config).eval()
        head = self.model.head
        self.outputs = head.cls_score, head.bbox_pred
        self.towers = [m for m in [*head.cls_subnet, *head.bbox_subnet] if isinstance(m, torch.nn.Conv2d)]

    def _sample(self, picture):
        from detectron2.data import transforms

        bgr = np.ascontiguousarray(picture[:, :, ::-1])
        resize = transforms.ResizeShortestEdge([self.sizes[0]] * 2, self.sizes[1])
        image = resize.get_transform(bgr).apply_image(bgr)
        tensor = torch.as_tensor(image.astype("float32").transpose(2, 0, 1))
        return {"image": tensor, "height": picture.shape[0], "width": picture.shape[1]}

    def input(self, picture):
        sample = self._sample(picture)
        images = self.model.preprocess_image([sample])
        return images.tensor, (images, sample)

    def heads(self, tensor):
        features = self.model.backbone(tensor)
        self._features = [features[name] for name in self.model.head_in_features]
        return self.model.head(self._features)

    def detections(self, heads, memory):
        from detectron2.modeling.postprocessing import detector_postprocess

        images, sample = memory
        copies = [[level.clone() for level in half] for half in heads]
        found = self.model.forward_inference(images, self._features, copies)[0]
        found = detector_postprocess(found, sample["height"], sample["width"])
        return arrays(found.pred_boxes.tensor, found.scores, found.pred_classes)

    def whole(self, picture):
        found = self.model([self._sample(picture)])[0]["instances"]
        return arrays(found.pred_boxes.tensor, found.scores, found.pred_classes)

    def resized(self, memory):
        return tuple(memory[0].image_sizes[0])

    def weights(self):
        body = "backbone.body."
        halves = {"cls": "classification_head", "bbox": "regression_head"}
        return renamed(
            self.model.state_dict(),
            [
                (r"pixel_(mean|std)|anchor_generator\..*|.*num_batches_tracked", None),
                (r"backbone\.bottom_up\.stem\.conv1\.norm\.(.*)", body + r"bn1.\1"),
                (r"backbone\.bottom_up\.stem\.(conv1\..*)", body + r"\1"),
                (
                    r"backbone\.bottom_up\.res(\d)\.(\d+)\.shortcut\.(norm\.)?(.*)",
                    lambda m: f"{body}layer{int(m[1]) - 1}.{m[2]}.downsample.{1 if m[3] else 0}.{m[4]}",
                ),
                (
                    r"backbone\.bottom_up\.res(\d)\.(\d+)\.conv(\d)\.(norm\.)?(.*)",
                    lambda m: f"{body}layer{int(m[1]) - 1}.{m[2]}.{'bn' if m[4] else 'conv'}{m[3]}.{m[5]}",
                ),
                (
                    r"backbone\.fpn_lateral(\d)\.(.*)",
                    lambda m: f"backbone.fpn.inner_blocks.{int(m[1]) - 3}.0.{m[2]}",
                ),
                (
                    r"backbone\.fpn_output(\d)\.(.*)",
                    lambda m: f"backbone.fpn.layer_blocks.{int(m[1]) - 3}.0.{m[2]}",
                ),
                (r"backbone\.top_block\.(p[67]\..*)", r"backbone.fpn.extra_blocks.\1"),
                (
                    r"head\.(cls|bbox)_subnet\.(\d)\.(.*)",
                    lambda m: f"head.{halves[m[1]]}.conv.{int(m[2]) // 2}.0.{m[3]}",
                ),
                (r"head\.cls_score\.(.*)", r"head.classification_head.cls_logits.\1"),
                (r"head\.bbox_pred\.(.*)", r"head.regression_head.bbox_reg.\1"),
            ],
        )

    def checkpoint(self, path, labels):
        """The model zoo's form: arrays in a pickle."""
        import collections
        import pickle

        state = collections.OrderedDict((k, v.numpy()) for k, v in self.model.state_dict().items())
        path = path.with_suffix(".pkl")
        path.write_bytes(pickle.dumps({"model": state, "__author__": "Detectron2 Model Zoo"}))
        return path


class Torchvision:
    """What DeepForest's and MLPerf's models have in common: they are torchvision's."""

    def _take(self, model, classes, sizes):
        self.model, self.classes, self.sizes = model.eval(), classes, sizes
        model.transform.min_size, model.transform.max_size = (sizes[0],), sizes[1]
        head = model.head
        self.outputs = head.classification_head.cls_logits, head.regression_head.bbox_reg
        towers = [head.classification_head.conv, head.regression_head.conv]
        self.towers = [m for tower in towers for m in tower.modules() if isinstance(m, torch.nn.Conv2d)]

    def heads(self, tensor):
        features = list(self.model.backbone(tensor).values())
        head = self.model.head
        logits, regressions = [], []
        for feature in features:  # as the heads do, before they flatten
            logits.append(head.classification_head.cls_logits(head.classification_head.conv(feature)))
            regressions.append(head.regression_head.bbox_reg(head.regression_head.conv(feature)))
        return logits, regressions

    def _found(self, heads, memory):
        padded, resized, original = memory
        grids = [tuple(level.shape[-2:]) for level in heads[0]]
        return reference.detections(
            self.model,
            flat(heads[0], self.classes)[0],
            flat(heads[1], 4)[0],
            reference.anchors_of(self.model, padded, grids),
            resized,
            original,
        )[:3]

    def resized(self, memory):
        return memory[1]

    def weights(self):
        return renamed(self.model.state_dict(), [(r".*num_batches_tracked", None), (r"(.*)", r"\1")])


class DeepForest(Torchvision):
    """deepforest 2.1.0; a `model` of another width may stand in for its ResNet-50."""

    def __init__(self, classes, sizes, model=None):
        self.config = dict(score_thresh=0.1, nms_thresh=0.05)
        if model is None:
            model = self._build(classes)
        self._take(model, classes, sizes)

    def _build(self, classes):
        import os

        os.environ["HF_HUB_OFFLINE"] = "1"
        from torchvision.models import _api, detection, resnet50

        def state(enum, *_, **__):
            if "RetinaNet" in type(enum).__name__:
                whole = detection.retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
                return whole.state_dict()
            return resnet50(weights=None).state_dict()

        original, _api.WeightsEnum.get_state_dict = _api.WeightsEnum.get_state_dict, state
        try:
            from deepforest import main

            labels = {f"class_{index}": index for index in range(classes)}
            whole = main.deepforest(
                config_args=dict(
                    model=dict(name=None), num_classes=classes, label_dict=labels, accelerator="cpu", devices=1
                )
            )
        finally:
            _api.WeightsEnum.get_state_dict = original
        assert (whole.model.score_thresh, whole.model.nms_thresh) == (0.1, 0.05)
        return whole.model

    def input(self, picture):
        images, _ = self.model.transform([torch.tensor(picture.astype("float32")).permute(2, 0, 1) / 255])
        memory = tuple(images.tensors.shape[-2:]), tuple(images.image_sizes[0]), picture.shape[:2]
        return images.tensors, memory

    def detections(self, heads, memory):
        """Its `predict_image`, whose boxes are whole numbers where there are several labels, before it cuts them."""
        boxes, scores, labels = self._found(heads, memory)
        if len(labels.unique()) > 1:
            kept = torchvision.ops.nms(boxes, scores, self.config["nms_thresh"])
            boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        return arrays(boxes, scores, labels)

    def whole(self, picture):
        boxes, scores, labels = self.detections(self.heads(self.input(picture)[0]), self.input(picture)[1])
        try:
            from deepforest import predict
        except ImportError:
            return boxes, scores, labels
        theirs = predict._predict_image_(
            self.model, picture.astype("float32"), nms_thresh=self.config["nms_thresh"]
        )
        corners = theirs[["xmin", "ymin", "xmax", "ymax"]].to_numpy().astype(np.float64)
        ours = boxes.astype(np.int64) if len(np.unique(labels)) > 1 else boxes
        assert np.array_equal(corners, ours) and np.array_equal(theirs.label.to_numpy().astype(int), labels)
        return boxes, scores, labels

    def checkpoint(self, path, labels):
        import json

        from safetensors.torch import save_file

        folder = path.with_suffix(".deepforest")
        folder.mkdir(exist_ok=True)
        save_file(self.model.state_dict(), folder / "model.safetensors")
        config = dict(label_dict={l: i for i, l in enumerate(labels)}, num_classes=len(labels), nms_thresh=0.05, score_thresh=0.1)
        (folder / "config.json").write_text(json.dumps(config))
        return folder / "model.safetensors"


class MLPerf(Torchvision):
    """MLPerf's retinanet-resnext50, whose code is torchvision's, with the preparation of its inference benchmark."""

    def __init__(self, classes, sizes, model=None):
        from torchvision.models.detection import RetinaNet
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
        from torchvision.ops.feature_pyramid_network import LastLevelP6P7

        if model is None:
            backbone = resnet_fpn_backbone(
                backbone_name="resnext50_32x4d", weights=None, returned_layers=[2, 3, 4],
                extra_blocks=LastLevelP6P7(256, 256), trainable_layers=5,
            )  # fmt: skip
            model = RetinaNet(backbone, classes, min_size=sizes[0], max_size=sizes[1])
        self._take(model, classes, sizes)

    def _square(self, picture):
        """`pre_process_openimages_retinanet` of the benchmark's python/dataset.py: floats, stretched by OpenCV."""
        import cv2

        side = self.sizes[0]
        square = cv2.resize(picture.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
        return torch.as_tensor(square / 255).permute(2, 0, 1).contiguous()

    def input(self, picture):
        images, _ = self.model.transform([self._square(picture)])
        side = tuple(images.image_sizes[0])
        return images.tensors, (tuple(images.tensors.shape[-2:]), side, picture.shape[:2])

    def detections(self, heads, memory):
        return arrays(*self._found(heads, memory))

    def whole(self, picture):
        found = self.model([self._square(picture)])[0]
        side = np.float32(self.sizes[0])
        scale = np.array(picture.shape[:2][::-1] * 2, dtype=np.float32) / side
        return (found["boxes"].numpy() * scale, found["scores"].numpy(), found["labels"].numpy())

    def checkpoint(self, path, labels):
        torch.save({"model": self.model.state_dict(), "epoch": 1}, path.with_suffix(".pth"))
        return path.with_suffix(".pth")


def has_statistics(module):
    return getattr(module, "running_mean", None) is not None and getattr(module, "weight", None) is not None


@torch.inference_mode()
def randomise(peer, pictures, seed, bias=-4.6):
    """Random weights under which something is found: statistics of each batch norm are what it sees of the pictures,
    outputs have a deviation of 1, and a few of the deltas' logarithms reach beyond their limits.

    Norms that close a residual branch are weak: blocks near the identity keep one rounding from growing a hundredfold.
    """
    torch.manual_seed(seed)
    hooks = []

    def see(module, inputs):
        x = inputs[0].double()
        module.running_mean.copy_(x.mean((0, 2, 3)))
        module.running_var.copy_(x.var((0, 2, 3), unbiased=False).clamp(min=1e-3))

    for name, module in peer.model.named_modules():
        if has_statistics(module):
            closes = name.endswith(("bn3", "conv3.norm"))
            module.weight.copy_(torch.empty_like(module.weight).uniform_(0.5, 1.5) * (0.2 if closes else 1))
            module.bias.copy_(torch.empty_like(module.bias).uniform_(-0.3, 0.3))
            hooks.append(module.register_forward_pre_hook(see))
        elif isinstance(module, torch.nn.Conv2d):
            deviation = (2 / module.weight[0].numel()) ** 0.5
            module.weight.normal_(0, deviation)
            if module.bias is not None:
                module.bias.uniform_(-0.1, 0.1)
    tensors = [peer.input(picture)[0] for picture in pictures]
    height, width = (max(t.shape[side] for t in tensors) for side in (2, 3))
    pad = torch.nn.functional.pad
    batch = torch.cat([pad(t, (0, width - t.shape[3], 0, height - t.shape[2])) for t in tensors])
    heads = peer.heads(batch)
    for hook in hooks:
        hook.remove()
    for module, levels in zip(peer.outputs, heads):
        module.bias.zero_()
        module.weight.div_(torch.cat([level.flatten() for level in levels]).std())
    cls, box = peer.outputs
    cls.bias.fill_(bias)
    box.bias[2], box.bias[7] = 4.2, -4.2  # dw of a cell's first anchor, dh of its second
