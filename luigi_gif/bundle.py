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

from luigi_gif import gif

FRAME_DELIMITER = b"\n" * 4
MAX_JUNK_BYTES = 1 << 20
"""What may stand between the end of an image and the delimiter behind it."""
PIECE_BYTES = 1 << 20
"""How much of a bundle is read at a time, unless a single frame needs more."""
WAYPOINT_BYTES = 1 << 20
WAYPOINT_FRAMES = 1000
MAX_WAYPOINTS = 1 << 14
"""Where a bundle would need more, they stand twice, four times ... as far apart."""

_BEGINNINGS = {
    "GIF": rb"GIF8[79]a",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "JPEG": rb"\xff\xd8\xff",
    "WebP": rb"RIFF.{4}WEBP",
    "BMP": rb"BM",
    "TIFF": rb"II\*\x00|MM\x00\*",
}
_BEGINNING = re.compile(
    b"|".join(b"(?P<%s>%s)" % (name.encode(), magic) for name, magic in _BEGINNINGS.items()),
    re.DOTALL,
)
_LONGEST_BEGINNING = 12
_IMAGE_IN_JUNK = re.compile(
    rb"GIF8[79]a|\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF.{4}WEBP|(?:\r\n){4}", re.DOTALL
)
_LINE_BREAKS_CHANGED = b"\r\n" * 4
_NEWLINES = re.compile(rb"\n*")
_PAGE = re.compile(rb"\s*<(!doctype|html|\?xml|head|body)", re.IGNORECASE)


class Frame(NamedTuple):
    """One image of a bundle."""

    offset: int
    """Of its first byte in the bundle."""
    format: str
    data: bytes
    """The image as it stands in the bundle."""


class Survey(NamedTuple):
    """What a bundle holds, in a size that does not grow with it."""

    frames: int
    """How many."""
    formats: dict[str, int]
    """How many frames there are of each format."""
    waypoints: list[tuple[int, int]]
    """Number and offset of a frame about every MiB, the first frame included."""
    end: int
    """Offset behind the last frame."""


class BadFrame(ValueError):
    """An image of a bundle is damaged, or of a format that is not supported.

    ``number`` counts the frames from 0, ``offset`` is that of its first byte.
    """

    def __init__(self, number: int, offset: int, expected: str, got: str) -> None:
        super().__init__(f"frame {number} at byte {offset}: expected {expected}, got {got}")
        self.number = number
        self.offset = offset
        self.expected = expected
        self.got = got

    def __reduce__(self) -> tuple[object, ...]:
        return BadFrame, (self.number, self.offset, self.expected, self.got)


class _MoreNeeded(Exception):
    """The answer lies beyond the part of the bundle that was read."""


def frames(read: Callable[[int], bytes], *, number: int = 0, offset: int = 0) -> Iterator[Frame]:
    """The frames of a bundle, or of a stretch of one that begins with a frame.

    ``read(n)`` returns about n more bytes, and b"" at the end only.
    ``number`` and ``offset`` are those of the first frame. No more is held in
    memory than a few pieces or a few times the largest frame.

    Raises BadFrame.
    """
    data, position, at_end = b"", 0, False
    while True:
        try:
            begin = _after_delimiter(data, position, at_end)
            if begin == len(data):
                return
            end = _end_of_frame(data, begin, at_end)
        except _MoreNeeded:
            piece = read(max(PIECE_BYTES, len(data) - position))
            data, position, offset = data[position:] + piece, 0, offset + position
            at_end = not piece
        except gif.TruncatedGif:
            got = f"the end of the bundle after {len(data) - begin:,} bytes of it"
            raise BadFrame(number, offset + begin, "a whole GIF", got) from None
        except gif.MalformedGif as error:
            got = f"{error.got} {error.offset:,} bytes into it{_hint(data, begin)}"
            raise BadFrame(number, offset + begin, error.expected, got) from None
        except _Unsupported as error:
            raise BadFrame(number, offset + begin, "a GIF", str(error)) from None
        except _NotDelimited as error:
            expected = "four newlines, or the end of the bundle, behind its last byte"
            got = f"{error}{_hint(data, begin)}"
            raise BadFrame(number, offset + begin, expected, got) from None
        else:
            yield Frame(offset + begin, "GIF", data[begin:end])
            position = end
            number += 1


