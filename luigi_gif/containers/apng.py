"""An animated PNG put together of images that were encoded one by one.

W3C Recommendation, Portable Network Graphics, third edition, sections 4.9 and 11.3.4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from luigi_gif.containers.png_chunks import SIGNATURE, iterate_bodies, png_chunk

_RGB, _RGB_ALPHA = 2, 6
"""Color types: PNG, section 11.2.1."""
_IN_CS = 100
"""Delays are in hundredths of a second."""
_KEPT, _REPLACING = 0, 0
"""Nothing of an image is disposed of, and it replaces what is below it."""
_SEQUENCE_BYTES = 4
_CONTROL_BODY = 41
"""Where the chunk acTL holds what it says: behind signature and header."""


def apng_head(size: tuple[int, int], images: int, plays: int, *, has_alpha: bool) -> bytes:
    """All that stands in front of the first image.

    Parameters
    ----------
    size : tuple of int
        Width and height in pixels.
    images : int
        How many there are.
    plays : int
        How often it plays; 0 is forever.
    has_alpha : bool
        Whether pixels have 32 bits, or 24.
    """
    color_type = _RGB_ALPHA if has_alpha else _RGB
    header = struct.pack(">2I5B", *size, 8, color_type, 0, 0, 0)
    control = struct.pack(">2I", images, plays)
    return SIGNATURE + png_chunk(b"IHDR", header) + png_chunk(b"acTL", control)


def apng_with_plays(data: bytes, plays: int) -> bytes:
    """The first bytes of a file, in which it plays as often."""
    images = data[_CONTROL_BODY : _CONTROL_BODY + 4]
    control = png_chunk(b"acTL", images + plays.to_bytes(4, "big"))
    begin = _CONTROL_BODY - 8
    return data[:begin] + control + data[begin + len(control) :]


def apng_frame(
    data: bytes, size: tuple[int, int], position: tuple[int, int], delay_cs: int
) -> bytes:
    """An image as :class:`ApngFrames` takes it: not yet numbered.

    Parameters
    ----------
    data : bytes
        A PNG of it, of the color type of the file.
    size, position : tuple of int
        Its width and height, and where it lies from the left and the top, in pixels.
    delay_cs : int
        How long it shows, in hundredths of a second, at most 65,535.
    """
    pixels = b"".join(
        body for kind, body in iterate_bodies(data[len(SIGNATURE) :]) if kind == b"IDAT"
    )
    control = struct.pack(">4I2H2B", *size, *position, delay_cs, _IN_CS, _KEPT, _REPLACING)
    return png_chunk(b"fcTL", control) + png_chunk(b"IDAT", pixels)


class ApngFrames:
    """Numbers the images of a file while they are copied."""

    def __init__(self) -> None:
        self._sequence = 0
        self._is_first = True

    def numbered(self, frames: bytes) -> Iterator[bytes]:
        """The chunks of some more of them, which :func:`apng_frame` gave."""
        for kind, body in iterate_bodies(frames):
            if kind == b"fcTL":
                yield png_chunk(kind, self._next_number() + body)
            elif self._is_first:
                self._is_first = False
                yield png_chunk(kind, body)
            else:
                yield png_chunk(b"fdAT", self._next_number() + body)

    def _next_number(self) -> bytes:
        self._sequence += 1
        return (self._sequence - 1).to_bytes(_SEQUENCE_BYTES, "big")
