"""Draw the sample bundle: a sunflower whose seeds swell in waves, in a seamless loop.

usage: python examples/draw_sample.py [FILE]

FILE is examples/sample.img where none is given. Seeds lie on Vogel's spiral (H. Vogel, "A
better way to construct the sunflower head", Mathematical Biosciences 44, 1979).
"""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FRAME_DELIMITER = b"\n" * 4
FRAMES = 32
SIDE = 320
SEEDS = 260
DELAY_MS = 60
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
BACKGROUND = (24, 22, 48)
HUES = ((255, 214, 92), (255, 160, 70), (244, 98, 98), (203, 78, 163), (112, 96, 214))
SHADES = 6
MAX_RADIUS = 12
"""Of a seed, in pixels, with the edge that is smoothed."""


def palette() -> list[tuple[int, int, int]]:
    """The background, then each hue from nearly transparent to opaque: 31 colors."""
    colors = [BACKGROUND]
    for hue in HUES:
        for shade in range(1, SHADES + 1):
            blend = shade / SHADES
            colors.append(
                tuple(  # type: ignore[arg-type]
                    round(back + (front - back) * blend)
                    for back, front in zip(BACKGROUND, hue, strict=True)
                )
            )
    return colors


def frame(number: int) -> NDArray[np.uint8]:
    """Palette indices of one frame, SIDE x SIDE."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) - (SIDE - 1) / 2
    indices = np.zeros((SIDE, SIDE), np.uint8)
    for seed in range(SEEDS):
        reach = math.sqrt((seed + 0.5) / SEEDS)
        angle = seed * GOLDEN_ANGLE
        wave = math.sin(2 * math.pi * (number / FRAMES - 1.5 * reach))
        radius = (3.2 + 3.4 * reach) * (1 + 0.45 * wave)
        middle = 0.45 * SIDE * reach * math.cos(angle), 0.45 * SIDE * reach * math.sin(angle)
        left, top = (int(center + SIDE / 2) - MAX_RADIUS for center in middle)
        box = np.s_[top : top + 2 * MAX_RADIUS, left : left + 2 * MAX_RADIUS]
        distance = np.hypot(x[box] - middle[0], y[box] - middle[1])
        coverage = np.clip(radius + 0.5 - distance, 0, 1)
        shade = np.rint(coverage * SHADES).astype(np.uint8)
        hue = min(len(HUES) - 1, int(reach * len(HUES)))
        indices[box] = np.where(shade > 0, hue * SHADES + shade, indices[box])
    return indices


def draw() -> bytes:
    """The bundle, which ends with the delimiter."""
    colors = [channel for color in palette() for channel in color]
    pieces = []
    for number in range(FRAMES):
        image = Image.fromarray(frame(number), "P")
        image.putpalette(colors)
        file = io.BytesIO()
        image.save(file, "GIF", duration=DELAY_MS)
        pieces.append(file.getvalue())
    return FRAME_DELIMITER.join([*pieces, b""])


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sample.img")
    path.write_bytes(draw())
    print(f"{path}: {FRAMES} frames, {path.stat().st_size:,} bytes")
