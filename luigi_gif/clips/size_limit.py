"""A clip that is no larger than a limit: what it gives up for that, tried out on workers."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from fractions import Fraction
from functools import partial

from luigi_gif import execution, frames, imaging
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.clip_encoder import ClipEncoder, ClipPlan, EncodedClip, WorkerBlocks
from luigi_gif.clips.reduction import Reduction, ReductionRow
from luigi_gif.clips.size_samples import (
    SampledColors,
    compare_sample,
    measure_sample,
    plan_samples,
    sample_colors,
)
from luigi_gif.clips.size_search import SizeSearch
from luigi_gif.errors import LUIGI_LOGGER, PipelineError

logger = logging.getLogger(f"{LUIGI_LOGGER}.clip")

SAMPLED_FRAMES = 64
"""Of a clip, for the colors that all of its frames get."""
COMPARED_FRAMES = 6
"""Of two clips of which one is chosen."""
COMPARED_LEAD = 3
"""What a tolerance leaves of the frames before shows only after some."""


class SizeLimitError(PipelineError):
    """The clip cannot be made as small as it was to be."""


def make_within(
    encoder: ClipEncoder,
    executor: execution.Executor,
    max_work: int,
    plan: ClipPlan,
    size_bytes: int,
    clip_bytes: Callable[[Canvas, int], int],
) -> EncodedClip:
    """The largest clip within the limit of ``plan``, in which it takes ``size_bytes``.

    Raises SizeLimitError, DamagedFileError, StorageError or ClusterError.
    """
    limit = plan.canvas.options.max_bytes
    assert limit is not None
    with contextlib.closing(_Attempts(encoder, executor, max_work, plan, clip_bytes)) as attempts:
        searches = [
            (
                row,
                SizeSearch(
                    limit,
                    row.end,
                    size_bytes,
                    partial(attempts.encode, row),
                    partial(attempts.estimate, row),
                ),
            )
            for row in attempts.plan_rows(plan)
        ]
        smallest: list[tuple[int, Reduction]] = []
        for row, search in attempts.by_likeness(searches):
            found = search.run()
            if attempts.best is not None:
                break
            smallest.append((found.size, row.at(found.position)))
        else:
            size_bytes, reduction = min(smallest)
            words = reduction.words(plan.canvas.size, plan.canvas.options.max_colors)
            raise _limit_error(encoder.folder.path(frames.SUBFOLDER), limit, size_bytes, words)
        best, attempts.best = attempts.best, None
        return EncodedClip(*best, encodings=1 + attempts.encodings)


def _limit_error(where: str, limit: int, size_bytes: int, words: str) -> SizeLimitError:
    """The error where the smallest clip, in these words, is over the limit."""
    return SizeLimitError(
        "the clip cannot be made as small as --max-size asks",
        where=where,
        expected=f"at most {limit:,} bytes",
        got=f"{size_bytes:,} bytes, with {words}",
        next_step="allow a larger --max-size, or take fewer frames (--every, --last)",
    )


class _Attempts:
    """Encodes clips that give up more and more, and keeps the largest within the limit."""

    def __init__(
        self,
        encoder: ClipEncoder,
        executor: execution.Executor,
        max_work: int,
        plan: ClipPlan,
        clip_bytes: Callable[[Canvas, int], int],
    ) -> None:
        self._encoder = encoder
        self._executor = executor
        self._max_work = max_work
        self._options = plan.canvas.options
        self._clip_bytes = clip_bytes
        self._best_size = 0
        self.best: tuple[ClipPlan, WorkerBlocks] | None = None
        self.encodings = 0
        self._sampled: list[SampledColors] = []
        self._sharing = contextlib.ExitStack()
        self._handle = self._sharing.enter_context(encoder.folder.share())
        self._sizes: dict[Reduction, int] = {}
        """Of the clips that were encoded, in bytes. Positions near each other may be the same."""
        self._tables: dict[int, bytes] = {}
        """For each number of colors the best ones."""

    def close(self) -> None:
        with self._sharing:
            self._drop_best()

    def _drop_best(self) -> None:
        if self.best is not None:
            self.best[1].close()

    def plan_rows(self, plan: ClipPlan) -> list[ReductionRow]:
        """The ways to make the clip smaller, from the colors of some of its frames."""
        self._sampled = self._sample_colors(plan)
        tables = [each.color_table for each in self._sampled]
        return [
            ReductionRow(
                plan.canvas.size,
                plan.sequence.step_count,
                self._options.min_frames,
                self._options.max_colors,
                in_common=2 * max(map(tables.count, tables)) > len(tables),
                tolerant=tolerant,
            )
            for tolerant in (False, *([True] if plan.canvas.opaque else []))
        ]

    def by_likeness(
        self, searches: list[tuple[ReductionRow, SizeSearch]]
    ) -> list[tuple[ReductionRow, SizeSearch]]:
        """First the row whose clip at the limit looks most like the frames.

        One that does not come close to the limit counts as unlike. It may still be the only one
        with a clip within the limit.
        """
        if len(searches) == 1:
            return searches
        likeness: list[Fraction] = []
        for row, search in searches:
            position = search.next_position()
            close = not likeness or search.is_close(position)
            likeness.append(self._likeness(row, position) if close else Fraction(0))
        order = sorted(range(len(searches)), key=likeness.__getitem__, reverse=True)
        return [searches[index] for index in order]

    def _likeness(self, row: ReductionRow, position: float) -> Fraction:
        plan = self._plan(row, position)
        samples = plan_samples(*plan, self._encoder.digits, COMPARED_FRAMES, COMPARED_LEAD)
        comparing = self._executor.run(partial(compare_sample, self._handle), samples)
        with contextlib.closing(comparing) as compared:
            found = list(compared)
        return Fraction(sum(each.millionths for each in found), sum(each.squares for each in found))

    def encode(self, row: ReductionRow, position: float) -> int:
        """The size of the clip at a position of a row, in bytes."""
        plan = self._plan(row, position)
        limit, reduction = self._options.max_bytes, plan.canvas.options.reduction
        assert limit is not None
        assert reduction is not None
        if reduction in self._sizes:
            return self._sizes[reduction]
        blocks = self._encoder.made_by_workers(plan, self._executor, self._max_work)
        self.encodings += 1
        size = self._sizes[reduction] = self._clip_bytes(plan.canvas, blocks.size_bytes)
        words = reduction.words(plan.canvas.frames_size, self._options.max_colors)
        logger.info("%s bytes, of %s that are allowed, with %s", f"{size:,}", f"{limit:,}", words)
        if not self._best_size < size <= limit:
            blocks.close()
            return size
        self._drop_best()
        self.best, self._best_size = (plan, blocks), size
        return size

    def estimate(self, row: ReductionRow, position: float) -> float:
        """About that size, by some frames."""
        plan = self._plan(row, position)
        samples = plan_samples(*plan, self._encoder.digits)
        measuring = self._executor.run(partial(measure_sample, self._handle), samples)
        first, others = 0, 0
        with contextlib.closing(measuring) as measured:
            for is_first, size in measured:
                first += size * is_first
                others += size * (not is_first)
        steps = plan.sequence.step_count
        all_others = others * (steps - 1) / max(1, len(samples) - 1)
        return self._clip_bytes(plan.canvas, round(first + all_others))

    def _plan(self, row: ReductionRow, position: float) -> ClipPlan:
        reduction = row.at(position)
        if reduction.in_common:
            reduction = reduction._replace(color_table=self._color_table(reduction.colors))
        tolerance = max(self._options.tolerance, reduction.tolerance)
        return self._encoder.plan(
            self._options._replace(every=reduction.every, tolerance=tolerance, reduction=reduction)
        )

    def _color_table(self, colors: int) -> bytes:
        """The best of so many colors for all frames."""
        if colors not in self._tables:
            shown = [each.shown for each in self._sampled]
            self._tables[colors] = imaging.choose_colors(shown, colors)
        return self._tables[colors]

    def _sample_colors(self, plan: ClipPlan) -> list[SampledColors]:
        """The colors of some frames, in the order of their numbers."""
        samples = plan_samples(*plan, self._encoder.digits, SAMPLED_FRAMES)
        sampling = self._executor.run(partial(sample_colors, self._handle), samples)
        with contextlib.closing(sampling) as sampled:
            found = dict(sampled)
        return [found[number] for number in sorted(found)]
