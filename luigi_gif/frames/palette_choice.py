"""Some frames of a bundle are sampled on workers, to find whether one palette is for all.

It is imported only for frames that are decoded: plain GIFs do without NumPy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import NamedTuple

import numpy as np

from luigi_gif import execution, imaging, storage
from luigi_gif.errors import Undecodable, out_of_memory
from luigi_gif.frames import writing
from luigi_gif.imaging import CommonPalette


class SampleBatch(NamedTuple):
    """The frames of a stretch that are sampled."""

    data_file: str
    look: writing.Look
    stretch: writing.Stretch
    numbers: tuple[int, ...]


def choose_palette(
    shared: storage.FolderHandle,
    executor: execution.Executor,
    data_file: str,
    manifest: writing.Manifest,
    look: writing.Look,
) -> CommonPalette | None:
    """The palette for all frames of a bundle; None where each is to have its own.

    It follows from the bundle and the look alone, whoever samples the frames.

    Raises StorageError or ClusterError.
    """
    batches = _batches(data_file, manifest, look)
    samples: dict[int, bytes] = {}
    sample = partial(sample_batch, shared)
    with contextlib.closing(executor.run(sample, batches)) as finished:
        for sampled in finished:
            samples.update(sampled)
    in_order = [np.frombuffer(samples[number], np.uint32) for number in sorted(samples)]
    return imaging.choose_palette(in_order, always=look.palette == "clip")


def sample_batch(shared: storage.FolderHandle, batch: SampleBatch) -> dict[int, bytes]:
    """On a worker: the samples of frames, by their numbers; bad frames have none.

    Raises StorageError.
    """
    folder = storage.attach(shared)
    try:
        return _samples(folder, batch)
    except MemoryError as error:
        raise out_of_memory(folder.path(batch.data_file)) from error


def _samples(folder: storage.Folder, batch: SampleBatch) -> dict[int, bytes]:
    stretch = batch.stretch
    data = folder.read_uncached(batch.data_file, stretch.start, stretch.end)
    samples = {}
    for number, frame in enumerate(writing.frames_of(data, stretch), stretch.number):
        execution.stop_if_cancelled()
        if number in batch.numbers:
            with contextlib.suppress(Undecodable):
                samples[number] = imaging.sample_colors(
                    frame.data, batch.look.fitted, batch.look.max_pixels
                ).tobytes()
    return samples


def _batches(
    data_file: str, manifest: writing.Manifest, look: writing.Look
) -> Iterator[SampleBatch]:
    count = manifest.frames
    most = min(count, imaging.SAMPLED_FRAMES)
    numbers = [index * count // most for index in range(most)]
    for place, group in groupby(numbers, key=partial(writing.stretch_of, manifest)):
        yield SampleBatch(data_file, look, manifest.stretches[place], tuple(group))
