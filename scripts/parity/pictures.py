"""Pictures from a formula: slow gradients, blocks of noise at four sizes, rectangles and discs."""

import numpy as np
from formula import uniform, words


def picture(name, width, height):
    """uint8 array height x width x 3, RGB, the same on every machine."""
    canvas = np.zeros((height, width, 3), dtype=np.float64)
    rows, columns = np.mgrid[0:height, 0:width]
    for octave, cell in enumerate((64, 16, 4, 1)):
        grid = uniform(f"{name}/noise{cell}", (height // cell + 2, width // cell + 2, 3))
        y, x = rows / cell, columns / cell
        top, left = y.astype(int), x.astype(int)
        dy, dx = (y - top)[..., None], (x - left)[..., None]
        blocks = (
            grid[top, left] * (1 - dy) * (1 - dx)
            + grid[top, left + 1] * (1 - dy) * dx
            + grid[top + 1, left] * dy * (1 - dx)
            + grid[top + 1, left + 1] * dy * dx
        )
        canvas += blocks * (70, 45, 25, 12)[octave]
    canvas += 128
    for index, word in enumerate(words(f"{name}/shapes", 24).tolist()):
        centre_x, centre_y = word % width, (word >> 16) % height
        half_w = 2 + (word >> 32) % max(1, width // 6)
        half_h = 2 + (word >> 40) % max(1, height // 6)
        inside = (abs(columns - centre_x) <= half_w) & (abs(rows - centre_y) <= half_h)
        if index % 2:
            inside &= (columns - centre_x) ** 2 * half_h**2 + (
                rows - centre_y
            ) ** 2 * half_w**2 <= (half_w * half_h) ** 2
        colour = np.array([word >> 48 & 255, word >> 56 & 255, word >> 8 & 255])
        canvas[inside] = 0.35 * canvas[inside] + 0.65 * colour
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
