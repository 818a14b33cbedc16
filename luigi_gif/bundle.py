"""Where each image of a bundle begins and ends.

A bundle is complete images, one after another, with :data:`FRAME_DELIMITER`
between them and perhaps at either end. Images are found by their own
structure, so a delimiter inside one does not break it. Where a bundle can be
split plainly, the result is that of
``[f for f in data.split(FRAME_DELIMITER) if f]``.

Pure code: it reads through a function and gives values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from luigi_gif import formats, gif
from luigi_gif.formats import Malformed, Truncated

FRAME_DELIMITER = b"\n" * 4
MAX_JUNK_BYTES = 1 << 20
"""What may stand between the end of an image and the delimiter behind it."""
PIECE_BYTES = 1 << 20
"""How much of a bundle is read at a time, unless a single frame needs more."""
WAYPOINT_WORK = 1 << 20
"""How much work may lie between waypoints: a byte to copy is 1."""
COPIED_FRAME_WORK = 1 << 10
DECODED_FRAME_WORK = 1 << 17
"""What a frame adds to its bytes: a GIF can be copied, another image must be decoded."""
MAX_WAYPOINTS = 1 << 14
"""Where a bundle would need more, they stand twice, four times ... as far apart."""
MAX_FRAME_BYTES = 1 << 29
"""As much as 64 million pixels take, uncompressed, at 64 bits each."""

_BEGINNINGS = {
    "GIF": rb"GIF8[79]a",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "JPEG": rb"\xff\xd8\xff",
    "WebP": rb"RIFF.{4}WEBP",
    "BMP": rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00",
    "TIFF": rb"II\*\x00|MM\x00\*",
}
_BEGINNING = re.compile(
    b"|".join(b"(?P<%s>%s)" % (name.encode(), magic) for name, magic in _BEGINNINGS.items()),
    re.DOTALL,
)
_LONGEST_BEGINNING = 18
_END_OF = {
    "GIF": gif.end_of_gif,
    "PNG": formats.end_of_png,
    "JPEG": formats.end_of_jpeg,
    "WebP": formats.end_of_webp,
    "BMP": formats.end_of_bmp,
}
_LINE_BREAKS_CHANGED = b"\r\n" * 4
_HINT_BYTES = 1 << 12
"""How far to look for it: a bundle may hold many damaged frames."""
_IMAGE_IN_JUNK = re.compile(
    b"|".join(_BEGINNINGS[name] for name in ("GIF", "PNG", "JPEG", "WebP"))
    + b"|"
    + _LINE_BREAKS_CHANGED,
    re.DOTALL,
)
_NEWLINES = re.compile(rb"\n*")
_PAGE = re.compile(rb"\s*<(!doctype|html|\?xml|head|body)", re.IGNORECASE)


class Fault(NamedTuple):
    """Why what stands in a bundle is not an image, in words for people."""

    expected: str
    got: str


class Frame(NamedTuple):
    """One image of a bundle, or what stands where one should."""

    offset: int
    """Of its first byte in the bundle."""
    format: str
    """Its name; "unknown" where it does not begin as any."""
    data: bytes
    """The image as it stands in the bundle."""
    fault: Fault | None
    """None for an image whose structure is whole, or of a format that has none."""


class Survey(NamedTuple):
    """What a bundle holds, in a size that does not grow with it."""

    frames: int
    """How many."""
    formats: dict[str, int]
    """How many frames there are of each format."""
    waypoints: list[tuple[int, int]]
    """Number and offset of a frame now and then, the first included: see WAYPOINT_WORK."""
    end: int
    """Offset behind the last frame."""


class BadFrame(ValueError):
    """A frame is no image that can be used.

    ``number`` counts the frames from 0, ``offset`` is that of its first byte.
    """

    def __init__(self, number: int, offset: int, fault: Fault) -> None:
        super().__init__(number, offset, fault)
        self.number = number
        self.offset = offset
        self.fault = fault

    def __str__(self) -> str:
        expected, got = self.fault
        return f"frame {self.number} at byte {self.offset:,}: expected {expected}, got {got}"


class _MoreNeeded(Exception):
    """The answer lies beyond the part of the bundle that was read."""


def frames(read: Callable[[int], bytes], *, offset: int = 0) -> Iterator[Frame]:
    """The frames of a bundle, or of a stretch of one that begins with a frame.

    ``read(n)`` returns about n more bytes, and b"" at the end only.
    ``offset`` is that of the first frame. No more is held in memory than a few
    pieces or a few times the largest frame.

    An image ends where its structure does. Where that cannot be told (TIFF, a
    damaged image), it ends at the next delimiter that the beginning of an image
    follows, or with the bundle.
    """
    for begin_at, format_, fault, data, begin, end in _spans(read, offset):
        yield Frame(begin_at, format_, data[begin:end], fault)


def _spans(
    read: Callable[[int], bytes], offset: int
) -> Iterator[tuple[int, str, Fault | None, bytes, int, int]]:
    """Like :func:`frames`, with data in which a frame lies, and where, instead of its own."""
    data, position, at_end = b"", 0, False
    while True:
        try:
            begin = _after_delimiter(data, position, at_end)
            if begin == len(data):
                return
            format_, end, fault = _frame(data, begin, at_end)
        except _MoreNeeded:
            piece = read(max(PIECE_BYTES, len(data) - position))
            data, position, offset = data[position:] + piece, 0, offset + position
            at_end = not piece
        else:
            yield offset + begin, format_, fault, data, begin, end
            position = end


def survey(read: Callable[[int], bytes], *, strict: bool) -> Survey:
    """What the bundle that ``read`` reads holds.

    Raises BadFrame for the first frame with a fault, if ``strict``.
    """
    seen: dict[str, int] = {}
    waypoints: list[tuple[int, int]] = []
    spacing, work, number, stop = WAYPOINT_WORK, 0, -1, 0
    for number, (offset, format_, fault, _, begin, end) in enumerate(_spans(read, 0)):
        if strict and fault:
            raise BadFrame(number, offset, fault)
        seen[format_] = seen.get(format_, 0) + 1
        size = end - begin
        stop = offset + size
        if not waypoints or work >= spacing:
            waypoints.append((number, offset))
            work = 0
        work += size + (COPIED_FRAME_WORK if format_ == "GIF" else DECODED_FRAME_WORK)
        if len(waypoints) > MAX_WAYPOINTS:
            waypoints, spacing = waypoints[::2], spacing * 2
    return Survey(number + 1, seen, waypoints, stop)


def looks_like(data: bytes) -> str:
    """What ``data`` seem to be, in a few words, judged by their beginning."""
    if not data:
        return "nothing"
    if beginning := _BEGINNING.match(data):
        return f"{beginning.lastgroup} data"
    if _PAGE.match(data):
        return f"an HTML or XML page that begins with {data[:40]!r}"
    return f"data that begin with {data[:20]!r}"


def begins_with_image(data: bytes) -> bool:
    """Whether ``data``, the beginning of a bundle, has an image there."""
    return _BEGINNING.match(data, _run_of_newlines(data, 0)) is not None


def _after_delimiter(data: bytes, position: int, at_end: bool) -> int:
    """Where the next frame begins; the length of ``data`` where none does."""
    begin = _run_of_newlines(data, position)
    if begin + _LONGEST_BEGINNING > len(data) and not at_end:
        raise _MoreNeeded
    return begin


def _frame(data: bytes, begin: int, at_end: bool) -> tuple[str, int, Fault | None]:
    """Format and end of the frame that begins there, and what is wrong with it."""
    beginning = _BEGINNING.match(data, begin)
    if beginning is None:
        expected, got = f"an image ({', '.join(_BEGINNINGS)})", looks_like(data[begin : begin + 64])
        return "unknown", _next_boundary(data, begin, at_end), Fault(expected, got)
    format_ = str(beginning.lastgroup)
    end, fault = _structural_end(data, begin, format_, at_end)
    if end is None:
        end = _next_boundary(data, begin, at_end)
    return format_, end, fault


def _structural_end(
    data: bytes, begin: int, format_: str, at_end: bool
) -> tuple[int | None, Fault | None]:
    """Where the image ends by its structure; None where that cannot be told.

    A GIF that is damaged has a fault. What is wrong with another image is for
    its decoder to say.
    """
    if format_ not in _END_OF:
        return None, None
    try:
        end = _END_OF[format_](data, begin)
    except Truncated:
        if not at_end and len(data) - begin < MAX_FRAME_BYTES:
            raise _MoreNeeded from None
        got = f"the end of the bundle after {len(data) - begin:,} bytes of it"
        fault = Fault("a whole GIF", got if at_end else f"more than {MAX_FRAME_BYTES:,} bytes")
    except Malformed as error:
        got = f"{error.got} {error.offset:,} bytes into it{_hint(data, begin)}"
        fault = Fault(error.expected, got)
    else:
        if _run_of_newlines(data, end) - end >= len(FRAME_DELIMITER):
            return end, None
        if format_ == "BMP":  # its length is often wrong
            return (end, None) if end == len(data) and at_end else (None, None)
        return _end_of_junk(data, begin, end, at_end)
    return (None, fault) if format_ == "GIF" else (None, None)


def _end_of_junk(
    data: bytes, frame: int, begin: int, at_end: bool
) -> tuple[int | None, Fault | None]:
    """Bytes behind an image belong to its frame, up to a delimiter that ends it.

    Such a delimiter is followed by the beginning of an image or by the end.
    Another image among the bytes would be lost, so that is a fault.
    """
    end = _next_delimiter(data, begin, at_end, MAX_JUNK_BYTES)
    if end - begin > MAX_JUNK_BYTES:
        got = f"{MAX_JUNK_BYTES:,} other bytes"
    elif image := _IMAGE_IN_JUNK.search(data, begin, end):
        got = f"{looks_like(image[0])} {image.start() - begin:,} bytes on"
    else:
        return end, None
    expected = "four newlines, or the end of the bundle, behind its last byte"
    return None, Fault(expected, f"{got}{_hint(data, frame)}")


def _next_boundary(data: bytes, begin: int, at_end: bool) -> int:
    """Where the frame ends by what follows it.

    It may itself end in newlines, so no more than four are left out, and none
    at the end of the bundle: bytes too many do no harm.
    """
    end = _run_of_newlines(data, _next_delimiter(data, begin, at_end, MAX_FRAME_BYTES))
    return end if end == len(data) else end - len(FRAME_DELIMITER)


def _next_delimiter(data: bytes, begin: int, at_end: bool, most: int) -> int:
    """The next delimiter that an image or the end follows, else the end of the data.

    The end is taken for that of the bundle after ``most`` bytes.
    """
    position = begin
    while (delimiter := data.find(FRAME_DELIMITER, position)) >= 0:
        position = _run_of_newlines(data, delimiter)
        if position + _LONGEST_BEGINNING > len(data) and not at_end:
            raise _MoreNeeded
        if position == len(data) or _BEGINNING.match(data, position):
            return delimiter
    if not at_end and len(data) - begin <= most:
        raise _MoreNeeded
    return len(data)


def _run_of_newlines(data: bytes, position: int) -> int:
    newlines = _NEWLINES.match(data, position)
    assert newlines is not None
    return newlines.end()


def _hint(data: bytes, begin: int) -> str:
    if data.find(_LINE_BREAKS_CHANGED, begin, begin + _HINT_BYTES) >= 0:
        return ", and line breaks that were changed from LF to CRLF: it was fetched as text"
    return ""
