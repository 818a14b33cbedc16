"""The images of a motion JPEG: JPEGs one behind another, with nothing between them. Pure code."""

from __future__ import annotations

import math
from collections.abc import Iterator

from luigi_gif import bundles
from luigi_gif.errors import Malformed, Truncated
from luigi_gif.imaging import decode
from luigi_gif.imaging.single_frame import SingleFrame

_START = b"\xff\xd8\xff"
_SAMSUNG_TRAILER = b"SEFT"


def jpeg_frames(data: bytes, max_pixels: int) -> Iterator[SingleFrame] | None:
    """Each JPEG as it is; None where there is one."""
    jpegs = _jpegs(data)
    try:
        next(jpegs)
    except (Truncated, Malformed):
        return None
    try:
        if next(jpegs, None) is None:
            return None
    except (Truncated, Malformed):
        pass  # another one begins
    decode.check_size(bundles.size_of_jpeg(data) or (0, 0), max_pixels)
    return (SingleFrame(data[begin:end], None) for begin, end in _jpegs(data))


def _jpegs(data: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each.

    What cameras put behind a picture is none: it is announced there, or has fewer pixels, or
    is no JPEG. Raises Truncated or Malformed.
    """
    pixels, frames, attached, begin = _pixels(data, 0), 0, 0, 0
    is_samsung = data.endswith(_SAMSUNG_TRAILER)
    while data.startswith(_START, begin) and not (frames and is_samsung):
        is_frame = attached == 0 and _pixels(data, begin) >= pixels
        try:
            end = bundles.end_of_jpeg(data, begin)
        except (Truncated, Malformed):
            if is_frame:
                raise
            return
        if is_frame:
            frames += 1
            yield begin, end
            attached = bundles.images_behind_jpeg(data, begin, end)
        else:
            attached -= attached > 0
        begin = bundles.end_of_padding(data, end)
    if frames > 1 and begin < len(data):
        raise Malformed(begin, "another JPEG, or the end", repr(data[begin : begin + 4]))


def _pixels(data: bytes, begin: int) -> int:
    """How many the JPEG has that begins there; 0 where it does not say."""
    return math.prod(bundles.size_of_jpeg(data, begin) or (0, 0))
