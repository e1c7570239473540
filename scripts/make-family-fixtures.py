#!/usr/bin/env python3
"""Writes Tests/RetinaNetModelTests/Fixtures/families: small checkpoints as the real MMDetection, Detectron2 and
DeepForest, and MLPerf's training script, write them.

    python scripts/make-family-fixtures.py [FOLDER]     (environment: scripts/parity/requirements-peers.txt)

Every file is of a training: MMDetection's of its Runner (of 3.x; the form of 2.x is made after its source), Detectron2's
of its trainer and checkpointer, DeepForest's of Lightning and of its hub's mixin. expected.json: for each file the sums
of some tensors by the network's names, read off the modules themselves, and what the file says besides.
"""

import argparse
import collections
import json
import os
import pathlib
import pickle
import sys
import tempfile
import weakref

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts/parity"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import families
import numpy as np
import torch
import torchvision
import trainers
from trainers import LABELS

torch.set_num_threads(1)


def sums(modules):
    """By the network's names, of modules or tensors."""
    result = {}
    for name, value in modules.items():
        if isinstance(value, torch.nn.Module):
            for key, tensor in value.state_dict().items():
                if "num_batches" not in key:
                    result[f"{name}.{key}"] = float(tensor.double().sum())
        else:
            result[name] = float(value.detach().double().sum())
    return result


