"""The blocks of clips of the same frames: copied here, or made by workers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from isal import isal_zlib

from luigi_gif import bundles, execution, frames, storage
from luigi_gif.clips.clip_batch_writer import BlockFile, write_clip_batch
from luigi_gif.clips.clip_batches import group_for_loss, plan_clip_batches
from luigi_gif.clips.clip_blocks import ImageBlocks, make_clip_blocks
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.clip_options import ClipOptions
from luigi_gif.clips.frame_reader import FrameReader
from luigi_gif.clips.global_table import read_global_table
from luigi_gif.clips.sequence import ClipSequence, plan_sequence
from luigi_gif.errors import BundleError, DamagedFileError

if TYPE_CHECKING:
    from luigi_gif.integrations import ProgressReporter


class ClipPlan(NamedTuple):
    """What a clip is to show, and how."""

    sequence: ClipSequence
    canvas: Canvas


class CopiedBlocks:
    """Blocks that are made while they are read."""

    def __init__(self, images: Iterator[ImageBlocks]) -> None:
        self._images = images
        self.image_count = 0
        """Of those that were read."""
        self.duration_cs = 0
        """How long these show, in hundredths of a second."""

    def read(self) -> Iterator[bytes | memoryview]:
        """In order, once. Raises ChangedFrame."""
        for image in self._images:
            yield from image.pieces
            self.image_count += 1
            self.duration_cs += image.delay_cs

    def close(self) -> None:
        """There is nothing to remove."""


class WorkerBlocks:
    """Blocks in files beside the frames, one for each part, until they are read or removed."""

    def __init__(self, folder: storage.Folder) -> None:
        self._folder = folder
        self._files: dict[int, BlockFile] = {}
        self._sharing = contextlib.ExitStack()
        # With a token of its own: a worker that is late with another clip spoils none of these.
        self.handle = self._sharing.enter_context(folder.share())
        self.size_bytes = 0
        self.image_count = 0
        self.duration_cs = 0
        """How long all images show, in hundredths of a second."""

    def add(self, files: list[BlockFile]) -> None:
        """Take what a worker has written."""
        for file in files:
            self._files[file.part_index] = file
            self.size_bytes += file.size_bytes
            self.image_count += file.image_count
            self.duration_cs += file.duration_cs

    def read(self) -> Iterator[bytes]:
        """In order, each part removed behind it. Raises DamagedFileError."""
        names = {index: self._name(index) for index in sorted(self._files)}
        contents = self._folder.read_many(names.values(), bundles.WAYPOINT_WORK)
        for (index, name), blocks in zip(names.items(), contents, strict=True):
            file = self._files[index]
            if (
                blocks is None
                or len(blocks) != file.size_bytes
                or isal_zlib.crc32(blocks) != file.crc32
            ):
                raise DamagedFileError(
                    "a part of the clip is not what a worker wrote",
                    where=self._folder.path(name),
                    expected=f"{file.size_bytes:,} bytes with the checksum {file.crc32:08x}",
                    got="no file" if blocks is None else f"{len(blocks):,} other bytes",
                    next_step="run again when nothing else changes the work directory",
                )
            yield blocks
            self._folder.remove(name)
            del self._files[index]

    def close(self) -> None:
        """Remove what was not read."""
        with self._sharing:
            for index in self._files:
                self._folder.remove(self._name(index))

    def _name(self, part_index: int) -> str:
        return self.handle.block_file(frames.SUBFOLDER, part_index)


Blocks: TypeAlias = CopiedBlocks | WorkerBlocks


class EncodedClip(NamedTuple):
    """A clip whose blocks can be read."""

    plan: ClipPlan
    blocks: Blocks
    encodings: int = 1
    """How many clips were encoded whole to find it, this one included."""


class ClipEncoder:
    """Plans clips of the frames of a manifest, and gets their blocks."""

    def __init__(
        self, folder: storage.Folder, manifest: frames.Manifest, reporter: ProgressReporter
    ) -> None:
        self.folder = folder
        self._manifest = manifest
        self._reporter = reporter
        self.digits = frames.digits_for(manifest.frame_count)
        self._digests: dict[int, str] = {}
        """SHA-256 of the frame files that are read more than once, by number."""

    def plan(self, options: ClipOptions) -> ClipPlan:
        """What a clip with these options shows. Raises BundleError or ChangedFrame."""
        manifest = self._manifest
        sequence = plan_sequence(manifest, options)
        if sequence is None or manifest.shown_count < options.min_frames:
            raise self._too_few_frames(options.min_frames)
        self._check_canvas(options.max_pixels)
        ends = sequence.ends
        holds = ((ends.first, options.hold_first_ms), (ends.last, options.hold_last_ms))
        holds_ms = {number: hold_ms for number, hold_ms in holds if hold_ms is not None}
        size = manifest.screen_size
        canvas = Canvas(size, size, manifest.uniform, b"", options, holds_ms)
        if options.reduction is not None:
            canvas = canvas._replace(size=options.reduction.size)
        reader = FrameReader(self.folder, self.digits)
        first = reader.read_placed(ends.first, canvas)
        table = first.color_table
        if options.only_changes and options.reduction is None and manifest.uniform:
            table = read_global_table(reader, first, sequence.parts)
        self._compare(reader.digests)
        return ClipPlan(sequence, canvas._replace(color_table=table))

    def copied(self, plan: ClipPlan) -> CopiedBlocks:
        """The blocks of a clip whose images are stored as they are."""
        return CopiedBlocks(self._copied_images(plan))

    def made_by_workers(
        self, plan: ClipPlan, executor: execution.Executor, max_work: int
    ) -> WorkerBlocks:
        """The blocks that workers make, in batches of ``max_work`` bytes.

        Raises DamagedFileError, StorageError or ClusterError.
        """
        blocks = WorkerBlocks(self.folder)
        try:
            parts = plan.sequence.parts
            groups = (
                group_for_loss(parts)
                if plan.canvas.options.tolerance
                else frames.group_by_work(parts, lambda part: part.work, executor.threads, max_work)
            )
            batches = plan_clip_batches(*plan, self.digits, groups)
            writing = executor.run(partial(write_clip_batch, blocks.handle), batches)
            if executor.dashboard:
                self._reporter.link(executor.dashboard)
            with (
                self._reporter.track("frames", plan.sequence.step_count, 0) as progress,
                contextlib.closing(writing) as finished,
            ):
                for completed in finished:
                    blocks.add(completed.files)
                    progress(blocks.image_count, blocks.size_bytes)
                    self._compare(completed.digests)
        except BaseException:
            blocks.close()
            raise
        return blocks

    def _copied_images(self, plan: ClipPlan) -> Iterator[ImageBlocks]:
        """In this thread, one after another. Raises ChangedFrame."""
        for batch in plan_clip_batches(*plan, self.digits, [plan.sequence.parts]):
            reader = FrameReader(self.folder, self.digits)
            yield from make_clip_blocks(reader, batch)
            self._compare(reader.digests)

    def _too_few_frames(self, min_frames: int) -> BundleError:
        shown_count, reasons = self._manifest.shown_count, self._manifest.reasons
        left_out = (
            f"; {len(reasons):,} are left out, the first is {reasons[0][1]}" if reasons else ""
        )
        return BundleError(
            "the clip has too few frames" if shown_count else "no frame of the bundle is usable",
            where=self.folder.path(frames.MANIFEST),
            expected=f"at least {min_frames:,} (see --min-frames)",
            got=f"{shown_count:,} of {self._manifest.frame_count:,}{left_out}",
            next_step="run again once its source has more usable ones, with --refresh if it was "
            "fetched, or ask for fewer frames",
        )

    def _check_canvas(self, max_pixels: int) -> None:
        width, height = self._manifest.screen_size
        if width * height > max_pixels:
            raise BundleError(
                "the frames need too large a canvas",
                where=self.folder.path(frames.MANIFEST),
                expected=f"at most {max_pixels:,} pixels (see --max-megapixels)",
                got=f"{width}x{height}, from the widest frame and the tallest",
                next_step="give all frames one --size, or mend the bundle at its source",
            )

    def _compare(self, found: dict[int, str]) -> None:
        """Hold what a batch found of frame files against what others did. Raises ChangedFrame.

        Each chunk is held against the manifest by whoever copies it. The frame before and
        behind it, and the first one, are read once more elsewhere: they must be the same then.
        """
        for number, digest in found.items():
            if self._digests.setdefault(number, digest) != digest:
                reader = FrameReader(self.folder, self.digits)
                raise reader.changed_frame(number, "other bytes from one moment to the next")
