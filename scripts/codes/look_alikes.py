"""Patterns on cards of their own, that look like codes to a careless detector and are none.

Each gives light, 0 (ink) to 1 (paper), float32 [height, width].
"""

import cv2
import numpy as np

from .lettering import prose, title, write
from .scenery import chance



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


def titles(rng, height, width):
    """Large words: of all that is printed, what is most often taken for a code."""
    return 1 - title(rng, width, height)


def spines(rng, height, width):
    """A few broad stripes of any tones: books on a shelf, planks, folds of a curtain. Codes have more, and two tones."""
    count = int(rng.integers(4, 13))
    edges = (np.cumsum(rng.uniform(0.4, 1.6, count)) * width / count).astype(int)
    tones = rng.random(count + 1)
    line = np.interp(np.arange(width), edges, tones[1:]) if chance(rng, 0.4) else tones[np.searchsorted(edges, np.arange(width))]
    pattern = np.repeat(line[None].astype(np.float32), height, 0)
    if chance(rng, 0.4):  # with a title along each
        pattern = np.minimum(pattern, 1 - 0.8 * np.rot90(title(rng, height, width)))
    return pattern


def ruler(rng, height, width):
    """Ticks at equal distances, of two or three lengths: rulers, scales, combs, piano keys."""
    pattern = np.ones((height, width), np.float32)
    step, tick = rng.uniform(5, 40), rng.uniform(0.15, 0.6)
    for number in range(int(width / step) + 1):
        length = height * (0.9 if number % 10 == 0 else 0.65 if number % 5 == 0 else 0.4)
        x = number * step
        cv2.rectangle(pattern, (int(x), 0), (int(x + max(1, step * tick)), int(length)), 0.0, -1)
    return pattern


def mosaic(rng, height, width):
    """Cells of many tones: tiles, pixel art, a censored face."""
    rows, columns = rng.integers(5, 30, 2)
    values = rng.random((rows, columns)).astype(np.float32)
    if chance(rng, 0.4):
        values = cv2.blur(values, (3, 3))
    if chance(rng, 0.4):
        values[:, columns // 2 :] = values[:, : columns - columns // 2][:, ::-1]
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_NEAREST)


def labyrinth(rng, height, width):
    """Walls along a grid: mazes, circuit boards, knitwear, brickwork of two tones."""
    cell = rng.uniform(8, 40)
    pattern = np.ones((height, width), np.float32)
    thickness = max(1, int(cell * rng.uniform(0.15, 0.5)))
    for y in np.arange(0, height, cell):
        for x in np.arange(0, width, cell):
            if chance(rng, 0.55):
                end = (x + cell, y) if chance(rng, 0.5) else (x, y + cell)
                cv2.line(pattern, (int(x), int(y)), (int(end[0]), int(end[1])), 0.0, thickness)
    return pattern


PATTERNS = [
    stripes, stripes, checks, grid, dots, rings, words, words, crossword, titles, titles, titles, spines, spines, ruler, mosaic, labyrinth,
]  # fmt: skip


def pattern(rng, height, width):
    """Light of a look-alike, 0 (ink) to 1, [height, width]."""
    return PATTERNS[rng.integers(len(PATTERNS))](rng, height, width)