def randomize(model, seed):
    """Weights of which no two tensors have the same sum, batch norms' statistics too."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.2 + 0.1)


# MMDetection


def mmdetection_model(depth=18, style="pytorch"):
    expansion = 1 if depth < 50 else 4
    widths = [2 * expansion * 2**stage for stage in range(4)]
    return dict(
        type="RetinaNet",
        data_preprocessor=dict(
            type="DetDataPreprocessor",
            mean=[123.675, 116.28, 103.53] if style == "pytorch" else [103.53, 116.28, 123.675],
            std=[58.395, 57.12, 57.375] if style == "pytorch" else [1.0, 1.0, 1.0],
            bgr_to_rgb=style == "pytorch", pad_size_divisor=32),
        backbone=dict(
            type="ResNet", depth=depth, base_channels=2, num_stages=4, out_indices=(0, 1, 2, 3), frozen_stages=1,
            norm_cfg=dict(type="BN", requires_grad=True), norm_eval=True, style=style),
        neck=dict(
            type="FPN", in_channels=widths, out_channels=4, start_level=1, add_extra_convs="on_input", num_outs=5),
        bbox_head=dict(
            type="RetinaHead", num_classes=3, in_channels=4, stacked_convs=2, feat_channels=4,
            anchor_generator=dict(
                type="AnchorGenerator", octave_base_scale=4, scales_per_octave=3, ratios=[0.5, 1.0, 2.0],
                strides=[8, 16, 32, 64, 128]),
            bbox_coder=dict(
                type="DeltaXYWHBBoxCoder", target_means=[0.0] * 4, target_stds=[1.0] * 4),
            loss_cls=dict(type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0),
            loss_bbox=dict(type="L1Loss", loss_weight=1.0)),
        train_cfg=dict(
            assigner=dict(
                type="MaxIoUAssigner", pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0, ignore_iof_thr=-1),
            sampler=dict(type="PseudoSampler"), allowed_border=-1, pos_weight=-1, debug=False),
        test_cfg=dict(
            nms_pre=1000, min_bbox_size=0, score_thr=0.05, nms=dict(type="nms", iou_threshold=0.5),
            max_per_img=100))


def mmdetection_names(model):
    body, neck, head = model.backbone, model.neck, model.bbox_head
    return {
        "backbone.body.conv1": body.conv1,
        "backbone.body.bn1": body.bn1,
        "backbone.body.layer2.0.conv1": body.layer2[0].conv1,
        "backbone.body.layer2.0.downsample.1": body.layer2[0].downsample[1],
        "backbone.body.layer4.1.bn2": body.layer4[1].bn2,
        "backbone.fpn.inner_blocks.0.0": neck.lateral_convs[0].conv,
        "backbone.fpn.layer_blocks.2.0": neck.fpn_convs[2].conv,
        "backbone.fpn.extra_blocks.p6": neck.fpn_convs[3].conv,
        "backbone.fpn.extra_blocks.p7": neck.fpn_convs[4].conv,
        "head.classification_head.conv.1.0": head.cls_convs[1].conv,
        "head.regression_head.conv.0.0": head.reg_convs[0].conv,
        "head.classification_head.cls_logits": head.retina_cls,
        "head.regression_head.bbox_reg": head.retina_reg,
    }


def write_mmdetection(folder, expected):
    from mmengine.config import Config, ConfigDict

    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        average = dict(type="EMAHook", ema_type="ExpMomentumEMA", momentum=0.3)
        runner = trainers.mmdetection(work, mmdetection_model(), (64, 96), hooks=[average])
        from mmdet.registry import MODELS

        file = torch.load(work / "run/epoch_2.pth", weights_only=False)
        model = MODELS.build(ConfigDict(mmdetection_model()))
        model.load_state_dict(file["state_dict"])
        (folder / "mmdetection-3-runner.pth").write_bytes((work / "run/epoch_2.pth").read_bytes())
        # Its hook exchanges the average and the weights when it saves.
        raw = runner.model.backbone.conv1.weight
        assert torch.equal(file["ema_state_dict"]["module.backbone.conv1.weight"], raw)
        assert not torch.equal(file["state_dict"]["bbox_head.retina_cls.weight"], runner.model.bbox_head.retina_cls.weight)
    expected["mmdetection-3-runner.pth"] = {
        "sums": sums(mmdetection_names(model)), "classes": LABELS, "preset": "mmdetection"}

    # What publishing keeps, without the configuration; statistics as of a network that was trained.
    model = MODELS.build(ConfigDict(mmdetection_model()))
    randomize(model, 2)
    published = {"meta": {"CLASSES": tuple(LABELS), "mmdet_version": "2.28.2"}, "state_dict": model.state_dict()}
    torch.save(published, folder / "mmdetection-published.pth", _use_new_zipfile_serialization=False)
    expected["mmdetection-published.pth"] = {
        "sums": sums(mmdetection_names(model)), "classes": LABELS, "preset": "mmdetection"}

    # The form of 2.x (mmcv 1.x runner/checkpoint.py `save_checkpoint`, mmdet 2.28 tools/train.py), of style caffe.
    style = mmdetection_model(50, "caffe")
    model = MODELS.build(ConfigDict(style))
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    meta = dict(
        env_info="sys.platform: linux", config=Config(dict(model=style)).pretty_text, seed=0,
        exp_name="retinanet_r50_caffe_fpn_1x_coco.py", epoch=1, iter=2, mmdet_version="2.28.2", CLASSES=tuple(LABELS),
        mmcv_version="1.7.1", time="Mon Jan  1 00:00:00 2024",
        hook_msgs=dict(last_ckpt="epoch_1.pth", best_score=np.float64(0.25)))
    state = collections.OrderedDict(model.state_dict())
    state["ema_backbone_conv1_weight"] = model.backbone.conv1.weight.detach() + 1
    torch.save(
        {"meta": meta, "state_dict": state, "optimizer": optimizer.state_dict()}, folder / "mmdetection-2-caffe.pth")
    expected["mmdetection-2-caffe.pth"] = {
        "sums": sums(mmdetection_names(model)), "classes": LABELS, "preset": "mmdetection-caffe"}


# Detectron2


def detectron2_config():
    from detectron2 import model_zoo

    config = model_zoo.get_config("COCO-Detection/retinanet_R_50_FPN_1x.yaml")
    config.MODEL.DEVICE = "cpu"
    config.MODEL.WEIGHTS = ""
    config.MODEL.RESNETS.STEM_OUT_CHANNELS = 2
    config.MODEL.RESNETS.RES2_OUT_CHANNELS = 8
    config.MODEL.RESNETS.WIDTH_PER_GROUP = 2
    config.MODEL.FPN.OUT_CHANNELS = 4
    config.MODEL.RETINANET.NUM_CLASSES = 80
    config.MODEL.RETINANET.NUM_CONVS = 2
    config.DATASETS.TEST = ()
    config.SOLVER.MAX_ITER = 2
    config.SOLVER.BASE_LR = 1e-5
    return config


def detectron2_names(model):
    body, head = model.backbone.bottom_up, model.head
    return {
        "backbone.body.conv1.weight": body.stem.conv1.weight,
        "backbone.body.bn1": body.stem.conv1.norm,
        "backbone.body.layer1.2.conv2.weight": body.res2[2].conv2.weight,
        "backbone.body.layer3.0.downsample.0.weight": body.res4[0].shortcut.weight,
        "backbone.body.layer3.0.downsample.1": body.res4[0].shortcut.norm,
        "backbone.body.layer4.2.bn3": body.res5[2].conv3.norm,
        "backbone.fpn.inner_blocks.0.0": model.backbone.fpn_lateral3,
        "backbone.fpn.layer_blocks.2.0": model.backbone.fpn_output5,
        "backbone.fpn.extra_blocks.p6": model.backbone.top_block.p6,
        "backbone.fpn.extra_blocks.p7": model.backbone.top_block.p7,
        "head.classification_head.conv.1.0": head.cls_subnet[2],
        "head.regression_head.conv.0.0": head.bbox_subnet[0],
        "head.classification_head.cls_logits": head.cls_score,
        "head.regression_head.bbox_reg": head.bbox_pred,
    }


def other_rules(config):
    config.INPUT.FORMAT = "RGB"
    config.INPUT.MIN_SIZE_TEST, config.INPUT.MAX_SIZE_TEST = 640, 1066
    config.MODEL.PIXEL_MEAN, config.MODEL.PIXEL_STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
    config.MODEL.RESNETS.STRIDE_IN_1X1 = False
    config.MODEL.ANCHOR_GENERATOR.SIZES = [[24.5, 32.0, 48.0]]
    config.MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS = [[0.4, 1.0, 2.5]]
    config.MODEL.ANCHOR_GENERATOR.OFFSET = 0.5
    config.MODEL.RETINANET.BBOX_REG_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
    config.MODEL.RETINANET.SCORE_THRESH_TEST, config.MODEL.RETINANET.NMS_THRESH_TEST = 0.3, 0.6
    config.MODEL.RETINANET.TOPK_CANDIDATES_TEST, config.TEST.DETECTIONS_PER_IMAGE = 500, 50


def write_detectron2(folder, expected):
    families.find_detectron2()
    from detectron2.checkpoint import DetectionCheckpointer
    from detectron2.engine import default_setup
    from detectron2.modeling import build_model

    config = detectron2_config()
    with tempfile.TemporaryDirectory() as work:
        torch.manual_seed(3)
        trainer = trainers.detectron2(pathlib.Path(work), config)
        (folder / "detectron2-trainer.pth").write_bytes((pathlib.Path(work) / "model_final.pth").read_bytes())
        expected["detectron2-trainer.pth"] = {
            "sums": sums(detectron2_names(trainer.model)), "classes": 80, "preset": "detectron2"}
        # Loads what it wrote, that the sums are of the file.
        again = build_model(config)
        DetectionCheckpointer(again).load(str(pathlib.Path(work) / "model_final.pth"))
        assert sums(detectron2_names(again)) == expected["detectron2-trainer.pth"]["sums"]

    # What its own setup of a training writes beside the weights, of this network and of one with other rules.
    for name, change in (("detectron2-config.yaml", None), ("detectron2-config-other.yaml", other_rules)):
        config = detectron2_config()
        if change:
            change(config)
        with tempfile.TemporaryDirectory() as work:
            config.OUTPUT_DIR = work
            default_setup(config, argparse.Namespace(config_file="", eval_only=False, num_gpus=0))
            (folder / name).write_text((pathlib.Path(work) / "config.yaml").read_text().replace(work, "output"))
    config = detectron2_config()

    # As the model zoo's files are: arrays, and the buffers that were stored then.
    model = build_model(config)
    randomize(model, 4)
    arrays = collections.OrderedDict((name, tensor.numpy()) for name, tensor in model.state_dict().items())
    arrays["pixel_mean"] = np.array([103.53, 116.28, 123.675], np.float32).reshape(3, 1, 1)
    arrays["pixel_std"] = np.ones((3, 1, 1), np.float32)
    for level in range(5):
        arrays[f"anchor_generator.cell_anchors.{level}"] = np.zeros((9, 4), np.float32)
    arrays._metadata = collections.OrderedDict({"": {"version": 1}})
    (folder / "detectron2-zoo.pkl").write_bytes(
        pickle.dumps({"model": arrays, "__author__": "Detectron2 Model Zoo"}))
    expected["detectron2-zoo.pkl"] = {
        "sums": sums(detectron2_names(model)), "classes": 80, "preset": "detectron2"}

    # A residual network with Caffe2's names, as pickled by Python 2: scale and shift alone.
    blobs = {"conv1_b": np.zeros(2, np.float32), "pred_w": np.zeros((2, 2), np.float32), "lr": np.float32(0.1)}
    names = {}
    kinds = {"weight": "s", "bias": "b"}

    def add(caffe, network, convolution):
        blobs[f"{caffe}_w"] = convolution.weight.detach().numpy()
        blobs[f"{caffe}_w_momentum"] = np.zeros(1, np.float32)
        names[f"{network[0]}.weight"] = convolution.weight
        norm = "res_conv1_bn" if caffe == "conv1" else f"{caffe}_bn"
        for kind, letter in kinds.items():
            blobs[f"{norm}_{letter}"] = getattr(convolution.norm, kind).numpy()
            names[f"{network[1]}.{kind}"] = getattr(convolution.norm, kind)

    body = model.backbone.bottom_up
    add("conv1", ("conv1", "bn1"), body.stem.conv1)
    for stage, blocks in enumerate([body.res2, body.res3, body.res4, body.res5]):
        for index, block in enumerate(blocks):
            ours, theirs = f"layer{stage + 1}.{index}", f"res{stage + 2}_{index}_branch"
            if block.shortcut is not None:
                add(f"{theirs}1", (f"{ours}.downsample.0", f"{ours}.downsample.1"), block.shortcut)
            for number, letter in ((1, "a"), (2, "b"), (3, "c")):
                add(f"{theirs}2{letter}", (f"{ours}.conv{number}", f"{ours}.bn{number}"), getattr(block, f"conv{number}"))
    (folder / "caffe2-backbone.pkl").write_bytes(pickle.dumps({"blobs": blobs}, protocol=2))
    expected["caffe2-backbone.pkl"] = {"sums": {f"backbone.body.{n}": s for n, s in sums(names).items()}}


# torchvision's names


def small_retinanet(backbone, classes):
    """A RetinaNet of torchvision's parts, a 32nd as wide."""
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.models.detection.retinanet import RetinaNet
    from torchvision.models.resnet import Bottleneck, ResNet
    from torchvision.ops.feature_pyramid_network import LastLevelP6P7
    from torchvision.ops.misc import FrozenBatchNorm2d

    class Narrow(ResNet):
        def __init__(self, groups, width):
            torch.nn.Module.__init__(self)
            self._norm_layer = FrozenBatchNorm2d
            self.inplanes, self.dilation, self.groups, self.base_width = 2, 1, groups, width
            self.conv1 = torch.nn.Conv2d(3, 2, 7, 2, 3, bias=False)
            self.bn1 = FrozenBatchNorm2d(2)
            self.relu, self.maxpool = torch.nn.ReLU(True), torch.nn.MaxPool2d(3, 2, 1)
            for stage, blocks in enumerate((3, 4, 6, 3)):
                layer = self._make_layer(Bottleneck, 2 * 2**stage, blocks, stride=1 if stage == 0 else 2)
                setattr(self, f"layer{stage + 1}", layer)

    # A block's width is 2 * 2^stage * width / 64 * groups.
    body = Narrow(*{"resnet": (1, 64), "resnext": (2, 32)}[backbone])
    layers = {f"layer{stage}": str(stage - 2) for stage in (2, 3, 4)}
    extra = LastLevelP6P7(4, 4)
    network = BackboneWithFPN(body, layers, [16, 32, 64], 4, extra_blocks=extra)
    sizes = tuple((x, int(x * 2 ** (1 / 3)), int(x * 2 ** (2 / 3))) for x in (32, 64, 128, 256, 512))
    return RetinaNet(network, classes, anchor_generator=AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5))


