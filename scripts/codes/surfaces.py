"""Surfaces that carry a symbol: labels, packages, pages, screens. All in the surface's own pixels."""

import dataclasses

import cv2
import numpy as np
from PIL import Image, ImageDraw

from . import troubles
from .lettering import any_font, prose
from .look_alikes import pattern
from .scenery import chance, clouds, colour
from .symbols import LINEAR


@dataclasses.dataclass
class Surface:
    """`light` is float32 [height, width], 0 where there is `ink`, 1 where there is `paper`; these are colours, 0 to 255.

    `ink` is [3], `paper` [3] or, where it shines, [height, width, 3].

    `outline` holds the corners of the symbol's modules, [4, 2] as x and y; None where the surface carries no symbol.
    """

    light: np.ndarray
    ink: np.ndarray
    paper: np.ndarray
    outline: np.ndarray | None


def proportions(rng, symbol):
    """Width and height of a symbol in modules, as somebody may choose them."""
    rows, columns = symbol.modules.shape
    if symbol.label == LINEAR:
        if rows > 1:
            return columns, rows * rng.uniform(0.8, 1.5)
        return columns, columns * np.exp(rng.uniform(np.log(0.14), np.log(0.95)))
    if symbol.label == "pdf417":  # zint draws rows three modules high
        return columns, max(rows * rng.uniform(0.65, 1.5), 0.12 * columns)
    return columns, rows


def printed(rng, symbol, width, height, scale):
    """Light of a symbol, 0 (ink) to 1, at `scale` pixels a module."""
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    ink = symbol.modules.astype(np.uint8) * 255
    is_matrix = symbol.label not in (LINEAR, "pdf417")
    if is_matrix and scale >= 5 and chance(rng, 0.12):
        return dotted(rng, symbol.modules, scale)
    ink = cv2.resize(ink, size, interpolation=cv2.INTER_NEAREST)
    if scale >= 4 and chance(rng, 0.35):  # ink that runs, or too little of it
        extent = max(2, round(scale * rng.uniform(0.15, 0.4)))
        ink = (cv2.dilate if chance(rng, 0.6) else cv2.erode)(ink, np.ones((extent, extent), np.uint8))
    light = 1 - ink.astype(np.float32) / 255
    if symbol.kind == "qr" and chance(rng, 0.1):
        add_logo(rng, light)
    if scale >= 3 and chance(rng, 0.06):  # a print that failed in places
        worn = clouds(rng, *light.shape)[..., 0].astype(np.float32)
        light = np.maximum(light, 0.8 * (worn > np.quantile(worn, rng.uniform(0.85, 0.97))))
    return light


def dotted(rng, modules, scale):
    """Modules as dots: marked metal, fashionable QR codes."""
    rows, columns = modules.shape
    light = np.ones((round(rows * scale), round(columns * scale)), np.float32)
    radius = max(1, round(scale * rng.uniform(0.38, 0.55)))
    for row, column in np.argwhere(modules):
        centre = (round((column + 0.5) * scale), round((row + 0.5) * scale))
        cv2.circle(light, centre, radius, 0.0, -1, cv2.LINE_AA)
    return light


