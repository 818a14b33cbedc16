"""Whether an image is whole, or was cut off and only seems to go on in the file behind it.

Four newlines inside an image, and behind them the beginning of another that is
whole, mean that it was cut off there.

The cost grows with the size of the bundle, whatever stands in it. A walk of an
image that ends well, or fails, is not done again for the bytes that it passed,
but for one case: beginnings of images inside of it. So where one failed, and
for beginnings inside an image, a walk passes MAX_INSIDE beginnings at the most.

All functions raise MoreNeeded.
"""

from __future__ import annotations

from luigi_gif import gif
from luigi_gif.bundles import image_formats
from luigi_gif.bundles.bundle_window import FRAME_DELIMITER, PIECE_BYTES, MoreNeeded, Window
from luigi_gif.errors import Malformed, Truncated

MAX_INSIDE = 8
"""How many beginnings of images, each behind a delimiter, an image may hold."""
_JPEG_FILL_OFFSET = 3


def walk_image(window: Window, begin: int, format_: str) -> tuple[int, int]:
    """Where the image ends by its structure, and from where on to look for a cut.

    Raises Truncated or Malformed too.
    """
    if begin < window.careful_until:
        return _walk_carefully(window, begin, format_), begin
    if format_ == "GIF":
        return gif.find_end(window.data, begin)
    return image_formats.BY_NAME[format_].end(window.data, begin), begin


def _walk_carefully(window: Window, begin: int, format_: str) -> int:
    """Where the image ends, if it holds few beginnings of others."""
    end_of = image_formats.BY_NAME[format_].end
    stop = len(window.data)
    try:
        for number, stop_at in enumerate(window.beginnings_behind(begin)):
            if number == MAX_INSIDE:
                stop = stop_at
                break
    except MoreNeeded:
        pass
    if stop == len(window.data):
        return end_of(window.data, begin)
    try:
        return begin + end_of(window.data[begin:stop], 0)
    except Truncated:
        got = f"{MAX_INSIDE} beginnings of others, each behind four newlines"
        raise Malformed(stop - begin, "an image", got) from None


def is_hopeless(window: Window, begin: int) -> bool:
    """Whether an image that goes on behind the data was cut off in them already."""
    if len(window.data) - begin < PIECE_BYTES:
        return False  # most of them are whole, and just cross the end of a piece
    return is_cut(window, begin, begin, len(window.data), is_sure=True)


def is_cut(window: Window, search_from: int, begin: int, end: int, *, is_sure: bool) -> bool:
    """Whether the image is not one, as it holds a delimiter and another one that is whole.

    Where its end is not sure, the beginning of another is enough.
    """
    if window.data.find(FRAME_DELIMITER, search_from, end) < 0:
        return False
    for number, inner in enumerate(window.beginnings_behind(begin)):
        if inner >= end:
            return False
        if not is_sure or number == MAX_INSIDE or whole_end(window, inner, len(window.data)):
            return True
    return False


def whole_end(window: Window, begin: int, stop: int) -> int | None:
    """The end of the image that begins there, if it ends well, at ``stop`` at the latest."""
    data = window.data
    beginning = image_formats.BEGINNING.match(data, begin)
    if beginning is None:
        return None
    format_ = str(beginning.lastgroup)
    if format_ == "JPEG" and data.startswith(b"\xff", begin + _JPEG_FILL_OFFSET):
        return None  # a beginning in a comment, and the next marker of the JPEG around it
    try:
        end = _walk_carefully(window, begin, format_)
    except Malformed:
        return None
    except Truncated:
        if stop == len(data) and window.may_go_on(begin):
            raise MoreNeeded from None
        return None
    if end > stop:
        return None
    if image_formats.BY_NAME[format_].has_end_mark:
        return end
    newlines = window.end_of_newlines(end)
    if newlines == len(data) and not window.at_end:
        raise MoreNeeded
    is_followed = newlines - end >= len(FRAME_DELIMITER) or newlines in (stop, len(data))
    return end if is_followed else None
