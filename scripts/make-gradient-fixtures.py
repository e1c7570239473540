#!/usr/bin/env python3
"""Writes Tests/TrainingTests/Fixtures/gradients-*.json and optimizer.json: PyTorch's training in float64.

The networks are those of Tests/RetinaNetModelTests/Fixtures (scripts/make-model-fixtures.py). Inputs come from
seeds on both sides. Gradients are too many to store: of each parameter there are its length, the distance of
PyTorch's own float32 (the worse of its two memory layouts) from float64, and the products of the float64
gradient with 24 vectors of random signs, from which the distance of any other gradient can be estimated; these
products are left out (sketched=False) where only the losses of ten steps are compared.
"""

import copy
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import load_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts/parity"))
import networks  # noqa: E402
import training  # noqa: E402

MODELS = ROOT / "Tests/RetinaNetModelTests/Fixtures"
OUT = ROOT / "Tests/TrainingTests/Fixtures"
PROBES = 24
LOGIT_SCALE, PRIOR_BIAS = 0.125, -4.5
HEIGHT, WIDTH = 96, 160
BOXES = [
    [([10.3, 6.2, 30.9, 26.4], 0), ([40.7, 20.1, 90.2, 60.6], 2), ([61.4, 22.8, 143.1, 88.7], 1)],
    [([20.6, 30.4, 36.1, 50.9], 1), ([100.2, 11.7, 125.8, 31.3], 0)],
]


def words(seed, count):
    """The first words of SeededGenerator(seed:)."""
    with np.errstate(over="ignore"):
        steps = np.arange(1, count + 1, dtype=np.uint64)
        z = np.uint64(seed) + steps * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def numbers(seed, shape, scale):
    """float32 in -scale/2 ..< scale/2."""
    units = (words(seed, int(np.prod(shape))) >> np.uint64(40)).astype(np.float64) * 2.0**-24
    return torch.as_tensor(((units - 0.5) * scale).astype(np.float32).reshape(shape))


def sketch(index, gradient):
    flat = gradient.numpy().ravel()
    signs = lambda probe: 1.0 - 2.0 * (words(1000 * index + probe, flat.size) >> np.uint64(63)).astype(float)
    return [float(signs(probe) @ flat) for probe in range(PROBES)]


def weights(name):
    if (MODELS / f"{name}.pth").exists():
        return torch.load(MODELS / f"{name}.pth")
    return {key: tensor.float() for key, tensor in load_file(MODELS / f"{name}.safetensors").items()}


def case(name, model_name, variant, trained, box_loss, train_norms, steps, rate=0.001, sketched=True):
    model = networks.build(variant)
    model.load_state_dict(weights(model_name))
    # The models' logits are spread for tests of thresholds; training starts from the prior.
    last = model.head.classification_head.cls_logits
    with torch.no_grad():
        last.weight.mul_(LOGIT_SCALE)
        last.bias.fill_(PRIOR_BIAS)
    training.prepare(model, trained, box_loss, train_norms)
    batch = training.Batch(
        numbers(7, (len(BOXES), 3, HEIGHT, WIDTH), 2),
        [torch.tensor([box for box, _ in objects]) for objects in BOXES],
        [torch.tensor([label for _, label in objects]) for objects in BOXES],
    )
    reference = copy.deepcopy(model)
    exact = training.run(reference, batch, torch.float64, steps, rate)
    singles = [
        training.run(copy.deepcopy(model), batch, torch.float32, steps, rate, channels_last=last)
        for last in (False, True)
    ]
    parameters = []
    for index, (parameter, gradient) in enumerate(exact[0].gradients.items()):
        distances = [(single[0].gradients[parameter] - gradient).norm().item() for single in singles]
        parameters.append({
            "name": parameter, "length": gradient.norm().item(), "float32Distance": max(distances),
            "sketch": sketch(index, gradient) if sketched else [],
        })  # fmt: skip
    result = {
        "model": model_name, "height": HEIGHT, "width": WIDTH, "seed": 7, "scale": 2,
        "logitScale": LOGIT_SCALE, "priorBias": PRIOR_BIAS, "boxLoss": box_loss,
        "learningRate": rate,
        "trainsNorms": train_norms,
        "boxes": [[box for box, _ in objects] for objects in BOXES],
        "labels": [[label for _, label in objects] for objects in BOXES],
        "losses": [[step.classification, step.box] for step in exact],
        "float32Distances": [
            [
                max(abs(single[index].classification - step.classification) for single in singles),
                max(abs(single[index].box - step.box) for single in singles),
            ]
            for index, step in enumerate(exact)
        ],
        "parameters": parameters,
    }  # fmt: skip
    if train_norms:
        # After one step only: the statistics of the first batch, mixed in with a tenth.
        fresh = copy.deepcopy(model).double()
        training.losses(fresh, batch, torch.float64)
        buffers = dict(fresh.named_buffers())
        chosen = "backbone.body.layer2.0.bn1"
        result["statistics"] = {
            f"{chosen}.{kind}": buffers[f"{chosen}.{kind}"].tolist()
            for kind in ("running_mean", "running_var")
        }
    text = json.dumps(result, separators=(",", ":")).replace("},{", "},\n{")
    (OUT / f"gradients-{name}.json").write_text(text + "\n")
    relative = sorted(p["float32Distance"] / p["length"] for p in parameters)
    print(
        f"{name}: {len(parameters)} parameters, float32 off by {relative[len(relative) // 2]:.1e} (median),"
        f" {relative[-1]:.1e} (worst); losses {result['losses'][0]} ... {result['losses'][-1]}"
    )


