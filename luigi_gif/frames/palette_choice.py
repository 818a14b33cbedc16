"""Frames of a bundle are sampled on workers: some to find whether one palette is for all, or all.

It is imported only for frames that are decoded: plain GIFs do without NumPy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from luigi_gif import execution, gif, imaging, storage
from luigi_gif.errors import Undecodable, out_of_memory
from luigi_gif.frames.bundle_errors import NoCaption, machine_error
from luigi_gif.frames.captions import (
    ItemTexts,
    TextsOfFrames,
    with_caption,
    with_font,
    with_item_texts,
)
from luigi_gif.frames.frame_to_gif import frames_of
from luigi_gif.frames.manifest import Chunk, Manifest, find_chunk_index
from luigi_gif.frames.render_options import RenderOptions
from luigi_gif.imaging import CommonPalette

if TYPE_CHECKING:
    from luigi_gif.integrations import ProgressReporter


class SampleBatch(NamedTuple):
    """The frames of a chunk that are sampled."""

    data_file: str
    options: RenderOptions
    chunk: Chunk
    numbers: tuple[int, ...]
    pixels: int
    """Of each of them, about so many."""
    item_texts: tuple[ItemTexts, ...]


def choose_clip_palette(
    handle: storage.FolderHandle,
    executor: execution.Executor,
    data_file: str,
    manifest: Manifest,
    options: RenderOptions,
    item_texts: TextsOfFrames,
    reporter: ProgressReporter,
) -> CommonPalette | None:
    """The palette for all frames of a bundle; None where each is to have its own.

    It follows from the bundle and the options alone, whoever samples the frames.

    Raises StorageError or ClusterError.
    """
    batches = _batches(data_file, manifest, options, item_texts)
    samples: dict[int, bytes] = {}
    sample = partial(sample_batch, handle)
    always = options.palette == "clip"
    count, _ = imaging.sampling(manifest.frame_count, always=always)
    with contextlib.ExitStack() as stack:
        # All frames take a while, some are soon done.
        progress = (
            stack.enter_context(reporter.track("frames sampled", count, 0)) if always else None
        )
        for sampled in stack.enter_context(contextlib.closing(executor.run(sample, batches))):
            samples.update(sampled)
            if progress:
                progress(len(samples), 0)
    in_order = [np.frombuffer(samples[number], np.uint32) for number in sorted(samples)]
    # One index is left for what is transparent, or has not changed.
    max_colors = min(options.look.colors, gif.MAX_COLORS - 1)
    return imaging.choose_palette(in_order, always=always, max_colors=max_colors)


def sample_batch(handle: storage.FolderHandle, batch: SampleBatch) -> dict[int, bytes]:
    """On a worker: the samples of frames, by their numbers; bad and ignored ones have none.

    Raises StorageError.
    """
    folder = storage.attach(handle)
    try:
        options = with_font(handle, folder, batch.options)
        return _samples(folder, batch._replace(options=options))
    except MemoryError as error:
        raise out_of_memory(folder.path(batch.data_file)) from error


def _samples(folder: storage.Folder, batch: SampleBatch) -> dict[int, bytes]:
    chunk = batch.chunk
    data = folder.read_uncached(batch.data_file, chunk.start, chunk.end)
    options = with_item_texts(batch.options, batch.item_texts)
    samples = {}
    for number, frame in enumerate(frames_of(data, chunk), chunk.first_number):
        execution.stop_if_cancelled()
        if number in batch.numbers and not batch.options.unwanted.ignored_sha256(frame.data):
            try:
                look = with_caption(options, number, frame.offset).look
                colors = imaging.sample_colors(frame.data, look, batch.pixels)
            except (Undecodable, NoCaption):
                continue
            except OSError as error:
                raise machine_error(number, error) from error
            samples[number] = colors.tobytes()
    return samples


def _batches(
    data_file: str,
    manifest: Manifest,
    options: RenderOptions,
    item_texts: TextsOfFrames,
) -> Iterator[SampleBatch]:
    count = manifest.frame_count
    sampled, pixels = imaging.sampling(count, always=options.palette == "clip")
    numbers = [each * count // sampled for each in range(sampled)]
    for chunk_index, group in groupby(numbers, key=partial(find_chunk_index, manifest)):
        chunk = manifest.chunks[chunk_index]
        texts = item_texts(chunk.numbers)
        yield SampleBatch(data_file, options, chunk, tuple(group), pixels, texts)
