"""Which colors the frames of a clip have in common; they are sampled on workers for it.

Some frames show whether one palette is for all; where it is to be in any case, all are sampled.
What was chosen is kept while the clip changes little: otherwise a new frame would change all.

It is imported only for frames that are decoded: plain GIFs do without.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import execution, gif, imaging, storage
from luigi_gif.errors import LUIGI_LOGGER, Undecodable, out_of_memory
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
from luigi_gif.frames.record_table import RecordTable
from luigi_gif.frames.render_options import RenderOptions

if TYPE_CHECKING:
    from luigi_gif.imaging import CommonPalette
    from luigi_gif.integrations import ProgressReporter
    from luigi_gif.json_object import JsonObject

logger = logging.getLogger(f"{LUIGI_LOGGER}.frames")


class SampleBatch(NamedTuple):
    """The frames of a chunk that are sampled."""

    data_file: str
    options: RenderOptions
    chunk: Chunk
    numbers: tuple[int, ...]
    pixels: int
    """Of each of them, about so many."""
    item_texts: tuple[ItemTexts, ...]


class Sampler(NamedTuple):
    """Samples frames of a bundle, on whoever does the batches. It raises StorageError."""

    handle: storage.FolderHandle
    executor: execution.Executor
    data_file: str
    manifest: Manifest
    options: RenderOptions
    find_texts: Callable[[], TextsOfFrames]
    """Gives what captions tell of frames."""
    reporter: ProgressReporter

    def sample(self, numbers: Sequence[int], pixels: int) -> list[bytes]:
        """Colors of about so many pixels of each of these frames; bad and ignored ones have none.

        The numbers ascend.
        """
        batches = self._batches(numbers, pixels)
        samples: dict[int, bytes] = {}
        run = self.executor.run(partial(sample_batch, self.handle), batches)
        with contextlib.ExitStack() as stack:
            # All frames take a while, some are soon done.
            progress = (
                stack.enter_context(self.reporter.track("frames sampled", len(numbers), 0))
                if self.options.palette == "clip"
                else None
            )
            for sampled in stack.enter_context(contextlib.closing(run)):
                samples.update(sampled)
                if progress:
                    progress(len(samples), 0)
        return [samples[number] for number in sorted(samples)]

    def _batches(self, numbers: Sequence[int], pixels: int) -> Iterator[SampleBatch]:
        item_texts = self.find_texts()
        for chunk_index, group in groupby(numbers, key=partial(find_chunk_index, self.manifest)):
            chunk = self.manifest.chunks[chunk_index]
            texts = item_texts(chunk.numbers)
            yield SampleBatch(self.data_file, self.options, chunk, tuple(group), pixels, texts)


class _ChosenPalette(NamedTuple):
    """What was chosen for the frames of a clip."""

    common: CommonPalette | None
    largest_error: float
    """Of the frame that it fits worst, where it is for all."""


def find_clip_palette(sampler: Sampler, records: RecordTable) -> CommonPalette | None:
    """The palette for all frames of a bundle; None where each is to have its own.

    What an earlier run chose is used again while at least half of the frames were there by then,
    and where there is one palette in any case, while it fits the new frames as well as those.
    Otherwise it follows from the bundle and the options alone, whoever samples the frames.

    Raises StorageError or ClusterError.
    """
    if records.palette is not None:
        kept = _from_json(records.palette)
        reason = _reason_to_choose(kept, sampler, records)
        if reason is None:
            logger.info("the colors are chosen as in the run before")
            return kept.common
        logger.info("the colors are chosen anew: %s", reason)
    always = sampler.options.palette == "clip"
    frame_count = sampler.manifest.frame_count
    samples = _samples_of(sampler, range(frame_count), always=always)
    # One index is left for what is transparent, or has not changed.
    max_colors = min(sampler.options.look.colors, gif.MAX_COLORS - 1)
    common = imaging.choose_palette(samples, always=always, max_colors=max_colors)
    largest_error = imaging.largest_error(samples, common) if common and always else 0.0
    records.note_palette(_to_json(_ChosenPalette(common, largest_error)))
    return common


def _reason_to_choose(kept: _ChosenPalette, sampler: Sampler, records: RecordTable) -> str | None:
    """Why the colors have to be chosen anew; None where they serve."""
    if 2 * records.chosen_for_count < sampler.manifest.frame_count:
        return "most frames came later"
    if sampler.options.palette != "clip" or kept.common is None:
        return None
    samples = _samples_of(sampler, list(records.new_numbers()), always=True)
    if imaging.still_fits(samples, kept.common, kept.largest_error):
        return None
    return "they do not fit a new frame"


def _samples_of(sampler: Sampler, numbers: Sequence[int], *, always: bool) -> list[bytes]:
    """The samples of some of these frames, evenly spread."""
    count, pixels = imaging.sampling(len(numbers), always=always)
    return sampler.sample([numbers[each * len(numbers) // count] for each in range(count)], pixels)


def _to_json(chosen: _ChosenPalette) -> JsonObject:
    common = chosen.common
    return {
        "colors": common and common.colors.hex(),
        "max_error": common and common.max_error,
        "largest_error": chosen.largest_error,
    }


def _from_json(value: JsonObject) -> _ChosenPalette:
    colors = value["colors"]
    if colors is None:
        return _ChosenPalette(None, value["largest_error"])
    common = imaging.CommonPalette(bytes.fromhex(colors), value["max_error"])
    return _ChosenPalette(common, value["largest_error"])


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
    data = folder.read_range(batch.data_file, chunk.start, chunk.end)
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
            samples[number] = colors
    return samples
