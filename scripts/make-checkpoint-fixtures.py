#!/usr/bin/env python3
"""Writes Tests/CheckpointsTests/Fixtures: small checkpoints of every format, and what PyTorch reads from them.

    python scripts/make-checkpoint-fixtures.py [FOLDER]     (environment: scripts/parity/requirements.txt)

expected.json: {file: {tensor: {"type": safetensors' name, "shape": [...], "bits": float32 bit patterns}}}.
The files that have to be refused are not in it. Bytes of PyTorch's legacy files differ from run to run: they use
addresses as keys.
"""

import argparse
import json
import os
import pathlib
import pickle
import random
import struct
import sys
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}
LEGACY = {"_use_new_zipfile_serialization": False}


def expected(tensors):
    """What a reader has to give."""
    result = {}
    for name, tensor in tensors.items():
        tensor = torch.as_tensor(tensor)
        bits = tensor.detach().to(torch.float32).contiguous().numpy().view(np.uint32)
        result[name] = {
            "type": TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "bits": bits.flatten().tolist(),
        }
    return result


def module():
    """A module whose state dict has versions, buffers and a count that is one whole number."""
    torch.manual_seed(7)
    return torch.nn.Sequential(
        OrderedDict(conv=torch.nn.Conv2d(2, 3, 3), norm=torch.nn.BatchNorm2d(3))
    )


def typed():
    """Every type, with the numbers that are hard in it."""
    halves = [0.0, -0.0, 1.0, 65504.0, 6.1e-5, 6e-8, -3e-6, float("inf"), float("-inf"), float("nan")]
    return {
        "f64": torch.tensor([0.1, -1e300, 1e-320, 3.0], dtype=torch.float64),
        "f32": torch.tensor([0.1, -0.0, 1e-45, 3e38, float("inf")]),
        "f16": torch.tensor(halves, dtype=torch.float16),
        "bf16": torch.tensor([*halves, 3e38, 1e-40], dtype=torch.bfloat16),
        "i64": torch.tensor([-(2**63), 2**63 - 1, 2**53 + 1, -5]),
        "i32": torch.tensor([-(2**31), 2**31 - 1, 16777217], dtype=torch.int32),
        "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }


def views():
    """Tensors that share storages, in every arrangement."""
    base = torch.arange(24.0).reshape(4, 6)
    return {
        "base": base,
        "transposed": base.t(),
        "slice": base[1:3, ::2],
        "column": base[:, 2],
        "one": base[3, 5],
        "nothing": base[4:],
        "expanded": torch.ones(2, 1).expand(2, 3),
        "channels_last": torch.arange(48.0).reshape(2, 4, 3, 2).to(memory_format=torch.channels_last),
        "ones_last": torch.arange(8.0).reshape(2, 4, 1, 1).to(memory_format=torch.channels_last),
        "permuted": torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
        "parameter": torch.nn.Parameter(torch.arange(3.0)),
    }


def arrays():
    """numpy arrays; the last one reads column by column."""
    return OrderedDict(
        weight=np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4),
        half=np.array([0.5, 65504, -6e-8], dtype=np.float16),
        double=np.array([0.1, 1e-300]),
        count=np.array([1, -7, 2**40]),
        small=np.array([[True], [False]]),
        bytes=np.arange(120, 140, dtype=np.uint8),
        scalar=np.array(2.5, dtype=np.float32),
        columns=np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    )


class Command:
    """Pickles as a call of os.system."""

    def __reduce__(self):
        return os.system, ("exit 1",)


def script_options():
    """What scripts keep beside a model: their options, as torchvision's train.py does, and objects of many kinds."""
    return argparse.Namespace(
        lr=0.02, epochs=26, lr_steps=[16, 22], resume="", amp=None, device=torch.device("cpu"),
        output_dir=pathlib.PurePosixPath("runs/1"), dtype=torch.float32,
    )


def script_state():
    """Everything else that such a script may keep: other tensors, numpy's scalars and texts, sets, long numbers."""
    random.seed(1)
    return {
        "loss": torch.tensor(0.5),
        "best": np.float64(0.25),
        "epoch": np.int64(3),
        "classes": {"cat", "dog"},
        "frozen": frozenset(["stem"]),
        "history": defaultdict(list, a=[1, 2]),
        "names": np.array(["x", "yy"]),
        "objects": np.array([None, 1], dtype=object),
        "when": np.datetime64("2024-01-01"),
        "seed": 2**100,
        "random": random.getstate(),
        "numpy": np.random.RandomState(1).get_state(),
        "generator": np.random.default_rng(1).bit_generator.state,
        "args": script_options(),
    }


