"""How surfaces get into a picture, and what light, lens and file do to it.

A canvas is float32 [height, width, 3], 0 to 255.
"""

import dataclasses

import cv2
import numpy as np

from . import troubles
from .scenery import chance, colour
from .symbols import LINEAR


@dataclasses.dataclass
class Placement:
    """Where a surface lies: bent around an axis along its columns, then seen in perspective."""

    homography: np.ndarray
    radius: float  # of the bend in pixels of the surface; inf: flat
    bow: float  # how far rows sag at the bend's sides, as a part of the radius
    centre: np.ndarray  # of the bend, x and y in the surface

    def forward(self, points):
        """[n, 2] on the surface, to the canvas."""
        points = points.astype(np.float64)
        if np.isfinite(self.radius):
            angle = (points[:, 0] - self.centre[0]) / self.radius
            sag = self.bow * self.radius * (1 - np.cos(angle))
            points = np.stack([self.centre[0] + self.radius * np.sin(angle), points[:, 1] + sag], 1)
        return cv2.perspectiveTransform(points[None], self.homography)[0]

    def window(self, shape, size):
        """Where on a canvas of `size` (width, height) a surface of `shape` (height, width) may be: left, top, right, bottom."""
        height, width = shape
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        points = self.forward(outline_points(corners))
        low, high = np.floor(points.min(0)) - 1, np.ceil(points.max(0)) + 2
        return (*np.clip(low, 0, size).astype(int), *np.clip(high, 0, size).astype(int))

    def warp(self, picture, window):
        """A picture of the surface as it is seen in a window of the canvas; zeros around it."""
        if np.isfinite(self.radius):
            height, width = picture.shape[:2]
            x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
            sine = np.clip((x - self.centre[0]) / self.radius, -1, 1)
            angle = np.arcsin(sine)
            map_x = self.centre[0] + self.radius * angle
            map_y = y - self.bow * self.radius * (1 - np.cos(angle))
            picture = cv2.remap(picture, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR)
        left, top, right, bottom = window
        moved = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64) @ self.homography
        return cv2.warpPerspective(picture, moved, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)


def outline_points(corners, count=25):
    """Points along the sides of a quadrilateral [4, 2]."""
    part = np.linspace(0, 1, count, endpoint=False)[:, None]
    return np.concatenate([a + (b - a) * part for a, b in zip(corners, np.roll(corners, -1, 0))])


def angle(rng):
    """Radians: mostly upright or nearly so, also on a side or upside down, and any."""
    draw = rng.random()
    if draw < 0.25:
        return rng.normal(0, 0.02)
    if draw < 0.6:
        return rng.normal(0, 0.12)
    if draw < 0.75:
        return rng.integers(1, 4) * np.pi / 2 + rng.normal(0, 0.08)
    return rng.uniform(0, 2 * np.pi)


def place(rng, surface, outline, scale, centre, flat):
    """Puts a surface so that the middle of `outline` lies near `centre` (x, y of the canvas).

    `scale` is canvas pixels for one of the surface's; `flat`: a screen or a scan, upright and undistorted.
    """
    height, width = surface.light.shape
    middle = outline.mean(0)
    extent = float(np.ptp(outline, 0).max())
    turn = rng.choice([0, 0, 0, 1, 2, 3]) * np.pi / 2 if flat else angle(rng)
    turning = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    jitter = rng.normal(0, 1, (4, 2)) * extent * scale * rng.choice([0, 0.01, 0.03, 0.07, 0.11], p=[0.2, 0.28, 0.28, 0.18, 0.06])
    target = (outline - middle) @ turning.T + centre + (0 if flat else jitter)
    homography = cv2.getPerspectiveTransform(outline.astype(np.float32), target.astype(np.float32)).astype(np.float64)
    # A strong perspective would turn the far corners of a large surface inside out.
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    depth = corners @ homography[2, :2] + 1
    if depth.min() < 0.5 * depth.max():
        homography = np.vstack([np.column_stack([turning, centre - turning @ middle]), [0, 0, 1]])
    radius = np.inf
    if not flat and chance(rng, 0.15):  # a can, a bottle, a curled page
        radius = extent * rng.uniform(0.6, 2.5)
        # Sides that the bend hides would fold over: the surface has to end before.
        if max(middle[0], width - middle[0]) > 1.3 * radius:
            radius = np.inf
    return Placement(homography, radius, rng.normal(0, 0.2), middle)


