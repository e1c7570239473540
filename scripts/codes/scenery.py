"""What is around symbols and is none: backgrounds, clutter, text.

Pictures are uint8 arrays [height, width, 3], changed in place where that is possible.
"""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from .lettering import any_font, prose, title, write


def colour(rng):
    """Mostly muted, as things are; sometimes loud."""
    grey = rng.uniform(0, 255)
    spread = rng.choice([0, 12, 40, 120], p=[0.2, 0.35, 0.3, 0.15])
    return tuple(int(v) for v in np.clip(grey + rng.normal(0, spread, 3), 0, 255))


def chance(rng, probability):
    return rng.random() < probability


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


def wall(rng, height, width):
    """Equal stripes from edge to edge: rollers of a belt, fences, corrugated sheet, blinds, radiators, gratings, planks."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    x *= width / height
    turn = rng.choice([0, 0.5]) * np.pi + (rng.normal(0, 0.06) if chance(rng, 0.8) else rng.uniform(-0.8, 0.8))
    across, along = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    if chance(rng, 0.4):  # seen from the side, so that they run together
        across = across / (1 + rng.uniform(-0.35, 0.35) * along + rng.uniform(-0.3, 0.3) * across)
    if chance(rng, 0.2):
        across = across + rng.uniform(0, 0.08) * np.sin(along * rng.uniform(1, 6))
    count = np.exp(rng.uniform(np.log(4), np.log(70)))  # from edge to edge
    number, phase = np.divmod(across * count / 2 + rng.uniform(0, 1), 1)
    share = rng.uniform(0.1, 0.9)
    kind = rng.integers(0, 4)
    if kind == 0:
        light = (phase < share).astype(np.float32)
    elif kind == 1:  # round
        light = np.where(phase < share, np.sin(np.pi * np.minimum(1, phase / share)), 0.0)
    elif kind == 2:
        light = 0.5 + 0.5 * np.sin(2 * np.pi * phase)
    else:  # a broad one and a narrow one, as grooves have an edge in the light
        light = np.where(phase < share, 0.6, 0.0) + np.where((phase > share) & (phase < share + 0.12), 1.0, 0.0)
    if chance(rng, 0.4):  # no two of the same tone, as planks are not
        tones = 1 - rng.uniform(0.05, 0.4) * rng.random(4001).astype(np.float32)
        light = light * tones[np.clip(number + 2000, 0, 4000).astype(int)]
    first, last = np.array(colour(rng), np.float32), np.array(colour(rng), np.float32)
    if chance(rng, 0.6):
        last = np.clip(first * rng.uniform(0.3, 1.7) + rng.normal(0, 6, 3), 0, 255)
    picture = first + (last - first) * light.astype(np.float32)[..., None]
    if chance(rng, 0.5):  # worn
        picture = 0.7 * picture + 0.3 * clouds(rng, height, width)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.5, 0.3, 0.2]))):  # what stands before it, or frames it
        panel(rng, picture)
    return picture


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


def package(rng, height, width):
    """The printed side of a box or a bag: panels of colour, titles, small print, a table."""
    picture = clouds(rng, height, width) if chance(rng, 0.3) else plain(rng, height, width)
    for _ in range(int(rng.integers(0, 5))):
        panel(rng, picture)
    for _ in range(int(rng.integers(1, 6))):
        headline(rng, picture)
    for _ in range(int(rng.integers(0, 4))):
        small_print(rng, picture)
    return picture


BACKGROUNDS = [
    (clouds, 0.17), (plain, 0.08), (wood, 0.08), (shapes, 0.2), (text_page, 0.14), (bricks, 0.04), (windows, 0.04),
    (keyboard, 0.04), (cloth, 0.05), (package, 0.16),
]  # fmt: skip


def background(rng, height, width):
    makers, shares = zip(*BACKGROUNDS)
    return makers[rng.choice(len(makers), p=shares)](rng, height, width)


def panel(rng, picture):
    """A part in another colour, perhaps from one to another."""
    height, width = picture.shape[:2]
    w, h = (int(v) for v in rng.uniform(0.15, 0.9, 2) * (width, height))
    x, y = int(rng.integers(-w // 3, width)), int(rng.integers(-h // 3, height))
    part = picture[max(0, y) : y + h, max(0, x) : x + w]
    if part.size == 0:
        return
    if chance(rng, 0.5):
        part[:] = colour(rng)
    else:
        ramp = np.linspace(0, 1, part.shape[1], dtype=np.float32)[None, :, None]
        first, last = np.array(colour(rng), np.float32), np.array(colour(rng), np.float32)
        part[:] = (first + (last - first) * ramp).astype(np.uint8)


def headline(rng, picture):
    """A title in print, upright or on its side."""
    height, width = picture.shape[:2]
    h = int(np.exp(rng.uniform(np.log(0.04), np.log(0.4))) * height)
    w = int(min(0.95 * width, h * np.exp(rng.uniform(0, 2.3))))
    ink = title(rng, max(8, w), max(8, h))
    if chance(rng, 0.2):
        ink = np.ascontiguousarray(np.rot90(ink, rng.choice([1, 3])))
    x, y = int(rng.integers(-w // 4, width)), int(rng.integers(-h // 4, height))
    part = picture[max(0, y) : y + ink.shape[0], max(0, x) : x + ink.shape[1]]
    ink = ink[max(0, -y) :, max(0, -x) :][: part.shape[0], : part.shape[1], None]
    part = part[: ink.shape[0], : ink.shape[1]]
    part[:] = (part * (1 - ink) + np.array(colour(rng), np.float32) * ink).astype(np.uint8)


def small_print(rng, picture):
    """Lines of words or a table of them, each as wide as the other."""
    height, width = picture.shape[:2]
    size, lines = int(rng.integers(8, 22)), int(rng.integers(3, 14))
    count = int(rng.integers(8, 50))
    x, y = int(rng.uniform(-0.1, 0.8) * width), int(rng.uniform(-0.1, 0.8) * height)
    ink = colour(rng)
    write(picture, rng, "\n".join(prose(rng, count) for _ in range(lines)), x, y, size, ink)
    if chance(rng, 0.3):
        for line in range(lines + 1):
            at = y + int(line * size * 1.2)
            cv2.line(picture, (x, at), (x + count * size // 2, at), ink, 1)


def clutter(rng, picture):
    """One thing somewhere."""
    height, width = picture.shape[:2]
    x, y = int(rng.integers(-20, width)), int(rng.integers(-20, height))
    w, h = (int(v) for v in rng.uniform(0.03, 0.5, 2) * (width, height))
    kind, ink = rng.integers(0, 8), colour(rng)
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
    elif kind == 6:
        headline(rng, picture)
    else:
        centre, radius = (x + w, y + h), int(rng.integers(6, 60))
        for step in range(int(rng.integers(1, 5))):  # wheels, targets, buttons
            cv2.circle(picture, centre, radius * (step + 1) // 2, ink, max(1, radius // 6), cv2.LINE_AA)
