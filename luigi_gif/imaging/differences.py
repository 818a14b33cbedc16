"""What changed between neighbouring images of an animation, without loss.

Only the smallest rectangle around what changed is stored, and in it most of what
did not change as transparent: that compresses to almost nothing. A stretch of
a few unchanged pixels, or of one color, keeps its colors, since each change
between color and transparency costs more than it saves.

Pure code. Both images must be opaque and fill the same screen.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luigi_gif import gif
from luigi_gif.imaging import pixel_data
from luigi_gif.imaging.frame_palette import Bytes, Mask

SHORTEST_STRETCH = 4
"""Pixels; a power of two. Of lengths from 2 to 16 it gives the smallest clips."""

Area = tuple[slice, slice]
"""Rows and columns."""
Packed = NDArray[np.uint32]
"""Colors, four bytes each: red, green, blue and 0."""

_NO_CHANGE = bytes((2, 2, 0x44, 0x01, 0))
"""Image data of one pixel of index 0: minimum code size 2; the codes clear, 0, end; terminator."""
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class IndexedImage(NamedTuple):
    """An image with its pixels."""

    image: gif.Image
    indexes: Bytes
    """Color indexes, height x width."""
    color_table: bytes
    """Of these indexes: the global one, if it has all of their colors."""
    spare_index: int | None
    """One of the color table that is known to be of no pixel."""

    @classmethod
    def of(cls, image_: gif.Image, global_table: bytes) -> IndexedImage:
        """Decode. Raises Undecodable."""
        indexes = pixel_data.decode_pixels(image_)
        if image_.color_table == global_table and indexes.max() < len(global_table) // 3:
            return cls(image_, indexes, global_table, None)
        places = _places(image_.color_table, global_table)
        if places.missing and not places.missing.isdisjoint(pixel_data.used_indexes(indexes)):
            return cls(image_, indexes, image_.color_table, None)
        return cls(
            image_, pixel_data.map_indexes(indexes, places.indexes), global_table, places.spare
        )


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
    area = changed_area(~same)
    if area is None:
        return unchanged(current, global_table)
    indexes = current.indexes[area].copy()
    left = worth_leaving(same[area].ravel(), indexes.ravel()).reshape(indexes.shape)
    spare = find_spare_index(current, indexes, left)
    if spare is not None:
        # As np.copyto(indexes, spare, where=left) does, but many pixels at a time.
        indexes ^= (indexes ^ np.uint8(spare)) & -left.view(np.uint8)
    return encode_area(current, area, indexes, spare, global_table)


def changed_area(changed: Mask) -> Area | None:
    """The smallest rectangle that holds all that changed; None where nothing did."""
    rows = np.flatnonzero(changed.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(changed.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def find_spare_index(image: IndexedImage, indexes: Bytes, left: Mask) -> int | None:
    """An index for pixels that are left as they are: none of the others has it."""
    if image.spare_index is not None:
        return image.spare_index
    free = pixel_data.free_index(indexes)
    return pixel_data.free_index(indexes[~left]) if free is None else free


def unchanged(image: IndexedImage, global_table: bytes) -> gif.Image:
    """What to store of an image that shows nothing new: one transparent pixel."""
    return image.image._replace(
        size=(1, 1),
        interlaced=False,
        color_table=global_table,
        transparent_index=0,
        data=memoryview(_NO_CHANGE),
    )


def encode_area(
    image: IndexedImage, area: Area, indexes: Bytes, spare: int | None, global_table: bytes
) -> gif.Image:
    """Encode a part of an image; the image as it is where that takes fewer bytes.

    Parameters
    ----------
    image : IndexedImage
        The image.
    area : tuple of slice
        Rows and columns that are stored.
    indexes : ndarray
        Their pixels: indexes of the image's color table, or ``spare``.
    spare : int, optional
        The index of transparent pixels.
    global_table : bytes
        The color table of the animation.
    """
    pixels, table, transparent_index = _in_smallest_table(
        indexes, image.color_table, spare, global_table
    )
    stored = image.image._replace(
        position=(area[1].start, area[0].start),
        size=(pixels.shape[1], pixels.shape[0]),
        interlaced=False,
        color_table=table,
        transparent_index=transparent_index,
        data=pixel_data.encode_pixels(pixels, gif.minimum_code_size(table)),
    )
    return min(image.image, stored, key=lambda each: _bytes(each, global_table))


def _same_color(previous: IndexedImage, current: IndexedImage) -> Mask:
    """For each pixel whether both images show it in the same color."""
    if previous.color_table == current.color_table:
        return previous.indexes == current.indexes
    same = packed_colors(previous.color_table)[:, np.newaxis] == packed_colors(current.color_table)
    pairs = previous.indexes.astype(np.uint16) << 8 | current.indexes
    flags: Mask = np.take(same.ravel(), pairs)
    return flags


@functools.lru_cache(maxsize=16)
def packed_colors(color_table: bytes) -> Packed:
    """The colors of all 256 indexes; those beyond the table are black."""
    channels = np.zeros((gif.MAX_COLORS, 4), np.uint8)
    channels[: len(color_table) // 3, :3] = np.frombuffer(color_table, np.uint8).reshape(-1, 3)
    return channels.view(np.uint32)[:, 0]


class _Places(NamedTuple):
    """Where the colors of a table are in the global one."""

    indexes: Bytes
    """For each of 256 indexes that of its color; 0 where there is none."""
    missing: frozenset[int]
    """Those whose color is not there."""
    spare: int | None
    """An index of the global table whose color is not in this one."""


@functools.lru_cache(maxsize=64)  # many images have the same table
def _places(color_table: bytes, global_table: bytes) -> _Places:
    found: dict[bytes, int] = {}
    for index, color in enumerate(gif.split_colors(global_table)):
        found.setdefault(color, index)
    colors = gif.split_colors(color_table.ljust(3 * gif.MAX_COLORS, b"\x00"))
    indexes = [found.get(color, 0) for color in colors]
    free = set(range(len(global_table) // 3)) - set(indexes)
    return _Places(
        np.array(indexes, np.uint8),
        frozenset(index for index, color in enumerate(colors) if color not in found),
        max(free, default=None),
    )


def _in_smallest_table(
    indexes: Bytes, table: bytes, transparent_index: int | None, global_table: bytes
) -> tuple[Bytes, bytes, int | None]:
    """The same pixels with the global color table if it can be, else with one of fewer colors."""
    global_colors = len(global_table) // 3
    if table == global_table and (transparent_index or 0) < global_colors:
        return indexes, table, transparent_index
    used = sorted(pixel_data.used_indexes(indexes) - {transparent_index})
    places = _places(table, global_table)
    new_table, lut = global_table, places.indexes.copy()
    free = set(range(global_colors)) - set(lut[used].tolist())
    new_index = min(free, default=0)
    if not places.missing.isdisjoint(used) or (transparent_index is not None and not free):
        new_index = len(used)
        lut[used] = np.arange(new_index)
        colors = gif.split_colors(table.ljust(3 * gif.MAX_COLORS, b"\x00"))
        min_colors = new_index + (transparent_index is not None)
        new_table = gif.pad_color_table(b"".join(colors[index] for index in used), min_colors)
    if transparent_index is None:
        return pixel_data.map_indexes(indexes, lut), new_table, None
    lut[transparent_index] = new_index
    return pixel_data.map_indexes(indexes, lut), new_table, new_index


def worth_leaving(unchanged: Mask, indexes: Bytes) -> Mask:
    """Of pixels in a row those unchanged ones that stand in a stretch that is worth it.

    It has :data:`SHORTEST_STRETCH` pixels at least, not all of one color: one color repeats as
    well as transparency does, and may go on behind the stretch.
    """
    # Flags as the bits of one large number: an addition carries through a whole stretch of ones,
    # a hundred times as fast as following each stretch.
    size = len(unchanged) // 8 + 1  # with a zero behind the last pixel
    packed = np.packbits(unchanged, bitorder="little").tobytes()
    stretches = int.from_bytes(packed, "little")
    new_color = np.packbits(indexes[1:] != indexes[:-1], bitorder="little").tobytes()
    long, length = stretches, 1
    while length < SHORTEST_STRETCH:
        long &= long >> length
        length *= 2
    while length > 1:
        length //= 2
        long |= long << length
    several = long & long >> 1 & int.from_bytes(new_color, "little")
    ends = (long + several) & ~long  # just behind each stretch with a new color in it
    # With the bits in reverse, the carry goes from there to where the stretch begins.
    long_reversed = _reversed(long, size)
    ends_reversed = _reversed(ends, size) << 1
    kept = long_reversed & ~(long_reversed + ends_reversed)
    bits = np.frombuffer(kept.to_bytes(size, "big"), np.uint8)
    return np.unpackbits(bits, count=len(unchanged)).view(np.bool_)


def _reversed(bits: int, size: int) -> int:
    """The bits of ``size`` bytes from the other end."""
    return int.from_bytes(bits.to_bytes(size, "little").translate(_REVERSED_BITS), "big")


def _bytes(image_: gif.Image, global_table: bytes) -> int:
    local = image_.color_table != global_table
    return len(image_.data) + local * len(image_.color_table)
