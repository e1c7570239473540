"""Pictures for the comparison of losses: signs to be found among much that looks like signs and is none.

What makes a one-stage detector's life hard on COCO, in small: few objects of many classes, and a background that is
mostly easy and in places as detailed as the objects are. A class is a shape in a colour; the same shapes in other
colours, other shapes in the same colours, and outlines belong to the background, as do lines, print and boxes. Ink is
thin in places, lines run over signs, light is uneven and focus not always right: where every sign is plain, every loss
finds nearly all of them (AP50 was 96 to 97), and only how well boxes fit is compared.
"""

import functools
import json
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .kept import write_whole

SIDE = 464
SHAPES = ["disc", "square", "triangle", "star", "cross"]
COLOURS = {"red": (205, 35, 40), "green": (35, 150, 60), "blue": (40, 75, 200), "yellow": (235, 200, 35)}
CLASSES = [(shape, colour) for colour in COLOURS for shape in SHAPES]
OTHER_SHAPES = ["half disc", "diamond", "hexagon", "arrow", "moon", "stairs", "bolt"]
OTHER_COLOURS = {
    "orange": (235, 125, 30), "violet": (125, 50, 170), "cyan": (50, 180, 200), "brown": (110, 65, 35),
    "pink": (235, 130, 165), "olive": (125, 135, 40), "black": (25, 25, 25), "white": (240, 240, 240), "gray": (130, 130, 130),
}  # fmt: skip
FONTS = sorted(pathlib.Path("/usr/share/fonts/truetype/dejavu").glob("*.ttf"))


@functools.lru_cache(maxsize=4096)
def font(number, size):
    return ImageFont.truetype(str(FONTS[number % len(FONTS)]), size)


def regular(count, start=0.0, inner=None):
    """Corners of a regular polygon within the unit circle, or of a star."""
    step = 2 * count if inner else count
    turns = start + np.arange(step) * 2 * np.pi / step
    reach = np.where(np.arange(step) % 2 == 1, inner, 1.0) if inner else np.ones(step)
    return np.stack([np.sin(turns) * reach, -np.cos(turns) * reach], 1)


ROUND = regular(48)
OUTLINES = {
    "disc": ROUND,
    "square": regular(4, np.pi / 4),
    "triangle": regular(3),
    "star": regular(5, inner=0.42),
    "cross": np.array([(-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1)]) / 3,
    "half disc": ROUND[:25] - (0.5, 0),
    "diamond": regular(4) * (0.65, 1),
    "hexagon": regular(6),
    "arrow": np.array([(0, -3), (3, 0), (1, 0), (1, 3), (-1, 3), (-1, 0), (-3, 0)]) / 3,
    "moon": np.concatenate([ROUND[:25], ROUND[24::-1] * (0.45, 1)]) - (0.5, 0),
    "stairs": np.array([(-3, 3), (-3, 1), (-1, 1), (-1, -1), (1, -1), (1, -3), (3, -3), (3, 3)]) / 3,
    "bolt": np.array([(1, -3), (-2, 0.5), (0, 0.5), (-1, 3), (2, -0.5), (0, -0.5)]) / 3,
}


def sign(rng, shape, size):
    """A shape of about `size` pixels, turned a little, as a mask that ends where its ink does."""
    scale = 4  # drawn larger and shrunk, for smooth edges
    turn = rng.normal(0, np.radians(8))
    turned = OUTLINES[shape] * rng.uniform(0.85, 1.18, 2) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = (turned - turned.min(0)) * size * scale / 2
    width, height = (int(np.ceil(v)) for v in points.max(0) / scale)
    mask = Image.new("L", (width * scale, height * scale))
    ImageDraw.Draw(mask).polygon([tuple(point) for point in points], fill=255)
    return mask.resize((max(4, width), max(4, height)), Image.BOX)