def python2_pickle():
    """What Python 2 writes at protocol 2 for {"model": {"a": array([1.5, -2.0], float32)}}: texts are bytes."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    dtype = b"cnumpy\ndtype\n" + text(b"f4") + b"K\x00K\x01\x87R" + b"(K\x03" + text(b"<")
    dtype += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    array += b"(K\x01K\x02\x85" + dtype + b"\x89" + text(struct.pack("<2f", 1.5, -2.0)) + b"tb"
    return b"\x80\x02}" + text(b"model") + b"}" + text(b"a") + array + b"ss."


def recompressed(source, target):
    """The same archive with its entries deflated."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    contents = {}
    state = module().state_dict()
    for suffix, options in (("", {}), ("-legacy", LEGACY)):
        for name, tensors in (("module", state), ("types", typed()), ("views", views())):
            torch.save(tensors, folder / f"{name}{suffix}.pth", **options)
            contents[f"{name}{suffix}.pth"] = expected(tensors)

    # Training checkpoints: with plain values, and with the options of a script.
    model = module()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2, 2, 4, 4)).sum().backward()
    optimizer.step()
    training = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5]).state_dict(),
        "epoch": 3,
    }
    torch.save(training, folder / "training.pth")
    contents["training.pth"] = expected(training["model"])
    meta = {"meta": {"epoch": 12, "time": "today", "scale": (1.5, -70000, None)}}
    torch.save({**meta, "state_dict": state}, folder / "state-dict-legacy.pth", **LEGACY)
    contents["state-dict-legacy.pth"] = expected(state)

    # The options of a script and all kinds of objects beside the model are passed over.
    options = {**training, "args": script_options()}
    for suffix, form in (("", {}), ("-legacy", LEGACY)):
        torch.save(options, folder / f"train-script{suffix}.pth", **form)
        contents[f"train-script{suffix}.pth"] = expected(training["model"])
    for key, protocol in (("model", 2), ("model_state_dict", 4), ("state_dict", 5)):
        name = f"beside-{key}.pth"
        torch.save({**script_state(), key: state}, folder / name, pickle_protocol=protocol)
        contents[name] = expected(state)
    (folder / "beside.pkl").write_bytes(pickle.dumps({**script_state(), "model": arrays()}, protocol=4))
    contents["beside.pkl"] = expected(arrays())

    for protocol in (2, 3, 4, 5):
        name = f"arrays-{protocol}.pkl"
        model = arrays()
        model._metadata = OrderedDict({"": {"version": 3}})  # an attribute, as PyTorch's state dicts have
        (folder / name).write_bytes(
            pickle.dumps({"model": model, "__author__": "nobody"}, protocol=protocol)
        )
        contents[name] = expected(model)
    (folder / "python2.pkl").write_bytes(python2_pickle())
    contents["python2.pkl"] = expected({"a": np.array([1.5, -2.0], dtype=np.float32)})

    save_file(typed(), folder / "types.safetensors", metadata={"note": "with \"quotes\"\nand é"})
    contents["types.safetensors"] = expected(typed())
    # Numbers between those of 16 bits, ties among them, and how PyTorch rounds them.
    torch.manual_seed(11)
    source = torch.cat(
        [
            torch.randn(300),
            torch.randn(100) * 1e-6,
            1 + torch.arange(16) / 2**11,
            1 + torch.arange(16) / 2**8,
            torch.arange(16) * 2.0**-25,
            torch.tensor([65519.0, -65519.0, 0.0, -0.0, float("inf"), float("-inf")]),
        ]
    )
    for name, kind in (("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16)):
        tensors = {"b": source.to(kind).reshape(2, -1), "a": source[:9].to(kind).clone()}
        save_file(tensors, folder / f"rounded-{name}.safetensors", metadata={"k": "v"})
        contents[f"rounded-{name}.safetensors"] = expected(tensors)

    # To be refused.
    torch.save({**state, "args": argparse.Namespace(lr=0.1)}, folder / "refused-args.pth")
    torch.save({"a": torch.ones(2), "b": Command()}, folder / "refused-command.pth")
    torch.save(module(), folder / "refused-module-legacy.pth", **LEGACY)
    torch.save({"epoch": 3, "net": state}, folder / "refused-elsewhere.pth")
    (folder / "refused-command.pkl").write_bytes(pickle.dumps({"model": Command()}, protocol=4))
    recompressed(folder / "module.pth", folder / "refused-deflated.pth")

    (folder / "expected.json").write_text(json.dumps(contents, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    default = ROOT / "Tests/CheckpointsTests/Fixtures"
    write(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
