"""What is shown beside the clip, picture by picture: the frames of the clip in all of their colors.

The steps of a chunk are decoded from the bundle once more, by a worker or by the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import clips, execution, frames, imaging

if TYPE_CHECKING:
    from PIL.Image import Image


class FramePlace(NamedTuple):
    """A frame of a chunk."""

    source: frames.ChunkSource
    number: int


class PartPlan(NamedTuple):
    """A part of the clip, and what it takes to decode its pictures."""

    part: clips.Part
    source: frames.ChunkSource
    before: FramePlace | None
    """The frame that is shown before its first; None where there is none."""
    timed_before: int
    """How many frames have shown by then, without those that are held."""


Run = tuple[list[PartPlan], ...]
"""Neighbouring chunks, with a part of the way there each, and one of the way back if there is any.

What is stored of its pictures depends on no other run, whoever encodes it."""
_RUN_STEPS = 10
"""How many steps are one: of fewer, more pictures would be decoded twice, as the one before the
first, and measured; more would keep fewer workers busy."""


class ShownPicture(NamedTuple):
    """A step of the clip, as its picture shows it."""

    number: int
    """Of the frame."""
    picture: Image
    """On the canvas: RGB where all of it is opaque, else RGBA."""
    delay_cs: int


def plan_pictures(
    sequence: clips.ClipSequence, canvas: clips.Canvas, texts_of: frames.TextsOfFrames
) -> Iterator[list[PartPlan]]:
    """For each chunk that is shown its part of the way there, and of the way back, if there is one.

    The chunks come in the order of the source.
    """
    timed_before = _timed_before(sequence, canvas)
    forwards = [part for part in sequence.parts if not part.is_way_back]
    backwards = {part.written.chunk: part for part in sequence.parts if part.is_way_back}
    shown = (
        (part, frames.ChunkSource(part.written.chunk, texts_of(part.written.chunk.numbers)))
        for part in forwards
        if part.steps
    )
    before: FramePlace | None = None
    for here, behind in pairwise(chain(shown, [None])):
        assert here is not None
        part, source = here
        numbers = [step.number for step in part.steps]
        plans = [PartPlan(part, source, before, timed_before[part.part_index])]
        before = FramePlace(source, numbers[-1])
        if back := backwards.get(part.written.chunk):
            following = FramePlace(behind[1], behind[0].steps[0].number) if behind else before
            plans.append(PartPlan(back, source, following, timed_before[back.part_index]))
        yield plans


def parts_of_runs(parts: Iterable[clips.Part]) -> Iterator[list[clips.Part]]:
    """Neighbouring parts that are encoded as one run."""
    return clips.group_by_steps(parts, _RUN_STEPS)


def ways_of(run: Run) -> tuple[list[PartPlan], list[PartPlan]]:
    """The parts of the way there, and of the way back, as they show."""
    there = [plans[0] for plans in run]
    return there, [plans[1] for plans in reversed(run) if len(plans) > 1]


def shown_pictures(
    reader: frames.TrueColorReader, plan: PartPlan, canvas: clips.Canvas
) -> Iterator[ShownPicture]:
    """The pictures of a part, in order. Raises BundleError and StorageError."""
    timing = clips.Timing(canvas, plan.timed_before)
    for step in plan.part.steps:
        execution.stop_if_cancelled()
        frame = reader.read(plan.source, step.number)
        own_cs = frame.delay_cs + step.merged.delay_cs
        delay_cs = timing.next_delay_cs(step.number, step.frame_count, own_cs)
        picture = imaging.on_canvas(frame.picture, canvas.size)
        yield ShownPicture(step.number, picture, delay_cs)


def picture_at(reader: frames.TrueColorReader, place: FramePlace, canvas: clips.Canvas) -> Image:
    """The picture of one frame, on the canvas. Raises BundleError and StorageError."""
    return imaging.on_canvas(reader.read(place.source, place.number).picture, canvas.size)


def _timed_before(sequence: clips.ClipSequence, canvas: clips.Canvas) -> list[int]:
    """For each part how many frames show before it that are not held."""
    counts, total = [], 0
    for part in sequence.parts:
        counts.append(total)
        steps = (step for step in part.steps if step.number not in canvas.holds_ms)
        total += sum(step.frame_count for step in steps)
    return counts
