"""Where a frame of a bundle ends: where the structure of its image does, and it is whole.

All functions raise MoreNeeded.
"""

from __future__ import annotations

from luigi_gif.bundles import cut_images, image_formats, signatures
from luigi_gif.bundles.bundle_window import FRAME_DELIMITER, MoreNeeded, Window
from luigi_gif.bundles.damaged_frames import damaged_span, lacks_only_its_end, unknown_span
from luigi_gif.bundles.frame_span import Span
from luigi_gif.bundles.image_trailers import span_with_trailer
from luigi_gif.errors import Malformed, Truncated

_JPEG_END = b"\xff\xd9"


def find_frame_end(window: Window, begin: int) -> Span:
    """Format and end of the frame that begins there, and what is wrong with it."""
    window.frame_begin = begin
    beginning = image_formats.BEGINNING.match(window.data, begin)
    if beginning is None:
        return unknown_span(window, begin)
    format_ = str(beginning.lastgroup)
    try:
        end, search_from = cut_images.walk_image(window, begin, format_)
    except Malformed as error:
        return _malformed_span(window, begin, format_, error)
    except Truncated:
        if window.may_go_on(begin) and not cut_images.is_hopeless(window, begin):
            raise MoreNeeded from None
        return damaged_span(window, begin, format_, None)
    return _ended_span(window, begin, format_, end, search_from)


def _malformed_span(window: Window, begin: int, format_: str, error: Malformed) -> Span:
    """A GIF whose pixels are all there is used, whatever stands behind them."""
    end = begin + error.offset
    if (
        format_ == "GIF"
        and not cut_images.is_cut(window, begin, begin, end, is_sure=False)
        and lacks_only_its_end(window.data[begin:end])
    ):
        return span_with_trailer(window, begin, format_, end)._replace(is_whole=False)
    return damaged_span(window, begin, format_, error)


def _ended_span(window: Window, begin: int, format_: str, end: int, search_from: int) -> Span:
    """A frame whose structure ends, but it may have been cut off and end in another one."""
    data = window.data
    if window.stop is not None and end > window.stop:
        return damaged_span(window, begin, format_, None)
    newlines = window.end_of_newlines(end)
    is_followed = (
        newlines - end >= len(FRAME_DELIMITER)
        or (end == len(data) and window.at_end)
        or _goes_on(data, format_, end)
    )
    if not is_followed and _reaches_into_delimiter(window, begin, newlines):
        return damaged_span(window, begin, format_, None)
    is_sure = is_followed and (format_ != "JPEG" or data.endswith(_JPEG_END, begin, end))
    if cut_images.is_cut(window, search_from, begin, end, is_sure=is_sure):
        return damaged_span(window, begin, format_, None)
    if is_followed:
        return Span(format_, end, None, is_sure)
    return span_with_trailer(window, begin, format_, end)


def _goes_on(data: bytes, format_: str, end: int) -> bool:
    """Whether another image follows at once, as those of a file of several PNM images do."""
    return format_ == "PNM" and image_formats.format_of(data, end) == "PNM"


def _reaches_into_delimiter(window: Window, begin: int, newlines: int) -> bool:
    """Whether the image ends within four newlines in front of the next frame or the end.

    Then a few bytes of it are missing. ``newlines`` is where those behind it end.
    """
    data = window.data
    if newlines + image_formats.LONGEST_BEGINNING > len(data) and not window.at_end:
        raise MoreNeeded
    if not data.endswith(FRAME_DELIMITER, begin, newlines):
        return False
    return newlines == len(data) or bool(signatures.KNOWN.match(data, newlines))
