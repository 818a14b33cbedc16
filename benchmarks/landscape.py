"""Pictures like photographs, the same on every machine: a flight over a landscape below clouds.

Hills and clouds are fractal noise, hills are lit from one side, and each picture has the grain of
a camera's sensor. Every pixel changes from picture to picture, and each picture has about 125,000
colors: photographs of this size have 95,000 to 315,000.
"""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (1280, 720)
QUALITY = 90
"""Of the JPEGs."""
SIDE = 2048
"""Of the landscape, in pixels; it repeats."""
SEED = 14
HEIGHTS = (0, 0.38, 0.45, 0.47, 0.52, 0.62, 0.74, 0.86, 1)
COLORS = (
    (16, 42, 84),
    (30, 92, 128),
    (72, 150, 160),
    (214, 198, 150),
    (96, 140, 60),
    (44, 96, 44),
    (120, 104, 84),
    (160, 156, 150),
    (250, 250, 252),
)
"""Of these heights: water, beach, grass, wood, rock and snow."""
SEA_LEVEL = 0.46
CLOUD = (236, 240, 246)
GRAIN = 2.0
"""Standard deviation of what a sensor adds to each channel, 0 to 255."""

Floats = NDArray[np.float64]


def draw(count: int, folder: Path) -> None:
    """Write ``picture_0.jpg`` and so on, as far as they are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"picture_{number}.jpg"
        if not path.exists():
            unfinished = folder.parent / "unfinished.jpg"
            picture(number).save(unfinished, quality=QUALITY)
            os.replace(unfinished, path)


def picture(number: int) -> Image.Image:
    """What the camera sees that many pictures after the start."""
    zoom = 1 + 0.35 * math.sin(number / 90)
    seen = _window(_ground(), (2.3 * number, 1.1 * number), zoom)
    seen.paste(CLOUD, mask=_window(_clouds(), (4.1 * number, 0.7 * number), 1.2 * zoom))
    light = np.linspace(1.08, 0.88, SIZE[1])[:, np.newaxis, np.newaxis]
    grain = np.random.default_rng((SEED, number)).normal(0, GRAIN, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(np.clip(np.asarray(seen) * light + grain, 0, 255).astype(np.uint8))


def _window(whole: Image.Image, position: tuple[float, float], zoom: float) -> Image.Image:
    left, top = (each % SIDE for each in position)
    box = (left, top, left + zoom * SIZE[0], top + zoom * SIZE[1])
    return whole.resize(SIZE, Image.Resampling.BICUBIC, box)


@functools.cache
def _ground() -> Image.Image:
    height = _fractal_noise(0, 1.6)
    color = np.stack([np.interp(height, HEIGHTS, channel) for channel in zip(*COLORS, strict=True)])
    down, right = np.gradient(420 * height)
    light = (1 + 0.9 * (down + right)) / np.sqrt(1 + down**2 + right**2) / 1.4
    color *= np.where(height < SEA_LEVEL, 1, np.clip(light, 0.25, 1.5))
    pixels = np.clip(color, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return Image.fromarray(np.tile(pixels, (2, 2, 1)))


@functools.cache
def _clouds() -> Image.Image:
    opacity = np.clip(3 * (_fractal_noise(1, 1.9) - 0.5), 0, 0.9)
    return Image.fromarray(np.tile((255 * opacity).astype(np.uint8), (2, 2)))


def _fractal_noise(seed: int, slope: float) -> Floats:
    """0 to 1, SIDE x SIDE; amplitudes fall with the frequency to the power of ``slope``."""
    noise = np.random.default_rng((SEED, seed)).standard_normal((SIDE, SIDE))
    across = np.fft.rfftfreq(SIDE, 1 / SIDE)
    frequency = np.hypot(np.fft.fftfreq(SIDE, 1 / SIDE)[:, np.newaxis], across)
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(noise) * frequency**-slope, noise.shape)
    return (field - field.min()) / np.ptp(field)
