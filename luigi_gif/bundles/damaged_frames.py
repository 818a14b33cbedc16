"""A frame that is damaged or was cut off: where it ends, and what is said of it.

A GIF that is damaged has an error. What is wrong with another image is for its
decoder to say.
"""

from __future__ import annotations

from luigi_gif import gif
from luigi_gif.bundles import image_formats, signatures
from luigi_gif.bundles.bundle_window import FRAME_DELIMITER, MAX_FRAME_BYTES, Window
from luigi_gif.bundles.frame_span import FrameError, Span
from luigi_gif.bundles.placeholders import read_placeholder
from luigi_gif.errors import Malformed, Truncated

_LINE_BREAKS_CHANGED = b"\r\n" * 4
_HINT_BYTES = 1 << 12
"""How far to look for it: a bundle may hold many damaged frames."""


def damaged_span(window: Window, begin: int, format_: str, error: Malformed | None) -> Span:
    """A frame that ends where the next one begins. Raises MoreNeeded."""
    data = window.data
    window.careful_until = len(data)
    end = window.boundary(begin)
    if error and data.startswith(FRAME_DELIMITER, begin + error.offset):
        end = min(end, begin + error.offset)  # nothing is missing but its last block
    if format_ != "GIF":
        return Span(format_, end, None, False)
    cut = data[begin:end].rstrip(b"\n")
    if not (error and error.offset < len(cut)) and lacks_only_its_end(cut):
        return Span(format_, begin + len(cut), None, False)
    return Span(format_, end, _gif_error(window, begin, end, error), False)


def unknown_span(window: Window, begin: int) -> Span:
    """What begins as no image that can be a frame. Raises MoreNeeded."""
    end = window.boundary(begin)
    if error := read_placeholder(window.data[begin:end]):
        return Span("unknown", end, error, False)
    expected = f"an image ({', '.join(image_formats.FORMATS)})"
    head = window.data[begin : begin + signatures.BEGINNING_BYTES]
    got = signatures.describe(head.partition(FRAME_DELIMITER)[0])
    return Span("unknown", end, FrameError(expected, got), False)


def lacks_only_its_end(data: bytes) -> bool:
    """Whether all pixels of the first image of a GIF are there, which browsers show then."""
    try:
        image, _ = gif.read_first_image(data, is_whole=False)
    except (Malformed, Truncated):
        return False
    return not gif.count_image_pixels(image.data, image.size).end


def text_mode_hint(data: bytes, begin: int, end: int) -> str:
    """What to add where the data were changed as if they were text; else nothing."""
    if data.find(_LINE_BREAKS_CHANGED, begin, min(end, begin + _HINT_BYTES)) >= 0:
        return ", and line breaks that were changed from LF to CRLF: it was fetched as text"
    return ""


def _gif_error(window: Window, begin: int, end: int, error: Malformed | None) -> FrameError:
    """What is wrong with a GIF, in the same words for the bundle and for a chunk of it."""
    size = len(window.data[begin:end].rstrip(b"\n"))
    if error and error.offset < size:
        hint = text_mode_hint(window.data, begin, end)
        return FrameError(error.expected, f"{error.got} {error.offset:,} bytes into it{hint}")
    if size > MAX_FRAME_BYTES:
        got = f"more than {MAX_FRAME_BYTES:,} bytes"
    elif end == len(window.data):
        got = f"the end of the bundle after {size:,} bytes of it"
    else:
        got = f"its end after {size:,} bytes: it was cut off"
    return FrameError("a whole GIF", got)
