"""What stands between an image and the delimiter behind it: part of its frame, or a lost one.

Cameras put videos there, previews, depth maps and second pictures, which no
program shows. Another frame among them would be lost, so that is an error.

All functions but the last raise MoreNeeded.
"""

from __future__ import annotations

import re

from luigi_gif.bundles import cut_images, image_ends, image_formats, signatures
from luigi_gif.bundles.bundle_window import FRAME_DELIMITER, MoreNeeded, Window
from luigi_gif.bundles.damaged_frames import text_mode_hint
from luigi_gif.bundles.frame_span import FrameError, Span

MAX_TRAILER_BYTES = 1 << 26
_NEWLINE = 0x0A
_WHITE_SPACE = re.compile(rb"[\r\n\t ]*+")
_SEPARATOR = re.compile(rb"[\r\n\t \0]*+|[\r\n\t -~]{,512}\n")
"""What else than four newlines stands between images: white space, zeros, or lines of text."""
_SAMSUNG_TRAILER = b"SEFT"
_ONE_BEHIND_ANOTHER = "four newlines, or the end of the bundle, behind its last byte"


def span_with_trailer(window: Window, begin: int, format_: str, end: int) -> Span:
    """Bytes behind an image belong to its frame, up to a delimiter that ends it."""
    stop = _end_of_trailer(window, end)
    if stop - end > MAX_TRAILER_BYTES:
        got = f"{MAX_TRAILER_BYTES:,} other bytes"
    elif (other := _lost_image(window, begin, format_, end, stop)) is not None:
        looks = signatures.looks_like(window.data[other : other + image_formats.LONGEST_BEGINNING])
        got = f"{looks} {other - end:,} bytes on{text_mode_hint(window.data, begin, stop)}"
    else:
        return Span(format_, stop, None, True)
    return Span(format_, window.boundary(end), FrameError(_ONE_BEHIND_ANOTHER, got), False)


def _end_of_trailer(window: Window, end: int) -> int:
    """Where the newlines begin that stand in front of the next frame or the end."""
    data = window.data
    stop = next(window.beginnings_behind(end), None)
    if stop is None:
        if not window.at_end and len(data) - end <= MAX_TRAILER_BYTES:
            raise MoreNeeded
        stop = len(data)
        if not data.endswith(FRAME_DELIMITER, end):
            return stop
    while stop > end and data[stop - 1] == _NEWLINE:
        stop -= 1
    return stop


def _lost_image(window: Window, begin: int, format_: str, end: int, stop: int) -> int | None:
    """Where another frame stands among the bytes behind an image.

    Not everything that begins as an image is one.
    """
    data = window.data
    announced = image_ends.images_behind_jpeg(data, begin, end) if format_ == "JPEG" else 0
    walks, behind = 0, end
    if (weak := _weak_image_behind(window, end, stop)) is not None:
        return weak
    for beginning in image_formats.CLEAR_BEGINNING.finditer(data, end, stop):
        other = beginning.start()
        kind = str(image_formats.format_of(data, other))
        if other < behind:
            continue
        alone = _SEPARATOR.fullmatch(data, behind, other) is not None
        if image_formats.BY_NAME[kind].is_unmistakable and (alone or format_ != "JPEG"):
            return other
        walks += 1
        if walks > cut_images.MAX_INSIDE:
            return other
        whole = cut_images.whole_end(window, other, stop)
        if whole is None:
            continue
        if announced and kind == "JPEG":
            announced -= 1
        elif alone or _is_frame(data, (begin, format_), (other, kind), stop):
            return other
        behind = whole
    return None


def _weak_image_behind(window: Window, end: int, stop: int) -> int | None:
    """Where a whole image of a format with a weak beginning stands, with but white space before.

    Farther on, what seems to be its beginning is a part of other data.
    """
    white_space = _WHITE_SPACE.match(window.data, end, stop)
    assert white_space is not None
    for other in {end, white_space.end()}:
        kind = image_formats.format_of(window.data, other)
        if (
            kind
            and image_formats.BY_NAME[kind].is_weak
            and cut_images.whole_end(window, other, stop) is not None
        ):
            return other
    return None


def _is_frame(data: bytes, image: tuple[int, str], other: tuple[int, str], stop: int) -> bool:
    """Whether a whole image, other bytes behind another, is a frame and not part of it.

    Of each is known where it begins, and its format.
    """
    (begin, format_), (other_begin, kind) = image, other
    if format_ == "TIFF":
        return kind == "TIFF"
    if format_ != "JPEG" or kind != "JPEG":
        return format_ != "JPEG"
    if data.endswith(_SAMSUNG_TRAILER, begin, stop):
        return False
    return image_ends.size_of_jpeg(data, begin) == image_ends.size_of_jpeg(data, other_begin)
