"""Where the frames end in the part of a bundle that is in memory.

An image ends where its structure does. One that was cut off may seem to go on
in the file behind it: four newlines inside an image, and behind them the
beginning of another that is whole, mean that it was cut off there.

The cost grows with the size of the bundle, whatever stands in it. A walk of an
image that ends well, or fails, is not done again for the bytes that it passed,
but for one case: beginnings of images inside of it. So where one failed, and
for beginnings inside an image, a walk passes MAX_INSIDE beginnings at the most.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from luigi_gif import gif
from luigi_gif.errors import Malformed, Truncated
from luigi_gif.sources import image_ends, signatures, tiff_end

FRAME_DELIMITER = b"\n" * 4
MAX_TRAILER_BYTES = 1 << 26
"""What may stand between an image and the delimiter behind it: cameras put videos there."""
PIECE_BYTES = 1 << 20
"""How much of a bundle is read at a time, unless a single frame needs more."""
MAX_FRAME_BYTES = 1 << 29
"""As much as 64 million pixels take, uncompressed, at 64 bits each."""
MAX_INSIDE = 8
"""How many beginnings of images, each behind a delimiter, an image may hold."""

_END_OF: dict[str, Callable[[bytes, int], int]] = {
    "GIF": gif.end_of_gif,
    "PNG": image_ends.end_of_png,
    "JPEG": image_ends.end_of_jpeg,
    "WebP": image_ends.end_of_webp,
    "BMP": image_ends.end_of_bmp,
    "TIFF": tiff_end.end_of_tiff,
}
_LINE_BREAKS_CHANGED = b"\r\n" * 4
_HINT_BYTES = 1 << 12
"""How far to look for it: a bundle may hold many damaged frames."""
_NEWLINES = re.compile(rb"\n*")
_NEWLINE = 0x0A
_SEPARATOR = re.compile(rb"[\r\n\t \0]*+|[\r\n\t -~]{,512}\n")
"""What else than four newlines stands between images: white space, zeros, or lines of text."""
_JPEG_FILL_OFFSET = 3
_JPEG_END = b"\xff\xd9"
_SAMSUNG_TRAILER = b"SEFT"
_ONE_BEHIND_ANOTHER = "four newlines, or the end of the bundle, behind its last byte"


class FrameError(NamedTuple):
    """Why what stands in a bundle is not an image, in words for people."""

    expected: str
    got: str


class Span(NamedTuple):
    """A frame, but for where it begins."""

    format: str
    end: int
    error: FrameError | None
    is_whole: bool
    """Whether its structure ends well."""


class MoreNeeded(Exception):
    """The answer lies beyond the part of the bundle that was read."""


class Window:
    """A part of a bundle. Its methods raise MoreNeeded."""

    def __init__(self, stop: int | None = None) -> None:
        self.data = b""
        self._stop = stop
        """An image that seems to end behind it was cut off."""
        self.at_end = False
        """Whether the bundle ends where the data do."""
        self._begin = 0
        self._careful_until = 0
        """A walk came so far and failed; those from in between must not do the same."""
        self._beginnings: list[int] = []
        """Of images that stand behind a delimiter, as far as they were looked for."""
        self._searched = 0

    def advance(self, position: int, piece: bytes) -> None:
        """Leave out what is in front of ``position``; put ``piece`` behind the rest."""
        self.data = self.data[position:] + piece
        self.at_end = not piece
        if self._stop is not None:
            self._stop -= position
        self._careful_until = max(0, self._careful_until - position)
        self._beginnings, self._searched = [], 0

    def after_newlines(self, position: int) -> int:
        """Where the next frame begins; the length of the data where none does."""
        begin = self._run_of_newlines(position)
        if begin + signatures.LONGEST_BEGINNING > len(self.data) and not self.at_end:
            raise MoreNeeded
        return begin

    def holds_image(self) -> bool:
        """Whether an image begins in the data, behind a delimiter."""
        try:
            return any(
                signatures.BEGINNING.match(self.data, each) for each in self._beginnings_behind(0)
            )
        except MoreNeeded:
            return False

    def frame(self, begin: int) -> Span:
        """Format and end of the frame that begins there, and what is wrong with it.

        A GIF that is damaged has a fault. What is wrong with another image is
        for its decoder to say.
        """
        self._begin = begin
        beginning = signatures.BEGINNING.match(self.data, begin)
        if beginning is None:
            return Span("unknown", self._boundary(begin), self._unknown(begin), False)
        format_ = str(beginning.lastgroup)
        try:
            end, search_from = self._walked(begin, format_)
        except Malformed as error:
            end = begin + error.offset
            if (
                format_ == "GIF"
                and not self._is_cut(begin, begin, end, is_sure=False)
                and _lacks_only_its_end(self.data[begin:end])
            ):
                return self._with_trailer(begin, format_, end)._replace(is_whole=False)
            return self._damaged(begin, format_, error)
        except Truncated:
            if self._may_go_on(begin) and not self._is_hopeless(begin):
                raise MoreNeeded from None
            return self._damaged(begin, format_, None)
        if self._stop is not None and end > self._stop:
            return self._damaged(begin, format_, None)
        newlines = self._run_of_newlines(end)
        is_followed = newlines - end >= len(FRAME_DELIMITER) or (
            end == len(self.data) and self.at_end
        )
        if not is_followed and self._reaches_into_delimiter(begin, end, newlines):
            return self._damaged(begin, format_, None)
        is_sure = is_followed and (format_ != "JPEG" or self.data.endswith(_JPEG_END, begin, end))
        if self._is_cut(search_from, begin, end, is_sure=is_sure):
            return self._damaged(begin, format_, None)
        return (
            Span(format_, end, None, is_sure)
            if is_followed
            else self._with_trailer(begin, format_, end)
        )

    def _reaches_into_delimiter(self, begin: int, end: int, newlines: int) -> bool:
        """Whether the image ends within four newlines in front of the next frame or the end.

        Then a few bytes of it are missing.
        """
        if newlines + signatures.LONGEST_BEGINNING > len(self.data) and not self.at_end:
            raise MoreNeeded
        if not self.data.endswith(FRAME_DELIMITER, begin, newlines):
            return False
        return newlines == len(self.data) or bool(signatures.KNOWN.match(self.data, newlines))

    def _walked(self, begin: int, format_: str) -> tuple[int, int]:
        """Where the image ends by its structure, and from where on to look for a cut."""
        if begin < self._careful_until:
            return self._carefully_walked(begin, format_), begin
        if format_ == "GIF":
            return gif.find_end(self.data, begin)
        return _END_OF[format_](self.data, begin), begin

    def _carefully_walked(self, begin: int, format_: str) -> int:
        """Where the image ends, if it holds few beginnings of others."""
        stop = len(self.data)
        try:
            for number, stop_at in enumerate(self._beginnings_behind(begin)):
                if number == MAX_INSIDE:
                    stop = stop_at
                    break
        except MoreNeeded:
            pass
        if stop == len(self.data):
            return _END_OF[format_](self.data, begin)
        try:
            return begin + _END_OF[format_](self.data[begin:stop], 0)
        except Truncated:
            got = f"{MAX_INSIDE} beginnings of others, each behind four newlines"
            raise Malformed(stop - begin, "an image", got) from None

    def _is_hopeless(self, begin: int) -> bool:
        """Whether an image that goes on behind the data was cut off in them already."""
        if len(self.data) - begin < PIECE_BYTES:
            return False  # most of them are whole, and just cross the end of a piece
        return self._is_cut(begin, begin, len(self.data), is_sure=True)

    def _is_cut(self, search_from: int, begin: int, end: int, *, is_sure: bool) -> bool:
        """Whether the image is not one, as it holds a delimiter and another one that is whole.

        Where its end is not sure, the beginning of another is enough.
        """
        if self.data.find(FRAME_DELIMITER, search_from, end) < 0:
            return False
        for number, inner in enumerate(self._beginnings_behind(begin)):
            if inner >= end:
                return False
            if not is_sure or number == MAX_INSIDE or self._whole(inner, len(self.data)):
                return True
        return False

    def _whole(self, begin: int, stop: int) -> int | None:
        """The end of the image that begins there, if it ends well, at ``stop`` at the latest."""
        beginning = signatures.BEGINNING.match(self.data, begin)
        if beginning is None:
            return None
        format_ = str(beginning.lastgroup)
        if format_ == "JPEG" and self.data.startswith(b"\xff", begin + _JPEG_FILL_OFFSET):
            return None  # a beginning in a comment, and the next marker of the JPEG around it
        try:
            end = self._carefully_walked(begin, format_)
        except Malformed:
            return None
        except Truncated:
            if stop == len(self.data) and self._may_go_on(begin):
                raise MoreNeeded from None
            return None
        if end > stop:
            return None
        if format_ in ("GIF", "PNG", "JPEG"):
            return end  # their last bytes say that they are whole
        newlines = self._run_of_newlines(end)
        if newlines == len(self.data) and not self.at_end:
            raise MoreNeeded
        is_followed = newlines - end >= len(FRAME_DELIMITER) or newlines in (stop, len(self.data))
        return end if is_followed else None

    def _damaged(self, begin: int, format_: str, error: Malformed | None) -> Span:
        """A frame that ends where the next one begins."""
        self._careful_until = len(self.data)
        end = self._boundary(begin)
        if error and self.data.startswith(FRAME_DELIMITER, begin + error.offset):
            end = min(end, begin + error.offset)  # nothing is missing but its last block
        if format_ != "GIF":
            return Span(format_, end, None, False)
        cut = self.data[begin:end].rstrip(b"\n")
        if not (error and error.offset < len(cut)) and _lacks_only_its_end(cut):
            return Span(format_, begin + len(cut), None, False)
        return Span(format_, end, self._frame_error(begin, end, error), False)

    def _frame_error(self, begin: int, end: int, error: Malformed | None) -> FrameError:
        """What is wrong with a GIF, in the same words for the bundle and for a stretch of it."""
        size = len(self.data[begin:end].rstrip(b"\n"))
        if error and error.offset < size:
            got = f"{error.got} {error.offset:,} bytes into it{self._hint(begin, end)}"
            return FrameError(error.expected, got)
        if size > MAX_FRAME_BYTES:
            got = f"more than {MAX_FRAME_BYTES:,} bytes"
        elif end == len(self.data):
            got = f"the end of the bundle after {size:,} bytes of it"
        else:
            got = f"its end after {size:,} bytes: it was cut off"
        return FrameError("a whole GIF", got)

    def _with_trailer(self, begin: int, format_: str, end: int) -> Span:
        """Bytes behind an image belong to its frame, up to a delimiter that ends it.

        Another frame among them would be lost, so that is a fault.
        """
        stop = self._end_of_trailer(end)
        if stop - end > MAX_TRAILER_BYTES:
            got = f"{MAX_TRAILER_BYTES:,} other bytes"
        elif (other := self._lost_image(begin, format_, end, stop)) is not None:
            looks = signatures.looks_like(self.data[other : other + signatures.LONGEST_BEGINNING])
            got = f"{looks} {other - end:,} bytes on{self._hint(begin, stop)}"
        else:
            return Span(format_, stop, None, True)
        return Span(format_, self._boundary(end), FrameError(_ONE_BEHIND_ANOTHER, got), False)

    def _end_of_trailer(self, end: int) -> int:
        """Where the newlines begin that stand in front of the next frame or the end."""
        data = self.data
        stop = next(self._beginnings_behind(end), None)
        if stop is None:
            if not self.at_end and len(data) - end <= MAX_TRAILER_BYTES:
                raise MoreNeeded
            stop = len(data)
            if not data.endswith(FRAME_DELIMITER, end):
                return stop
        while stop > end and data[stop - 1] == _NEWLINE:
            stop -= 1
        return stop

    def _lost_image(self, begin: int, format_: str, end: int, stop: int) -> int | None:
        """Where another frame stands among the bytes behind an image.

        Not everything that begins as an image is one; and cameras put previews, depth maps
        and second pictures behind a JPEG, which no program shows.
        """
        data = self.data
        announced = image_ends.images_behind_jpeg(data, begin, end) if format_ == "JPEG" else 0
        walks, behind = 0, end
        for beginning in signatures.BEGINNING.finditer(data, end, stop):
            other, kind = beginning.start(), str(beginning.lastgroup)
            if other < behind:
                continue
            alone = _SEPARATOR.fullmatch(data, behind, other) is not None
            if kind in signatures.LONG_SIGNATURES and (alone or format_ != "JPEG"):
                return other
            walks += 1
            if walks > MAX_INSIDE:
                return other
            whole = self._whole(other, stop)
            if whole is None:
                continue
            if announced and kind == "JPEG":
                announced -= 1
            elif alone or self._is_frame(begin, format_, other, kind, stop):
                return other
            behind = whole
        return None

    def _is_frame(self, begin: int, format_: str, other: int, kind: str, stop: int) -> bool:
        """Whether a whole image, other bytes behind another, is a frame and not part of it."""
        if format_ == "TIFF":
            return kind == "TIFF"
        if format_ != "JPEG" or kind != "JPEG":
            return format_ != "JPEG"
        if self.data.endswith(_SAMSUNG_TRAILER, begin, stop):
            return False
        sizes = [image_ends.size_of_jpeg(self.data, each) for each in (begin, other)]
        return sizes[0] == sizes[1]

    def _unknown(self, begin: int) -> FrameError:
        expected = f"an image ({', '.join(signatures.FORMATS)})"
        head = self.data[begin : begin + signatures.BEGINNING_BYTES]
        return FrameError(expected, signatures.looks_like(head.partition(FRAME_DELIMITER)[0]))

    def _may_go_on(self, begin: int) -> bool:
        return not self.at_end and len(self.data) - begin < MAX_FRAME_BYTES

    def _boundary(self, begin: int) -> int:
        """Where the frame ends by what follows it: four newlines, and the beginning of another.

        It may itself end in newlines, so no more than four are left out.
        """
        for other in self._beginnings_behind(begin):
            return other - len(FRAME_DELIMITER)
        if self._may_go_on(begin):
            raise MoreNeeded
        is_delimited = self.data.endswith(FRAME_DELIMITER, begin)
        return len(self.data) - is_delimited * len(FRAME_DELIMITER)

    def _beginnings_behind(self, begin: int) -> Iterator[int]:
        """Where something known begins behind a delimiter, in order."""
        place = bisect_right(self._beginnings, begin)
        while place < len(self._beginnings) or self._search_on():
            if self._beginnings[place] > begin:
                yield self._beginnings[place]
            place += 1

    def _search_on(self) -> bool:
        """Find one more beginning."""
        data = self.data
        position = max(self._searched, self._begin)
        while (delimiter := data.find(FRAME_DELIMITER, position)) >= 0:
            self._searched = delimiter
            position = self._run_of_newlines(delimiter)
            if position + signatures.LONGEST_BEGINNING > len(data) and not self.at_end:
                raise MoreNeeded
            if signatures.KNOWN.match(data, position):
                self._searched = position
                self._beginnings.append(position)
                return True
        self._searched = max(self._searched, self._begin, len(data) - len(FRAME_DELIMITER) + 1)
        return False

    def _run_of_newlines(self, position: int) -> int:
        newlines = _NEWLINES.match(self.data, position)
        assert newlines is not None
        return newlines.end()

    def _hint(self, begin: int, end: int) -> str:
        if self.data.find(_LINE_BREAKS_CHANGED, begin, min(end, begin + _HINT_BYTES)) >= 0:
            return ", and line breaks that were changed from LF to CRLF: it was fetched as text"
        return ""


def _lacks_only_its_end(data: bytes) -> bool:
    """Whether all pixels of the first image of a GIF are there, which browsers show then."""
    try:
        image, _ = gif.read_first_image(data, is_whole=False)
    except (Malformed, Truncated):
        return False
    return not gif.count_image_pixels(image.data, image.size).end
