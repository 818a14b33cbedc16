"""Write what is missing of the frame files, on whoever does the batches."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING

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
from luigi_gif.frames.manifest import Manifest, load_manifest
from luigi_gif.frames.missing_chunks import MissingChunks, find_missing_chunks
from luigi_gif.frames.render_options import RenderOptions

if TYPE_CHECKING:
    from luigi_gif.integrations import ProgressReporter

CHECKPOINT_S = 5.0
"""How often the manifest is saved while batches finish, in seconds."""
MAX_COUNTED_BYTES = 1 << 21
"""Of a bundle whose GIFs are all counted: 2 MiB take some 0.1 s. It is the bundle that decides, so
that the same frames are found bad wherever and however they are written."""


def write_missing_frames(
    folder: storage.Folder,
    data_file: str,
    manifest: Manifest,
    options: RenderOptions,
    config: settings.dask,
    reporter: ProgressReporter,
    captions: CaptionPlan | None = None,
) -> int:
    """Write what is missing of the frame files, and the manifest; how many were written.

    A file that exists already as it is to be is left alone. Another one is set
    aside, or ends the work where no manifest had claimed its name. Call it only
    when the folder is locked.

    Raises BundleError, ForeignFileError, StorageError or ClusterError.
    """
    todo = find_missing_chunks(folder, manifest)
    _claim_names(folder, manifest, todo)
    record = _Record(folder, manifest, todo)
    is_copying = options.copying and not options.unwanted.needs_pixels
    try:
        with (
            folder.share() as handle,
            shared_captions(folder, handle, captions, manifest.frame_count) as shared,
            execution.open_executor(config, record.work, copying=is_copying) as executor,
        ):
            if executor.dashboard:
                reporter.link(executor.dashboard)
            find_texts = partial(find_item_texts, captions, folder, data_file)
            max_work = config.batch_mib << 20
            planned = plan_tasks(manifest, todo, executor.threads, max_work, find_texts())
            options = options._replace(captions=shared)
            options = _resolve_options(
                options, handle, executor, data_file, manifest, find_texts(), reporter
            )
            digits = digits_for(manifest.frame_count)
            batches = (Batch(data_file, digits, options, chunk_tasks) for chunk_tasks in planned)
            record.take(executor.run(partial(write_batch, handle), batches), reporter)
        manifest.earlier.clear()
    finally:
        manifest.save(folder)
        warn_of_altered_files(folder, record.quarantined)
    warn_of_frames(folder, manifest)
    return record.new_files


def _claim_names(folder: storage.Folder, manifest: Manifest, todo: MissingChunks) -> None:
    """Publish the manifest before any frame, and remove what an earlier one left over."""
    if load_manifest(folder) is None:
        manifest.unclaimed.update(todo.partially_written)
    for name in todo.orphaned_files:
        folder.remove(f"{SUBFOLDER}/{name}")
    for index in todo.missing:
        manifest.results[index] = None
    manifest.save(folder)


def _resolve_options(
    options: RenderOptions,
    handle: storage.FolderHandle,
    executor: execution.Executor,
    data_file: str,
    manifest: Manifest,
    item_texts: TextsOfFrames,
    reporter: ProgressReporter,
) -> RenderOptions:
    """The options with what follows from the bundle as a whole."""
    bundle_size = sum(chunk.size_bytes for chunk in manifest.chunks)
    options = options._replace(count_codes=bundle_size <= MAX_COUNTED_BYTES)
    if options.palette == "frame":
        return options
    from luigi_gif.frames import palette_choice  # NumPy and Pillow, which plain GIFs do without

    palette = palette_choice.choose_clip_palette(
        handle, executor, data_file, manifest, options, item_texts, reporter
    )
    return options._replace(clip_palette=palette)


class _Record:
    """Takes what workers have done into the manifest, and saves that now and then."""

    def __init__(self, folder: storage.Folder, manifest: Manifest, todo: MissingChunks) -> None:
        self._folder = folder
        self._manifest = manifest
        self._saved = time.monotonic()
        self.work = total_work(manifest, todo.missing)
        """What is to be done, in bytes to copy."""
        missing = sum(manifest.chunks[index].frame_count for index in todo.missing)
        self.frame_count = manifest.frame_count - missing
        """How many exist."""
        self.new_files = 0
        self.size_bytes = 0
        """Of what workers have done."""
        self.quarantined: list[str] = []
        """New names of files that were set aside."""

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

    def _add(self, completed: list[CompletedChunk]) -> None:
        manifest = self._manifest
        for index, result, new_files, quarantined in completed:
            manifest.results[index] = result
            manifest.unclaimed.discard(index)
            self.new_files += new_files
            self.quarantined += quarantined
            self.frame_count += manifest.chunks[index].frame_count
            self.size_bytes += result.size_bytes

    def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved >= CHECKPOINT_S:
            self._manifest.save(self._folder)
            self._saved = time.monotonic()
