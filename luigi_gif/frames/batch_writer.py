"""Write the frame files of a batch: what runs on a worker."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

from isal import isal_zlib

from luigi_gif import bundles, execution, gif, storage
from luigi_gif.errors import ForeignFileError, out_of_memory
from luigi_gif.frames.batches import Batch, ChunkTask
from luigi_gif.frames.bundle_errors import bad_frame_error, changed_bundle_error
from luigi_gif.frames.captions import with_font, with_item_texts
from luigi_gif.frames.duplicates import DuplicateFinder
from luigi_gif.frames.frame_files import frame_file_name
from luigi_gif.frames.frame_records import ExistingFile, FrameRecord
from luigi_gif.frames.frame_to_gif import Outcome, RenderedFrame, frames_of, render_frames
from luigi_gif.frames.frame_warnings import SEVERAL_IMAGES
from luigi_gif.frames.item_names import item_name
from luigi_gif.frames.manifest import ChunkResult, SkippedFrame, UnwantedFrame, is_earlier


class CompletedChunk(NamedTuple):
    """A chunk that is written."""

    chunk_index: int
    result: ChunkResult
    new_files: int
    """How many frame files did not exist before, or were others."""
    quarantined: list[str]
    """New names of files that were set aside, as they were altered."""
    records: dict[int, FrameRecord]
    """Of its frames that have a file, by their numbers."""


def write_batch(handle: storage.FolderHandle, batch: Batch) -> list[CompletedChunk]:
    """On a worker: write the frame files of a batch.

    Raises BundleError, ForeignFileError or StorageError.
    """
    folder = storage.attach(handle)
    try:
        batch = batch._replace(options=with_font(handle, folder, batch.options))
        with folder.writer() as write:
            return [
                _ChunkWriter(folder, write, batch, task).write_all() for task in batch.chunk_tasks
            ]
    except MemoryError as error:
        raise out_of_memory(folder.path(batch.data_file)) from error


class _Tally:
    """What is to be noted of a chunk's frames, added up frame by frame."""

    def __init__(self) -> None:
        self._size, self._crc32 = 0, 0
        self._extents: set[tuple[int, int]] = set()
        self._opaque = True
        self._extra_images, self._short_delays, self._duration_cs = 0, 0, 0
        self._skipped: list[SkippedFrame] = []
        self._notes: list[tuple[int, str]] = []
        self._unwanted: list[UnwantedFrame] = []
        self._duplicates = DuplicateFinder()

    def add(self, number: int, frame: RenderedFrame) -> None:
        image, notes = frame.image, frame.notes + [SEVERAL_IMAGES] * (frame.image_count > 1)
        self._size += len(frame.file)
        self._crc32 = isal_zlib.crc32(frame.file, self._crc32)
        self._extents.add(image.extent)
        self._opaque &= image.fills_screen
        self._extra_images += frame.image_count - 1
        self._notes += [(number, text) for text in notes]
        self._short_delays += 0 < image.delay_cs < gif.MIN_DELAY_CS
        self._duration_cs += gif.displayed_cs(image.delay_cs)
        if frame.compared:
            self._duplicates.add(frame.compared)

    def leave_out(self, frame: UnwantedFrame) -> None:
        self._unwanted.append(frame)

    def skip(self, number: int, bad: bundles.BadFrame) -> None:
        self._skipped.append(SkippedFrame(number, bad.offset, str(bad)))

    def result(self) -> ChunkResult:
        return ChunkResult(
            self._size,
            self._crc32,
            max((extent[0] for extent in self._extents), default=0),
            max((extent[1] for extent in self._extents), default=0),
            self._opaque and len(self._extents) == 1,
            self._extra_images,
            self._short_delays,
            self._duration_cs,
            self._skipped,
            self._notes,
            self._unwanted,
            self._duplicates.found,
            self._duplicates.ends,
        )


