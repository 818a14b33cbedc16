"""One frame of an image file of several, as a complete image file of its own. Pure code."""

from __future__ import annotations

import io
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from luigi_gif import gif
from luigi_gif.containers import png_chunk
from luigi_gif.imaging.decode_png import FRAME_CONTROL, PIXEL_CHUNKS, SIGNATURE, iterate_chunks

Packed = NDArray[np.uint32]
"""Pixels as one number each, height x width: red, green, blue and alpha from the lowest byte on."""

OPAQUE = 0xFF << 24
_SIZE = 16
"""Where a PNG holds its width and height."""
_HEADER_END = 33
"""Where the chunk IHDR of a PNG ends."""
_COMPRESSION = 1
"""Hardly larger than the best, and several times faster: the file is read once."""


class SingleFrame(NamedTuple):
    """One frame of an image file of several."""

    data: bytes
    """A complete image file, as browsers show the frame. It holds the delay too."""
    delay_ms: int | None
    """How long it is to be shown, in milliseconds, of which a GIF holds tens; None where the
    format has no delays."""


def as_picture(pixels: Packed) -> Image.Image:
    """The same pixels in RGBA."""
    channels = np.ascontiguousarray(pixels, "<u4").view(np.uint8)
    return Image.fromarray(channels.reshape(*pixels.shape, 4))


def encode_png(picture: Image.Image, delay_cs: int | None) -> bytes:
    """A PNG of an RGB or RGBA picture; its delay is that of an animation of one frame."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=_COMPRESSION)
    data = file.getvalue()
    if delay_cs is None:
        return data
    return data[:_HEADER_END] + _animation(picture.size, delay_cs) + data[_HEADER_END:]


def with_delay(data: bytes, delay_cs: int) -> bytes:
    """The pixels of a GIF or a PNG of one image, and nothing else of it, with this delay."""
    if not data.startswith(SIGNATURE):
        image, _ = next(gif.iterate_images(data))
        return gif.encode_single(image._replace(delay_cs=delay_cs))
    header, *rest = (
        data[start:end] for kind, start, end in iterate_chunks(data) if kind in PIXEL_CHUNKS
    )
    size = struct.unpack_from(">2I", data, _SIZE)
    return b"".join((SIGNATURE, header, _animation(size, delay_cs), *rest))


def _animation(size: tuple[int, int], delay_cs: int) -> bytes:
    """The chunks of an animation of one frame, which is the image itself."""
    control = FRAME_CONTROL.pack(0, *size, 0, 0, delay_cs, 100, 0, 0)
    return png_chunk(b"acTL", struct.pack(">2I", 1, 0)) + png_chunk(b"fcTL", control)