def torchvision_names(model):
    return {
        "backbone.body.layer3.5.conv2": model.backbone.body.layer3[5].conv2,
        "backbone.body.layer2.0.downsample.1": model.backbone.body.layer2[0].downsample[1],
        "backbone.fpn.inner_blocks.1.0": model.backbone.fpn.inner_blocks[1][0],
        "backbone.fpn.extra_blocks.p6": model.backbone.fpn.extra_blocks.p6,
        "head.classification_head.conv.3.0": model.head.classification_head.conv[3][0],
        "head.regression_head.bbox_reg": model.head.regression_head.bbox_reg,
    }


def write_mlperf(folder, expected):
    model = small_retinanet("resnext", 264)
    randomize(model, 7)
    state = collections.OrderedDict()
    for name, tensor in model.state_dict().items():
        # The names of torchvision before 0.12, which MLPerf's own copy has.
        parts = name.split(".")
        if parts[1] == "fpn" and parts[2] in ("inner_blocks", "layer_blocks"):
            parts = parts[:4] + parts[5:]
        elif parts[0] == "head" and parts[2] == "conv":
            parts = [*parts[:3], str(2 * int(parts[3])), *parts[5:]]
        state[".".join(parts)] = tensor
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-4)
    options = argparse.Namespace(dataset="openimages-mlperf", lr=1e-4, image_size=[800, 800], device=torch.device("cpu"))
    torch.save(
        {"model": state, "optimizer": optimizer.state_dict(), "epoch": 3, "args": options}, folder / "mlperf-training.pth")
    expected["mlperf-training.pth"] = {"sums": sums(torchvision_names(model)), "classes": 264, "preset": "mlperf"}

    # What is no state dict: the module itself, and its program.
    small = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1))
    torch.save(small, folder / "refused-module.pth")
    torch.jit.script(small).save(folder / "refused-torchscript.pt")


