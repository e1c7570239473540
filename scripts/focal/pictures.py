"""Pictures for the comparison of losses: letters to be found among much that looks like letters and is none.

What makes a one-stage detector's life hard on COCO, in small: few small objects of many classes, and a background that
is mostly easy and in places as detailed as the objects are: digits, other alphabets, mirrored letters, print, lines.
"""

import functools
import json
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIDE = 320
LETTERS = "ABCDEFGHIJKLMNOPQRST"  # the classes
OTHERS = "UVWXYZ0123456789&%#@?!$+=<>ΓΔΘΛΞΠΣΦΨΩЖИЛЦЧШЩЪЭЮЯ"  # look-alikes; so are mirrored letters
UNSYMMETRIC = "BCDEFGJKLPQRS"
FONTS = sorted(pathlib.Path("/usr/share/fonts/truetype/dejavu").glob("*.ttf"))


@functools.lru_cache(maxsize=4096)
def font(number, size):
    return ImageFont.truetype(str(FONTS[number % len(FONTS)]), size)


def glyph(rng, text, size, mirrored=False):
    """A character turned a little, as a mask that ends where its ink does."""
    face = font(int(rng.integers(len(FONTS))), size)
    left, top, right, bottom = face.getbbox(text)
    mask = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(mask).text((4 - left, 4 - top), text, fill=255, font=face)
    if mirrored:
        mask = ImageOps.mirror(mask)
    width = int(mask.width * rng.uniform(0.8, 1.25))
    mask = mask.resize((max(4, width), mask.height)).rotate(rng.normal(0, 8), Image.BICUBIC, expand=True)
    return mask.crop(mask.getbbox())


def colour(rng):
    return tuple(int(c) for c in rng.integers(0, 256, 3))


def ink_on(rng, canvas, box):
    """A colour that differs from what lies there."""
    there = np.asarray(canvas.crop(box).resize((1, 1), Image.BOX), float)[0, 0]
    for _ in range(20):
        ink = colour(rng)
        if np.abs(there - ink).mean() > 45:
            break
    return ink


def background(rng):
    """Smooth in most places, print and lines in others."""
    cells = int(rng.integers(2, 12))
    coarse = rng.integers(30, 226, (cells, cells, 3)).astype(np.uint8)
    canvas = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.BICUBIC)).astype(float)
    canvas += rng.normal(0, rng.uniform(2, 14), canvas.shape)
    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 14))):
        x, y, a, b = (int(v) for v in rng.integers(-20, SIDE, 4))
        ink, width = colour(rng), int(rng.integers(1, 6))
        kind = rng.integers(4)
        if kind == 0:
            pen.line((x, y, a, b), fill=ink, width=width)
        elif kind == 1:
            pen.arc((x, y, x + 10 + abs(a) // 3, y + 10 + abs(b) // 3), int(rng.integers(360)), int(rng.integers(360)), ink, width)
        elif kind == 2:
            fill = ink if rng.random() < 0.3 else None
            pen.rectangle((x, y, x + 6 + abs(a) // 3, y + 6 + abs(b) // 3), outline=ink, width=width, fill=fill)
        else:
            text = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz     "), int(rng.integers(3, 30))))
            pen.text((x, y), text, fill=ink, font=font(int(rng.integers(len(FONTS))), int(rng.integers(8, 15))))
    return image


def place(rng, canvas, taken, text, size, mirrored=False):
    """Draws a character where nothing lies yet; its box [x, y, width, height], or None without room."""
    mask = glyph(rng, text, size, mirrored)
    if mask.width >= SIDE or mask.height >= SIDE:
        return None
    for _ in range(20):
        x, y = int(rng.integers(0, SIDE - mask.width)), int(rng.integers(0, SIDE - mask.height))
        if all(x > u + w + 2 or u > x + mask.width + 2 or y > v + h + 2 or v > y + mask.height + 2 for u, v, w, h in taken):
            box = [x, y, mask.width, mask.height]
            taken.append(box)
            canvas.paste(ink_on(rng, canvas, (x, y, x + mask.width, y + mask.height)), (x, y), mask)
            return box
    return None


def draw(rng):
    """A picture, and its objects as (label's index, box)."""
    canvas, taken, objects = background(rng), [], []

    def size():
        return int(np.exp(rng.uniform(np.log(24), np.log(110))))

    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.1, 0.4, 0.3, 0.2]))):
        label = int(rng.integers(len(LETTERS)))
        box = place(rng, canvas, taken, LETTERS[label], size())
        if box:
            objects.append((label, box))
    for _ in range(int(rng.integers(3, 10))):
        if rng.random() < 0.35:
            place(rng, canvas, taken, rng.choice(list(UNSYMMETRIC)), size(), mirrored=True)
        else:
            place(rng, canvas, taken, rng.choice(list(OTHERS)), size())
    return canvas, objects


def dataset(folder, name, count, seed):
    """Pictures and their COCO file, made once; the file."""
    path = folder / f"{name}.json"
    if path.exists():
        return path
    pictures = folder / name
    pictures.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for index in range(count):
        canvas, objects = draw(np.random.default_rng([seed, index]))
        canvas.save(pictures / f"{index:05}.jpg", quality=95)
        images.append({"id": index + 1, "file_name": f"{name}/{index:05}.jpg", "width": SIDE, "height": SIDE})
        for label, box in objects:
            annotations.append({
                "id": len(annotations) + 1, "image_id": index + 1, "category_id": label + 1, "iscrowd": 0,
                "bbox": box, "area": box[2] * box[3],
            })  # fmt: skip
    categories = [{"id": index + 1, "name": letter} for index, letter in enumerate(LETTERS)]
    text = json.dumps({"images": images, "categories": categories, "annotations": annotations})
    path.with_suffix(".part").write_text(text)
    path.with_suffix(".part").replace(path)
    return path
