"""One palette for the frames of a clip, so that what stands still in them stays still.

Where each frame has a palette of its own, an unchanged pixel is shown in
another color in the next frame: backgrounds flicker, and nothing of them can
be left out of the file. So the colors of some frames are sampled, and one
palette is made of them all. A frame that it does not fit gets its own.

Pure code: pictures and values in, values out, the same on every machine.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from luigi_gif import gif
from luigi_gif.imaging import dithering, frame_palette
from luigi_gif.imaging.frame_palette import Bytes, Floats, Mask, Packed

SAMPLED_FRAMES = 16
"""Of a bundle, evenly spread, to find whether one palette is for all. They are decoded twice."""
MAX_SAMPLED_FRAMES = 1 << 12
"""Where it is to be for all in any case: what only a few of them show must not be missed."""
SAMPLED_PIXELS = 1 << 18
"""Of all of these together, about so many."""
MAX_SAMPLED_PIXELS = 1 << 14
"""Of each of them."""
COLORS = gif.MAX_COLORS - 1
"""One index is left for what is transparent, or has not changed."""
GOOD_ERROR = 255.0**2 / 10**4.0
"""A mean squared error of 40 dB, which hardly anybody sees."""
MIN_STILL = 0.2
"""So much of the frames must stand still. Where nothing does, own palettes take fewer bytes."""
MAX_LOSS = 1.2589254117941673
"""A frame's own palette may be so much better than the common one: 1 dB, 10 ** 0.1."""


class CommonPalette(NamedTuple):
    """The colors of a clip, and how well they must fit a frame."""

    colors: bytes
    """3 bytes a color, red, green and blue."""
    max_error: float
    """The largest mean squared error, 0 to 255², of a frame that uses them."""