def survey(read: Callable[[int], bytes]) -> Survey:
    """What the bundle that ``read`` reads holds. Raises BadFrame."""
    formats: dict[str, int] = {}
    waypoints: list[tuple[int, int]] = []
    spacing, number, end = WAYPOINT_BYTES, -1, 0
    for number, frame in enumerate(frames(read)):
        formats[frame.format] = formats.get(frame.format, 0) + 1
        end = frame.offset + len(frame.data)
        if not waypoints or _far_enough(waypoints[-1], number, frame.offset, spacing):
            waypoints.append((number, frame.offset))
        if len(waypoints) > MAX_WAYPOINTS:
            waypoints, spacing = waypoints[::2], spacing * 2
    return Survey(number + 1, formats, waypoints, end)


def _far_enough(waypoint: tuple[int, int], number: int, offset: int, spacing: int) -> bool:
    frames_apart = spacing // WAYPOINT_BYTES * WAYPOINT_FRAMES
    return offset - waypoint[1] >= spacing or number - waypoint[0] >= frames_apart


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


class _Unsupported(ValueError):
    """An image of another format than those that can be read."""


class _NotDelimited(ValueError):
    """Behind an image stands neither a delimiter nor the end."""


def _after_delimiter(data: bytes, position: int, at_end: bool) -> int:
    """Where the next frame begins; the length of ``data`` where none does."""
    begin = _run_of_newlines(data, position)
    if begin + _LONGEST_BEGINNING > len(data) and not at_end:
        raise _MoreNeeded
    return begin


def _end_of_frame(data: bytes, begin: int, at_end: bool) -> int:
    beginning = _BEGINNING.match(data, begin)
    if beginning is None or beginning.lastgroup != "GIF":
        raise _Unsupported(looks_like(data[begin : begin + 64]))
    try:
        end = gif.end_of_gif(data, begin)
    except gif.TruncatedGif:
        if at_end:
            raise
        raise _MoreNeeded from None
    if _run_of_newlines(data, end) - end >= len(FRAME_DELIMITER):
        return end
    return _end_of_junk(data, end, at_end)


def _end_of_junk(data: bytes, begin: int, at_end: bool) -> int:
    """Bytes behind an image belong to its frame, up to a delimiter that ends it.

    Such a delimiter is followed by the beginning of an image or by the end.
    Another image among the bytes would be lost, so it is an error.
    """
    end = _next_delimiter(data, begin, at_end)
    if end - begin > MAX_JUNK_BYTES:
        raise _NotDelimited(f"{MAX_JUNK_BYTES:,} other bytes")
    if image := _IMAGE_IN_JUNK.search(data, begin, end):
        raise _NotDelimited(f"{looks_like(image[0])} {image.start() - begin:,} bytes on")
    return end


def _next_delimiter(data: bytes, position: int, at_end: bool) -> int:
    begin = position
    while (delimiter := data.find(FRAME_DELIMITER, position)) >= 0:
        position = _run_of_newlines(data, delimiter)
        if position + _LONGEST_BEGINNING > len(data) and not at_end:
            raise _MoreNeeded
        if position == len(data) or _BEGINNING.match(data, position):
            return delimiter
    if not at_end and len(data) - begin <= MAX_JUNK_BYTES:
        raise _MoreNeeded
    return len(data)


def _run_of_newlines(data: bytes, position: int) -> int:
    newlines = _NEWLINES.match(data, position)
    assert newlines is not None
    return newlines.end()


def _hint(data: bytes, begin: int) -> str:
    if _LINE_BREAKS_CHANGED in data[begin:]:
        return ", and line breaks that were changed from LF to CRLF: it was fetched as text"
    return ""
