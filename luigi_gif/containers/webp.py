"""An animated WebP put together of images that were encoded one by one.

RFC 9649, section 2.7.
"""

from __future__ import annotations

import struct

MAX_WEBP_SIDE = 16_383
"""Of an image, in pixels: it has 14 bits for it."""
MAX_WEBP_BYTES = (1 << 32) - 10
"""Of a file: RFC 9649, section 2.4."""
MAX_WEBP_PLAYS = (1 << 16) - 1
_HEADER_BYTES = 12
_ANIMATED, _ALPHA = 0x02, 0x10
"""Flags of the chunk VP8X."""
_NOT_BLENDED = 0x02
"""Flag of the chunk ANMF; nothing of its image is disposed of."""
_PLAYS = 42
"""Where the chunk ANIM holds how often an animation plays: behind RIFF, VP8X and a color."""
_PIXELS = (b"ALPH", b"VP8 ", b"VP8L")
_WEBP = b"WEBP"


def riff_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a RIFF file: RFC 9649, section 2.3."""
    return struct.pack("<4sI", kind, len(body)) + body + bytes(len(body) % 2)


def webp_pixels(data: bytes) -> bytes:
    """Of a WebP of one image the chunks that hold its pixels."""
    position, found = _HEADER_BYTES, []
    while position < len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        end = position + 8 + length + length % 2
        if kind in _PIXELS:
            found.append(data[position:end])
        position = end
    return b"".join(found)


def webp_frame(
    pixels: bytes, size: tuple[int, int], position: tuple[int, int], delay_cs: int
) -> bytes:
    """An image of an animation.

    Parameters
    ----------
    pixels : bytes
        Its chunks, from :func:`webp_pixels`.
    size, position : tuple of int
        Its width and height, and where it lies from the left and the top, in pixels; a position
        is even.
    delay_cs : int
        How long it shows, in hundredths of a second.
    """
    left, top = position
    numbers = (left // 2, top // 2, size[0] - 1, size[1] - 1, 10 * delay_cs)
    control = b"".join(number.to_bytes(3, "little") for number in numbers)
    return riff_chunk(b"ANMF", control + bytes((_NOT_BLENDED,)) + pixels)


def webp_head(size: tuple[int, int], plays: int, bytes_behind: int, *, has_alpha: bool) -> bytes:
    """All that stands in front of the first image.

    Parameters
    ----------
    size : tuple of int
        Width and height in pixels.
    plays : int
        How often it plays; 0 is forever, and no file says more than 65,535.
    bytes_behind : int
        What follows, images and all.
    has_alpha : bool
        Whether any pixel is not opaque.
    """
    loops = riff_chunk(b"ANIM", struct.pack("<IH", 0, min(plays, MAX_WEBP_PLAYS)))
    chunks = _extended(size, _ANIMATED | (_ALPHA if has_alpha else 0)) + loops
    return _riff(chunks, bytes_behind)


def webp_with_plays(data: bytes, plays: int) -> bytes:
    """The first bytes of a file, in which it plays as often."""
    end = _PLAYS + 2
    return data[:_PLAYS] + struct.pack("<H", min(plays, MAX_WEBP_PLAYS)) + data[end:]


def still_webp(data: bytes, size: tuple[int, int], bytes_behind: int, *, has_alpha: bool) -> bytes:
    """A WebP of one image, to which so many bytes of other chunks are appended."""
    chunks = _extended(size, _ALPHA if has_alpha else 0) + webp_pixels(data)
    return _riff(chunks, bytes_behind)


def _extended(size: tuple[int, int], flags: int) -> bytes:
    sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
    return riff_chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides)


def _riff(chunks: bytes, bytes_behind: int) -> bytes:
    length = len(_WEBP) + len(chunks) + bytes_behind
    return struct.pack("<4sI", b"RIFF", length) + _WEBP + chunks