def soft_field(rng, height, width, low):
    """A smooth factor between `low` and 1, float32 [height, width, 1]."""
    noise = rng.random((int(rng.integers(2, 5)), int(rng.integers(2, 5)))).astype(np.float32)
    field = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    field = np.clip((field - field.min()) / max(1e-6, field.max() - field.min()), 0, 1)
    return (low + (1 - low) * field)[..., None]


def light(rng, canvas):
    """Uneven light, shadows with an edge, glare."""
    height, width = canvas.shape[:2]
    if chance(rng, 0.6):
        canvas *= soft_field(rng, height, width, rng.uniform(0.35, 1))
    if chance(rng, 0.15):
        mask = np.zeros((height, width), np.float32)
        corners = rng.uniform(-0.3, 1.3, (int(rng.integers(3, 6)), 2)) * (width, height)
        cv2.fillPoly(mask, [corners.astype(np.int32)], 1.0)
        mask = cv2.blur(mask, (int(rng.integers(3, 40)),) * 2)[..., None]
        canvas *= 1 - mask * rng.uniform(0.2, 0.6)
    if chance(rng, 0.12):
        centre = tuple(int(v) for v in rng.uniform(0, 1, 2) * (width, height))
        axes = tuple(int(v) for v in rng.uniform(0.02, 0.22, 2) * width)
        mask = np.zeros((height, width), np.float32)
        cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, 1.0, -1)
        mask = cv2.blur(mask, (int(rng.integers(9, 90)),) * 2)[..., None]
        canvas += (255 - canvas) * mask * rng.uniform(0.3, 0.95)
    return canvas


def touch(rng, canvas, box):
    """A pen's stroke, tape or dirt on a part of a symbol: at most a fifth of the box."""
    x, y, right, bottom = (float(v) for v in box)
    width, height = right - x, bottom - y
    ink = colour(rng)
    if chance(rng, 0.4):
        start, end = rng.uniform(0, 1, (2, 2)) * (width, height) + (x, y)
        thickness = max(1, int(0.06 * min(width, height)))
        cv2.line(canvas, tuple(start.astype(int).tolist()), tuple(end.astype(int).tolist()), ink, thickness, cv2.LINE_AA)
        return
    corner = np.array([rng.choice([x, right]), rng.choice([y, bottom])]) + rng.normal(0, 0.1, 2) * (width, height)
    axes = tuple(max(1, int(v)) for v in rng.uniform(0.15, 0.42, 2) * (width, height))
    cv2.ellipse(canvas, tuple(corner.astype(int).tolist()), axes, rng.uniform(0, 180), 0, 360, ink, -1, cv2.LINE_AA)


@dataclasses.dataclass
class Shot:
    """How a picture is taken; lengths in pixels of the picture."""

    blur: float = 0.0  # standard deviation of what the lens makes of a point
    motion: float = 0.0
    light: float = 1.0  # a factor of what would be exposed well
    haze: float = 0.0  # the part of the contrast that is lost to a veil
    noise: float = 0.0  # standard deviation, in steps of 255


def most_blur(symbol):
    limit = symbol.module * troubles.BLUR[symbol.label]
    if symbol.label in (LINEAR, "pdf417"):
        return limit
    return min(limit, troubles.MOST_BLUR * float((symbol.box[2:] - symbol.box[:2]).min()))


