"""Ordered dithering with a pattern that does not move.

A color that lies between two of a palette is shown by both, mixed by a fixed
pattern of thresholds (B. E. Bayer, "An optimum method for two-level rendition
of continuous-tone pictures", IEEE ICC 1973). Which two they are follows from
the color alone, and how many pixels get either from where it lies between
them (after J. Yliluoma, "Arbitrary-palette positional dithering algorithm",
2011), so the pattern is as strong as the palette is coarse there. The same
color at the same place is shown the same in each frame that has this palette.

Pure code. What is added up is whole, and small enough for float32 to hold
exactly, so the result is the same on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mixes = NDArray[np.uint32]
"""Two palette indexes and how they are mixed, as one number each: the darker one, the brighter one
from bit 8 on, and how many of 64 pixels get the brighter one, 0 to 64, from bit 16 on."""

_LEVELS = 64
_PARTNERS = 16
"""So many of the colors that are nearest to the nearest one are tried."""
_CONTRAST_WEIGHT = np.float32(0.25)
"""How much a mix of unlike colors, which is seen as a pattern, counts beside a wrong mean. With
half as much, dots of other hues are strewn over a sky of 32 colors."""
_MIN_GAIN = np.float32(0.0625)
"""How much nearer the mean is to be for a pattern of some contrast: less are dots. Of two colors
with the wanted one between them, each has at least so much of the mix."""
_CHUNK_COLORS = 1 << 12
_FAR = 1 << 24
"""Farther than any two colors are from each other, squared."""
_BRIGHTNESS = np.array((2, 5, 1), np.float32)
"""About that of the channels."""


def _bayer(size: int) -> Bytes:
    """The thresholds 0 to size² - 1 for size x size pixels; size is a power of two."""
    if size == 1:
        return np.zeros((1, 1), np.uint8)
    half = 4 * _bayer(size // 2)
    return np.block([[half, half + 2], [half + 3, half + 1]]).astype(np.uint8)


THRESHOLDS = _bayer(8)
"""LZW knows its repetitions: blue noise of 16 x 16 took 14 to 60% more bytes at the same error."""


def mixes(colors: Floats, nearest: Bytes, palette: Floats) -> Mixes:
    """Which two colors of a palette stand for each color, and how they are mixed.

    Parameters
    ----------
    colors : ndarray
        n x 3, whole numbers from 0 to 255.
    nearest : ndarray
        For each the index of the nearest color in the palette.
    palette : ndarray
        At most 256 x 3, whole numbers from 0 to 255.
    """
    partners, steps, squares = _neighbors(palette)
    lengths = np.sqrt(squares)
    brightness = palette @ _BRIGHTNESS
    found = np.empty(len(colors), np.uint32)
    for start in range(0, len(colors), _CHUNK_COLORS):
        chunk = slice(start, start + _CHUNK_COLORS)
        first = nearest[chunk]
        missed = colors[chunk] - palette[first]
        along = np.einsum("nkc,nc->nk", steps[first], missed)
        shares = np.maximum(along / squares[first], 0)
        # By how much the squared error of the mean is less than that of the nearest color alone,
        # and how much is seen of the pattern.
        gains = along * shares
        contrasts = lengths[first] * np.sqrt((missed**2).sum(axis=1, keepdims=True))
        costs = np.where(shares > 0, _CONTRAST_WEIGHT * contrasts - gains, np.inf)
        best = costs.argmin(axis=1)[:, np.newaxis]
        second = np.take_along_axis(partners[first], best, axis=1)[:, 0]
        # A few pixels of a color far away are seen as dots, and bring the mean hardly nearer.
        is_dotted = _MIN_GAIN * contrasts > gains
        second = np.where(np.take_along_axis(is_dotted, best, axis=1)[:, 0], first, second)
        level = np.rint(_LEVELS * np.take_along_axis(shares, best, axis=1)[:, 0]).astype(np.uint32)
        # In a gradient from one pair to the next the pattern goes on if the brighter ones always
        # stand in the same places.
        is_brighter = brightness[second] > brightness[first]
        dark, bright = np.where(is_brighter, (first, second), (second, first)).astype(np.uint32)
        level = np.where(is_brighter, level, _LEVELS - level).astype(np.uint32)
        found[chunk] = dark | bright << np.uint32(8) | level << np.uint32(16)
    return found


def pick(chosen: Mixes, top: int) -> Bytes:
    """The color index of each pixel of some rows, height x width, the first ``top`` rows below."""
    height, width = chosen.shape
    size = len(THRESHOLDS)
    rows = np.arange(top, top + height) % size
    thresholds = np.tile(THRESHOLDS, (1, -(-width // size)))[rows, :width]
    bright = chosen >> np.uint32(16) > thresholds
    picked: Bytes = np.where(bright, chosen >> np.uint32(8), chosen).astype(np.uint8)
    return picked


def nearest(chosen: Mixes) -> Bytes:
    """The color index that most pixels of each color get."""
    mostly_bright = chosen >> np.uint32(16) > _LEVELS // 2
    indexes: Bytes = np.where(mostly_bright, chosen >> np.uint32(8), chosen).astype(np.uint8)
    return indexes


def _neighbors(palette: Floats) -> tuple[Bytes, Floats, Floats]:
    """For each color others that are near to it: indexes, differences, and squared distances."""
    differences = palette - palette[:, np.newaxis]
    distances = (differences**2).sum(axis=2)
    distances[distances == 0] = _FAR  # itself, and others of the same color
    partners = np.argsort(distances, axis=1, kind="stable")[:, :_PARTNERS]
    steps = np.take_along_axis(differences, partners[..., np.newaxis], axis=1)
    return partners.astype(np.uint8), steps, np.take_along_axis(distances, partners, axis=1)