class _ChunkWriter:
    """Writes the frame files of one chunk."""

    def __init__(
        self,
        folder: storage.Folder,
        write: Callable[[str, bytes], None],
        batch: Batch,
        task: ChunkTask,
    ) -> None:
        self._folder = folder
        self._write = write
        self._batch = batch
        self._task = task
        self._new_files = 0
        self._quarantined: list[str] = []
        self._records: dict[int, FrameRecord] = {}

    def write_all(self) -> CompletedChunk:
        """Write each frame whose file is not already what it is to be."""
        chunk = self._task.chunk
        tally = _Tally()
        number = chunk.first_number - 1
        for number, (frame, existing) in enumerate(self._rendered(), chunk.first_number):
            execution.stop_if_cancelled()
            if isinstance(frame, bundles.BadFrame):
                self._check_may_skip(number, frame)
                self._remove(number, existing)
                tally.skip(number, frame)
            elif isinstance(frame, UnwantedFrame):
                self._remove(number, existing)
                tally.leave_out(frame)
            else:
                self._put(number, frame.file, existing)
                self._records[number] = frame.record
                tally.add(number, frame)
        if number != chunk.numbers.stop - 1:
            raise changed_bundle_error(self._folder.path(self._batch.data_file))
        index = self._task.chunk_index
        return CompletedChunk(
            index, tally.result(), self._new_files, self._quarantined, self._records
        )

    def _rendered(self) -> Iterable[tuple[Outcome, ExistingFile | None]]:
        chunk, options = self._task.chunk, self._batch.options
        stop = chunk.end + bundles.LOOK_AHEAD_BYTES
        data = self._folder.read_range(self._batch.data_file, chunk.start, stop, keep=False)
        if 2 * len(self._task.records) >= chunk.frame_count:  # few will be counted
            options = options._replace(counting_threads=1)
        options = with_item_texts(options, self._task.item_texts)
        frames = zip(frames_of(data, chunk), self._existing_files(), strict=False)
        return render_frames(frames, chunk.first_number, options)

    def _existing_files(self) -> Iterator[ExistingFile | None]:
        """For each frame of the chunk its file, or None where there is none; then None."""
        if self._task.partially_written:
            chunk, digits = self._task.chunk, self._batch.digits
            names = (frame_file_name(number, digits) for number in chunk.numbers)
            files = self._folder.read_many(names, chunk.size_bytes // chunk.frame_count)
            for number, file in zip(chunk.numbers, files, strict=True):
                known = self._task.records.get(number)
                yield None if file is None else ExistingFile(file, known)
        yield from repeat(None)

    def _put(self, number: int, file: bytes, existing: ExistingFile | None) -> None:
        # What exists may be of a dead run, of another recipe, or of a worker that came late: only
        # its content says that it is right.
        if existing is None or file != existing.file:
            self._spare(number, existing)
            self._write(frame_file_name(number, self._batch.digits), file)
            self._new_files += 1

    def _check_may_skip(self, number: int, bad: bundles.BadFrame) -> None:
        """Raises BundleError where bad frames end the work."""
        if not self._batch.options.skip_bad:
            data_file = self._batch.data_file
            name = item_name(self._folder, data_file, number)
            raise bad_frame_error(bad, self._folder.path(data_file), name) from None

    def _remove(self, number: int, existing: ExistingFile | None) -> None:
        """Remove the file of a frame that is left out, if there is one."""
        if existing is not None:
            self._spare(number, existing)
            self._folder.remove(frame_file_name(number, self._batch.digits))

    def _spare(self, number: int, existing: ExistingFile | None) -> None:
        """Set aside what has the name of a frame's file, if it may be the user's.

        Raises ForeignFileError where it surely is.
        """
        digits = self._batch.digits
        if existing is None or not existing.file or existing.is_as_recorded:
            return
        if is_earlier(self._task.earlier, digits, number):
            return
        name = frame_file_name(number, digits)
        if self._task.unclaimed:
            raise ForeignFileError(
                "the place of a frame file is taken by a file that this pipeline did not make",
                where=self._folder.path(name),
                expected=f"no file, or the very bytes of frame {number}",
                got="another file, which is left as it is",
                next_step="move it away, or name another --workdir",
            )
        with contextlib.suppress(FileNotFoundError):  # where two workers do the same
            self._quarantined.append(self._folder.quarantine(name))
