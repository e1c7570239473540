"""What the scripts that try out the built program have in common."""

import collections
import dataclasses
import json
import os
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
STATE = ".detect-batch"


def program():
    """The detect-batch that was built here last, or the one that $DETECT_BATCH names."""
    if "DETECT_BATCH" in os.environ:
        return Path(os.environ["DETECT_BATCH"])
    found = [path for mode in ("release", "debug") if (path := ROOT / ".build" / mode / "detect-batch").exists()]
    if not found:
        sys.exit(f"{Path(sys.argv[0]).name}: there is no detect-batch yet: run scripts/demo first")
    return max(found, key=lambda path: path.stat().st_mtime)


def run(*arguments, allowed=(0,)):
    """Runs detect-batch to its end; any other exit code than the allowed ones ends the script."""
    done = subprocess.run([program(), *map(str, arguments)], capture_output=True, text=True)
    if done.returncode not in allowed:
        sys.exit(f"detect-batch {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
    return done


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


def small_model(path):
    """The bundled model, told to look at pictures shrunk to 64 pixels: the same work for a twentieth of the time."""
    content = (SAMPLES / "models/codes.safetensors").read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    description = json.loads(header["__metadata__"]["detect-batch.model"])
    description["preprocessing"] |= {"minSize": 64, "maxSize": 128}
    header["__metadata__"]["detect-batch.model"] = json.dumps(description)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
    return path


SMALL = ["-vf", "scale=160:90", "-c:v", "libx264", "-preset", "veryfast", "-threads", "1"]


def make_long_video(path, loops):
    """A small video with a keyframe every 50 frames, before which nothing leans on what comes after."""
    ffmpeg("-stream_loop", loops, "-i", SAMPLES / "videos/conveyor.mp4", *SMALL, "-g", 50, path)


def make_inputs(folder, seed):
    """A long video, short ones of several containers, one that repeats frames, a damaged one, one that is no video at all, and images."""
    conveyor = SAMPLES / "videos/conveyor.mp4"
    (folder / "images").mkdir(parents=True)
    make_long_video(folder / "long.mp4", 2)
    ffmpeg("-i", conveyor, "-t", 1, *SMALL, "-bf", 2, folder / "b-frames.mkv")
    ffmpeg("-i", conveyor, "-t", 1, "-vf", "scale=160:90", "-c:v", "mjpeg", "-q:v", 5, folder / "motion.avi")
    # Every frame five times, as slides have them.
    slides = "scale=160:90,fps=4,fps=20"
    ffmpeg("-i", conveyor, "-vf", slides, "-c:v", "mjpeg", "-q:v", 5, folder / "slides.mkv")
    ffmpeg("-i", conveyor, "-t", 2, *SMALL, "-g", 10, folder / "damaged.ts")
    damaged = bytearray((folder / "damaged.ts").read_bytes())
    choose = random.Random(seed)
    for _ in range(20):
        damaged[choose.randrange(len(damaged) // 4, len(damaged))] ^= 0xFF
    (folder / "damaged.ts").write_bytes(damaged)
    (folder / "nothing.mp4").write_bytes(b"no video")
    for image in sorted((SAMPLES / "images").iterdir()):
        (folder / "images" / image.name).write_bytes(image.read_bytes())


def children(parent):
    """The decoder processes of a process."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if f"\nPPid:\t{parent}\n" in text and "\nState:\tZ" not in text:
            found.append(int(status.parent.name))
    return found


def record_files(output):
    """The bytes of every finished record file by its path below the output directory: whatever is called *.jsonl."""
    return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*.jsonl")}


def manifest(output):
    """The lines of the manifest without `seconds`, sorted."""
    lines = (output / STATE / "manifest.log").read_text().splitlines()
    entries = [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]
    return sorted(json.dumps(entry) for entry in entries)


def differences(output, reference):
    """What differs between two output directories: names of record files, lines of the manifest."""
    ours, theirs = record_files(output), record_files(reference)
    found = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    ours, theirs = manifest(output), manifest(reference)
    found += [f"manifest, only here: {line}" for line in ours if line not in theirs]
    found += [f"manifest, only in the reference: {line}" for line in theirs if line not in ours]
    if len(ours) != len(theirs):
        found.append(f"manifest: {len(ours)} lines here, {len(theirs)} in the reference")
    return found


def overlap(a, b):
    """IoU of boxes [x, y, width, height]."""
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(0, across) * max(0, down)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


@dataclasses.dataclass
class AnnotatedBox:
    label: str
    box: list  # [x, y, width, height]
    attributes: dict  # what scripts/make-codes.py knows of it


@dataclasses.dataclass
class AnnotatedPicture:
    width: int
    height: int
    boxes: list
    detections: list  # as records have them


def detect_annotated(path, options):
    """The pictures of a COCO file, which lie below its folder, with their boxes and what detect-batch finds in them."""
    path = Path(path)
    truth = json.loads(path.read_text())
    names = {category["id"]: category["name"] for category in truth["categories"]}
    boxes = collections.defaultdict(list)
    for entry in truth["annotations"]:
        box = AnnotatedBox(names[entry["category_id"]], entry["bbox"], entry.get("attributes", {}))
        boxes[entry["image_id"]].append(box)
    images = {image["file_name"]: image for image in truth["images"]}
    command = [program(), "--files-from", "-", "--root", path.parent, "--output", "-", "--quiet", *options]
    listed = "".join(f"{path.parent / name}\n" for name in images)
    lines = subprocess.run(command, input=listed, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    records = {record["source"]: record for record in map(json.loads, lines)}
    return [
        AnnotatedPicture(image["width"], image["height"], boxes[image["id"]], records[name]["detections"])
        for name, image in images.items()
    ]
