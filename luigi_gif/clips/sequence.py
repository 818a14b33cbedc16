"""What a clip shows, one frame after another: a sequence of steps.

As a rule each frame is a step of its own. A step may stand for more frames: it shows the first of
them, for as long as all of them.

A part of the sequence is a chunk and a few integers, which list their steps when they are asked. So
nothing as long as the clip is held or sent, however many frames there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from luigi_gif import frames
from luigi_gif.clips.clip_options import ClipOptions


class Merged(NamedTuple):
    """Duplicates that are not shown, but take their time."""

    frame_count: int
    delay_cs: int
    """How long they would show, in hundredths of a second, each for its own delay."""

    @classmethod
    def sum_of(cls, several: Iterable[Merged]) -> Merged:
        """All of them."""
        frame_count = delay_cs = 0
        for each in several:
            frame_count += each.frame_count
            delay_cs += each.delay_cs
        return cls(frame_count, delay_cs)


NO_DUPLICATES = Merged(0, 0)


class Step(NamedTuple):
    """What a clip shows at a time."""

    number: int
    """Of the frame that is shown."""
    others: tuple[int, ...] = ()
    """Numbers of the frames behind it for whose time it shows too; twice where it turns."""
    merged: Merged = NO_DUPLICATES
    """The duplicates of all of these, for whose time it shows too."""

    @property
    def frame_count(self) -> int:
        """How many of the frames it stands for."""
        return 1 + len(self.others) + self.merged.frame_count


class WrittenChunk(NamedTuple):
    """A chunk whose frame files exist."""

    chunk: frames.Chunk
    result: frames.ChunkResult

    @property
    def numbers(self) -> list[int]:
        """Of the frames that have a file."""
        return self.result.file_numbers(self.chunk)

    @property
    def shown_numbers(self) -> list[int]:
        """Of those that are no duplicates."""
        return self.result.shown_numbers(self.chunk)

    @property
    def typical_bytes(self) -> int:
        """Of a frame file."""
        return self.result.size_bytes // self.chunk.frame_count


class Part(NamedTuple):
    """Neighbouring steps, those that show frames of one chunk."""

    part_index: int
    """In the order of the clip."""
    written: WrittenChunk
    every: int
    """As that of :class:`ClipOptions`."""
    first_count: int
    """How many frames its first step stands for, if there are so many."""
    leading: int
    """How many of the chunk's first frames belong to a step of an earlier one."""
    trailing: tuple[int, ...]
    """Numbers of the frames of later chunks that belong to its last step."""
    turns: Ends | None
    """Of a clip that goes there and back, its two ends, which show once."""
    is_way_back: bool
    """Whether it is shown backwards."""
    merged: dict[int, Merged]
    """Duplicates whose time counts, by the numbers of the frames that are shown for them."""

    @property
    def work(self) -> int:
        """In bytes to copy."""
        return self.written.chunk.work

    @property
    def steps(self) -> list[Step]:
        """In the order of the clip."""
        numbers = [*self.written.shown_numbers[self.leading :], *self.trailing]
        if self.every == 1 and not self.merged:
            steps = [Step(number) for number in numbers]
        else:
            begins = [0] * bool(numbers) + [*range(self.first_count, len(numbers), self.every)]
            groups = (numbers[begin:end] for begin, end in pairwise([*begins, len(numbers)]))
            steps = [
                Step(first, tuple(rest), self._merged(first, *rest)) for first, *rest in groups
            ]
        if self.turns is None:
            return steps
        if self.is_way_back:
            return [step for step in reversed(steps) if step.number not in self.turns]
        return [self._at_turn(step) if step.number in self.turns else step for step in steps]

    def _at_turn(self, step: Step) -> Step:
        """A step that shows for the other frames' time twice: they also come on the way back."""
        merged = Merged.sum_of((step.merged, self._merged(*step.others)))
        return step._replace(others=step.others * 2, merged=merged)

    def _merged(self, *numbers: int) -> Merged:
        return Merged.sum_of(self.merged[each] for each in numbers if each in self.merged)


