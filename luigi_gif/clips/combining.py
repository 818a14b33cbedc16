"""The frame files to one clip.

Image data are copied as they are where every frame alone decides each pixel
of the clip. Else, and to store only what changes, workers write blocks of the
clip beside the frames, and these are copied.
"""

from __future__ import annotations

import contextlib
import logging
import zlib
from collections.abc import Generator, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import NamedTuple

from luigi_gif import bundles, execution, frames, gif, settings, storage
from luigi_gif.clips.clip_batch_writer import BlockFile, write_clip_batch
from luigi_gif.clips.clip_batches import group_for_loss, plan_clip_batches
from luigi_gif.clips.clip_blocks import make_clip_blocks
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.clip_comment import (
    checksum_offset,
    comment_for,
    read_clip_status,
    remember_whole,
)
from luigi_gif.clips.clip_options import ClipOptions
from luigi_gif.clips.frame_reader import ChangedFrame, FrameReader
from luigi_gif.clips.global_table import read_global_table
from luigi_gif.clips.sequence import ClipSequence, plan_sequence
from luigi_gif.errors import LUIGI_LOGGER, BundleError, DamagedFileError, out_of_memory

logger = logging.getLogger(f"{LUIGI_LOGGER}.clip")

Pieces = Generator[bytes | memoryview, None, None]


class CombinedClip(NamedTuple):
    """A clip that was just made."""

    size: tuple[int, int]
    """Width and height in pixels."""
    frame_count: int
    duration_ms: int
    """Of one round."""
    size_bytes: int


def combine_frames(
    folder: storage.Folder,
    manifest: frames.Manifest,
    name: str,
    origin: Mapping[str, object],
    options: ClipOptions,
    config: settings.dask,
) -> CombinedClip:
    """Publish the clip ``name`` of the manifest's frames.

    A clip that was altered since it was written may be the user's: it is set aside.

    Raises DamagedFileError where a frame file is not what was written; the
    manifest then says that it is missing. Raises BundleError, StorageError or
    ClusterError.
    """
    sequence = _checked_sequence(folder, manifest, options)
    _warn_of_short_delays(manifest, options)
    frames.warn_of_duplicates(manifest, merged=not options.drop_duplicates)
    combining = _Combining(folder, manifest, sequence)
    try:
        canvas = combining.read_canvas(options)
        head = gif.encode_header(
            canvas.size, canvas.color_table, options.plays, comment_for(origin)
        )
        with (
            folder.atomic_writer(name) as file,
            contextlib.closing(combining.make_pieces(canvas, config)) as pieces,
        ):
            crc32 = 0
            for piece in chain([head], pieces, [bytes((gif.TRAILER,))]):
                crc32 = zlib.crc32(piece, crc32)
                file.write(piece)
            size = file.tell()
            file.seek(checksum_offset(head))
            file.write(b"%08x" % crc32)
            _quarantine_if_altered(folder, name)
        remember_whole(folder, name)
        return CombinedClip(canvas.size, combining.image_count, 10 * combining.duration_cs, size)
    except ChangedFrame as error:
        manifest.results[frames.find_chunk_index(manifest, error.number)] = None
        manifest.save(folder)
        raise
    except MemoryError as error:
        raise out_of_memory(folder.path(name)) from error


