#!/usr/bin/env python3
"""What a Python user writes to run a detector over a video or a folder of photographs: what
`scripts/benchmark-pipeline` times beside this project.

    python pipeline.py GRAPH DESCRIPTION f32|int8 INPUT OUTPUT

PyAV decodes a video with threads, OpenCV reads photographs and resizes, OpenVINO runs GRAPH (an ONNX file)
asynchronously at its throughput setting, NumPy and OpenCV make detections of its outputs, one JSON line a
picture. int8 is NNCF's, calibrated on pictures of INPUT. Prints {"seconds": …, "pictures": …, "detections": …}: the time
does not hold what is done once (imports, loading, calibrating, compiling).
"""

import itertools
import json
import math
import pathlib
import sys
import time

import av
import cv2
import numpy as np
import openvino as ov

CALIBRATION_PICTURES = 300


def pictures(path):
    """RGB frames of a video, or BGR photographs of a folder made RGB."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            yield cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        return
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            yield frame.to_ndarray(format="rgb24")


class Geometry:
    """The size that a picture is brought to, and the padded size of the network's input."""

    def __init__(self, description, height, width):
        sizes = description["preprocessing"]
        scale = min(sizes["minSize"] / min(height, width), sizes["maxSize"] / max(height, width))
        self.scale, self.size = scale, (int(width * scale), int(height * scale))
        self.padded = tuple(math.ceil(side / 32) * 32 for side in reversed(self.size))

    def blob(self, picture):
        """Bytes of one padded picture: the graph normalises."""
        blob = np.zeros((1, *self.padded, 3), np.uint8)
        blob[0, : self.size[1], : self.size[0]] = cv2.resize(picture, self.size)
        return blob


class Decoder:
    """Detections of the heads' outputs."""

    def __init__(self, description, geometry):
        self.limits, self.labels = description["postprocessing"], description["classes"]
        anchors, self.counts = [], []
        for level, bases in enumerate(description["anchors"]["sizes"]):
            stride = 8 << level
            rows, columns = (math.ceil(side / stride) for side in geometry.padded)
            stride_y, stride_x = geometry.padded[0] // rows, geometry.padded[1] // columns
            ratios = description["anchors"]["aspectRatios"]
            shapes = [(b / math.sqrt(r), b * math.sqrt(r)) for r in ratios for b in bases]
            y, x = np.mgrid[0:rows, 0:columns].reshape(2, -1, 1) * [[[stride_y]], [[stride_x]]]
            w, h = np.array(shapes).T
            whole = np.stack(np.broadcast_arrays(x, y, w, h), -1).reshape(-1, 4)
            anchors.append(whole.astype(np.float32))
            self.counts.append(len(whole))
        self.anchors, self.scale = np.concatenate(anchors), geometry.scale

    def __call__(self, logits, deltas):
        threshold = self.limits["scoreThreshold"]
        least = math.log(threshold / (1 - threshold))
        found, first = [], 0
        for count in self.counts:
            level = logits[first : first + count].ravel()
            chosen = np.flatnonzero(level > least)
            if len(chosen) > self.limits["candidatesPerLevel"]:
                chosen = chosen[np.argsort(-level[chosen])[: self.limits["candidatesPerLevel"]]]
            found.append(chosen + first * logits.shape[1])
            first += count
        chosen = np.concatenate(found)
        if not len(chosen):
            return []
        anchor, label = chosen // logits.shape[1], chosen % logits.shape[1]
        scores = 1 / (1 + np.exp(-logits.ravel()[chosen]))
        x, y, w, h = self.anchors[anchor].T
        dx, dy, dw, dh = deltas[anchor].T
        width, height = np.exp(np.minimum(dw, 4.135)) * w, np.exp(np.minimum(dh, 4.135)) * h
        boxes = np.stack([x + dx * w - width / 2, y + dy * h - height / 2, width, height], 1) / self.scale
        kept = cv2.dnn.NMSBoxesBatched(
            boxes.tolist(), scores.tolist(), label.tolist(), threshold, self.limits["nmsThreshold"]
        )
        return [(self.labels[label[k]], float(scores[k]), boxes[k].tolist()) for k in kept]


def load(graph, description, geometry, precision, path):
    """The network for bytes of one size, normalising inside."""
    core = ov.Core()
    model = core.read_model(graph)
    if precision == "int8":
        import nncf

        mean = np.array(description["preprocessing"]["mean"], np.float32) * 255
        deviation = np.array(description["preprocessing"]["standardDeviation"], np.float32) * 255
        some = [
            ((geometry.blob(picture) - mean) / deviation).transpose(0, 3, 1, 2).astype(np.float32)
            for picture in itertools.islice(pictures(path), CALIBRATION_PICTURES)
        ]
        model = nncf.quantize(model, nncf.Dataset(some), subset_size=len(some))
    steps = ov.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    convert = steps.input().preprocess().convert_element_type(ov.Type.f32)
    convert.mean([255 * value for value in description["preprocessing"]["mean"]])
    convert.scale([255 * value for value in description["preprocessing"]["standardDeviation"]])
    settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(steps.build(), "CPU", settings)


def main():
    graph, description, precision, path, output = sys.argv[1:]
    description, path = json.loads(pathlib.Path(description).read_text()), pathlib.Path(path)
    first = next(pictures(path))
    geometry = Geometry(description, *first.shape[:2])
    queue = ov.AsyncInferQueue(load(graph, description, geometry, precision, path))
    decode = Decoder(description, geometry)
    lines = {}

    def take(request, number):
        logits, deltas = (request.get_output_tensor(index).data[0] for index in (0, 1))
        found = [
            {"label": label, "score": round(score, 4), "box": [round(v, 2) for v in box]}
            for label, score, box in decode(logits, deltas)
        ]
        lines[number] = json.dumps({"source": path.name, "frame": number, "detections": found})

    queue.set_callback(take)
    start = time.perf_counter()
    for number, picture in enumerate(pictures(path)):
        queue.start_async(geometry.blob(picture), number)
    queue.wait_all()
    with open(output, "w") as file:
        for number in sorted(lines):
            file.write(lines[number] + "\n")
    seconds = time.perf_counter() - start
    found = sum(len(json.loads(line)["detections"]) for line in lines.values())
    print(json.dumps({"seconds": seconds, "pictures": len(lines), "detections": found}))


if __name__ == "__main__":
    main()
