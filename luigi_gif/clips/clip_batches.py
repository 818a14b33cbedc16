"""Which blocks of a clip are made together, and of which frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from luigi_gif import frames
from luigi_gif.clips.clip_canvas import Canvas


class WrittenChunk(NamedTuple):
    """A chunk whose frame files exist."""

    chunk_index: int
    """In the manifest."""
    chunk: frames.Chunk
    result: frames.ChunkResult

    @property
    def shown_numbers(self) -> list[int]:
        """Of the frames that are shown."""
        skipped = {frame.number for frame in self.result.skipped}
        return [number for number in self.chunk.numbers if number not in skipped]


class ClipBatch(NamedTuple):
    """Neighbouring chunks, of which a worker makes blocks of the clip."""

    digits: int
    chunks: tuple[WrittenChunk, ...]
    before: int | None
    """Number of the frame shown before the first; None where there is none."""
    after: int | None
    shown_before: int
    """How many frames are shown before the first."""
    canvas: Canvas

    @property
    def end_numbers(self) -> set[int]:
        """Of the first and the last frame that it shows, if it shows any."""
        ends = set()
        for chunks, end in ((self.chunks, 0), (self.chunks[::-1], -1)):
            shown = (each.shown_numbers for each in chunks)
            ends |= {numbers[end] for numbers in islice(filter(None, shown), 1)}
        return ends


def plan_clip_batches(
    manifest: frames.Manifest, canvas: Canvas, groups: Iterable[list[int]]
) -> Iterator[ClipBatch]:
    """A batch for each group of chunk indexes."""
    digits = frames.digits_for(manifest.frame_count)
    before, shown_before = None, 0
    for group in groups:
        chunks = tuple(_written_chunk(manifest, index) for index in group)
        after = find_first_shown(manifest, group[-1] + 1)
        yield ClipBatch(digits, chunks, before, after, shown_before, canvas)
        for chunk in chunks:
            numbers = chunk.shown_numbers
            before = numbers[-1] if numbers else before
            shown_before += len(numbers)


def find_first_shown(manifest: frames.Manifest, chunk_index: int) -> int | None:
    """Number of the first frame that is shown of the chunks from ``chunk_index`` on."""
    for index in range(chunk_index, len(manifest.chunks)):
        if numbers := _written_chunk(manifest, index).shown_numbers:
            return numbers[0]
    return None


def _written_chunk(manifest: frames.Manifest, index: int) -> WrittenChunk:
    result = manifest.results[index]
    assert result is not None
    return WrittenChunk(index, manifest.chunks[index], result)
