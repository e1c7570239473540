"""Trainings of two steps by MMDetection's Runner and Detectron2's trainer, for the files that these write."""

import json
import pathlib

import numpy as np
import torch
from PIL import Image

LABELS = ["red", "green", "blue"]


def pictures(folder):
    """Two pictures and a COCO file of them, with objects of the first two labels."""
    random = np.random.default_rng(5)
    images, annotations = [], []
    for index in range(2):
        pixels = random.integers(0, 255, (64, 96, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        images.append({"id": index + 1, "file_name": f"{index}.png", "width": 96, "height": 64})
        annotations.append(
            {"id": index + 1, "image_id": index + 1, "category_id": index + 1, "bbox": [10, 10, 40, 30],
             "area": 1200, "iscrowd": 0}
        )  # fmt: skip
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(LABELS)]
    (folder / "coco.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )


def mmdetection(folder, model, sides, hooks=(), start=None):
    """A Runner that has trained.

    Its file is folder/run/epoch_2.pth; `model` is the configuration of a network of three classes, `sides` what its
    pipelines resize to, `start` a file with the state dict to begin with.
    """
    import mmdetection_stub  # noqa: F401  (before mmdet)
    from mmdet.utils import register_all_modules
    from mmengine.config import Config
    from mmengine.runner import Runner

    register_all_modules()
    pictures(folder)

    def pipeline(scale):
        return [
            dict(type="LoadImageFromFile"), dict(type="LoadAnnotations", with_bbox=True),
            dict(type="Resize", scale=scale, keep_ratio=True), dict(type="PackDetInputs")]  # fmt: skip

    config = dict(
        model=model, default_scope="mmdet", work_dir=str(folder / "run"), experiment_name="small", load_from=start,
        test_pipeline=pipeline(sides[::-1]),
        train_dataloader=dict(
            batch_size=1, num_workers=0, sampler=dict(type="DefaultSampler", shuffle=True),
            dataset=dict(
                type="CocoDataset", data_root=str(folder), ann_file="coco.json", data_prefix=dict(img=""),
                metainfo=dict(classes=tuple(LABELS)), pipeline=pipeline((96, 64)))),
        train_cfg=dict(type="EpochBasedTrainLoop", max_epochs=2),
        optim_wrapper=dict(
            type="OptimWrapper", optimizer=dict(type="SGD", lr=1e-4, momentum=0.9, weight_decay=1e-4)),
        param_scheduler=[
            dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=2),
            dict(type="MultiStepLR", begin=0, end=2, by_epoch=True, milestones=[1], gamma=0.1)],
        default_hooks=dict(
            logger=dict(type="LoggerHook", interval=1), checkpoint=dict(type="CheckpointHook", interval=1)),
        custom_hooks=list(hooks), randomness=dict(seed=1))  # fmt: skip
    runner = Runner.from_cfg(Config(config))
    runner.train()
    return runner


def detectron2(folder, config, start=None):
    """A DefaultTrainer that has trained a network of `config` for its MAX_ITER steps.

    Its file is folder/model_final.pth; `start` is a state dict to begin with.
    """
    from detectron2.engine import DefaultTrainer
    from detectron2.structures import Boxes, Instances

    def batches():
        random = np.random.default_rng(6)
        while True:
            target = Instances((64, 96))
            target.gt_boxes = Boxes(torch.tensor([[10.0, 10.0, 50.0, 40.0]]))
            target.gt_classes = torch.tensor([1])
            pixels = torch.from_numpy(random.integers(0, 255, (3, 64, 96), dtype=np.uint8))
            yield [{"image": pixels, "height": 64, "width": 96, "instances": target}]

    class Trainer(DefaultTrainer):
        @classmethod
        def build_train_loader(cls, config):
            return batches()

        def build_writers(self):
            return []

    config.OUTPUT_DIR = str(folder)
    trainer = Trainer(config)
    if start is not None:
        trainer.model.load_state_dict(start)
    trainer.train()
    assert (pathlib.Path(folder) / "model_final.pth").is_file()
    return trainer
