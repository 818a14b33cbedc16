"""Which parts of a clip are made together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.sequence import ClipSequence, Part, group_by_steps

LOSSY_BATCHES = 4
LOSSY_BATCH_STEPS = (48, 1000)
"""At the least, and at the most. The last image of each batch takes as many bytes as without loss:
in some clips as many as 50 others."""


class ClipBatch(NamedTuple):
    """Neighbouring parts of a clip, whose blocks are made together."""

    digits: int
    """Of the numbers in the names of frame files."""
    parts: tuple[Part, ...]
    before: int | None
    """Number of the frame shown before the first; None where there is none."""
    after: int | None
    steps_before: int
    """How many steps the clip has before its first."""
    timed_before: int
    """How many frames these stand for, without those that are held."""
    canvas: Canvas

    @property
    def read_elsewhere(self) -> set[int]:
        """Numbers of those of its frames whose files another batch may read too."""
        first = next(([part.steps[0].number] for part in self.parts if part.steps), [])
        last = next(([part.steps[-1].number] for part in self.parts[::-1] if part.steps), [])
        leading = (
            part.written.shown_numbers[: part.leading] for part in self.parts if part.leading
        )
        return {*first, *last}.union(*leading)


def group_for_loss(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """The parts of each batch of a clip with loss: they depend on the clip alone.

    What is shown depends on what was shown before, and a batch does not know that of the others.
    """
    fewest, most = LOSSY_BATCH_STEPS
    wanted = -(-sum(len(part.steps) for part in parts) // LOSSY_BATCHES)
    return group_by_steps(parts, min(max(wanted, fewest), most))


def plan_clip_batches(
    sequence: ClipSequence, canvas: Canvas, digits: int, groups: Iterable[list[Part]]
) -> Iterator[ClipBatch]:
    """A batch for each group of parts."""
    before, steps_before, timed_before, parts_before = None, 0, 0, 0
    for group in groups:
        parts_before += len(group)
        after = _first_shown(sequence.parts, parts_before)
        yield ClipBatch(digits, tuple(group), before, after, steps_before, timed_before, canvas)
        if after is None:  # nothing goes on from here
            continue
        for part in group:
            steps = part.steps
            before = steps[-1].number if steps else before
            steps_before += len(steps)
            timed = (step.frame_count for step in steps if step.number not in canvas.holds_ms)
            timed_before += sum(timed)


def _first_shown(parts: list[Part], begin: int) -> int | None:
    """Number of the frame that the parts from index ``begin`` on show first."""
    return next((part.steps[0].number for part in parts[begin:] if part.steps), None)