def optimizers():
    """Six steps over 40 numbers with gradients from a seed."""
    result = []
    for name, make in {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        "plain": lambda p: torch.optim.SGD(p, lr=0.1),
        "adamW": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05),
    }.items():
        weights = torch.nn.Parameter(numbers(1, (40,), 2).double())
        optimizer = make([weights])
        for step in range(6):
            weights.grad = numbers(10 + step, (40,), 3).double()
            optimizer.step()
        result.append({"name": name, "weights": weights.tolist()})
    (OUT / "optimizer.json").write_text(json.dumps(result) + "\n")


def main():
    anchors = networks.octave_sizes(8, 16, 32, 64, 128)
    common = {"classes": 3, "labels": ["red", "green", "blue"], "base_width": 4, "min_size": 96, "max_size": 160}
    v1 = networks.Variant(
        "v1-resnet18", backbone="resnet18", norm_epsilon=0.0, pyramid_channels=32, head_depth=2,
        anchor_sizes=anchors, **common,
    )  # fmt: skip
    v2 = networks.Variant(
        "v2-resnet18", backbone="resnet18", norm="batch", pyramid_channels=64, p6_source="c5",
        head_depth=1, head_norm="groupNorm", anchor_sizes=[sizes[:2] for sizes in anchors], **common,
    )  # fmt: skip
    deep = networks.Variant(
        "v1-resnet50", backbone="resnet50", pyramid_channels=16, head_depth=3,
        anchor_sizes=[sizes[:2] for sizes in anchors], aspect_ratios=(0.4, 1.0, 2.5), **common,
    )  # fmt: skip
    # The peers' own small networks (make-peer-fixtures.py): P6 from C5, which has as many channels as the pyramid, P7
    # without a ReLU; and the same with the stride in the 1x1.
    exact = [[x, x * 2 ** (1.0 / 3), x * 2 ** (2.0 / 3)] for x in (8, 16, 32, 64, 128)]
    peer = dict(p6_source="c5", relu_before_p7=False, head_depth=2, anchor_sizes=exact, exact_anchors=True, **common)
    r18 = networks.Variant("mmdetection-r18", backbone="resnet18", pyramid_channels=32, **peer)
    caffe = networks.Variant("mmdetection-caffe", pyramid_channels=16, stride_in_1x1=True, **peer)
    everything = lambda name: True
    upper = lambda name: not name.startswith(("backbone.body.conv1", "backbone.body.layer1"))
    case("v1-resnet18", "v1-resnet18", v1, everything, "smooth_l1", False, 10, rate=1e-4)
    case("v2-resnet18", "v2-resnet18", v2, everything, "giou", True, 1)
    case("v1-resnet50", "v1-resnet50", deep, upper, "l1", False, 1)
    # L1's kinks make float32 runs part: of twelve of PyTorch's, from weights that differ by half of their last place,
    # two were forty and a thousand times further off than the others after ten steps. Of the smooth one's none was.
    case("v1-resnet50-steps", "v1-resnet50", deep, upper, "smooth_l1", False, 10, sketched=False)
    case("mmdetection-r18", "peers/mmdetection-r18", r18, everything, "smooth_l1", False, 1)
    case("mmdetection-caffe-r50", "peers/mmdetection-caffe-r50", caffe, upper, "l1", False, 1)
    optimizers()


if __name__ == "__main__":
    main()
