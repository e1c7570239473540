"""One picture: what lies where, and how it was taken."""

import dataclasses

import cv2
import numpy as np

from . import camera, scenery, surfaces, troubles
from .scenery import chance
from .symbols import LABELS, LINEAR

OVERSAMPLING = 2
# Pixels of the picture that a module has at least, for somebody to tell a symbol's kind.
LEAST_MODULE = {"qr_code": 1.9, "data_matrix": 1.9, "aztec": 1.9, "pdf417": 1.3, LINEAR: 1.05}
SHORTEST_SIDE = 9  # of a box, in pixels
LEAST_CONTRAST = 22  # in steps of 255
LEAST_CONTRAST_IN_TROUBLE = 7
LEAST_VISIBLE = 0.75  # of a symbol inside the picture, where it is not cut on purpose
# Linear codes have more kinds and more ways to be hard than others.
SHARES = [0.17, 0.17, 0.17, 0.19, 0.3]


@dataclasses.dataclass
class Found:
    """A symbol in a picture: its box [left, top, right, bottom] in pixels, and how hard it is to see."""

    label: str
    box: np.ndarray
    module: float  # in pixels
    angle: float  # degrees from upright or lying, 0 to 45
    visible: float  # the part inside the picture
    covered: float = 0.0  # the part of the box that something hides
    blur: float = 0.0  # standard deviation in modules
    motion: float = 0.0  # in modules
    light: float = 1.0
    contrast: float = 0.0  # between light and dark inside the box, in steps of 255
    trouble: str = ""

    def facts(self):
        """What is written beside the box."""
        facts = dataclasses.asdict(self)
        del facts["label"], facts["box"]
        return {name: value if isinstance(value, str) else round(float(value), 3) for name, value in facts.items()}


def counts(rng, pool, trouble):
    """Symbols of a picture, and look-alikes."""
    if not pool:
        return 0, int(rng.integers(0, 7))
    if trouble.any() and chance(rng, 0.6):
        return 1, int(chance(rng, 0.15))
    symbols = int(rng.choice([0, 1, 2, 3, 4, 5, 6, 8], p=[0.17, 0.43, 0.14, 0.1, 0.07, 0.04, 0.03, 0.02]))
    look_alikes = int(rng.integers(0, 5)) if symbols == 0 else int(rng.choice([0, 1, 2], p=[0.65, 0.23, 0.12]))
    return symbols, look_alikes


def longer_side(rng, count, size, trouble):
    """Of a symbol in pixels of the picture: tiny to frame-filling, smaller where there are many."""
    if trouble.large > 0:
        return (0.7 + 0.7 * trouble.large) * min(size)
    if count == 1:
        if chance(rng, 0.2):
            return rng.uniform(0.7, 1.05) * min(size)
        # Who takes a bad picture is mostly near: it is the lens that cannot follow.
        least, most = 24 if not trouble.any() or chance(rng, 0.3) else 0.3 * min(size), 0.9 * size[0]
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


def inside(points, size):
    """The part of a polygon [n, 2] that lies in a picture, as a polygon; and its share of the area."""
    whole = area(points)
    for axis in (0, 1):
        for bound, sign in ((0, 1), (size[axis], -1)):
            kept = []
            for a, b in zip(points, np.roll(points, -1, 0)):
                from_bound, to_bound = sign * (a[axis] - bound), sign * (b[axis] - bound)
                if from_bound >= 0:
                    kept.append(a)
                if (from_bound >= 0) != (to_bound >= 0):
                    kept.append(a + (b - a) * (from_bound / (from_bound - to_bound)))
            if not kept:
                return np.zeros((1, 2)), 0.0
            points = np.array(kept)
    return points, area(points) / max(1e-6, whole)


def area(points):
    x, y = points.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def overlaps(box, others):
    return any(min(box[2], o[2]) > max(box[0], o[0]) and min(box[3], o[3]) > max(box[1], o[1]) for o in others)


def grown(box, margin):
    return box + np.array([-margin, -margin, margin, margin])


def make(rng, pool, size, share, walls=0.0):
    """A picture, uint8 [height, width, 3], and its symbols.

    `pool`: symbols by label to take from; without any the picture has none. `size` is width and height in pixels;
    `share`: of pictures with troubles; `walls`: of pictures before stripes from edge to edge, where a label lies on its
    own card. Where light and cover leave a symbol that nobody could name, another picture is made, with the same troubles.
    """
    trouble = troubles.draw(rng, share)
    least = LEAST_CONTRAST_IN_TROUBLE if trouble.any() else LEAST_CONTRAST
    for _ in range(12):
        picture, found, noise = attempt(rng, pool, size, trouble, walls)
        for one in found:
            one.contrast = contrast(picture, one.box)
        if all(one.contrast >= max(least, 2 * noise if trouble.dark else 0) for one in found):
            break
        trouble = dataclasses.replace(trouble, **{name: 0.85 * value for name, value in vars(trouble).items()})
    return picture, found


def contrast(picture, box):
    """Of light and dark in a box, in steps of 255, without the noise."""
    x, y, right, bottom = box.astype(int)
    low, high = np.percentile(cv2.blur(picture[y:bottom, x:right, 1], (3, 3)), [10, 90])
    return high - low


