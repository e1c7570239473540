#!/usr/bin/env python3
"""Makes pictures with machine-readable codes in them, and their boxes as COCO JSON, to train and measure a detector.

    scripts/make-codes.py FOLDER [--train 12000] [--validation 600] [--test 1500] [--bad 1500] [--nothing 1000] [--walls 0.6] [--size 480x360] [--seed 1]
    scripts/make-codes.py FOLDER --sheet        also draws FOLDER/SPLIT-sheet.png to look at

Needs scripts/codes/requirements.txt and Debian's zint, fonts-dejavu-core and fonts-urw-base35. Every picture follows from the seed, the
split and its number: no symbol and no picture of one split is in another, and a longer split begins like a shorter one
of as many symbols. `scripts/codes` says what is drawn; a box lies around a symbol's modules, without its quiet zone,
as far as they are in the picture. A split whose JSON is there is kept.
Beside it stands what is known of how hard it is to see (scripts/measure-kinds --by-difficulty).

Of the pictures of "bad-validation" (to choose with) and "bad" (to report) all have troubles: blur until bars merge, motion,
darkness, haze, glare, metal, size, a cut, a cover, one or two, each of any strength up to where a person can still name the code.
Those of "nothing" show no code.
"""

import argparse
import functools
import json
import multiprocessing
import pathlib

import cv2
import numpy as np

from codes import scene, symbols

SPLITS = {"train": 1, "validation": 2, "test": 3, "bad-validation": 4, "bad": 5, "nothing": 6}
COLOURS = {"qr_code": (60, 60, 255), "data_matrix": (0, 190, 0), "aztec": (255, 120, 0), "pdf417": (200, 0, 200), "barcode": (0, 160, 255)}


def write_picture(seed, split, size, share, walls, folder, number):
    rng = np.random.default_rng([seed, SPLITS[split], 1, number])
    pixels, found = scene.make(rng, {} if split == "nothing" else POOL, size, share, walls)
    path = folder / split / f"{number:05}.jpg"
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 93])
    return found


def annotations(split, size, pictures):
    """COCO's form of the symbols of every picture."""
    images, boxes = [], []
    for number, found in enumerate(pictures):
        images.append({"id": number + 1, "file_name": f"{split}/{number:05}.jpg", "width": size[0], "height": size[1]})
        for one in found:
            x, y, right, bottom = (round(float(v), 2) for v in one.box)
            width, height = round(right - x, 2), round(bottom - y, 2)
            boxes.append({
                "id": len(boxes) + 1, "image_id": number + 1, "category_id": symbols.LABELS.index(one.label) + 1,
                "bbox": [x, y, width, height], "area": round(width * height, 2), "iscrowd": 0, "attributes": one.facts(),
            })  # fmt: skip
    categories = [{"id": index + 1, "name": label} for index, label in enumerate(symbols.LABELS)]
    return {"images": images, "categories": categories, "annotations": boxes}


def sheet(folder, split, found, columns=8, rows=6):
    """The first pictures of a split, with their boxes."""
    cells = []
    for number in range(min(columns * rows, len(found))):
        pixels = cv2.imread(str(folder / split / f"{number:05}.jpg"))
        for one in found[number]:
            x, y, right, bottom = (int(v) for v in one.box)
            cv2.rectangle(pixels, (x, y), (right, bottom), COLOURS[one.label], 1)
            text = f"{one.label} {one.trouble}"
            cv2.putText(pixels, text, (x, max(10, y - 2)), 0, 0.4, COLOURS[one.label], 1, cv2.LINE_AA)
        cells.append(pixels)
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    lines = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    cv2.imwrite(str(folder / f"{split}-sheet.png"), np.vstack(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--train", type=int, default=12000, help="pictures (default: 12000)")
    parser.add_argument("--validation", type=int, default=600, help="pictures (default: 600)")
    parser.add_argument("--test", type=int, default=1500, help="pictures (default: 1500)")
    parser.add_argument("--bad", type=int, default=0, help="pictures that all are bad, in each of two splits (default: 0)")
    parser.add_argument("--nothing", type=int, default=0, help="pictures without a code (default: 0)")
    parser.add_argument("--trouble", type=float, default=0.45, help="the bad ones' share in the others (default: 0.45)")
    parser.add_argument("--walls", type=float, default=0, help="share of pictures before stripes from edge to edge (default: 0)")
    parser.add_argument("--symbols", type=int, default=1000, help="of each label, for training; others have a quarter")
    parser.add_argument("--size", default="480x360", help="of a picture (default: 480x360)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--sheet", action="store_true", help="draw pictures with their boxes to look at")
    options = parser.parse_args()
    size = tuple(int(side) for side in options.size.split("x"))
    cv2.setNumThreads(1)
    for split, number in SPLITS.items():
        bad = split.startswith("bad")
        count = options.bad if bad else getattr(options, split)
        truth = options.folder / f"{split}.json"
        if count == 0 or truth.exists():
            continue
        per_label = options.symbols if split == "train" else max(1, options.symbols // 4)
        # Read by `write_picture`, in processes that are forked from this one.
        global POOL
        POOL = symbols.draw_pool([options.seed, number, 0], per_label, options.processes)
        (options.folder / split).mkdir(parents=True, exist_ok=True)
        draw = functools.partial(write_picture, options.seed, split, size, 1.0 if bad else options.trouble, options.walls, options.folder)
        with multiprocessing.get_context("fork").Pool(options.processes) as processes:
            found = processes.map(draw, range(count), chunksize=8)
        text = json.dumps(annotations(split, size, found))
        (options.folder / f".{truth.name}").write_text(text)
        (options.folder / f".{truth.name}").rename(truth)
        print(f"{split}: {count} pictures, {sum(map(len, found))} symbols", flush=True)
        if options.sheet:
            sheet(options.folder, split, found)


if __name__ == "__main__":
    main()
