"""The frames of an animated PNG.

W3C Recommendation, Portable Network Graphics, third edition, sections 4.9 and 11.3.4.
Each frame becomes a PNG of its own, which is decoded as any other. Pure code.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from luigi_gif.containers import png_chunk
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode, tiff_directories
from luigi_gif.imaging.composing import Disposal, Part, compose
from luigi_gif.imaging.decode_png import FRAME_CONTROL, SIGNATURE, delay_ms, iterate_chunks
from luigi_gif.imaging.single_frame import SingleFrame

_SHARED = (b"PLTE", b"tRNS", b"cHRM", b"cICP", b"gAMA", b"iCCP", b"sRGB")
"""Chunks in front of the pixels that those of every frame need."""
_SEQUENCE_NUMBER_BYTES = 4
_OVER = 1


def png_frames(data: bytes, max_pixels: int) -> Iterator[SingleFrame] | None:
    """Each frame of an animated PNG; None where there is one image, which the file shows."""
    count, exif = 0, b""
    is_image_hidden = True
    for kind, start, end in iterate_chunks(data):
        if kind == b"acTL":
            count = int.from_bytes(data[start + 8 : start + 12], "big")
        elif kind == b"fcTL":
            is_image_hidden = False
        elif kind == b"eXIf":
            exif = data[start + 8 : end - 4].removeprefix(b"Exif\0\0")
        elif kind == b"IDAT":
            break
    if count == 0 or (count == 1 and not is_image_hidden):
        return None
    header = data[16:29]
    size = struct.unpack_from(">2I", header.ljust(8, b"\0"))
    decode.check_size(size, max_pixels)
    parts = _parts(data, header, max_pixels, count)
    return compose(size, tiff_directories.exif_orientation(exif), parts, _mix)


def _parts(data: bytes, header: bytes, max_pixels: int, count: int) -> Iterator[Part]:
    shared = b""
    pixels: list[bytes] = []
    control: bytes | None = None
    is_before_pixels = True
    is_whole = False
    for kind, start, end in iterate_chunks(data):
        body = data[start + 8 : end - 4]
        is_whole = kind == b"IEND"
        if kind in (b"fcTL", b"IEND"):
            if control is not None:
                yield _part(header, shared, control, pixels, max_pixels)
                count -= 1
                if count == 0:
                    return
            control, pixels = _checked(data, start, end), []
        elif kind == b"fdAT":
            pixels.append(_checked(data, start, end)[_SEQUENCE_NUMBER_BYTES:])
        elif kind == b"IDAT":
            is_before_pixels = False
            if control is not None:
                pixels.append(_checked(data, start, end))
        elif kind in _SHARED and is_before_pixels:
            shared += png_chunk(kind, body)
    if not is_whole:
        raise Undecodable("the end of a PNG", "the end of the data")


def _checked(data: bytes, start: int, end: int) -> bytes:
    """What a chunk holds. Raises Undecodable where that is not what was written."""
    if zlib.crc32(data[start + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
        raise Undecodable("a chunk whose checksum is right", f"one at byte {start:,} that is not")
    return data[start + 8 : end - 4]


def _part(
    header: bytes, shared: bytes, control: bytes, pixels: list[bytes], max_pixels: int
) -> Part:
    if len(control) != FRAME_CONTROL.size:
        raise Undecodable(f"an fcTL of {FRAME_CONTROL.size} bytes", f"{len(control)}")
    _, width, height, left, top, numerator, denominator, disposal, blending = FRAME_CONTROL.unpack(
        control
    )
    own_header = struct.pack(">2I", width, height) + header[8:]
    image_data = png_chunk(b"IDAT", b"".join(pixels))
    chunks = (png_chunk(b"IHDR", own_header), shared, image_data, png_chunk(b"IEND", b""))
    return Part(
        decode.decode_image(SIGNATURE + b"".join(chunks), max_pixels).picture,
        (left, top),
        blending == _OVER,
        Disposal(disposal),
        delay_ms(numerator, denominator),
    )


def _mix(over: NDArray[np.int64], under: NDArray[np.int64]) -> NDArray[np.int64]:
    """PNG, section 13.16, each value the nearest."""
    weight, other = 255 * over[:, 3:], under[:, 3:] * (255 - over[:, 3:])
    total = weight + other
    colors = (2 * (over[:, :3] * weight + under[:, :3] * other) + total) // (2 * total)
    return np.concatenate((colors, (2 * total + 255) // 510), axis=1)
