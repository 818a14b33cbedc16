"""Fewer colors for an image that is color indexes already.

Its at most 256 colors are looked at with their counts, not its pixels, so this
takes some milliseconds, whatever the size of the image. Count the colors of each
image (:func:`count_colors`, on workers), choose for all (:func:`choose_colors`),
and give each the table (:func:`with_colors`).

Pure code: values in, values out, the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from luigi_gif import gif
from luigi_gif.imaging import frame_palette, pixel_data
from luigi_gif.imaging.frame_palette import Bytes, DistinctColors


class RecoloredImage(NamedTuple):
    """An image with another color table."""

    indexes: Bytes
    """Color indexes, height x width."""
    color_table: bytes
    """3 bytes a color, red, green, blue; a power of two of colors, 2 to 256."""
    transparent_index: int | None
    """Behind the colors; None where the image had none."""


def count_colors(
    indexes: Bytes, color_table: bytes, transparent_index: int | None = None
) -> DistinctColors:
    """The colors that an image shows, each once, and how many pixels have each.

    Parameters
    ----------
    indexes : ndarray of uint8
        Color indexes, height x width.
    color_table : bytes
        3 bytes a color, red, green, blue.
    transparent_index : int, optional
        The index of what is transparent, which is no color.
    """
    packed = _packed(color_table)
    counts = np.bincount(indexes.ravel(), minlength=len(packed))
    if transparent_index is not None:
        counts[transparent_index] = 0
    used = np.flatnonzero(counts[: len(packed)])
    return _merged(packed[used], counts[used])


def choose_colors(counted: Sequence[DistinctColors], max_colors: int) -> bytes:
    """Choose at most so many colors for several images together.

    Parameters
    ----------
    counted : sequence of DistinctColors
        Of each image, what :func:`count_colors` returns.
    max_colors : int
        1 to 256; 255 leave an index for what is transparent or has not changed.

    Returns
    -------
    bytes
        3 bytes a color, without padding: all of their colors where these are no more than that.
        One, black, if nothing is shown.
    """
    values = np.concatenate([each.values for each in counted])
    if not len(values):
        return bytes(3)
    packed = (values @ frame_palette.PACKING).astype(np.uint32)
    together = _merged(packed, np.concatenate([each.counts for each in counted]))
    return frame_palette.few_of(together, max_colors).astype(np.uint8).tobytes()


def with_colors(
    indexes: Bytes, color_table: bytes, colors: bytes, transparent_index: int | None = None
) -> RecoloredImage:
    """The same image with other colors, each pixel in the nearest of them.

    Parameters
    ----------
    indexes, color_table, transparent_index
        As those of :func:`count_colors`.
    colors : bytes
        What :func:`choose_colors` returns, at most 255 where something is transparent: that gets
        the index behind them.
    """
    old, new = (np.frombuffer(table, np.uint8).reshape(-1, 3) for table in (color_table, colors))
    # Of 256 entries, as a damaged image may have indexes behind its table.
    nearest = np.zeros(gif.MAX_COLORS, np.uint8)
    nearest[: len(old)] = frame_palette.nearest_indexes(
        old.astype(np.float32), new.astype(np.float32)
    )
    transparent = None
    if transparent_index is not None:
        transparent = nearest[transparent_index] = len(new)
    count = len(new) + (transparent is not None)
    recolored = pixel_data.map_indexes(indexes, nearest)
    return RecoloredImage(recolored, gif.pad_color_table(colors, count), transparent)


def _packed(color_table: bytes) -> frame_palette.Packed:
    channels = np.frombuffer(color_table, np.uint8).reshape(-1, 3).astype(np.float32)
    packed: frame_palette.Packed = (channels @ frame_palette.PACKING).astype(np.uint32)
    return packed


def _merged(packed: frame_palette.Packed, counts: frame_palette.Counts) -> DistinctColors:
    """Each color once, with the sum of its counts."""
    distinct, places = np.unique(packed, return_inverse=True)
    sums = np.zeros(len(distinct), np.intp)
    np.add.at(sums, places, counts)
    return DistinctColors(frame_palette.unpack_colors(distinct), sums)