class Ends(NamedTuple):
    """Numbers of the frames that the first and the last step of the source show."""

    first: int
    last: int


class ClipSequence(NamedTuple):
    """All that a clip shows."""

    parts: list[Part]
    """In the order of the clip; some may be without a step."""
    ends: Ends

    @property
    def step_count(self) -> int:
        """How many there are in all parts."""
        return sum(len(part.steps) for part in self.parts)

    @property
    def work(self) -> int:
        """In bytes to copy."""
        return sum(part.work for part in self.parts)


def plan_sequence(manifest: frames.Manifest, options: ClipOptions) -> ClipSequence | None:
    """What a clip of the manifest's frames shows; None where there is nothing to show."""
    merged = {} if options.drop_duplicates else _merged_duplicates(manifest)
    parts = [_with_merged(part, merged) for part in _forwards(manifest, options.every)]
    first = next((part.steps[0] for part in parts if part.steps), None)
    last = next((part.steps[-1] for part in reversed(parts) if part.steps), None)
    if first is None or last is None:
        return None
    ends = Ends(first.number, last.number)
    if options.bounce and first.number != last.number:
        parts = [part._replace(turns=ends) for part in parts]
        parts += [
            part._replace(part_index=index, is_way_back=True)
            for index, part in enumerate(reversed(parts), len(parts))
        ]
    return ClipSequence(parts, ends)


def _forwards(manifest: frames.Manifest, every: int) -> list[Part]:
    """A part for each chunk, in the order of the source.

    The last frame is a step of its own: of a loop that is made again and again it is the newest.
    So the first step may stand for fewer frames than others.
    """
    first_count = (manifest.shown_count - 1) % every or every
    parts: list[Part] = []
    last_with_steps, frames_before = 0, 0
    for index, (chunk, result) in enumerate(zip(manifest.chunks, manifest.results, strict=True)):
        assert result is not None
        count = every if frames_before else first_count
        part = Part(index, WrittenChunk(chunk, result), every, count, 0, (), None, False, {})
        numbers = part.written.shown_numbers
        leading = min(_frames_to_step(frames_before, first_count, every), len(numbers))
        if leading:
            earlier = parts[last_with_steps]
            trailing = (*earlier.trailing, *numbers[:leading])
            parts[last_with_steps] = earlier._replace(trailing=trailing)
        if leading < len(numbers):
            last_with_steps = index
        parts.append(part._replace(leading=leading))
        frames_before += len(numbers)
    return parts


def _frames_to_step(frames_before: int, first_count: int, every: int) -> int:
    """How many frames behind so many belong to a step that has begun."""
    if frames_before == 0:
        return 0
    if frames_before < first_count:
        return first_count - frames_before
    return (first_count - frames_before) % every


def _merged_duplicates(manifest: frames.Manifest) -> dict[int, Merged]:
    """By the numbers of the frames that are shown for them."""
    merged: dict[int, Merged] = {}
    for each in manifest.duplicates:
        before = merged.get(each.shown_number, NO_DUPLICATES)
        merged[each.shown_number] = Merged.sum_of((before, Merged(1, each.delay_cs)))
    return merged


def _with_merged(part: Part, merged: dict[int, Merged]) -> Part:
    if not merged:
        return part
    numbers = [*part.written.shown_numbers, *part.trailing]
    return part._replace(merged={each: merged[each] for each in numbers if each in merged})


def group_by_steps(parts: Iterable[Part], fewest: int) -> Iterator[list[Part]]:
    """Neighbouring parts with at least so many steps together; the last ones may have fewer."""
    group: list[Part] = []
    steps = 0
    for part in parts:
        group.append(part)
        steps += len(part.steps)
        if steps >= fewest:
            yield group
            group, steps = [], 0
    if group:
        yield group
