#!/usr/bin/env python3
"""Writes Tests/CheckpointsTests/Fixtures/hostile.json: pickles that run a command when Python reads them.

    python3 scripts/make-hostile-fixtures.py [FILE]

The command makes the file that $CANARY names. Each entry: name, protocol, kind (the instruction that runs it), place
(inside: among the tensors; outside: beside them; whole: in place of everything), isZip (as PyTorch's zip archive, else
the bare pickle) and bytes (base64). Each is read with Python's own reader first, which has to make the file.
"""

import base64
import io
import json
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Two numbers whose bytes are text, which protocol 0 writes as it is.
NUMBERS = b"AAAABBBB"
COMMAND = 'touch "$CANARY"'
# Python's own reader, with stand-ins for what it does not have.
READER = """
import pickle, sys
class Reader(pickle.Unpickler):
    def persistent_load(self, identifier): return None
    def find_class(self, module, name):
        if module.startswith("torch"): return lambda *arguments: None
        return super().find_class(module, name)
try: Reader(open(sys.argv[1], "rb")).load()
except Exception as error: print(error, file=sys.stderr)
"""


def text(value, protocol):
    data = value.encode()
    return b"V" + data + b"\n" if protocol == 0 else b"X" + struct.pack("<I", len(data)) + data


def name(module, attribute, protocol):
    if protocol < 4:
        return f"c{module}\n{attribute}\n".encode()
    return text(module, protocol) + text(attribute, protocol) + b"\x93"


def one(value, protocol):
    """A tuple of one."""
    return b"(" + value + b"t" if protocol < 2 else value + b"\x85"


def hostile(kind, protocol):
    """Instructions that run the command and leave something on the stack."""
    command = text(COMMAND, protocol)
    system = name("os", "system", protocol)
    call = system + one(command, protocol) + b"R"
    builtin = "__builtin__" if protocol < 3 else "builtins"
    if kind == "reduce":
        return call
    if kind == "inst":
        return b"(" + command + b"ios\nsystem\n"
    if kind == "obj":
        return b"(" + system + command + b"o"
    if kind == "getattr":
        # getattr(__import__("os"), "system")(COMMAND)
        module = name(builtin, "__import__", protocol) + one(text("os", protocol), protocol) + b"R"
        pair = b"(" + module + text("system", protocol) + b"t"
        return name(builtin, "getattr", protocol) + pair + b"R" + one(command, protocol) + b"R"
    if kind == "eval":
        code = text(f"__import__('os').system({COMMAND!r})", protocol)
        return name(builtin, "eval", protocol) + one(code, protocol) + b"R"
    if kind == "newObject":
        # The argument of an object's making.
        return name("argparse", "Namespace", protocol) + one(call, protocol) + b"\x81"
    if kind == "newObjectWithKeys":
        keys = b"}" + text("x", protocol) + call + b"s"
        return name("argparse", "Namespace", protocol) + b")" + keys + b"\x92"
    if kind == "build":
        # An object's state.
        state = (b"(d" if protocol == 0 else b"}") + text("x", protocol) + call + b"s"
        made = b"(iargparse\nNamespace\n" if protocol < 2 else name("argparse", "Namespace", protocol) + b")\x81"
        return made + state + b"b"
    if kind == "setState":
        # __setstate__ is taken from the object, whose attributes are set first: state = {"__setstate__": os.system}.
        made = name("argparse", "Namespace", protocol) + b")\x81"
        return made + b"}" + text("__setstate__", protocol) + system + b"sb" + command + b"b"
    if kind == "append":
        # APPEND calls extend or append of any object: here of a list that holds the call's outcome.
        return (b"(l" if protocol == 0 else b"]") + call + b"a"
    raise ValueError(kind)


def tensor(protocol):
    """A tensor of two numbers in storage 0."""
    key = b"(" + text("storage", protocol) + name("torch", "FloatStorage", protocol) + text("0", protocol)
    key += text("cpu", protocol) + b"K\x02tQ"
    call = name("torch._utils", "_rebuild_tensor_v2", protocol) + b"(" + key + b"K\x00K\x02\x85K\x01\x85"
    ordered = name("collections", "OrderedDict", protocol) + b")R"
    return call + b"\x89" + ordered + b"tR"


def array(protocol):
    """A numpy array of two numbers, as instructions (numpy itself need not be there)."""
    import numpy as np

    data = pickle.dumps(np.frombuffer(NUMBERS, np.float32), protocol=protocol)
    return data[2:-1] if protocol >= 2 else data[:-1]


def pickled(kind, place, protocol, number):
    """{"args": ..., "model": {"w": number, "x": ...}} with the call in one place."""
    begin = bytes([0x80, protocol]) if protocol >= 2 else b""
    if place == "whole":
        return begin + hostile(kind, protocol) + b"."
    # Stored, as Python's own writer does: what protocols 0 and 1 begin with shows it.
    top = {0: b"(dp900\n", 1: b"}q\xfa"}.get(protocol, b"}")
    inner = b"(d" if protocol == 0 else b"}"
    outside = hostile(kind, protocol) if place == "outside" else b"N"
    inside = text("x", protocol) + hostile(kind, protocol) + b"s" if place == "inside" else b""
    return (
        begin + top + text("args", protocol) + outside + b"s" + text("model", protocol) + inner
        + text("w", protocol) + number + b"s" + inside + b"s."
    )


def archive(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("a/data.pkl", data)
        target.writestr("a/data/0", NUMBERS)
    return file.getvalue()


def runs(data):
    with tempfile.TemporaryDirectory() as folder:
        canary = pathlib.Path(folder, "canary")
        pathlib.Path(folder, "file").write_bytes(data)
        subprocess.run(
            [sys.executable, "-c", READER, f"{folder}/file"], env={**os.environ, "CANARY": str(canary)}, check=True,
            stderr=subprocess.DEVNULL)
        return canary.exists()


def write(path):
    kinds = ["reduce", "inst", "obj", "getattr", "eval", "build", "append"]
    later = ["newObject", "setState"]
    entries = []
    for protocol in range(6):
        available = [kind for kind in kinds if kind != "obj" or protocol >= 1]
        available += later * (protocol >= 2) + ["newObjectWithKeys"] * (protocol >= 4)
        for kind in available:
            for place in ("inside", "outside", "whole"):
                data = pickled(kind, place, protocol, array(protocol))
                forms = [(False, data)]
                if protocol == 2:
                    forms.append((True, pickled(kind, place, protocol, tensor(protocol))))
                for is_zip, data in forms:
                    assert runs(data), (kind, place, protocol)
                    content = archive(data) if is_zip else data
                    entries.append(
                        {"name": f"{kind} {place}", "kind": kind, "place": place, "protocol": protocol, "isZip": is_zip,
                         "bytes": base64.b64encode(content).decode()})
    path.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
    print(f"{len(entries)} pickles, each of which runs the command in Python")


if __name__ == "__main__":
    default = ROOT / "Tests/CheckpointsTests/Fixtures/hostile.json"
    write(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default)