def attempt(rng, pool, size, trouble, walls):
    """A picture, its symbols, and how strong its noise is."""
    factor = OVERSAMPLING
    canvas_size = (size[0] * factor, size[1] * factor)
    clean = chance(rng, 0.08) and not trouble.any()
    symbol_count, look_alike_count = counts(rng, pool, trouble)
    direct = symbol_count > 0 and chance(rng, 0.2) and trouble.metal == 0  # printed on what is there, without a label of its own
    if clean:
        maker = scenery.plain if chance(rng, 0.6) else scenery.text_page
    elif direct:
        maker = [scenery.plain, scenery.clouds, scenery.wood][rng.integers(3)]
    else:
        maker = scenery.background
        # Nothing is drawn where there are none: pictures of a seed stay what they were before there were walls.
        if walls > 0 and chance(rng, walls):
            maker = scenery.wall
    canvas = maker(rng, canvas_size[1], canvas_size[0])
    if not direct and not clean and chance(rng, 0.4):
        for _ in range(int(rng.integers(1, 12))):
            scenery.clutter(rng, canvas)
    canvas = canvas.astype(np.float32)
    if direct:
        canvas = 110 + canvas * (145 / 255)
    found = []
    main = LABELS[rng.choice(len(LABELS), p=SHARES)]
    for number in range(symbol_count):
        label = main if number == 0 or chance(rng, 0.3) else LABELS[rng.choice(len(LABELS), p=SHARES)]
        one = add_symbol(rng, canvas, pool, label, symbol_count, size, trouble, [f.box for f in found], direct, clean)
        if one is not None:
            found.append(one)
    for _ in range(look_alike_count):
        height = int(np.exp(rng.uniform(np.log(40), np.log(0.8 * canvas_size[1]))))
        width = int(height * np.exp(rng.uniform(-0.2, 1)))
        surface = surfaces.pattern_surface(rng, height, width)
        around = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * surface.light.shape[::-1]
        placement = camera.place(rng, surface, around, rng.uniform(0.6, 1), rng.uniform(0, 1, 2) * canvas_size, clean)
        add(canvas, surface, placement, [grown(one.box, 4) for one in found], direct and chance(rng, 0.5))
    least = min((one.module for one in found), default=rng.uniform(2, 7))
    if clean:
        return camera.develop(rng, canvas, size, least, None), found, 0.0
    canvas = camera.light(rng, canvas)
    for one in found:
        if trouble.glare > 0:
            canvas = troubles.glare(rng, canvas, one.box * factor, trouble.glare)
        if trouble.cover > 0:
            one.covered = troubles.cover(rng, canvas, one.box * factor, trouble.cover)
        elif chance(rng, 0.08):
            camera.touch(rng, canvas, one.box * factor)
    taken = camera.shot(rng, trouble, found)
    for one in found:
        one.blur, one.motion, one.light = taken.blur / one.module, taken.motion / one.module, taken.light * (1 - taken.haze)
        one.trouble = "+".join(name for name, value in vars(trouble).items() if value > 0)
    return camera.develop(rng, canvas, size, least, taken), found, taken.noise


def add_symbol(rng, canvas, pool, label, count, size, trouble, taken, direct, clean):
    """Places a symbol where none lies yet; None where there is no room for it."""
    side = longer_side(rng, count, size, trouble)
    symbol, width, height, module = choose(rng, pool, label, side)
    scale = int(np.clip(np.ceil(module * OVERSAMPLING), 2, 12))
    surface = surfaces.symbol_surface(rng, symbol, width, height, scale, trouble.metal)
    least, most, beyond = LEAST_VISIBLE, 1.01, 0.12
    if trouble.cut > 0 or trouble.large > 0:
        least, beyond = troubles.LEAST_VISIBLE[label], 0.9 * trouble.cut + 0.3
    if trouble.cut > 0:
        most = 1 - 0.6 * (1 - least) * trouble.cut
    for _ in range(12 if most > 1 else 40):
        extent = np.array([width, height]) * module / 2
        free = np.maximum(0, np.array(size) / 2 - extent)
        centre = np.array(size) / 2 + rng.uniform(-1, 1, 2) * (free + beyond * extent)
        placement = camera.place(rng, surface, surface.outline, OVERSAMPLING * module / scale, centre * OVERSAMPLING, clean)
        outline = placement.forward(camera.outline_points(surface.outline)) / OVERSAMPLING
        left, part = inside(outline, size)
        if not least <= part <= most:
            continue
        box = np.concatenate([left.min(0), left.max(0)])
        sides = box[2:] - box[:2]
        if sides.min() < SHORTEST_SIDE or overlaps(grown(box, 2), taken):
            continue
        if add(canvas, surface, placement, [grown(b, 1) for b in taken], direct):
            x, y = outline[len(outline) // 4] - outline[0]
            turn = np.degrees(np.arctan2(y, x)) % 90
            return Found(label, box, module, min(turn, 90 - turn), part)
    return None


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
    if direct:
        ink = (covered - placement.warp(surface.light, window))[..., None]
        part *= 1 - ink
        part += ink * np.minimum(surface.ink, 60)
    else:
        light = surface.light[..., None] * (surface.paper - surface.ink)
        part *= 1 - covered[..., None]
        part += covered[..., None] * surface.ink
        part += placement.warp(light.astype(np.float32), window)
    return True
