#!/usr/bin/env python3
"""One engine in a process of its own, driven by lines: what `scripts/benchmark-engines` times.

    python peers.py ENGINE MODEL WIDTH HEIGHT CORES [float32|bf16|int8]

ENGINE is `pytorch` (MODEL a state dict beside its .json), `onnxruntime` or `openvino` (MODEL an ONNX file, or what
was quantized of it: int8 is in the model, all else is float32 then).
Prints {"ready": setting} once the network is loaded and the fastest of the engine's settings is found, then
for each line "N" on standard input runs N images and prints {"seconds": wall time of all, "images": N, "peakMiB": …}.
Network only: backbone, pyramid and heads, no pre- or post-processing.
"""

import copy
import json
import pathlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def _pytorch(path, shape, cores, precision):
    """Both memory layouts; one stream of all threads (PyTorch has no other for one process)."""
    import networks
    import torch

    torch.set_num_threads(cores)
    description = json.loads(pathlib.Path(path).with_suffix(".json").read_text())
    model = networks.build(networks.variant_of(description))
    model.load_state_dict(torch.load(path, weights_only=True))
    for layout in (torch.channels_last, torch.contiguous_format):
        # A copy each: the layout is the weights' too.
        network = networks.HeadOutputs(copy.deepcopy(model)).eval().to(memory_format=layout)
        image = torch.rand(shape).contiguous(memory_format=layout)
        if precision == "bf16":
            network, image = network.bfloat16(), image.bfloat16()

        def images(count, network=network, image=image):
            with torch.inference_mode():
                for _ in range(count):
                    network(image)

        yield str(layout).removeprefix("torch."), images


def _onnxruntime(path, shape, cores, precision):
    """One session of all threads, or as many sessions of one thread as there are cores."""
    import onnxruntime

    if precision == "bf16":
        sys.exit("ONNX Runtime has no bf16 kernels for CPUs: leave it out of --engines")

    def session(threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    one = session(cores)
    name = one.get_inputs()[0].name

    def images(count):
        for _ in range(count):
            one.run(None, {name: image})

    yield f"1 session of {cores} threads", images
    many = [session(1) for _ in range(cores)]

    def images_apart(count):
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(lambda i: many[i % cores].run(None, {name: image}), range(count)))

    yield f"{cores} sessions of 1 thread", images_apart


def _openvino(path, shape, cores, precision):
    """One stream of all threads, or one stream a core with asynchronous requests; its precision said aloud."""
    import openvino

    core = openvino.Core()
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    for streams in sorted({1, cores}):
        compiled = core.compile_model(
            path,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
                "INFERENCE_NUM_THREADS": cores,
                "NUM_STREAMS": streams,
            },
        )
        queue = openvino.AsyncInferQueue(compiled, streams)

        def images(count, queue=queue):
            for _ in range(count):
                queue.start_async({0: image})
            queue.wait_all()

        yield f"{streams} stream(s)", images


ENGINES = {"pytorch": _pytorch, "onnxruntime": _onnxruntime, "openvino": _openvino}


def _peak_resident():
    """MiB. Not getrusage's maximum, which a child inherits from the process that started it."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024


def main():
    engine, path, width, height, cores = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    precision = sys.argv[6] if len(sys.argv) > 6 else "float32"
    best = None
    for setting, images in ENGINES[engine](path, (1, 3, height, width), cores, precision):
        images(cores)
        start = time.perf_counter()
        images(2 * cores)
        seconds = time.perf_counter() - start
        if best is None or seconds < best[0]:
            best = (seconds, setting, images)
    _, setting, images = best
    print(json.dumps({"ready": setting}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        images(int(line))
        seconds = time.perf_counter() - start
        answer = {"seconds": seconds, "images": int(line), "peakMiB": _peak_resident()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
