"""Channels of more than 8 bits, brought to 8. Pure code."""

from __future__ import annotations

import numpy as np
from PIL import Image


def to_eight_bit(levels: np.ndarray, max_level: int) -> Image.Image:
    """Levels from 0 to ``max_level`` as those from 0 to 255, each the nearest."""
    wide = np.minimum(levels.astype(np.uint32), max_level)
    return Image.fromarray(((wide * 255 + max_level // 2) // max_level).astype(np.uint8))


def narrow_gray(picture: Image.Image) -> Image.Image:
    """A picture of 16 bits of gray in 8, its transparent color as an alpha channel."""
    key = picture.info.get("transparency")
    wide = np.asarray(picture)
    narrow = to_eight_bit(wide, 0xFFFF)
    if key is not None:
        narrow.putalpha(Image.fromarray(np.where(wide == key, 0, 255).astype(np.uint8)))
    return narrow
