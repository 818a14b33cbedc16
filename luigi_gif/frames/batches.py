"""Which chunks are written together: what one worker does at a time.

Dask is given the batches in execution/dask_executor.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from luigi_gif.frames.captions import ItemTexts, TextsOfFrames
from luigi_gif.frames.frame_files import digits_for
from luigi_gif.frames.frame_records import FrameRecord
from luigi_gif.frames.manifest import Chunk, EarlierFiles, Manifest, earlier_among
from luigi_gif.frames.missing_chunks import MissingChunks
from luigi_gif.frames.render_options import RenderOptions

BATCHES_PER_THREAD = 8

Item = TypeVar("Item")


class ChunkTask(NamedTuple):
    """A chunk that is to be written."""

    chunk_index: int
    """In the manifest."""
    chunk: Chunk
    partially_written: bool
    """Whether some of its frame files exist."""
    unclaimed: bool
    """Whether some existed before any manifest had claimed their names: they are the user's."""
    earlier: tuple[EarlierFiles, ...]
    """Which of them may be replaced all the same."""
    item_texts: tuple[ItemTexts, ...] = ()
    """What the captions of its frames tell of their items."""
    records: Mapping[int, FrameRecord] = MappingProxyType({})
    """By the numbers of its frames, which files may be there already."""


class Batch(NamedTuple):
    """What one worker does at a time; it reads and writes the bytes itself."""

    data_file: str
    digits: int
    options: RenderOptions
    chunk_tasks: tuple[ChunkTask, ...]


def plan_tasks(
    manifest: Manifest,
    todo: MissingChunks,
    threads: int,
    max_work: int,
    item_texts: TextsOfFrames,
    records: Callable[[range], Mapping[int, FrameRecord]],
) -> Iterator[tuple[ChunkTask, ...]]:
    """The missing chunks, a batch's at a time. See :func:`group_by_work`.

    ``item_texts`` and ``records`` give those of frames, which are asked for in order.
    """
    digits = digits_for(manifest.frame_count)

    def chunk_task(index: int) -> ChunkTask:
        chunk = manifest.chunks[index]
        earlier = tuple(earlier_among(manifest.earlier, digits, chunk.numbers))
        partially_written = index in todo.partially_written
        unclaimed = index in manifest.unclaimed
        texts = item_texts(chunk.numbers)
        known = records(chunk.numbers) if partially_written else {}
        return ChunkTask(index, chunk, partially_written, unclaimed, earlier, texts, known)

    def work_of(index: int) -> int:
        return manifest.chunks[index].work

    for group in group_by_work(todo.missing, work_of, threads, max_work):
        yield tuple(map(chunk_task, group))


def total_work(manifest: Manifest, chunk_indexes: Iterable[int]) -> int:
    """How much work these chunks are, in bytes to copy."""
    return sum(manifest.chunks[index].work for index in chunk_indexes)


def group_by_work(
    items: Sequence[Item], work_of: Callable[[Item], int], threads: int, max_work: int
) -> Iterator[list[Item]]:
    """Chunks, or what is made of one each, as batches: neighbours, with limited work, or one.

    ``work_of`` tells the work of one, and ``max_work`` limits that of a batch, in bytes to copy.

    There are enough to keep every thread busy to the end, and no more than that: each batch
    costs Dask some milliseconds.
    """
    max_work = min(max_work, sum(map(work_of, items)) // (BATCHES_PER_THREAD * threads))
    group: list[Item] = []
    work = 0
    for item in items:
        if group and work + work_of(item) > max_work:
            yield group
            group, work = [], 0
        group.append(item)
        work += work_of(item)
    if group:
        yield group