class _Combining:
    """Gets the blocks of a clip: copied here, or made by workers."""

    def __init__(
        self, folder: storage.Folder, manifest: frames.Manifest, sequence: ClipSequence
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._sequence = sequence
        self._digits = frames.digits_for(manifest.frame_count)
        self.image_count = 0
        self.duration_cs = 0
        self._digests: dict[int, str] = {}
        """SHA-256 of the frame files that are read more than once, by number."""

    def read_canvas(self, options: ClipOptions) -> Canvas:
        """What the images have in common. Raises ChangedFrame."""
        reader = FrameReader(self._folder, self._digits)
        ends = self._sequence.ends
        first = reader.read_image(ends.first)
        manifest = self._manifest
        table = first.color_table
        if options.only_changes and manifest.uniform:
            table = read_global_table(reader, first, self._sequence.parts)
        self._compare(reader.digests)
        holds = ((ends.first, options.hold_first_ms), (ends.last, options.hold_last_ms))
        holds_ms = {number: hold_ms for number, hold_ms in holds if hold_ms is not None}
        return Canvas(manifest.screen_size, manifest.uniform, table, options, holds_ms)

    def make_pieces(self, canvas: Canvas, config: settings.dask) -> Pieces:
        """All that stands between the head of the clip and its trailer, in order.

        Raises DamagedFileError, StorageError or ClusterError.
        """
        if canvas.opaque and not canvas.options.only_changes:
            return self._copied(canvas)
        return self._made_by_workers(canvas, config)

    def _copied(self, canvas: Canvas) -> Pieces:
        everything = [self._sequence.parts]
        for batch in plan_clip_batches(self._sequence, canvas, self._digits, everything):
            reader = FrameReader(self._folder, self._digits)
            for image in make_clip_blocks(reader, batch):
                yield from image.pieces
                self.image_count += 1
                self.duration_cs += image.delay_cs
            self._compare(reader.digests)

    def _made_by_workers(self, canvas: Canvas, config: settings.dask) -> Pieces:
        files: dict[int, BlockFile] = {}
        parts = self._sequence.parts
        with self._folder.share() as handle:
            try:
                work = sum(part.work for part in parts)
                with execution.open_executor(config, work) as executor:
                    groups = (
                        group_for_loss(parts)
                        if canvas.options.tolerance
                        else frames.group_by_work(
                            parts, lambda part: part.work, executor.threads, config.batch_mib << 20
                        )
                    )
                    batches = plan_clip_batches(self._sequence, canvas, self._digits, groups)
                    writing = executor.run(partial(write_clip_batch, handle), batches)
                    with contextlib.closing(writing) as finished:
                        for completed in finished:
                            files |= {file.part_index: file for file in completed.files}
                            self._compare(completed.digests)
                self.image_count = sum(file.image_count for file in files.values())
                self.duration_cs = sum(file.duration_cs for file in files.values())
                yield from _read_block_files(self._folder, handle, files)
            finally:
                for index in files:
                    self._folder.remove(handle.block_file(frames.SUBFOLDER, index))

    def _compare(self, found: dict[int, str]) -> None:
        """Hold what a batch found of frame files against what others did. Raises ChangedFrame.

        Each chunk is held against the manifest by whoever copies it. The frame before and
        behind it, and the first one, are read once more elsewhere: they must be the same then.
        """
        for number, digest in found.items():
            if self._digests.setdefault(number, digest) != digest:
                reader = FrameReader(self._folder, self._digits)
                raise reader.changed_frame(number, "other bytes from one moment to the next")


def _read_block_files(
    folder: storage.Folder, handle: storage.FolderHandle, files: dict[int, BlockFile]
) -> Iterator[bytes]:
    """The blocks of each part, in order, each removed behind it. Raises DamagedFileError."""
    names = {index: handle.block_file(frames.SUBFOLDER, index) for index in sorted(files)}
    contents = folder.read_many(names.values(), bundles.WAYPOINT_WORK)
    for (index, name), blocks in zip(names.items(), contents, strict=True):
        _, size, crc32, _, _ = files[index]
        if blocks is None or len(blocks) != size or zlib.crc32(blocks) != crc32:
            raise DamagedFileError(
                "a part of the clip is not what a worker wrote",
                where=folder.path(name),
                expected=f"{size:,} bytes with the checksum {crc32:08x}",
                got="no file" if blocks is None else f"{len(blocks):,} other bytes",
                next_step="run again when nothing else changes the work directory",
            )
        yield blocks
        folder.remove(name)
        del files[index]


def _checked_sequence(
    folder: storage.Folder, manifest: frames.Manifest, options: ClipOptions
) -> ClipSequence:
    """What the clip shows. Raises BundleError where no clip can be made."""
    sequence = plan_sequence(manifest, options)
    shown_count = manifest.shown_count
    if sequence is None or shown_count < options.min_frames:
        reasons = manifest.reasons
        left_out = f"; {len(reasons):,} are left out, the first is {reasons[0]}" if reasons else ""
        raise BundleError(
            "the clip has too few frames" if shown_count else "no frame of the bundle is usable",
            where=folder.path(frames.MANIFEST),
            expected=f"at least {options.min_frames:,} (see --min-frames)",
            got=f"{shown_count:,} of {manifest.frame_count:,}{left_out}",
            next_step="mend the bundle at its source, delete it here, and run again, "
            "or ask for fewer frames",
        )
    width, height = manifest.screen_size
    if width * height > options.max_pixels:
        raise BundleError(
            "the frames need too large a canvas",
            where=folder.path(frames.MANIFEST),
            expected=f"at most {options.max_pixels:,} pixels (see --max-megapixels)",
            got=f"{width}x{height}, from the widest frame and the tallest",
            next_step="give all frames one --size, or mend the bundle at its source",
        )
    return sequence


def _warn_of_short_delays(manifest: frames.Manifest, options: ClipOptions) -> None:
    short_delays = sum(result.short_delays for result in manifest.results if result)
    if short_delays and options.frame_duration_ms is None:
        message = (
            "%d frames ask to show for less than 20 ms, which players do not do: they get 20 ms"
        )
        logger.warning(message, short_delays)


def _quarantine_if_altered(folder: storage.Folder, name: str) -> None:
    """What has the clip's name may be the user's by now."""
    existing = read_clip_status(folder, name)
    if existing is not None and not existing.whole:
        new_name = folder.path(folder.quarantine(name))
        logger.warning("%s is not as it was written: it is %s now", folder.path(name), new_name)
