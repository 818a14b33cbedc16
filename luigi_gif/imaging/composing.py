"""Frames composed of parts that are laid on one another, as animated PNG and WebP store them.

W3C Recommendation, Portable Network Graphics, section 11.3.4; RFC 9649, section 2.7.1.1.
Pure code.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode
from luigi_gif.imaging.delays import DelayRounding
from luigi_gif.imaging.single_frame import Packed, SingleFrame, as_picture, encode_png

Mix = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]
"""Pixels, n x 4, laid on others: what a format says of those that are half transparent."""


class Disposal(enum.Enum):
    """What becomes of a part when the next is laid on the canvas."""

    KEEP = 0
    CLEAR = 1
    """Its rectangle becomes transparent."""
    RESTORE = 2
    """Its rectangle becomes what it was before."""


class Part(NamedTuple):
    """What one frame lays on the canvas."""

    picture: Image.Image
    """RGB or RGBA."""
    position: tuple[int, int]
    """Left and top on the canvas, in pixels."""
    is_blended: bool
    """Whether what is transparent shows what is below; else it replaces that."""
    disposal: Disposal
    delay_ms: Fraction


def compose(
    size: tuple[int, int], orientation: int, parts: Iterable[Part], mix: Mix
) -> Iterator[SingleFrame]:
    """Each frame of a canvas of this size, as PNG; only the canvas is held.

    Raises Undecodable for a part that does not lie within it.
    """
    canvas: Packed = np.zeros((size[1], size[0]), np.uint32)
    rounding = DelayRounding()
    for part in parts:
        (left, top), (width, height) = part.position, part.picture.size
        if left + width > size[0] or top + height > size[1]:
            got = f"{width}x{height} pixels at {left},{top}"
            raise Undecodable("a frame within {}x{} pixels".format(*size), got)
        region = canvas[top : top + height, left : left + width]
        before = region.copy() if part.disposal is Disposal.RESTORE else 0
        layer = _packed(part.picture)
        if part.is_blended:
            lay(region, layer, mix)
        else:
            region[:] = layer
        delay_cs = rounding.to_cs(part.delay_ms)
        picture = decode.upright(without_alpha(as_picture(canvas)), orientation)
        yield SingleFrame(encode_png(picture, delay_cs), 10 * delay_cs)
        if part.disposal is not Disposal.KEEP:
            region[:] = before


def lay(region: Packed, layer: Packed, mix: Mix) -> None:
    """Lay pixels on those of a region of a canvas."""
    alpha = layer >> 24
    replaced = (alpha == 0xFF) | ((alpha > 0) & (region < 1 << 24))
    np.copyto(region, layer, where=replaced)
    mixed = (alpha > 0) & ~replaced
    if mixed.any():
        region[mixed] = _joined(mix(_split(layer[mixed]), _split(region[mixed])))


def without_alpha(picture: Image.Image) -> Image.Image:
    """The same picture, in RGB if all of it is opaque."""
    is_opaque = picture.getchannel("A").getextrema() == (255, 255)
    return picture.convert("RGB") if is_opaque else picture


def _packed(picture: Image.Image) -> Packed:
    rgba = np.asarray(picture.convert("RGBA"))
    return rgba.view("<u4")[..., 0]


def _split(pixels: Packed) -> NDArray[np.int64]:
    return np.stack([pixels >> shift & 0xFF for shift in (0, 8, 16, 24)], axis=1).astype(np.int64)


def _joined(channels: NDArray[np.int64]) -> Packed:
    red, green, blue, alpha = channels.T.astype(np.uint32)
    return red | green << 8 | blue << 16 | alpha << 24
