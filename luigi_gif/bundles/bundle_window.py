"""The part of a bundle that is in memory, and where images begin in it behind delimiters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from luigi_gif.bundles import image_formats, signatures

FRAME_DELIMITER = b"\n" * 4
PIECE_BYTES = 1 << 20
"""How much of a bundle is read at a time, unless a single frame needs more."""
MAX_FRAME_BYTES = 1 << 29
"""As much as 64 million pixels take, uncompressed, at 64 bits each."""
_NEWLINES = re.compile(rb"\n*")


class MoreNeeded(Exception):
    """The answer lies beyond the part of the bundle that was read."""


class Window:
    """A part of a bundle; all offsets are in bytes of it. Its methods raise MoreNeeded."""

    def __init__(self, stop: int | None = None) -> None:
        self.data = b""
        self.stop = stop
        """An image that seems to end behind it was cut off."""
        self.at_end = False
        """Whether the bundle ends where the data do."""
        self.frame_begin = 0
        """Where the frame begins that is looked at: nobody asks for what is in front of it."""
        self.careful_until = 0
        """A walk came so far and failed; those from in between must not do the same."""
        self._beginnings: list[int] = []
        """Of images that stand behind a delimiter, as far as they were looked for."""
        self._searched = 0

    def advance(self, position: int, piece: bytes) -> None:
        """Leave out what is in front of ``position``; put ``piece`` behind the rest."""
        self.data = self.data[position:] + piece
        self.at_end = not piece
        if self.stop is not None:
            self.stop -= position
        self.careful_until = max(0, self.careful_until - position)
        self._beginnings, self._searched = [], 0

    def after_newlines(self, position: int) -> int:
        """Where the next frame begins; the length of the data where none does."""
        begin = self.end_of_newlines(position)
        if begin + image_formats.LONGEST_BEGINNING > len(self.data) and not self.at_end:
            raise MoreNeeded
        return begin

    def end_of_newlines(self, position: int) -> int:
        """Where the newlines end that begin there, in the data so far."""
        newlines = _NEWLINES.match(self.data, position)
        assert newlines is not None
        return newlines.end()

    def holds_image(self) -> bool:
        """Whether an image begins in the data, behind a delimiter."""
        try:
            return any(
                image_formats.BEGINNING.match(self.data, each) for each in self.beginnings_behind(0)
            )
        except MoreNeeded:
            return False

    def may_go_on(self, begin: int) -> bool:
        """Whether the frame that begins there may go on behind the data."""
        return not self.at_end and len(self.data) - begin < MAX_FRAME_BYTES

    def boundary(self, begin: int) -> int:
        """Where the frame ends by what follows it: four newlines, and the beginning of another.

        It may itself end in newlines, so no more than four are left out.
        """
        for other in self.beginnings_behind(begin):
            return other - len(FRAME_DELIMITER)
        if self.may_go_on(begin):
            raise MoreNeeded
        is_delimited = self.data.endswith(FRAME_DELIMITER, begin)
        return len(self.data) - is_delimited * len(FRAME_DELIMITER)

    def beginnings_behind(self, begin: int) -> Iterator[int]:
        """Where something known begins behind a delimiter, in order."""
        index = bisect_right(self._beginnings, begin)
        while index < len(self._beginnings) or self._search_on():
            if self._beginnings[index] > begin:
                yield self._beginnings[index]
            index += 1

    def _search_on(self) -> bool:
        """Find one more beginning."""
        data = self.data
        position = max(self._searched, self.frame_begin)
        while (delimiter := data.find(FRAME_DELIMITER, position)) >= 0:
            self._searched = delimiter
            position = self.end_of_newlines(delimiter)
            if position + image_formats.LONGEST_BEGINNING > len(data) and not self.at_end:
                raise MoreNeeded
            if signatures.KNOWN.match(data, position):
                self._searched = position
                self._beginnings.append(position)
                return True
        self._searched = max(self._searched, self.frame_begin, len(data) - len(FRAME_DELIMITER) + 1)
        return False
