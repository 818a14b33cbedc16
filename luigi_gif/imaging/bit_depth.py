"""Channels of more than 8 bits, brought to 8. Pure code."""

from __future__ import annotations

import numpy as np
from PIL import Image

from luigi_gif.imaging.opened_image import Values


def to_eight_bit(levels: np.ndarray, max_level: int) -> Image.Image:
    """Levels from 0 to ``max_level`` as those from 0 to 255, each the nearest."""
    wide = np.minimum(levels.astype(np.uint32), max_level)
    return Image.fromarray(((wide * 255 + max_level // 2) // max_level).astype(np.uint8))


def scale_values(values: Values, value_range: tuple[float, float]) -> Image.Image:
    """Numbers as levels: the least of the range is 0, the greatest 255, and none lies beyond.

    What is no number is transparent.
    """
    lowest, highest = value_range
    with np.errstate(invalid="ignore"):  # of numbers that are none
        numbers = values.astype(np.float64)
        is_missing = np.isnan(numbers)
        levels = (np.clip(numbers, lowest, highest) - lowest) / (highest - lowest) * 255
    picture = Image.fromarray(np.where(is_missing, 0, np.rint(levels)).astype(np.uint8))
    if is_missing.any():
        shown = ~is_missing if is_missing.ndim == 2 else ~is_missing.any(axis=2)
        picture.putalpha(Image.fromarray(shown.astype(np.uint8) * 255))
    return picture


def narrow_gray(picture: Image.Image) -> Image.Image:
    """A picture of 16 bits of gray in 8, its transparent color as an alpha channel."""
    key = picture.info.get("transparency")
    wide = np.asarray(picture)
    narrow = to_eight_bit(wide, 0xFFFF)
    if key is not None:
        narrow.putalpha(Image.fromarray(np.where(wide == key, 0, 255).astype(np.uint8)))
    return narrow
