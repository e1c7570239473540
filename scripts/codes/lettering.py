"""Words in print: the fonts, and texts of letters, digits and invented words."""

import functools
import pathlib
import string

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDERS = ["truetype/dejavu", "opentype/urw-base35"]
SYMBOLS = {"D050000L", "StandardSymbolsPS"}  # not letters
FONTS = sorted(
    path for folder in FOLDERS for path in pathlib.Path("/usr/share/fonts", folder).glob("*.?tf") if path.stem not in SYMBOLS
)
WORDS = "https://www. .com/ .org/item? id= lot part no box urn:iso:std order ship to qty date SN: BATCH EXP".split()
STARTS = "b br c ch cl d dr f fl g gl h j k l m m mil n n p pl pr r s sh st t t th tr v w z".split() + [""] * 6
VOWELS = "a a e e e i i o o u ai ea ee io oo ou".split()
ENDS = "b ck d ff g l ll m mm n n nd ng nt p r rd s ss st t tt tt x".split() + [""] * 12


@functools.lru_cache(maxsize=512)
def font(number, size):
    return ImageFont.truetype(str(FONTS[number % len(FONTS)]), size)


def any_font(rng, size):
    return font(int(rng.integers(len(FONTS))), max(6, int(size)))


def word(rng):
    """One that nobody knows and that looks like one: "bottim", "Millea", "STREND"."""
    text = ""
    for _ in range(int(rng.choice([1, 2, 3], p=[0.3, 0.5, 0.2]))):
        text += rng.choice(STARTS) + rng.choice(VOWELS) + rng.choice(ENDS)
    return [text, text.capitalize(), text.upper()][rng.integers(3)]


def prose(rng, count):
    """Words, numbers and letters, `count` characters of them."""
    parts = []
    while sum(map(len, parts)) < count:
        draw = rng.random()
        if draw < 0.2:
            parts.append(rng.choice(WORDS))
        elif draw < 0.4:
            parts.append("".join(str(d) for d in rng.integers(0, 10, rng.integers(1, 9))))
        elif draw < 0.7:
            parts.append(word(rng) + " ")
        else:
            parts.append("".join(rng.choice(list(string.ascii_letters + " -/."), rng.integers(2, 12))))
    return "".join(parts)[:count].strip(" .") or "0"


def write(picture, rng, text, x, y, size, ink):
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).multiline_text((x, y), text, fill=ink, font=any_font(rng, size))
    picture[:] = np.asarray(image)


def title(rng, width, height):
    """One to three words that fill their line, narrow, wide or bold as titles are: ink, 0 to 1, [height, width]."""
    lines = ["".join(word(rng) + " " for _ in range(rng.integers(1, 3))).strip() for _ in range(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))]
    face = font(int(rng.integers(len(FONTS))), int(np.clip(height / len(lines), 16, 120)))
    stroke = int(face.size * rng.choice([0, 0, 0.03, 0.07]))
    pages = []
    for line in lines:
        left, top, right, bottom = face.getbbox(line, stroke_width=stroke)
        image = Image.new("L", (max(1, int(right - left)), max(1, int(bottom - top))))
        pen = ImageDraw.Draw(image)
        pen.text((-left, -top), line, fill=255, font=face, stroke_width=stroke)
        if stroke > 1 and rng.random() < 0.4:  # hollow letters
            pen.text((-left, -top), line, fill=0, font=face)
        pages.append(image.resize((width, max(1, height // len(lines) - 2))))
    ink = np.zeros((height, width), np.float32)
    for number, page in enumerate(pages):
        y = number * height // len(lines)
        part = np.asarray(page, np.float32)[: height - y] / 255
        ink[y : y + len(part)] = part
    return ink
