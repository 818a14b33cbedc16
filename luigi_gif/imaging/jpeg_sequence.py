"""The images of a motion JPEG: JPEGs one behind another, with nothing between them. Pure code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from luigi_gif import bundles
from luigi_gif.errors import Malformed, Truncated
from luigi_gif.imaging import decode
from luigi_gif.imaging.single_frame import SingleFrame

_START = b"\xff\xd8\xff"
_PADDING = re.compile(rb"[\0\r\n]+")
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

    What cameras put behind a picture is none: it is announced there, or has another size, or
    is no JPEG. Raises Truncated or Malformed.
    """
    size, frames, attached, begin = bundles.size_of_jpeg(data), 0, 0, 0
    is_samsung = data.endswith(_SAMSUNG_TRAILER)
    while data.startswith(_START, begin) and not (frames and is_samsung):
        is_frame = attached == 0 and bundles.size_of_jpeg(data, begin) == size
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
        padding = _PADDING.match(data, end)
        begin = padding.end() if padding else end
    if frames > 1 and begin < len(data):
        raise Malformed(begin, "another JPEG, or the end", repr(data[begin : begin + 4]))