def write_deepforest(folder, expected):
    import torchvision.models._api as api

    def unweighted(weights, *arguments, **options):
        model = (
            torchvision.models.detection.retinanet_resnet50_fpn(weights=None, weights_backbone=None)
            if "RetinaNet" in type(weights).__name__ else torchvision.models.resnet50())
        return model.state_dict()

    api.WeightsEnum.get_state_dict = unweighted
    from deepforest import main

    labels = {"Tree": 0, "Bird": 1}
    for name, file, epsilon in (
        (None, "deepforest-lightning.ckpt", 0.0), ("weecology/deepforest-bird", "deepforest-lightning-named.ckpt", 1e-5)):
        module = main.deepforest(
            config_args=dict(model=dict(name=None), num_classes=2, label_dict=labels, accelerator="cpu", devices=1))
        model = small_retinanet("resnet", 2)
        randomize(model, 8)
        module.model.backbone, module.model.head = model.backbone, model.head
        if name is not None:
            # As it is kept where a model of the hub was loaded, which cannot be had offline.
            module.config.model.name = name
        module.trainer.strategy.connect(module)
        module.save_model(str(folder / file))
        expected[file] = {
            "sums": sums(torchvision_names(module.model)), "classes": list(labels), "preset": "deepforest",
            "normEpsilon": epsilon, "scoreThreshold": float(module.config.score_thresh)}
    # The hub's two files.
    hub = folder / "deepforest-hub"
    module.model.save_pretrained(str(hub))
    (hub / "README.md").unlink(missing_ok=True)
    configuration = json.loads((hub / "config.json").read_text())
    expected["deepforest-hub/model.safetensors"] = {
        "sums": sums(torchvision_names(module.model)), "classes": sorted(configuration["label_dict"], key=configuration["label_dict"].get),
        "preset": "deepforest", "normEpsilon": 1e-5, "scoreThreshold": configuration["score_thresh"]}


