#!/usr/bin/env python3
"""Checks that a symbol's box is where its modules are drawn: through perspective, bends and cuts.

    python -m codes.check_truth        in scripts/

A symbol is drawn once as its box's outline says and once as a filled area through the same warp as its modules.
"""

import numpy as np

from . import camera, scene, surfaces, symbols


def main():
    size, errors, bent = (480, 360), [], 0
    pool = symbols.draw_pool([5, 1], 12, 2)
    for number in range(150):
        rng = np.random.default_rng([5, number])
        label = symbols.LABELS[number % len(symbols.LABELS)]
        symbol, width, height, module = scene.choose(rng, pool, label, rng.uniform(60, 420))
        scale = int(np.clip(np.ceil(module * scene.OVERSAMPLING), 2, 12))
        surface = surfaces.symbol_surface(rng, symbol, width, height, scale, 0)
        centre = rng.uniform(0.1, 0.9, 2) * size * np.array(scene.OVERSAMPLING)
        placement = camera.place(rng, surface, surface.outline, scene.OVERSAMPLING * module / scale, centre, False)
        outline = placement.forward(camera.outline_points(surface.outline)) / scene.OVERSAMPLING
        left, part = scene.inside(outline, size)
        if part < 0.3:
            continue
        area = np.zeros(surface.light.shape, np.float32)
        (x, y), (right, bottom) = surface.outline[0].astype(int), surface.outline[2].astype(int)
        area[y:bottom, x:right] = 1
        window = placement.window(area.shape, (size[0] * scene.OVERSAMPLING, size[1] * scene.OVERSAMPLING))
        drawn = placement.warp(area, window) > 0.5
        rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
        seen = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) + np.tile(window[:2], 2)
        errors.append(np.abs(seen / scene.OVERSAMPLING - np.concatenate([left.min(0), left.max(0)])).max())
        bent += np.isfinite(placement.radius)
    # A corner that points outwards ends before its last pixel is half covered.
    middle, worst = np.median(errors), max(errors)
    print(f"{len(errors)} symbols, {bent} of them bent: the worst side is {middle:.2f} pixels off (median), at most {worst:.2f}")
    assert len(errors) > 100 and bent > 5 and middle < 0.8 and worst < 2.5


if __name__ == "__main__":
    main()
