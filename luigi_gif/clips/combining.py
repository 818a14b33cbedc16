"""The frame files to one clip.

Image data are copied as they are where every frame alone decides each pixel
of the clip. Else, and to store only what changes, workers write blocks of the
clip beside the frames, and these are copied.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from itertools import chain
from typing import IO, TYPE_CHECKING, NamedTuple

from isal import isal_zlib

from luigi_gif import execution, frames, gif, settings, storage
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.clip_comment import (
    checksum_offset,
    comment_for,
    read_clip_status,
    remember_whole,
)
from luigi_gif.clips.clip_encoder import ClipEncoder, EncodedClip
from luigi_gif.clips.clip_options import ClipOptions
from luigi_gif.clips.size_limit import make_within
from luigi_gif.errors import LUIGI_LOGGER, out_of_memory
from luigi_gif.wording import counted

if TYPE_CHECKING:
    from luigi_gif.integrations import ProgressReporter

logger = logging.getLogger(f"{LUIGI_LOGGER}.clip")


class CombinedClip(NamedTuple):
    """A clip that was just made."""

    size: tuple[int, int]
    """Width and height in pixels."""
    frame_count: int
    duration_ms: int
    """Of one round."""
    size_bytes: int
    gave_up: str = ""
    """For people: what it gave up to be no larger than its limit."""
    encodings: int = 1
    """How many clips were encoded whole to find it, this one included."""


def combine_frames(
    folder: storage.Folder,
    manifest: frames.Manifest,
    name: str,
    origin: Mapping[str, object],
    options: ClipOptions,
    config: settings.dask,
    reporter: ProgressReporter,
) -> CombinedClip:
    """Publish the clip ``name`` of the manifest's frames.

    A clip that was altered since it was written may be the user's: it is set aside.

    Raises DamagedFileError where a frame file is not what was written, or has damaged
    pixels; the manifest then says that it is missing, or calls for a closer look. Raises
    BundleError, StorageError or ClusterError.
    """
    _warn_of_short_delays(manifest, options)
    _tell_of_whole_frames(manifest, options)
    frames.warn_of_duplicates(manifest, merged=not options.drop_duplicates)
    comment = comment_for(origin)
    encoder = ClipEncoder(folder, manifest, reporter)
    try:
        clip = _encode(encoder, options, comment, config)
        with contextlib.closing(clip.blocks), folder.atomic_writer(name) as file:
            size_bytes = _write(file, clip, comment)
            _quarantine_if_altered(folder, name)
        remember_whole(folder, name)
        return _combined(clip, size_bytes)
    except frames.StaleFrames as error:
        frames.have_rewritten(folder, manifest, error)
        raise
    except MemoryError as error:
        raise out_of_memory(folder.path(name)) from error


def _encode(
    encoder: ClipEncoder, options: ClipOptions, comment: bytes, config: settings.dask
) -> EncodedClip:
    """The clip, whose blocks are to be closed.

    Raises DamagedFileError, BundleError, StorageError or ClusterError.
    """
    plan = encoder.plan(options)
    if plan.canvas.opaque and not options.only_changes:
        return EncodedClip(plan, encoder.copied(plan))
    max_work = config.batch_mib << 20

    def clip_bytes(canvas: Canvas, blocks: int) -> int:
        return len(_head(canvas, comment)) + blocks + 1  # the trailer

    with execution.open_executor(config, plan.sequence.work) as executor:
        blocks = encoder.made_by_workers(plan, executor, max_work)
    size_bytes = clip_bytes(plan.canvas, blocks.size_bytes)
    if options.max_bytes is None or size_bytes <= options.max_bytes:
        return EncodedClip(plan, blocks)
    blocks.close()
    with execution.open_executor(config) as executor:
        return make_within(encoder, executor, max_work, plan, size_bytes, clip_bytes)


def _write(file: IO[bytes], clip: EncodedClip, comment: bytes) -> int:
    """Write a clip with its checksum; how many bytes it has."""
    head = _head(clip.plan.canvas, comment)
    crc32 = 0
    for piece in chain([head], clip.blocks.read(), [bytes((gif.TRAILER,))]):
        crc32 = isal_zlib.crc32(piece, crc32)
        file.write(piece)
    size_bytes = file.tell()
    file.seek(checksum_offset(head))
    file.write(b"%08x" % crc32)
    return size_bytes


def _combined(clip: EncodedClip, size_bytes: int) -> CombinedClip:
    """What is told of a clip that was read."""
    canvas, blocks = clip.plan.canvas, clip.blocks
    options, gave_up = canvas.options, ""
    if options.reduction is not None:
        gave_up = options.reduction.words(canvas.frames_size, options.max_colors)
    duration_ms = 10 * blocks.duration_cs
    return CombinedClip(
        canvas.size, blocks.image_count, duration_ms, size_bytes, gave_up, clip.encodings
    )


def _head(canvas: Canvas, comment: bytes) -> bytes:
    return gif.encode_header(canvas.size, canvas.color_table, canvas.options.plays, comment)


def _warn_of_short_delays(manifest: frames.Manifest, options: ClipOptions) -> None:
    short_delays = sum(result.short_delays for result in manifest.results if result)
    if short_delays and options.frame_duration_ms is None:
        message = "%s asked to show for less than 20 ms, which players do not do: 20 ms it is"
        logger.warning(message, counted(short_delays, "frame"))


def _tell_of_whole_frames(manifest: frames.Manifest, options: ClipOptions) -> None:
    if options.only_changes and not manifest.uniform:
        logger.info(
            "frames with transparent pixels, or smaller than the clip, are stored whole: "
            "with --background, and --size of two sides, only what changes is"
        )


def _quarantine_if_altered(folder: storage.Folder, name: str) -> None:
    """What has the clip's name may be the user's by now."""
    existing = read_clip_status(folder, name)
    if existing is not None and not existing.whole:
        new_name = folder.path(folder.quarantine(name))
        logger.warning("%s is not as it was written: it is %s now", folder.path(name), new_name)
