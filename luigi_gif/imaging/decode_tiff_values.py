"""The values of a TIFF whose range is not known: floating-point, or integers of 32 bits or signed.

Pillow reads some of these kinds. Here it is asked for the bytes of each row, as if they were gray
pixels of 8 bits, and what they are is made of them: so any kind is read, however it is compressed.

Adobe, TIFF 6.0, sections 14 (predictor) and 19 (sample formats); TIFF Technical Note 3. Pure code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from luigi_gif.errors import Undecodable
from luigi_gif.imaging.opened_image import Values

_WIDTH, _BITS, _PHOTOMETRIC, _SAMPLES, _PLANAR = 256, 258, 262, 277, 284
_PREDICTOR, _TILE_WIDTH, _SAMPLE_FORMAT = 317, 322, 339
_COMPRESSION = 259
_PREDICTED = (5, 8, 32946, 34925, 50000)
"""Compressions in which there may be a predictor: LZW, Deflate (two numbers), LZMA, Zstandard."""
_IN_PLANES = 2
_SIGNED, _FLOAT = 2, 3
_KINDS = {1: "u", _SIGNED: "i", _FLOAT: "f", 4: "u"}
"""By the sample format; the last one says nothing."""
_RGB = 2
_NONE, _DIFFERENCES, _BYTE_PLANES = 1, 2, 3
"""Predictors: what is stored in the place of a value."""

ReadTag = Callable[[int, int], tuple[int, ...]]
"""Gives the values of a tag; the second argument is what counts where it is missing."""


class ValueLayout(NamedTuple):
    """How the values of a TIFF stand in its rows."""

    dtype: np.dtype[np.generic]
    width: int
    """Of a row, in pixels."""
    tile_width: int
    """In pixels; that of a row where there are no tiles."""
    planes: int
    """How many there are; rows of one hold one channel each where there are several."""
    channels: int
    """Of a pixel, in a row."""
    shown: int
    """How many of its channels are shown: 1 or 3."""
    predictor: int

    @property
    def row_bytes(self) -> int:
        """Of a row with all of its tiles."""
        tiles = -(-self.width // self.tile_width)
        return tiles * self.tile_bytes

    @property
    def tile_bytes(self) -> int:
        """Of a row of one tile."""
        return self.tile_width * self.channels * self.dtype.itemsize


def value_layout(read: ReadTag, order: str) -> ValueLayout | None:
    """How its values stand; None for a TIFF whose range is known."""
    bits, sample_format = read(_BITS, 1)[0], read(_SAMPLE_FORMAT, 1)[0]
    kind = _KINDS.get(sample_format)
    if kind is None or not (bits in (32, 64) or (bits == 16 and kind in "if")):
        return None
    samples = read(_SAMPLES, 1)[0]
    shown = 3 if read(_PHOTOMETRIC, 0)[0] == _RGB and samples >= 3 else 1
    width = read(_WIDTH, 0)[0]
    tile_width = read(_TILE_WIDTH, width)[0]
    predictor = read(_PREDICTOR, _NONE)[0] if read(_COMPRESSION, 1)[0] in _PREDICTED else _NONE
    if min(width, tile_width, samples) < 1 or predictor not in (_NONE, _DIFFERENCES, _BYTE_PLANES):
        raise Undecodable("a TIFF of values with rows", f"predictor {predictor}, width {width}")
    planes, channels = (samples, 1) if read(_PLANAR, 1)[0] == _IN_PLANES else (1, samples)
    dtype = np.dtype(f"{order}{kind}{bits // 8}")
    return ValueLayout(dtype, width, tile_width, planes, channels, shown, predictor)


def join_values(planes: list[Image.Image], layout: ValueLayout) -> Values:
    """The values, of pictures of the bytes of their rows: one, or one for each channel."""
    arrays = [_values(np.asarray(plane), layout) for plane in planes]
    joined = arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=2)
    return joined[..., :3] if layout.shown == 3 else joined[..., 0]


def _values(rows: NDArray[np.uint8], layout: ValueLayout) -> Values:
    """Height x width x channels, of the bytes of rows."""
    height = rows.shape[0]
    tiles = rows.reshape(height, -1, layout.tile_bytes)
    if layout.predictor == _BYTE_PLANES:
        values = _from_byte_planes(tiles, layout)
    else:
        values = np.ascontiguousarray(tiles).view(layout.dtype)
    pixels = values.reshape(*tiles.shape[:2], layout.tile_width, layout.channels)
    if layout.predictor == _DIFFERENCES:
        # Of floating-point numbers too it is their bits that are added up.
        whole = pixels.astype(layout.dtype.newbyteorder("="))
        bits = whole.view(f"u{layout.dtype.itemsize}")
        pixels = np.cumsum(bits, axis=2, dtype=bits.dtype).view(whole.dtype)
    return pixels.reshape(height, -1, layout.channels)[:, : layout.width]


def _from_byte_planes(tiles: NDArray[np.uint8], layout: ValueLayout) -> Values:
    """All first bytes of a row stand before all second ones, and of each its difference."""
    height, count, size = tiles.shape
    steps = tiles.reshape(height, count, -1, layout.channels)
    sums = np.cumsum(steps, axis=2, dtype=np.uint8)
    planes = sums.reshape(height, count, layout.dtype.itemsize, -1)
    values = np.ascontiguousarray(planes.swapaxes(2, 3)).reshape(height, count, size)
    return values.view(layout.dtype.newbyteorder(">"))
