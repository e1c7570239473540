"""One picture: what lies where, and how it was taken."""

import cv2
import numpy as np

from . import camera, scenery, surfaces
from .scenery import chance
from .symbols import LABELS, LINEAR

OVERSAMPLING = 2
# Pixels of the picture that a module has at least, for somebody to tell a symbol's kind.
LEAST_MODULE = {"qr_code": 1.9, "data_matrix": 1.9, "aztec": 1.9, "pdf417": 1.3, LINEAR: 1.05}
SHORTEST_SIDE = 9  # of a box, in pixels
LEAST_CONTRAST = 22
LEAST_VISIBLE = 0.75  # of a box inside the picture


def counts(rng):
    """Symbols of a picture, and look-alikes."""
    symbols = int(rng.choice([0, 1, 2, 3, 4, 5, 6, 8], p=[0.15, 0.43, 0.14, 0.1, 0.07, 0.05, 0.04, 0.02]))
    look_alikes = int(rng.integers(0, 5)) if symbols == 0 else int(rng.choice([0, 1, 2], p=[0.7, 0.2, 0.1]))
    return symbols, look_alikes


def longer_side(rng, count, size):
    """Of a symbol in pixels of the picture: tiny to frame-filling, smaller where there are many."""
    if count == 1:
        if chance(rng, 0.2):
            return rng.uniform(0.7, 1.05) * min(size)
        least, most = 24, 0.9 * size[0]
    else:
        least, most = 20, 1.1 * min(size) / np.sqrt(count)
    return np.exp(rng.uniform(np.log(least), np.log(most)))


def choose(rng, pool, label, side):
    """A symbol of which `side` pixels show every module, its proportions in modules, and pixels for a module."""
    least = LEAST_MODULE[label]
    for _ in range(25):
        symbol = pool[label][rng.integers(len(pool[label]))]
        width, height = surfaces.proportions(rng, symbol)
        module = side / max(width, height)
        if module >= least:
            break
    return symbol, width, height, max(module, least)


def clipped(points, size):
    """The box around points [n, 2], cut at the picture; and the part of it that is left."""
    low, high = points.min(0), points.max(0)
    inner_low, inner_high = np.clip(low, 0, size), np.clip(high, 0, size)
    part = np.prod(inner_high - inner_low) / max(1e-6, np.prod(high - low))
    return np.concatenate([inner_low, inner_high]), part


def overlaps(box, others):
    return any(min(box[2], o[2]) > max(box[0], o[0]) and min(box[3], o[3]) > max(box[1], o[1]) for o in others)


def grown(box, margin):
    return box + np.array([-margin, -margin, margin, margin])


def make(rng, pool, size):
    """A picture, uint8 [height, width, 3], and its symbols as (label, box [left, top, right, bottom]).

    `size` is width and height in pixels. Where light and cover leave a symbol that nobody could name, another is made.
    """
    for _ in range(8):
        picture, found = attempt(rng, pool, size)
        if all(contrast(picture, box) >= LEAST_CONTRAST for _, box in found):
            break
    return picture, found


def contrast(picture, box):
    """Of light and dark in a box, in steps of 255, without the noise."""
    x, y, right, bottom = box.astype(int)
    low, high = np.percentile(cv2.blur(picture[y:bottom, x:right, 1], (3, 3)), [10, 90])
    return high - low


def attempt(rng, pool, size):
    factor = OVERSAMPLING
    canvas_size = (size[0] * factor, size[1] * factor)
    clean = chance(rng, 0.08)
    symbol_count, look_alike_count = counts(rng)
    direct = symbol_count > 0 and chance(rng, 0.2)  # printed on what is there, without a label of its own
    if clean:
        maker = scenery.plain if chance(rng, 0.6) else scenery.text_page
    elif direct:
        maker = [scenery.plain, scenery.clouds, scenery.wood][rng.integers(3)]
    else:
        maker = scenery.background
    canvas = maker(rng, canvas_size[1], canvas_size[0])
    if not direct and not clean and maker is scenery.background and chance(rng, 0.4):
        for _ in range(int(rng.integers(1, 12))):
            scenery.clutter(rng, canvas)
    canvas = canvas.astype(np.float32)
    if direct:
        canvas = 110 + canvas * (145 / 255)
    found, taken, modules = [], [], []
    main = LABELS[rng.integers(len(LABELS))]
    for number in range(symbol_count):
        label = main if number == 0 or chance(rng, 0.3) else LABELS[rng.integers(len(LABELS))]
        side = longer_side(rng, symbol_count, size)
        symbol, width, height, module = choose(rng, pool, label, side)
        scale = int(np.clip(np.ceil(module * factor), 2, 12))
        surface = surfaces.symbol_surface(rng, symbol, width, height, scale)
        for _ in range(12):
            extent = np.array([width, height]) * module / 2
            free = np.maximum(0, np.array(size) / 2 - extent)
            centre = np.array(size) / 2 + rng.uniform(-1, 1, 2) * (free + 0.12 * extent)
            placement = camera.place(rng, surface, surface.outline, factor * module / scale, centre * factor, clean)
            shown = placement.forward(camera.outline_points(surface.outline)) / factor
            box, part = clipped(shown, size)
            sides = box[2:] - box[:2]
            if part < LEAST_VISIBLE or sides.min() < SHORTEST_SIDE or overlaps(grown(box, 2), taken):
                continue
            if add(canvas, surface, placement, [grown(b, 1) for b in taken], direct):
                found.append((label, box))
                taken.append(box)
                modules.append(module * (1.6 if label in (LINEAR, "pdf417") else 1))
                break
    for _ in range(look_alike_count):
        height = int(np.exp(rng.uniform(np.log(40), np.log(0.8 * canvas_size[1]))))
        width = int(height * np.exp(rng.uniform(-0.2, 1)))
        surface = surfaces.pattern_surface(rng, height, width)
        around = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * surface.light.shape[::-1]
        placement = camera.place(rng, surface, around, rng.uniform(0.6, 1), rng.uniform(0, 1, 2) * canvas_size, clean)
        add(canvas, surface, placement, [grown(b, 4) for b in taken], direct and chance(rng, 0.5))
    for label, box in found:
        if not clean and chance(rng, 0.08):
            camera.cover(rng, canvas, box * factor)
    least = min(modules, default=rng.uniform(2, 7))
    return camera.develop(rng, canvas, size, least, clean), found


def add(canvas, surface, placement, taken, direct):
    """Draws a surface, unless it would hide a symbol that lies there already.

    Returns whether it was drawn. `direct`: only the ink, on whatever is there.
    """
    window = placement.window(surface.light.shape, canvas.shape[1::-1])
    left, top, right, bottom = window
    if right - left < 4 or bottom - top < 4:
        return False
    covered = placement.warp(np.ones(surface.light.shape, np.float32), window)
    for box in taken:
        x, y, end_x, end_y = (box * OVERSAMPLING).astype(int) - (left, top, left, top)
        if covered[max(0, y) : max(0, end_y), max(0, x) : max(0, end_x)].any():
            return False
    part = canvas[top:bottom, left:right]
    light = placement.warp(surface.light, window)
    if direct:
        ink = (covered - light)[..., None]
        part *= 1 - ink
        part += ink * np.minimum(surface.ink, 60)
    else:
        part *= 1 - covered[..., None]
        part += covered[..., None] * surface.ink
        part += light[..., None] * (surface.paper - surface.ink)
    return True
