"""Fewer colors for an image that is color indexes already.

Its at most 256 colors are looked at with their counts, not its pixels, so this
takes some milliseconds, whatever the size of the image. For several images
that are to share a table, count the colors of each (:func:`count_colors`, on
workers), choose for all (:func:`choose_colors`), and give each the table
(:func:`with_colors`).

Pure code: values in, values out, the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from luigi_gif import gif
from luigi_gif.imaging import frame_palette
from luigi_gif.imaging.frame_palette import Bytes, DistinctColors


class RecoloredImage(NamedTuple):
    """An image with another color table."""

    indexes: Bytes
    """Color indexes, height x width."""
    color_table: bytes
    """3 bytes a color, red, green, blue; a power of two of colors, 2 to 256."""
    transparent_index: int | None
    """Behind the colors; None where the image had none."""


def fewer_colors(
    indexes: Bytes, color_table: bytes, max_colors: int, transparent_index: int | None = None
) -> RecoloredImage:
    """The same image in at most so many colors, each pixel in the nearest of them.

    Parameters
    ----------
    indexes : ndarray of uint8
        Color indexes, height x width.
    color_table : bytes
        3 bytes a color, red, green, blue.
    max_colors : int
        2 to 256. The transparent one is none of them, but has to find room: where there is one,
        256 counts as 255.
    transparent_index : int, optional
        The index of what is transparent, which stays so.

    Returns
    -------
    RecoloredImage
        With the very colors of the image where it has no more than ``max_colors``.
    """
    limit = min(max_colors, gif.MAX_COLORS - (transparent_index is not None))
    counted = count_colors(indexes, color_table, transparent_index)
    colors = choose_colors([counted], limit)
    return with_colors(indexes, color_table, colors, transparent_index)


def count_colors(
    indexes: Bytes, color_table: bytes, transparent_index: int | None = None
) -> DistinctColors:
    """The colors that an image shows, each once, and how many pixels have each.

    See Also
    --------
    fewer_colors : Has the same parameters.
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

    ``colors`` is what :func:`choose_colors` returns. The transparent index becomes the one behind
    them.

    See Also
    --------
    fewer_colors : Has the same parameters otherwise.
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
    return RecoloredImage(nearest[indexes], gif.pad_color_table(colors, count), transparent)


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
