"""What makes codes hard to see in photographs: each kind of trouble with a strength from 0 (hardly) to 1 (the limit).

At the limit a person who looks at the picture still says what it is, from the shape, the digits below or what is left.
"""

import dataclasses

import cv2
import numpy as np

from .scenery import chance, clouds, colour
from .symbols import LINEAR

# The share of each among troubles.
KINDS = {"blur": 0.3, "motion": 0.12, "dark": 0.14, "glare": 0.11, "metal": 0.1, "large": 0.08, "cut": 0.1, "cover": 0.05}
# Modules that a lens out of focus spreads a point over (one standard deviation), and pixels that move over one another,
# at the limit. Bars of a linear code merge at a third of it.
BLUR = {"qr_code": 1.3, "data_matrix": 0.9, "aztec": 1.1, "pdf417": 1.5, LINEAR: 2.8}
MOTION = {"qr_code": 4, "data_matrix": 2.8, "aztec": 3.2, "pdf417": 5, LINEAR: 9}
MOST_BLUR = 0.045  # of the shorter side of the small ones' box: they have few modules to be recognised by
# Of a symbol's area that the picture's edge leaves.
LEAST_VISIBLE = {"qr_code": 0.45, "data_matrix": 0.45, "aztec": 0.5, "pdf417": 0.35, LINEAR: 0.3}
MOST_COVERED = 0.5  # of a symbol's box


@dataclasses.dataclass
class Troubles:
    """A picture's, 0 where there is none of a kind."""

    blur: float = 0
    motion: float = 0
    dark: float = 0
    glare: float = 0
    metal: float = 0
    large: float = 0
    cut: float = 0
    cover: float = 0

    def any(self):
        return any(dataclasses.astuple(self))


def draw(rng, share):
    """Of a picture: with the probability `share` one trouble, or two."""
    troubles = Troubles()
    if chance(rng, share):
        names = rng.choice(list(KINDS), int(rng.choice([1, 2], p=[0.7, 0.3])), replace=False, p=list(KINDS.values()))
        for name in names:
            setattr(troubles, name, rng.uniform(0.05, 1))
    return troubles


def shine(rng, height, width, strength):
    """Light that metal or foil mirrors, as a factor of its colour, [height, width, 1]: bands along a can, facets of a foil.

    Where it is dark, ink is lighter than what it is printed on.
    """
    if chance(rng, 0.6):
        across = rng.random(int(rng.integers(4, 12))).astype(np.float32)
        line = cv2.resize(across[None], (max(height, width), 1), interpolation=cv2.INTER_CUBIC)[0]
        line = np.clip((line - line.min()) / max(1e-6, np.ptp(line)), 0, 1)
        along = chance(rng, 0.5)
        field = np.repeat(line[None, :width], height, 0) if along else np.repeat(line[:height, None], width, 1)
        if chance(rng, 0.5):
            field = field * (0.8 + 0.2 * clouds(rng, height, width)[..., 0] / 255)
    else:
        corners = rng.random((int(rng.integers(3, 9)), int(rng.integers(3, 9)))).astype(np.float32)
        how = cv2.INTER_LINEAR if chance(rng, 0.6) else cv2.INTER_NEAREST
        field = cv2.blur(cv2.resize(corners, (width, height), interpolation=how), (3, 3))
    field = np.clip(field, 0, 1) ** rng.uniform(0.7, 1.8)
    low = 1 - (0.5 + 0.5 * strength) * rng.uniform(0.8, 0.97)
    return (low + (1 - low) * field)[..., None].astype(np.float32)


def glare(rng, canvas, box, strength):
    """A lamp's mirror image on a symbol, or streaks on the film around it."""
    left, top, right, bottom = box
    extent = np.array([right - left, bottom - top])
    mask = np.zeros(canvas.shape[:2], np.float32)
    if chance(rng, 0.6):
        for _ in range(int(rng.integers(1, 3))):
            centre = (left, top) + rng.uniform(0, 1, 2) * extent
            axes = rng.uniform(0.1, 0.25 + 0.3 * strength, 2) * extent
            shape = tuple(max(2, int(v)) for v in axes)
            cv2.ellipse(mask, tuple(int(v) for v in centre), shape, rng.uniform(0, 180), 0, 360, 1.0, -1)
        reach = int(rng.uniform(0.05, 0.5) * extent.min()) + 3
    else:
        for _ in range(int(2 + strength * rng.integers(2, 9))):
            start = (left, top) + rng.uniform(-0.2, 1.2, 2) * extent
            bend = rng.normal(0, 0.3, 2) * extent
            end = start + rng.normal(0, 0.7, 2) * extent
            part = np.linspace(0, 1, 12)[:, None]
            points = start + (end - start) * part + bend * (part * (1 - part))
            cv2.polylines(mask, [points.astype(np.int32)], False, 1.0, max(1, int(rng.uniform(0.01, 0.07) * extent.min())), cv2.LINE_AA)
        reach = int(rng.uniform(0.01, 0.06) * extent.min()) + 2
    mask = cv2.blur(mask, (reach, reach))[..., None] * rng.uniform(0.6, 1.1)
    return canvas + (np.float32(rng.uniform(225, 290)) - canvas) * np.minimum(mask, 1)


def skin(rng):
    tone = rng.uniform(0.25, 1)
    return np.array([150, 180, 225], np.float32) * tone + rng.normal(0, 8, 3)


def cover(rng, canvas, box, strength):
    """A finger, or something like it, that reaches over a symbol from a side. Gives the part of the box it hides."""
    left, top, right, bottom = (float(v) for v in box)
    extent, middle = np.array([right - left, bottom - top]), np.array([left + right, top + bottom]) / 2
    tint = skin(rng) if chance(rng, 0.75) else np.array(colour(rng), np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    ray = np.array([np.cos(turn), np.sin(turn)])
    tip = middle + rng.uniform(-0.5, 0.5 - 0.35 * strength, 2) * extent * np.sign(ray)
    thickness = rng.uniform(0.2, 0.3 + 0.5 * strength) * np.sqrt(extent.prod())
    x, y, end_x, end_y = (int(v) for v in np.clip(box, 0, [*canvas.shape[1::-1]] * 2))
    for _ in range(6):
        mask = np.zeros(canvas.shape[:2], np.float32)
        root = tip + ray * 3 * max(*extent, thickness)
        cv2.line(mask, tuple(tip.astype(int).tolist()), tuple(root.astype(int).tolist()), 1.0, max(2, int(thickness)), cv2.LINE_AA)
        hidden = float(mask[y:end_y, x:end_x].mean()) if end_y > y and end_x > x else 0.0
        if hidden <= MOST_COVERED:
            break
        thickness *= 0.7
        tip = tip + ray * 0.1 * extent
    edge = max(3, int(thickness * 0.35))
    shade = cv2.blur(mask, (edge, edge))[..., None]
    # Rounder towards its sides, and with its shadow.
    part = mask[..., None]
    shadow = cv2.blur(mask, (2 * edge + 1, 2 * edge + 1))[..., None]
    canvas *= 1 - 0.35 * shadow * (1 - part)
    canvas *= 1 - part
    canvas += part * tint * (0.45 + 0.55 * shade)
    return hidden
