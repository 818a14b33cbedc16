"""Which frames have the same pixels as the one before.

A worker compares the frames of its chunk, and notes those at its ends. By these the
manifest tells whether the first frame of a chunk is like the last one before it. So the
same frames are found, whoever writes which chunks, and in whatever order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from luigi_gif.frames.manifest import ChunkResult


class ComparedFrame(NamedTuple):
    """A frame that is compared with the one before."""

    number: int
    offset: int
    """Of its first byte in the bundle."""
    delay_cs: int
    """How long it shows, in hundredths of a second, for its own delay."""
    sha256: str
    """Of its pixels."""


class Duplicate(NamedTuple):
    """A frame with the same pixels as the one before."""

    number: int
    offset: int
    """Of its first byte in the bundle."""
    delay_cs: int
    """How long it shows, in hundredths of a second, for its own delay."""
    shown_number: int
    """Of the first of these frames, which is shown."""

    @property
    def reason(self) -> str:
        """Why it is not shown."""
        same = f"the same pixels as frame {self.shown_number}"
        return f"frame {self.number} at byte {self.offset:,}: {same}"


class DuplicateFinder:
    """Compares the frames of a chunk, one after another."""

    def __init__(self) -> None:
        self.found: list[Duplicate] = []
        self.ends: list[ComparedFrame] = []
        """The first and the last frame so far."""
        self._shown_number = 0

    def add(self, frame: ComparedFrame) -> None:
        """Compare the next frame."""
        if self.ends and self.ends[-1].sha256 == frame.sha256:
            self.found.append(_duplicate(frame, self._shown_number))
        else:
            self._shown_number = frame.number
        self.ends = [*self.ends[:1], frame]


def settle_duplicates(results: list[ChunkResult | None]) -> None:
    """Compare the frames at the ends of chunks, as far as these are written.

    To do it again changes nothing.
    """
    shown_number, sha256 = 0, ""
    for index, result in enumerate(results):
        if result is None:
            sha256 = ""
        elif result.ends:
            first, last = result.ends[0], result.ends[-1]
            is_duplicate = first.sha256 == sha256
            shown_number = shown_number if is_duplicate else first.number
            found = [_duplicate(first, shown_number)] if is_duplicate else []
            for each in result.duplicates:
                if each.shown_number > first.number:
                    found.append(each)
                elif each.number != first.number:
                    found.append(each._replace(shown_number=shown_number))
            results[index] = result._replace(duplicates=found)
            last_is_duplicate = bool(found) and found[-1].number == last.number
            shown_number = found[-1].shown_number if last_is_duplicate else last.number
            sha256 = last.sha256


def _duplicate(frame: ComparedFrame, shown_number: int) -> Duplicate:
    return Duplicate(frame.number, frame.offset, frame.delay_cs, shown_number)