def sampling(frame_count: int, *, always: bool) -> tuple[int, int]:
    """How many of the frames are sampled, and of about how many pixels each.

    ``always`` is that of :func:`choose_palette`.
    """
    if not always:
        return min(frame_count, SAMPLED_FRAMES), MAX_SAMPLED_PIXELS
    frames = min(frame_count, MAX_SAMPLED_FRAMES)
    return frames, min(MAX_SAMPLED_PIXELS, SAMPLED_PIXELS // max(frames, 1))


def sample_picture(picture: Image.Image, shown: Mask | None, pixels: int) -> bytes:
    """The colors of about so many pixels of an RGB picture, for :func:`choose_palette`."""
    return frame_palette.sample_pixels(picture, shown, pixels).tobytes()


def choose_palette(
    sampled: Sequence[bytes], *, always: bool, max_colors: int = COLORS
) -> CommonPalette | None:
    """Choose one palette for the frames of a clip.

    Parameters
    ----------
    sampled : sequence of bytes
        Of each sampled frame, in their order, what :func:`sample_picture` returns.
    always : bool
        Whether there is to be one in any case.
    max_colors : int
        How many it may have, at most 255.

    Returns
    -------
    CommonPalette or None
        None where it would not be worth it: little stands still, each frame has so few colors
        that it can keep them, or most have colors of their own.
    """
    if not sampled:
        return None
    samples = [_packed(each) for each in sampled]
    together = np.concatenate(samples)
    if always:
        colors = frame_palette.few_of(frame_palette.distinct_colors(together), max_colors)
        return CommonPalette(_as_bytes(colors), math.inf)
    distinct = [frame_palette.distinct_colors(each) for each in samples]
    rich = [
        pair for pair in zip(samples, distinct, strict=True) if len(pair[1].values) > max_colors
    ]
    if 2 * len(rich) < len(samples) or _still(samples) < MIN_STILL:
        return None
    colors = frame_palette.best_of(together, together, max_colors)
    owns = [
        _mean_squared_error(each, frame_palette.fast_of(own, each, max_colors))
        for own, each in rich
    ]
    limits = [max(GOOD_ERROR, MAX_LOSS * own) for own in owns]
    errors = [_mean_squared_error(each, colors) for _, each in rich]
    fitting = sum(error <= limit for error, limit in zip(errors, limits, strict=True))
    if 2 * fitting < len(rich):
        return None
    return CommonPalette(_as_bytes(colors), max(limits))


def largest_error(samples: Sequence[bytes], common: CommonPalette) -> float:
    """The mean squared error, 0 to 255², of the sampled frame that these colors fit worst."""
    colors = table(common).astype(np.float32)
    distinct = (frame_palette.distinct_colors(_packed(each)) for each in samples)
    return max((_mean_squared_error(each, colors) for each in distinct), default=0.0)


def still_fits(samples: Sequence[bytes], common: CommonPalette, largest: float) -> bool:
    """Whether these colors fit new frames about as well as those that they were chosen for.

    Parameters
    ----------
    samples : sequence of bytes
        Of each new frame that is sampled, what :func:`sample_picture` returns.
    common : CommonPalette
        The colors.
    largest : float
        What :func:`largest_error` gave for the frames that they were chosen for.
    """
    return largest_error(samples, common) <= max(GOOD_ERROR, MAX_LOSS * largest)


def table(common: CommonPalette) -> Bytes:
    """The colors, n x 3."""
    return np.frombuffer(common.colors, np.uint8).reshape(-1, 3)


def indexed(
    common: CommonPalette, picture: Image.Image, shown: Mask | None, *, dithered: bool = False
) -> Bytes | None:
    """For each pixel of an RGB picture the index of its color, or of one of two that are mixed.

    None where a picture is better off with its own palette: it has so few
    colors that it can keep them, or these do not fit it.
    """
    lookup = _lookup(common.colors, dithered)
    if not math.isinf(common.max_error):
        few = picture.getcolors(len(table(common))) is not None
        sample = frame_palette.sample_pixels(picture, shown, MAX_SAMPLED_PIXELS)
        if few or not _fits(common, sample, lookup):
            return None
    indexes = np.empty((picture.height, picture.width), np.uint8)
    for rows, packed in frame_palette.row_chunks(picture):
        indexes[rows] = lookup.indexes(packed, rows.start)
    return indexes


def _packed(sample: bytes) -> Packed:
    return np.frombuffer(sample, np.uint32)


def _fits(common: CommonPalette, pixels: Packed, lookup: _Lookup) -> bool:
    missed = frame_palette.unpack_colors(pixels) - table(common)[lookup.nearest(pixels)]
    # Squares are whole numbers, so that their sum is exact.
    return int((missed**2).sum(axis=1).astype(np.int64).sum()) <= common.max_error * missed.size


def _still(samples: Sequence[Packed]) -> float:
    """How much of a sample is as it was in the one before: 0 to 1, the mean of all neighbors."""
    pairs = list(pairwise(samples))
    same = [float((a == b).mean()) if a.shape == b.shape else 0.0 for a, b in pairs]
    return sum(same) / len(pairs) if pairs else 0.0


def _as_bytes(colors: Floats) -> bytes:
    return colors.astype(np.uint8).tobytes()


def _mean_squared_error(colors: frame_palette.DistinctColors, chosen: Floats) -> float:
    """The mean squared error of a channel where each color is shown as its nearest."""
    missed = colors.values - chosen[frame_palette.nearest_indexes(colors.values, chosen)]
    squares = (missed**2).sum(axis=1).astype(np.int64)  # whole numbers, so that their sum is exact
    return int(squares @ colors.counts) / int(3 * colors.counts.sum())


class _Lookup:
    """The nearest color of a palette for each color that was asked for so far, or a mix of two.

    Frames of a clip have most of their colors in common.
    """

    def __init__(self, colors: bytes, dithered: bool) -> None:
        self._palette = np.frombuffer(colors, np.uint8).reshape(-1, 3).astype(np.float32)
        self._dithered = dithered
        self._unknown = 0xFFFFFFFF if dithered else 0xFF
        self._cache: NDArray[Any] = np.full(
            1 << 24, self._unknown, np.uint32 if dithered else np.uint8
        )
        """An index, or a mix of two. Threads may find the same at the same time."""

    def indexes(self, packed: Packed, top: int) -> Bytes:
        """Of the colors of some rows of pixels, with ``top`` rows above them."""
        found = self._found(packed)
        return dithering.pick(found, top) if self._dithered else found

    def nearest(self, packed: Packed) -> Bytes:
        found = self._found(packed)
        return dithering.nearest(found) if self._dithered else found

    def _found(self, packed: Packed) -> NDArray[Any]:
        found = self._cache.take(packed)
        new = packed[found == self._unknown]
        if new.size:
            new = frame_palette.each_once(new)
            colors = frame_palette.unpack_colors(new)
            nearest = frame_palette.nearest_indexes(colors, self._palette)
            self._cache[new] = (
                dithering.mixes(colors, nearest, self._palette) if self._dithered else nearest
            )
            found = self._cache.take(packed)
        return found


@functools.lru_cache(maxsize=1)
def _lookup(colors: bytes, dithered: bool) -> _Lookup:
    return _Lookup(colors, dithered)
