"""The frames of an animated WebP.

RFC 9649, section 2.7. Each frame becomes a WebP of its own, which is decoded as any other.
Pure code.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from luigi_gif.containers import riff_chunk
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode, tiff_directories
from luigi_gif.imaging.composing import Disposal, Part, compose
from luigi_gif.imaging.single_frame import SingleFrame

_HEADER_BYTES = 12
_CHUNK = struct.Struct("<4sI")
_EXTENDED_BYTES = 10
_ANIMATED, _ALPHA, _PROFILE = 0x02, 0x10, 0x20
"""Flags of the chunk VP8X."""
_FRAME_BYTES = 16
_CLEARED, _NOT_BLENDED = 0x01, 0x02
"""Flags of the chunk ANMF."""
_PIXELS = (b"ALPH", b"VP8 ", b"VP8L")


def webp_frames(data: bytes, max_pixels: int) -> Iterator[SingleFrame] | None:
    """Each frame of an animated WebP; None where there is one."""
    frames, chunks = 0, {}
    for kind, start, end in _chunks(data, _HEADER_BYTES, _end(data)):
        frames += kind == b"ANMF"
        if kind not in chunks and kind != b"ANMF":
            chunks[kind] = data[start:end]
    extended = chunks.get(b"VP8X", b"")
    if frames < 2 or len(extended) < _EXTENDED_BYTES or not extended[0] & _ANIMATED:
        return None
    size = _number(extended, 4) + 1, _number(extended, 7) + 1
    decode.check_size(size, max_pixels)
    exif = chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0")
    parts = _parts(data, chunks.get(b"ICCP", b""), max_pixels)
    return compose(size, tiff_directories.exif_orientation(exif), parts, _mix)


def _parts(data: bytes, profile: bytes, max_pixels: int) -> Iterator[Part]:
    for kind, start, end in _chunks(data, _HEADER_BYTES, _end(data)):
        if end > len(data):
            raise Undecodable("a whole chunk of a WebP", f"{len(data) - start:,} of its bytes")
        if kind == b"ANMF":
            yield _part(data[start:end], profile, max_pixels)
    if _end(data) > len(data):
        raise Undecodable(f"a WebP of {_end(data):,} bytes", f"{len(data):,} of them")


def _part(body: bytes, profile: bytes, max_pixels: int) -> Part:
    if len(body) < _FRAME_BYTES:
        raise Undecodable(f"an ANMF of {_FRAME_BYTES} bytes or more", f"{len(body)}")
    left, top, width, height, delay_ms = (_number(body, offset) for offset in range(0, 15, 3))
    pixels = b"".join(
        riff_chunk(kind, body[start:end])
        for kind, start, end in _chunks(body, _FRAME_BYTES, len(body))
        if kind in _PIXELS
    )
    picture = decode.decode_image(_single(pixels, body[6:12], profile), max_pixels).picture
    if picture.size != (width + 1, height + 1):
        expected = f"a frame of {width + 1}x{height + 1} pixels"
        raise Undecodable(expected, "{}x{}".format(*picture.size))
    return Part(
        picture,
        (2 * left, 2 * top),
        not body[15] & _NOT_BLENDED,
        Disposal.CLEAR if body[15] & _CLEARED else Disposal.KEEP,
        Fraction(delay_ms),
    )


def _single(pixels: bytes, size: bytes, profile: bytes) -> bytes:
    """A WebP of one image; its width and height, less 1, are of 3 bytes each."""
    flags = _ALPHA | (_PROFILE if profile else 0)
    head = riff_chunk(b"VP8X", bytes((flags, 0, 0, 0)) + size)
    return riff_chunk(
        b"RIFF", b"WEBP" + head + (riff_chunk(b"ICCP", profile) if profile else b"") + pixels
    )


def _end(data: bytes) -> int:
    """Where the file says that it ends: what stands behind that is no part of it."""
    return _CHUNK.size + int.from_bytes(data[4:8], "little")


def _chunks(data: bytes, position: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Type of each chunk, and begin and end of what it holds, which may be behind the data's."""
    while position + _CHUNK.size <= min(stop, len(data)):
        kind, length = _CHUNK.unpack_from(data, position)
        start = position + _CHUNK.size
        yield kind, start, start + length
        position = start + length + length % 2


def _number(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 3], "little")


def _mix(over: NDArray[np.int64], under: NDArray[np.int64]) -> NDArray[np.int64]:
    """As libwebp (src/demux/anim_decode.c) and browsers do: RFC 9649 leaves the rounding open."""
    alpha = over[:, 3:]
    other = under[:, 3:] * (256 - alpha) >> 8
    total = alpha + other
    colors = (over[:, :3] * alpha + under[:, :3] * other) * ((1 << 24) // total) >> 24
    return np.concatenate((colors, total), axis=1)
