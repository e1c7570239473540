"""What is around symbols and is none: backgrounds, clutter, text, and patterns that a careless detector takes for codes.

Pictures are uint8 arrays [height, width, 3], changed in place where that is possible.
"""

import functools
import pathlib

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .symbols import prose

FONTS = sorted(pathlib.Path("/usr/share/fonts/truetype/dejavu").glob("*.ttf"))


@functools.lru_cache(maxsize=512)
def font(number, size):
    return ImageFont.truetype(str(FONTS[number % len(FONTS)]), size)


def any_font(rng, size):
    return font(int(rng.integers(len(FONTS))), max(6, int(size)))


def colour(rng):
    """Mostly muted, as things are; sometimes loud."""
    grey = rng.uniform(0, 255)
    spread = rng.choice([0, 12, 40, 120], p=[0.2, 0.35, 0.3, 0.15])
    return tuple(int(v) for v in np.clip(grey + rng.normal(0, spread, 3), 0, 255))


def chance(rng, probability):
    return rng.random() < probability


def write(picture, rng, text, x, y, size, ink):
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).multiline_text((x, y), text, fill=ink, font=any_font(rng, size))
    picture[:] = np.asarray(image)


# Backgrounds.


def clouds(rng, height, width):
    """Noise of several scales: plaster, stone, cloth, grass out of focus."""
    half = (width // 2 + 1, height // 2 + 1)
    channels = 1 if chance(rng, 0.6) else 3
    total, strength = 0.0, 1.0
    for cells in (2, 4, 9, 20, 45, 90):
        noise = rng.random((cells, cells + cells // 3, channels), dtype=np.float32)
        layer = cv2.resize(noise, half, interpolation=cv2.INTER_LINEAR)
        total = total + np.float32(strength) * layer.reshape(*half[::-1], channels)
        strength *= rng.uniform(0.35, 0.95)
    total -= total.min()
    total /= total.max()
    low, high = np.array(colour(rng), np.float32), np.array(colour(rng), np.float32)
    return cv2.resize((low + (high - low) * total).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


def plain(rng, height, width):
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = colour(rng)
    return picture


def wood(rng, height, width):
    rows = np.convolve(rng.normal(0, 1, height + 8), np.ones(9) / 3, "valid")[:, None]
    rows = rows.astype(np.float32)
    waves = cv2.resize(rng.normal(0, 1, (6, 4)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = rows + rng.uniform(0, 3) * np.sin(waves * rng.uniform(2, 9))
    base = np.array(colour(rng))
    picture = np.clip(base + (grain * rng.uniform(4, 18))[..., None], 0, 255).astype(np.uint8)
    return picture if chance(rng, 0.5) else cv2.resize(np.ascontiguousarray(picture.transpose(1, 0, 2)), (width, height))


def bricks(rng, height, width):
    picture = plain(rng, height, width)
    brick_height = int(rng.integers(6, 50))
    brick_width, joint = int(brick_height * rng.uniform(1, 3.5)), max(1, brick_height // int(rng.integers(5, 14)))
    base, spread = np.array(colour(rng)), rng.uniform(2, 30)
    for row in range(height // brick_height + 1):
        shift = brick_width // 2 if row % 2 else 0
        for x in range(-shift, width, brick_width):
            tone = tuple(int(v) for v in np.clip(base + rng.normal(0, spread), 0, 255))
            corner = (x + brick_width - joint, (row + 1) * brick_height - joint)
            cv2.rectangle(picture, (x, row * brick_height), corner, tone, -1)
    return picture


def windows(rng, height, width):
    """A front of a building: equal panes in rows."""
    picture = plain(rng, height, width)
    across, down = int(rng.integers(10, 70)), int(rng.integers(10, 90))
    margin_x, margin_y = int(across * rng.uniform(0.1, 0.35)), int(down * rng.uniform(0.1, 0.35))
    glass = np.array(colour(rng))
    for y in range(0, height, down):
        for x in range(0, width, across):
            tone = tuple(int(v) for v in np.clip(glass + rng.normal(0, 30), 0, 255))
            cv2.rectangle(picture, (x + margin_x, y + margin_y), (x + across - margin_x, y + down - margin_y), tone, -1)
            if down > 40:
                cv2.line(picture, (x + across // 2, y + margin_y), (x + across // 2, y + down - margin_y), colour(rng), 1)
    return picture


def keyboard(rng, height, width):
    picture = plain(rng, height, width)
    key, cap, ink = int(rng.integers(18, 70)), colour(rng), colour(rng)
    gap = max(2, key // 8)
    for row, y in enumerate(range(0, height, key)):
        for x in range(-(row * key // 3) % key - key, width, key):
            cv2.rectangle(picture, (x + gap, y + gap), (x + key - gap, y + key - gap), cap, -1)
            letter = chr(int(rng.integers(65, 91)))
            cv2.putText(picture, letter, (x + key // 3, y + key * 2 // 3), 0, key / 60, ink, max(1, key // 30), cv2.LINE_AA)
    return picture


def cloth(rng, height, width):
    """Weave, corduroy, blinds: fine periodic texture."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 30)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    if chance(rng, 0.5):
        wave = wave * np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / rng.uniform(3, 30))
    wave = np.sign(wave) if chance(rng, 0.3) else wave
    return np.clip(np.array(colour(rng)) + (wave * rng.uniform(5, 70))[..., None], 0, 255).astype(np.uint8)


def text_page(rng, height, width):
    """A page: columns of words, rulings, a headline or a table."""
    picture = np.empty((height, width, 3), np.uint8)
    dark_paper = chance(rng, 0.06)
    picture[:] = tuple(int(v) for v in (rng.uniform(0, 50, 3) if dark_paper else rng.uniform(200, 255) + rng.normal(0, 5, 3)).clip(0, 255))
    ink = (230, 230, 230) if dark_paper else tuple(int(v) for v in rng.uniform(0, 90, 3) * rng.choice([0.3, 1]))
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    size = int(rng.integers(9, 30))
    face, columns = any_font(rng, size), int(rng.integers(1, 4))
    for column in range(columns):
        left, right = width * column / columns + 8, width * (column + 1) / columns - 8
        y = rng.uniform(-size, 2 * size)
        while y < height:
            count = int((right - left) / (0.6 * size) * rng.uniform(0.4, 1))
            if count > 1 and chance(rng, 0.9):
                pen.text((left, y), prose(rng, count), fill=ink, font=face)
            y += size * rng.uniform(1.15, 1.6)
    if chance(rng, 0.3):
        step = int(rng.integers(20, 60))
        for y in range(int(rng.integers(step)), height, step):
            pen.line((0, y, width, y), fill=ink, width=1)
        if chance(rng, 0.5):
            for x in range(int(rng.integers(step)), width, int(step * rng.uniform(1, 4))):
                pen.line((x, 0, x, height), fill=ink, width=1)
    return np.array(image)


def shapes(rng, height, width):
    """Things of one colour over one another."""
    picture = clouds(rng, height, width) if chance(rng, 0.6) else plain(rng, height, width)
    for _ in range(int(rng.integers(3, 22))):
        clutter(rng, picture)
    return picture


BACKGROUNDS = [
    (clouds, 0.2), (plain, 0.1), (wood, 0.1), (shapes, 0.24), (text_page, 0.16), (bricks, 0.05), (windows, 0.05),
    (keyboard, 0.05), (cloth, 0.05),
]  # fmt: skip


def background(rng, height, width):
    makers, shares = zip(*BACKGROUNDS)
    return makers[rng.choice(len(makers), p=shares)](rng, height, width)


def clutter(rng, picture):
    """One thing somewhere."""
    height, width = picture.shape[:2]
    x, y = int(rng.integers(-20, width)), int(rng.integers(-20, height))
    w, h = (int(v) for v in rng.uniform(0.03, 0.5, 2) * (width, height))
    kind, ink = rng.integers(0, 7), colour(rng)
    if kind == 0:
        cv2.rectangle(picture, (x, y), (x + w, y + h), ink, -1 if chance(rng, 0.6) else int(rng.integers(1, 9)))
    elif kind == 1:
        thickness = -1 if chance(rng, 0.6) else int(rng.integers(1, 9))
        cv2.ellipse(picture, (x, y), (w // 2, h // 2), rng.uniform(0, 180), 0, 360, ink, thickness, cv2.LINE_AA)
    elif kind == 2:
        cv2.line(picture, (x, y), (x + w, y + int(rng.normal(0, height / 4))), ink, int(rng.integers(1, 14)), cv2.LINE_AA)
    elif kind == 3:
        corners = rng.uniform(0, 1, (int(rng.integers(3, 7)), 2)) * (w, h) + (x, y)
        cv2.fillPoly(picture, [corners.astype(np.int32)], ink, cv2.LINE_AA)
    elif kind in (4, 5):
        size = int(rng.integers(9, 60))
        lines = "\n".join(prose(rng, int(rng.integers(2, 24))) for _ in range(int(rng.integers(1, 5))))
        write(picture, rng, lines, x, y, size, ink)
    else:
        centre, radius = (x + w, y + h), int(rng.integers(6, 60))
        for step in range(int(rng.integers(1, 5))):  # wheels, targets, buttons
            cv2.circle(picture, centre, radius * (step + 1) // 2, ink, max(1, radius // 6), cv2.LINE_AA)


# Patterns on cards of their own, that look like codes to a careless detector.


def stripes(rng, height, width):
    """Equal stripes, few of them or smooth ones: fences, zebra crossings, blinds, radiators."""
    period = rng.uniform(4, 60)
    share = rng.uniform(0.3, 0.7)
    wave = ((np.arange(width) + 0.0) % period) / period < share
    wave = np.repeat(wave[None], height, 0).astype(np.float32)
    if chance(rng, 0.4):
        wave = np.repeat(cv2.GaussianBlur(wave[:1], (0, 0), period / 5), height, 0)
    return wave


def checks(rng, height, width):
    cell = rng.uniform(4, 40)
    y, x = np.mgrid[0:height, 0:width]
    return ((x // cell + y // cell) % 2).astype(np.float32)


def grid(rng, height, width):
    cell, line = rng.uniform(6, 50), rng.uniform(1, 6)
    y, x = np.mgrid[0:height, 0:width]
    return 1 - ((x % cell < line) | (y % (cell * rng.choice([1, 1, 0.5, 2])) < line)).astype(np.float32)


def dots(rng, height, width):
    """A halftone, a perforated sheet."""
    cell = rng.uniform(5, 24)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = cell * (0.15 + 0.35 * cv2.resize(rng.random((3, 3)).astype(np.float32), (width, height)))
    return (np.hypot(x % cell - cell / 2, y % cell - cell / 2) > radius).astype(np.float32)


def rings(rng, height, width):
    """Concentric rings or squares alone: a target, a speaker, a QR finder without its code."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    distance = np.hypot(x, y) if chance(rng, 0.6) else np.maximum(abs(x), abs(y))
    return ((distance * rng.uniform(1.5, 6)) % 1 > rng.uniform(0.3, 0.6)).astype(np.float32)


def words(rng, height, width):
    picture = np.full((height, width, 3), 255, np.uint8)
    size = int(rng.uniform(0.08, 0.5) * height)
    for y in range(0, height, max(8, int(size * 1.25))):
        write(picture, rng, prose(rng, int(width / max(4, size * 0.5)) + 1), 4, y, size, (0, 0, 0))
    return picture[..., 0].astype(np.float32) / 255


def crossword(rng, height, width):
    """Large cells, framed, some of them dark: puzzles, floor plans, chess positions."""
    cells = int(rng.integers(4, 9))
    values = (rng.random((cells, cells)) > 0.3).astype(np.float32)
    pattern = cv2.resize(values, (width, height), interpolation=cv2.INTER_NEAREST)
    for step in range(cells + 1):
        cv2.line(pattern, (0, step * height // cells), (width, step * height // cells), 0.0, max(1, height // 90))
        cv2.line(pattern, (step * width // cells, 0), (step * width // cells, height), 0.0, max(1, height // 90))
    return pattern


PATTERNS = [stripes, stripes, checks, grid, dots, rings, words, words, crossword]


def pattern(rng, height, width):
    """Light of a look-alike, 0 (ink) to 1, [height, width]."""
    return PATTERNS[rng.integers(len(PATTERNS))](rng, height, width)