def hollow(mask):
    """Its outline alone."""
    inner = mask.resize((max(1, int(mask.width * 0.7)), max(1, int(mask.height * 0.7))))
    hole = Image.new("L", mask.size)
    hole.paste(inner, ((mask.width - inner.width) // 2, (mask.height - inner.height) // 2))
    return Image.fromarray(np.asarray(mask) - np.minimum(np.asarray(mask), np.asarray(hole)))


def ink(rng, colour):
    """As paint is in light and shade."""
    return tuple(int(v) for v in np.clip(np.array(colour) * rng.uniform(0.75, 1.15) + rng.normal(0, 8, 3), 0, 255))


def scribble(rng, image, count):
    """Lines, arcs, rectangles and print."""
    side, pen = image.width, ImageDraw.Draw(image)
    for _ in range(count):
        x, y, a, b = (int(v) for v in rng.integers(-20, side, 4))
        colour, width = tuple(int(c) for c in rng.integers(0, 256, 3)), int(rng.integers(1, 6))
        kind = rng.integers(4)
        if kind == 0:
            pen.line((x, y, a, b), fill=colour, width=width)
        elif kind == 1:
            pen.arc((x, y, x + 10 + abs(a) // 3, y + 10 + abs(b) // 3), int(rng.integers(360)), int(rng.integers(360)), colour, width)
        elif kind == 2:
            fill = colour if rng.random() < 0.3 else None
            pen.rectangle((x, y, x + 6 + abs(a) // 3, y + 6 + abs(b) // 3), outline=colour, width=width, fill=fill)
        else:
            text = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz     "), int(rng.integers(3, 30))))
            pen.text((x, y), text, fill=colour, font=font(int(rng.integers(len(FONTS))), int(rng.integers(8, 15))))


def background(rng, side):
    """Smooth in most places, print and lines in others."""
    cells = int(rng.integers(2, 12))
    coarse = rng.integers(30, 226, (cells, cells, 3)).astype(np.uint8)
    canvas = np.asarray(Image.fromarray(coarse).resize((side, side), Image.BICUBIC)).astype(float)
    canvas += rng.normal(0, rng.uniform(2, 14), canvas.shape)
    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    scribble(rng, image, int(rng.integers(0, 14)))
    return image


def paint(rng, image, place, mask, colour):
    """In ink that covers more or less of what is below."""
    cover = rng.uniform(0.55, 1)
    image.paste(ink(rng, colour), place, mask.point(lambda value: value * cover))


def photograph(rng, image):
    """As a camera takes it: under uneven light, more or less in focus, with noise."""
    light = Image.fromarray(rng.integers(110, 256, (3, 3)).astype(np.uint8)).resize(image.size, Image.BICUBIC)
    blurred = image.filter(ImageFilter.GaussianBlur(max(0, rng.uniform(-0.5, 1.5))))
    noise = rng.normal(0, rng.uniform(1, 6), (image.height, image.width, 1))
    lit = np.asarray(blurred) * (np.asarray(light)[..., None] / 225) + noise
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


def look_alike(rng, size):
    """A mask and its colour: one thing about it is an object's."""
    kind = rng.random()
    shapes, colours = list(SHAPES), list(COLOURS.values())
    if kind < 0.4:
        colours = list(OTHER_COLOURS.values())
    elif kind < 0.75:
        shapes = OTHER_SHAPES
    mask = sign(rng, shapes[rng.integers(len(shapes))], size)
    return (mask if kind < 0.75 else hollow(mask)), colours[rng.integers(len(colours))]


def place(rng, canvas, taken, mask, colour):
    """Paints a mask where nothing lies yet; its box [x, y, width, height], or None without room."""
    if mask.width >= SIDE or mask.height >= SIDE:
        return None
    for _ in range(20):
        x, y = int(rng.integers(0, SIDE - mask.width)), int(rng.integers(0, SIDE - mask.height))
        if all(x > u + w + 2 or u > x + mask.width + 2 or y > v + h + 2 or v > y + mask.height + 2 for u, v, w, h in taken):
            box = [x, y, mask.width, mask.height]
            taken.append(box)
            paint(rng, canvas, (x, y), mask, colour)
            return box
    return None


def draw(rng):
    """A picture, and its objects as (class, box)."""
    canvas, taken, objects = background(rng, SIDE), [], []

    def size():
        return int(np.exp(rng.uniform(np.log(18), np.log(72))))

    for _ in range(int(rng.choice([0, 2, 4, 6, 8], p=[0.1, 0.25, 0.3, 0.25, 0.1]))):
        number = int(rng.integers(len(CLASSES)))
        shape, colour = CLASSES[number]
        box = place(rng, canvas, taken, sign(rng, shape, size()), COLOURS[colour])
        if box:
            objects.append((number, box))
    for _ in range(int(rng.integers(6, 16))):
        place(rng, canvas, taken, *look_alike(rng, size()))
    scribble(rng, canvas, int(rng.integers(2, 10)))
    return photograph(rng, canvas), objects


def dataset(path, count, seed):
    """A COCO file and, in a folder of its name, its pictures: made once."""
    if path.exists():
        return
    pictures = path.with_suffix("")
    pictures.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for index in range(count):
        canvas, objects = draw(np.random.default_rng([seed, index]))
        canvas.save(pictures / f"{index:05}.jpg", quality=95)
        images.append({"id": index + 1, "file_name": f"{pictures.name}/{index:05}.jpg", "width": SIDE, "height": SIDE})
        for number, box in objects:
            annotations.append({
                "id": len(annotations) + 1, "image_id": index + 1, "category_id": number + 1, "iscrowd": 0,
                "bbox": box, "area": box[2] * box[3],
            })  # fmt: skip
    categories = [{"id": index + 1, "name": f"{colour} {shape}"} for index, (shape, colour) in enumerate(CLASSES)]
    write_whole(path, json.dumps({"images": images, "categories": categories, "annotations": annotations}))
