"""Image files of several frames, each frame as an image file of its own.

A frame is what a browser shows at a time, with what earlier ones leave to be seen; what a format
stores of it may be less. Pure code: bytes in, values out. One frame is held at a time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

from luigi_gif.errors import Malformed, Truncated, Undecodable
from luigi_gif.imaging import decode
from luigi_gif.imaging.animated_avif import avif_frames
from luigi_gif.imaging.animated_gif import gif_frames
from luigi_gif.imaging.animated_png import png_frames
from luigi_gif.imaging.animated_webp import webp_frames
from luigi_gif.imaging.jpeg_sequence import jpeg_frames
from luigi_gif.imaging.single_frame import SingleFrame
from luigi_gif.imaging.tiff_pages import tiff_pages

_READERS: tuple[tuple[bytes, Callable[[bytes, int], Iterator[SingleFrame] | None]], ...] = (
    (rb"GIF8", gif_frames),
    (rb"\x89PNG\r\n\x1a\n", png_frames),
    (rb"RIFF.{4}WEBP", webp_frames),
    (rb".{4}ftyp", avif_frames),
    (rb"II|MM", tiff_pages),
    (rb"\xff\xd8", jpeg_frames),
)
"""How the files of a format begin, and what finds their frames."""


def single_frames(data: bytes, max_pixels: int) -> Iterator[SingleFrame] | None:
    """Find the frames of an image file of several.

    These are animated GIF, WebP, PNG and AVIF, TIFF of several pages, and JPEGs one behind
    another. Thumbnails, reduced pages, masks, and what cameras add to a JPEG are no frames.

    Parameters
    ----------
    data : bytes
        The file.
    max_pixels : int
        How many pixels a frame may have.

    Returns
    -------
    iterator of SingleFrame, or None
        None where the file has one frame, and is an image file of it as it stands; also where
        it is no such file, or its first frame is damaged.

    Raises
    ------
    Undecodable
        If a frame is damaged or too large; from the iterator, when those before it have been
        given. It says which, counted from 0.
    MemoryError, OSError
        If the machine lacks something: that says nothing of the file.
    """
    for beginning, reader in _READERS:
        if re.match(beginning, data, re.DOTALL):
            try:
                frames = reader(data, max_pixels)
            except Exception as error:
                raise _explained(error, 0, data) from error
            return frames and _numbered(frames, data)
    return None


def _numbered(frames: Iterator[SingleFrame], data: bytes) -> Iterator[SingleFrame]:
    """The same frames; an error says which one it is about."""
    for number in itertools.count():
        try:
            frame = next(frames)
        except StopIteration:
            return
        except Exception as error:
            raise _explained(error, number, data) from error
        yield frame


def _explained(error: Exception, number: int, data: bytes) -> Undecodable:
    """What is wrong with a frame. Raises MemoryError, and an OSError that has a number."""
    expected = "an image that can be decoded"
    if isinstance(error, Truncated):
        expected, got = "the whole file", "the end of the data"
    elif isinstance(error, Malformed):
        expected, got = error.expected, error.got
    else:
        if not isinstance(error, Undecodable):
            error = decode.as_undecodable(error, expected, (0, 0), data)
        expected, got = error.expected, error.got
    return Undecodable(expected, f"{got}, in frame {number} of the file")