def write_wrapped(folder, expected):
    """One network behind the wrappers that put their names in front, and with a moving average beside it."""
    model, average = small_retinanet("resnet", 3), small_retinanet("resnet", 3)
    randomize(model, 9)
    randomize(average, 10)
    averaged = torch.optim.swa_utils.AveragedModel(average)
    cases = {
        "wrapped.pth": torch.compile(torch.nn.DataParallel(model)).state_dict(),
        "average-torchvision.pth": {"model": model.state_dict(), "model_ema": averaged.state_dict()},
    }
    for file, content in cases.items():
        torch.save(content, folder / file)
        expected[file] = {"sums": sums(torchvision_names(average if "average" in file else model))}


def write_shards(folder, expected):
    """safetensors in two files, as Hugging Face's libraries divide them."""
    from safetensors.torch import save_file

    model = small_retinanet("resnet", 3)
    randomize(model, 11)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    names = list(state)
    shards = folder / "shards"
    shards.mkdir(exist_ok=True)
    places = {}
    for number, part in enumerate((names[:150], names[150:])):
        file = f"model-{number + 1:05}-of-00002.safetensors"
        save_file({name: state[name] for name in part}, shards / file, metadata={"format": "pt"})
        places |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": sum(t.nbytes for t in state.values())}, "weight_map": places}
    (shards / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    expected["shards/model.safetensors.index.json"] = {"sums": sums(torchvision_names(model))}


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for part in (write_mlperf, write_wrapped, write_shards, write_mmdetection, write_detectron2, write_deepforest):
        torch.manual_seed(1)
        part(folder, expected)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    default = ROOT / "Tests/RetinaNetModelTests/Fixtures/families"
    write(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
