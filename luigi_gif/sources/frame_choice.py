"""Which frames of one file are wanted: of a video, or of an image of several.

The rules are those for items, in the same order; the time of a frame is counted from the first
one. A frame that --step or --every leaves out gives its time to the one before it, so that the
clip takes as long as the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from luigi_gif import redaction
from luigi_gif.errors import ParameterError
from luigi_gif.sources.item import Item, ItemError
from luigi_gif.sources.selection import Selection, rules_for_places

if TYPE_CHECKING:
    from luigi_gif.imaging import SingleFrame

Frame = TypeVar("Frame")
LATE_S = 1e-6
"""A time may be so much too early, as a binary fraction."""


class Part(NamedTuple):
    """Which of the frames that --step and --every take are wanted."""

    skipped: int
    stop: int | None


def check_choice(url: str, selection: Selection, *, has_times: bool) -> None:
    """Raise ParameterError for rules that the frames of one file cannot be chosen by."""
    given = {
        "match": selection.match,
        "since": selection.since is not None,
        "until": selection.until is not None,
        "sort": selection.sort not in ("auto", "given"),
        "step": selection.step_s and not has_times,
    }
    unusable = [f"--{name}" for name, is_given in given.items() if is_given]
    if unusable:
        kind = "an animation or a video" if has_times else "a bundle"
        raise ParameterError(
            "the frames of one file cannot be chosen by this",
            where=redaction.public_url(url),
            expected=f"--every, --first{', --last or --step' if has_times else ' or --last'}",
            got=f"{', '.join(unusable)} with {kind}",
            next_step="leave it out: it chooses among the items of several, such as a folder's",
        )


def part_of(selection: Selection, count: Callable[[], int]) -> Part:
    """What --first and --last leave; ``count`` tells of how many, at most --first."""
    skipped = 0 if selection.last is None else max(0, count() - selection.last)
    return Part(skipped, selection.first)


def with_durations(
    frames: Iterator[tuple[int, Frame]], end: Callable[[], int]
) -> Iterator[tuple[Frame, int]]:
    """For how long each frame is shown that begins at some time: until the next one, or the end.

    ``end`` is asked behind the last one. What is wrong with the next frame, an ItemError, is
    raised behind those before it.
    """
    held: tuple[int, Frame] | None = None
    damage: ItemError | None = None
    try:
        for begin, frame in frames:
            if held is not None:
                yield held[1], begin - held[0]
            held = begin, frame
    except ItemError as error:
        damage = error
    if held is not None:
        yield held[1], end() - held[0]
    if damage is not None:
        raise damage


def chosen_frames(frames: Callable[[], Iterator[Frame]], selection: Selection) -> Iterator[Frame]:
    """The wanted ones of frames without times; ``frames`` gives all of them, from the first."""

    def thinned() -> Iterator[Frame]:
        rules = [is_wanted for _, is_wanted in rules_for_places(selection._replace(first=None))]
        return (each for each in frames() if all(is_wanted(Item("", "")) for is_wanted in rules))

    part = part_of(selection, lambda: sum(1 for _ in islice(thinned(), selection.first)))
    return islice(thinned(), part.skipped, part.stop)


def chosen_images(
    frames: Iterator[SingleFrame], again: Callable[[], Iterator[SingleFrame]], selection: Selection
) -> Iterator[bytes]:
    """The wanted frames of an image file; ``again`` gives all of them once more, for --last."""
    first = selection.first
    part = part_of(selection, lambda: sum(1 for _ in islice(_thinned(again(), selection), first)))
    return islice(_thinned(frames, selection), part.skipped, part.stop)


def _thinned(frames: Iterator[SingleFrame], selection: Selection) -> Iterator[bytes]:
    """Image files of the frames that --step and --every take."""
    rules = [is_wanted for _, is_wanted in rules_for_places(selection._replace(first=None))]
    end_ms = 0

    def taken() -> Iterator[tuple[int, SingleFrame]]:
        nonlocal end_ms
        for frame in frames:
            time = None if frame.delay_ms is None else end_ms / 1000 + LATE_S
            if all(is_wanted(Item("", "", time=time)) for is_wanted in rules):
                yield end_ms, frame
            end_ms += frame.delay_ms or 0

    for frame, shown_ms in with_durations(taken(), lambda: end_ms):
        yield _image_of(frame, shown_ms)


def _image_of(frame: SingleFrame, delay_ms: int) -> bytes:
    from luigi_gif import imaging

    if frame.delay_ms in (None, delay_ms):
        return frame.data
    return imaging.with_delay(frame.data, delay_ms // 10)
