"""Write what is missing of the frame files, on whoever does the batches."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import execution, settings, storage
from luigi_gif.frames.batch_writer import CompletedChunk, write_batch
from luigi_gif.frames.batches import Batch, plan_tasks, total_work
from luigi_gif.frames.captions import (
    CaptionPlan,
    TextsOfFrames,
    find_item_texts,
    shared_captions,
)
from luigi_gif.frames.frame_files import SUBFOLDER, digits_for
from luigi_gif.frames.frame_warnings import warn_of_altered_files, warn_of_frames
from luigi_gif.frames.item_sources import items_of_frames
from luigi_gif.frames.manifest import Manifest, load_manifest
from luigi_gif.frames.missing_chunks import find_missing_chunks
from luigi_gif.frames.record_table import RecordTable
from luigi_gif.frames.renaming import rename_frames
from luigi_gif.frames.render_options import RenderOptions

if TYPE_CHECKING:
    from luigi_gif.integrations import ProgressReporter

CHECKPOINT_S = 5.0
"""How often the manifest is saved while batches finish, in seconds."""
MAX_NEW = 0.1
"""So much of the frames may be new where most are only looked at, like those that are copied."""
MAX_COUNTED_BYTES = 1 << 21
"""Of a bundle whose GIFs are all counted: 2 MiB take some 0.1 s. It is the bundle that decides, so
that the same frames are found bad wherever and however they are written."""


class WrittenFrames(NamedTuple):
    """What became of the frame files."""

    written: int
    """How many are new, or were others."""
    renamed: int
    """How many of an earlier run have another number now."""


def write_missing_frames(
    folder: storage.Folder,
    data_file: str,
    manifest: Manifest,
    made_by: dict[str, object],
    options: RenderOptions,
    config: settings.dask,
    reporter: ProgressReporter,
    captions: CaptionPlan | None = None,
) -> WrittenFrames:
    """Write what is missing of the frame files, their records, and the manifest.

    ``made_by`` tells how a frame is made of a picture. A file that exists already as it is to be is
    left alone, or renamed. Another one is set aside, or ends the work where no manifest had claimed
    its name. Call it only when the folder is locked.

    Raises BundleError, ForeignFileError, StorageError or ClusterError.
    """
    count = manifest.frame_count
    items = partial(items_of_frames, folder, data_file, manifest.sha256, count)
    made_by = made_by | {"versions": execution.installed_versions()}
    texts = partial(find_item_texts, captions, folder, data_file)
    with RecordTable(made_by, count, items) as records:
        run = _Run(folder, data_file, manifest, records)
        try:
            with (
                folder.share() as handle,
                shared_captions(folder, handle, captions, count) as shared,
                run.open_executor(config, options) as executor,
            ):
                if executor.dashboard:
                    reporter.link(executor.dashboard)
                options = options._replace(captions=shared)
                options = run.resolve(options, handle, executor, texts, reporter)
                run.rename(handle)
                batches = run.batches(options, executor.threads, config.batch_mib << 20, texts())
                run.take(executor.run(partial(write_batch, handle), batches), reporter)
            manifest.earlier.clear()
        finally:
            run.save()
    warn_of_frames(folder, data_file, manifest)
    return WrittenFrames(run.new_files, run.renamed)


class _Run:
    """What one run does, and what it notes in the manifest and the records.

    It publishes the manifest before any frame, and saves it now and then.
    """

    def __init__(
        self, folder: storage.Folder, data_file: str, manifest: Manifest, records: RecordTable
    ) -> None:
        self._folder = folder
        self._data_file = data_file
        self._manifest = manifest
        self._records = records
        self._todo = find_missing_chunks(folder, manifest)
        missing = self._todo.missing
        frames_missing = sum(manifest.chunks[index].frame_count for index in missing)
        self.frame_count = manifest.frame_count - frames_missing
        """How many exist."""
        self.new_files = 0
        self.renamed = 0
        self.size_bytes = 0
        """Of what workers have done."""
        self._quarantined: list[str] = []
        """New names of files that were set aside."""
        if load_manifest(folder) is None:
            manifest.unclaimed.update(self._todo.partially_written)
        for index in missing:
            manifest.results[index] = None
        manifest.save(folder)
        self._saved = time.monotonic()
        records.load(folder)
        self._known = records.count

    def open_executor(
        self, config: settings.dask, options: RenderOptions
    ) -> AbstractContextManager[execution.Executor]:
        """Who does the batches. What an earlier run made is hardly any work."""
        frame_count = self._manifest.frame_count
        new = 1 - self._known / frame_count
        work = new * total_work(self._manifest, self._todo.missing)
        is_copying = options.copying and not options.unwanted.needs_pixels
        return execution.open_executor(config, work, copying=is_copying or new < MAX_NEW)

    def resolve(
        self,
        options: RenderOptions,
        handle: storage.FolderHandle,
        executor: execution.Executor,
        find_texts: Callable[[], TextsOfFrames],
        reporter: ProgressReporter,
    ) -> RenderOptions:
        """The options with what follows from the bundle as a whole."""
        bundle_size = sum(chunk.size_bytes for chunk in self._manifest.chunks)
        counts = self._manifest.counted or bundle_size <= MAX_COUNTED_BYTES
        options = options._replace(count_codes=counts)
        if options.palette == "frame":
            return options
        from luigi_gif.frames import palette_choice  # which plain GIFs do without

        sampler = palette_choice.Sampler(
            handle, executor, self._data_file, self._manifest, options, find_texts, reporter
        )
        palette = palette_choice.find_clip_palette(sampler, self._records)
        return options._replace(clip_palette=palette)

    def rename(self, handle: storage.FolderHandle) -> None:
        """Rename what an earlier run made, and remove what nothing is left of."""
        if self._known:
            self.renamed = rename_frames(self._folder, handle, self._manifest, self._records)
        if self.renamed:
            self._todo = find_missing_chunks(self._folder, self._manifest)
        self._folder.remove_many(f"{SUBFOLDER}/{name}" for name in self._todo.orphaned_files)

    def batches(
        self, options: RenderOptions, threads: int, max_work: int, item_texts: TextsOfFrames
    ) -> Iterator[Batch]:
        """What workers do."""
        digits = digits_for(self._manifest.frame_count)
        for chunk_tasks in plan_tasks(
            self._manifest, self._todo, threads, max_work, item_texts, self._records.of
        ):
            yield Batch(self._data_file, digits, options, chunk_tasks)

    def take(
        self, completed: Generator[list[CompletedChunk], None, None], reporter: ProgressReporter
    ) -> None:
        """Take what each batch has done, as they finish."""
        with (
            reporter.track("frames", self._manifest.frame_count, self.frame_count) as progress,
            contextlib.closing(completed) as finished,
        ):
            for chunks in finished:
                self._add(chunks)
                progress(self.frame_count, self.size_bytes)
                self._save_now_and_then()

    def save(self) -> None:
        """Save all that is noted, and tell of files that were set aside."""
        try:
            self._manifest.save(self._folder)
            self._records.save(self._folder)
        finally:
            warn_of_altered_files(self._folder, self._quarantined)

    def _add(self, completed: list[CompletedChunk]) -> None:
        manifest = self._manifest
        for index, result, new_files, quarantined, records in completed:
            chunk = manifest.chunks[index]
            manifest.results[index] = result
            manifest.unclaimed.discard(index)
            self._records.replace(chunk.numbers, records)
            self.new_files += new_files
            self._quarantined += quarantined
            self.frame_count += chunk.frame_count
            self.size_bytes += result.size_bytes

    def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved >= CHECKPOINT_S:
            self._manifest.save(self._folder)
            self._saved = time.monotonic()
