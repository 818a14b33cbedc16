"""What changed between neighbouring images of an animation, without loss.

Only the smallest rectangle around what changed is stored, and in it runs of
pixels that did not change as transparent ones: they compress to almost
nothing. Shorter runs keep their colors, since each change between color and
transparency costs more than it saves.

Pure code. Both images must be opaque and fill the same screen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luigi_gif import gif
from luigi_gif.imaging import encode
from luigi_gif.imaging.frame_palette import Bytes, Mask

SHORTEST_RUN = 8
"""Pixels; a power of two."""

_NO_CHANGE = bytes((2, 2, 0x44, 0x01, 0))
"""Image data of one pixel of index 0: minimum code size 2; the codes clear, 0, end; terminator."""


class IndexedImage(NamedTuple):
    """An image with its pixels."""

    image: gif.Image
    indexes: Bytes
    """Color indexes, height x width."""

    @classmethod
    def of(cls, image_: gif.Image) -> IndexedImage:
        """Decode. Raises Undecodable."""
        return cls(image_, encode.decode_indexes(gif.encode_single(image_)))


def encode_delta(previous: IndexedImage, current: IndexedImage, global_table: bytes) -> gif.Image:
    """Encode what changed from one image of an animation to the next.

    Parameters
    ----------
    previous, current : IndexedImage
        Opaque images that fill the same screen.
    global_table : bytes
        The color table of the animation, which takes no bytes of an image.

    Returns
    -------
    luigi_gif.gif.Image
        The image that shows ``current`` where ``previous`` was left in place; ``current`` as it
        is where that takes fewer bytes.
    """
    same = _same_color(previous, current)
    if same.all():
        return current.image._replace(
            size=(1, 1),
            interlaced=False,
            color_table=global_table,
            transparent_index=0,
            data=memoryview(_NO_CHANGE),
        )
    delta = _changed(current, same)
    return min(current.image, delta, key=lambda each: _bytes(each, global_table))


def _same_color(previous: IndexedImage, current: IndexedImage) -> Mask:
    """For each pixel whether both images show it in the same color."""
    if previous.image.color_table == current.image.color_table:
        return previous.indexes == current.indexes
    same = _colors(previous.image)[:, np.newaxis] == _colors(current.image)
    pairs = previous.indexes.astype(np.uint16) << 8 | current.indexes
    flags: Mask = np.take(same.ravel(), pairs)
    return flags


def _colors(image_: gif.Image) -> NDArray[np.uint32]:
    """The colors of all 256 indexes, each as one number; those beyond the table are black."""
    table = np.frombuffer(image_.color_table.ljust(3 * gif.MAX_COLORS, b"\x00"), np.uint8)
    red, green, blue = table.reshape(-1, 3).T.astype(np.uint32)
    return red << np.uint32(16) | green << np.uint32(8) | blue


def _changed(current: IndexedImage, same: Mask) -> gif.Image:
    """The rectangle of ``current`` that holds all that is not the same."""
    rows = np.flatnonzero(~same.all(axis=1))
    columns = np.flatnonzero(~same.all(axis=0))
    area = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    indexes = current.indexes[area].copy()
    unchanged = _long_runs(same[area].ravel()).reshape(indexes.shape)
    table = current.image.color_table
    transparent_index = encode.free_index(indexes)
    if transparent_index is None:
        transparent_index = encode.free_index(indexes[~unchanged])
    if transparent_index is not None:
        np.copyto(indexes, transparent_index, where=unchanged)
        table = gif.pad_color_table(table, transparent_index + 1)
    return current.image._replace(
        position=(int(columns[0]), int(rows[0])),
        size=(indexes.shape[1], indexes.shape[0]),
        interlaced=False,
        color_table=table,
        transparent_index=transparent_index,
        data=encode.encode_pixels(indexes),
    )


def _long_runs(flags: Mask) -> Mask:
    """Only those that stand in a run of :data:`SHORTEST_RUN` or more."""
    starts = flags
    length = 1
    while length < SHORTEST_RUN:
        starts = starts[:-length] & starts[length:]
        length *= 2
    runs = np.zeros_like(flags)
    runs[: len(starts)] = starts
    while length > 1:
        length //= 2
        runs[length:] |= runs[:-length].copy()
    return runs


def _bytes(image_: gif.Image, global_table: bytes) -> int:
    local = image_.color_table != global_table
    return len(image_.data) + local * len(image_.color_table)