def shot(rng, trouble, symbols):
    """For a picture with these symbols: bad as its troubles say, else such that modules stay visible."""
    result = Shot()
    usual = min((one.module * (1.6 if one.label in (LINEAR, "pdf417") else 1) for one in symbols), default=rng.uniform(2, 7))
    limit = min(3.0, 0.42 * usual)
    draw = rng.random()
    if trouble.blur > 0:
        result.blur = trouble.blur * min(map(most_blur, symbols), default=rng.uniform(3, 12))
    elif draw < 0.55:
        result.blur = max(0.15, rng.uniform(0.1, 1) * limit)
    if trouble.motion > 0:
        result.motion = trouble.motion * min(
            (one.module * troubles.MOTION[one.label] for one in symbols), default=rng.uniform(5, 30)
        )
    elif 0.55 < draw < 0.68:
        result.motion = rng.uniform(1, 3) * limit
    if chance(rng, 0.65):
        result.noise = rng.choice([3, 8, 18], p=[0.5, 0.35, 0.15]) * rng.uniform(0.3, 1)
    if trouble.dark > 0:
        if chance(rng, 0.75):
            result.light = 0.5 * 0.1**trouble.dark
            result.noise = rng.uniform(0.5, 1 + 12 * result.light)
        else:
            result.haze = 0.5 + 0.4 * trouble.dark
            result.noise = min(result.noise, 3.0)
    return result


def defocus(rng, canvas, sigma, motion):
    """Blur of the lens and of a motion, in pixels of the canvas."""
    if sigma > 2.5 and chance(rng, 0.6):  # out of focus: a disc, which may turn fine stripes light on dark
        radius = 2 * sigma
        y, x = np.mgrid[-int(radius) - 1 : int(radius) + 2, -int(radius) - 1 : int(radius) + 2]
        disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
        canvas = cv2.filter2D(canvas, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    elif sigma > 0:
        canvas = cv2.GaussianBlur(canvas, (0, 0), max(0.3, sigma))
    length = int(motion)
    if length >= 2:
        kernel = np.zeros((length, length), np.float32)
        direction = rng.uniform(0, np.pi)
        reach = np.array([np.cos(direction), np.sin(direction)]) * (length - 1) / 2
        start, end = ((length - 1) / 2 - reach).round(), ((length - 1) / 2 + reach).round()
        cv2.line(kernel, tuple(start.astype(int).tolist()), tuple(end.astype(int).tolist()), 1.0)
        canvas = cv2.filter2D(canvas, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    return canvas


def compress(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def develop(rng, canvas, size, least, taken):
    """From the canvas to the picture, uint8 of `size` (width, height). `taken`: how, or None for a screenshot.

    `least` is the pixels of its smallest module: a picture is not shrunk so far that it would be lost.
    """
    oversampling = canvas.shape[1] / size[0]
    if taken is not None:
        canvas = defocus(rng, canvas, oversampling * taken.blur, oversampling * taken.motion)
    # Not all that shrinks pictures averages first; torchvision's and this project's detectors do not.
    picture = cv2.resize(canvas, size, interpolation=cv2.INTER_NEAREST if chance(rng, 0.3) else cv2.INTER_AREA)
    if taken is not None:
        tint = 1 + rng.normal(0, 0.06, 3) * chance(rng, 0.5)
        picture = picture * (tint * rng.uniform(0.65, 1.25)).astype(np.float32) + np.float32(rng.uniform(-15, 15))
        if chance(rng, 0.2):
            picture = 255 * (np.clip(picture, 0, 255) / 255) ** rng.uniform(0.6, 1.7)
        if taken.haze > 0:
            veil = rng.uniform(60, 235) + rng.normal(0, 8, 3)
            picture = picture + (veil - picture) * np.float32(taken.haze)
        picture = (np.clip(picture, 0, 255) * taken.light).astype(np.float32)
    shrunk = size
    if chance(rng, 0.25) and 1.7 / least < 0.9:  # a small file that somebody looks at enlarged
        factor = rng.uniform(max(0.35, 1.7 / least), 0.95)
        shrunk = (round(size[0] * factor), round(size[1] * factor))
        picture = cv2.resize(picture, shrunk, interpolation=cv2.INTER_AREA)
    if taken is not None and taken.noise > 0:
        channels = 1 if chance(rng, 0.5) else 3
        picture = picture + np.float32(taken.noise) * rng.standard_normal((*picture.shape[:2], channels), np.float32)
    if chance(rng, 0.3):
        picture = np.repeat(picture.mean(2, keepdims=True), 3, 2)
    if taken is not None and taken.light < 0.5 and chance(rng, 0.35):  # brightened afterwards, with its noise
        picture = picture * np.float32(rng.uniform(1, 0.5 / taken.light))
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    if chance(rng, 0.6):
        picture = compress(picture, int(rng.integers(25, 92)))
    if shrunk != size:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return picture