def add_logo(rng, light):
    height, width = light.shape
    half = rng.uniform(0.08, 0.14)
    low, high = (round((0.5 - half) * width), round((0.5 - half) * height)), (round((0.5 + half) * width), round((0.5 + half) * height))
    cv2.rectangle(light, low, high, 1.0, -1)
    margin = (high[0] - low[0]) // 6
    if chance(rng, 0.5):
        cv2.circle(light, ((low[0] + high[0]) // 2, (low[1] + high[1]) // 2), max(1, 2 * margin), rng.uniform(0, 0.6), -1)
    else:
        cv2.rectangle(light, (low[0] + margin, low[1] + margin), (high[0] - margin, high[1] - margin), rng.uniform(0, 0.6), -1)


def add_text(rng, light, symbol, outline, scale):
    """What people print around symbols: the content below linear ones, and whatever else there is room for."""
    height, width = light.shape
    (left, top), (right, bottom) = outline[0], outline[2]
    image = Image.fromarray(light)
    pen = ImageDraw.Draw(image)
    if symbol is not None and symbol.label == LINEAR and chance(rng, 0.7):
        text = symbol.text if chance(rng, 0.6) else " ".join(symbol.text)
        size = scale * rng.uniform(6, 13)
        pen.text((left + rng.uniform(0, 0.3) * (right - left), bottom + scale), text, fill=0.0, font=any_font(rng, size))
        bottom += 1.2 * size
    gap = max(3.0, 3 * scale)
    for low, high, start, end in (
        (0, top - gap, 2, width), (bottom + gap, height, 2, width), (top, bottom, right + gap, width), (top, bottom, 2, left - gap),
    ):  # fmt: skip
        if high - low < 9 or end - start < 20 or chance(rng, 0.35):
            continue
        size = rng.uniform(7, 7 + min(0.5 * (high - low), 10 * scale))
        y = low + rng.uniform(0, size)
        while y + 1.1 * size < high:
            count = int((end - start) / (0.68 * size))
            if count > 0:
                text = prose(rng, rng.integers(1, count + 1))
                pen.text((start, y), text, fill=float(rng.choice([0, 0, 0.3])), font=any_font(rng, size))
            y += size * rng.uniform(1.15, 1.9)
        if chance(rng, 0.15):
            y = rng.uniform(low, high)
            pen.line((start, y, end, y), fill=0.0, width=int(rng.integers(1, 4)))
    if chance(rng, 0.15):
        pen.rectangle((1, 1, width - 2, height - 2), outline=0.0, width=int(rng.integers(1, 5)))
    return np.array(image)


def inks(rng):
    """Colours of ink and paper, float32 [3] each: dark on light, with some of everything else."""
    contrast = rng.uniform(45, 110) if chance(rng, 0.15) else rng.uniform(110, 255)
    paper = rng.uniform(max(contrast, 100), 255)
    if chance(rng, 0.5):
        paper = max(paper, rng.uniform(215, 255))
    ink_tint = paper_tint = np.zeros(3)
    if chance(rng, 0.2):
        ink_tint = rng.normal(0, 45, 3)
    if chance(rng, 0.35):
        paper_tint = rng.normal(0, rng.choice([8, 30]), 3)
    ink = np.clip(paper - contrast + ink_tint, 0, 255).astype(np.float32)
    paper = np.clip(paper + paper_tint, 0, 255).astype(np.float32)
    # A coloured ink may by chance be as light as its paper.
    if paper.mean() - ink.mean() < 40:
        ink = np.clip(ink - 60, 0, 255)
    return (paper, ink) if chance(rng, 0.09) else (ink, paper)


def symbol_surface(rng, symbol, width, height, scale, metal):
    """A symbol of `width` x `height` modules with its quiet zone, margins and text, on metal of that strength or on paper."""
    light = printed(rng, symbol, width, height, scale)
    height, width = light.shape
    quiet = rng.uniform(1, 5) if symbol.label != LINEAR else rng.uniform(3, 12)
    margins = quiet * scale + np.zeros(4)
    if chance(rng, 0.65):  # a label with room for more
        margins += rng.exponential(0.35, 4) * rng.choice([0.3, 1]) * max(height, width)
    left, top, right, bottom = (int(v) + 1 for v in np.minimum(margins, 1000))
    if symbol.label == LINEAR:
        bottom += int(scale * rng.uniform(0, 16))
    light = cv2.copyMakeBorder(light, top, bottom, left, right, cv2.BORDER_CONSTANT, value=1.0)
    x, y = left + width, top + height
    outline = np.array([[left, top], [x, top], [x, y], [left, y]], np.float32)
    light = add_text(rng, light, symbol, outline, scale)
    if symbol.kind == "itf14" or chance(rng, 0.04):
        add_frame(rng, light, outline, scale)
    surface = coloured(rng, light, outline)
    if metal > 0:
        surface.ink = np.float32(rng.uniform(15, 130)) + rng.normal(0, 8, 3).astype(np.float32)
        tint = rng.uniform(190, 255) * (1 + rng.normal(0, rng.choice([0.02, 0.15]), 3))
        surface.paper = np.clip(tint, 0, 255).astype(np.float32) * troubles.shine(rng, *light.shape, metal)
    return surface


def add_frame(rng, light, outline, scale):
    """Bars around a symbol that hold a printing plate: above and below, or all around."""
    (left, top), (right, bottom) = outline[0], outline[2]
    thick, side = max(1, int(scale * rng.uniform(1.5, 5))), int(scale * rng.uniform(3, 10))
    x, end = max(0, int(left) - side), min(light.shape[1], int(right) + side)
    y, low = max(0, int(top) - thick), min(light.shape[0], int(bottom) + thick)
    light[y : int(top), x:end] = 0
    light[int(bottom) : low, x:end] = 0
    if chance(rng, 0.5):
        light[y:low, x : x + thick] = 0
        light[y:low, end - thick : end] = 0


def pattern_surface(rng, height, width):
    """A look-alike on a card of its own, or none on a card with text alone."""
    light = pattern(rng, height, width)
    margin = int(rng.uniform(0, 0.3) * height) + 1
    light = cv2.copyMakeBorder(light, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=1.0)
    return coloured(rng, np.ascontiguousarray(light, np.float32), None)


def coloured(rng, light, outline):
    ink, paper = inks(rng)
    if chance(rng, 0.2):  # paper with a grain
        light = light * (1 - clouds(rng, *light.shape)[..., 0] * np.float32(rng.uniform(0.05, 0.3) / 255))
    return Surface(light, ink, paper, outline)
