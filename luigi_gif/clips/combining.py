"""The frame files to one clip.

Image data are copied as they are where every frame alone decides each pixel
of the clip. Else, and to store only what changes, workers write blocks of the
clip beside the frames, and these are copied.
"""

from __future__ import annotations

import contextlib
import logging
import zlib
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from luigi_gif import execution, frames, gif, settings, storage
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.clip_comment import (
    checksum_offset,
    comment_for,
    read_clip_status,
    remember_whole,
)
from luigi_gif.clips.clip_encoder import Blocks, ClipEncoder, ClipPlan
from luigi_gif.clips.clip_options import ClipOptions
from luigi_gif.clips.frame_reader import ChangedFrame
from luigi_gif.clips.size_limit import make_within
from luigi_gif.errors import LUIGI_LOGGER, out_of_memory

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
) -> CombinedClip:
    """Publish the clip ``name`` of the manifest's frames.

    A clip that was altered since it was written may be the user's: it is set aside.

    Raises DamagedFileError where a frame file is not what was written; the
    manifest then says that it is missing. Raises BundleError, StorageError or
    ClusterError.
    """
    _warn_of_short_delays(manifest, options)
    frames.warn_of_duplicates(manifest, merged=not options.drop_duplicates)
    comment = comment_for(origin)
    try:
        with (
            _encoded(ClipEncoder(folder, manifest), options, comment, config) as (
                plan,
                blocks,
                encodings,
            ),
            folder.atomic_writer(name) as file,
        ):
            head = _head(plan.canvas, comment)
            crc32 = 0
            for piece in chain([head], blocks.read(), [bytes((gif.TRAILER,))]):
                crc32 = zlib.crc32(piece, crc32)
                file.write(piece)
            size = file.tell()
            file.seek(checksum_offset(head))
            file.write(b"%08x" % crc32)
            _quarantine_if_altered(folder, name)
        remember_whole(folder, name)
        canvas, reduction = plan.canvas, plan.canvas.options.reduction
        return CombinedClip(
            canvas.size,
            blocks.image_count,
            10 * blocks.duration_cs,
            size,
            "" if reduction is None else reduction.words(canvas.frames_size),
            encodings,
        )
    except ChangedFrame as error:
        manifest.results[frames.find_chunk_index(manifest, error.number)] = None
        manifest.save(folder)
        raise
    except MemoryError as error:
        raise out_of_memory(folder.path(name)) from error


@contextlib.contextmanager
def _encoded(
    encoder: ClipEncoder, options: ClipOptions, comment: bytes, config: settings.dask
) -> Iterator[tuple[ClipPlan, Blocks, int]]:
    """What the clip shows, its blocks, and how many clips were encoded, while the block lasts.

    Raises DamagedFileError, BundleError, StorageError or ClusterError.
    """
    plan = encoder.plan(options)
    if plan.canvas.opaque and not options.only_changes:
        yield plan, encoder.copied(plan), 1
        return
    max_work = config.batch_mib << 20

    def clip_bytes(canvas: Canvas, blocks: int) -> int:
        return len(_head(canvas, comment)) + blocks + 1  # the trailer

    with execution.open_executor(config, plan.sequence.work) as executor:
        blocks = encoder.made_by_workers(plan, executor, max_work)
    with contextlib.closing(blocks):
        size = clip_bytes(plan.canvas, blocks.size_bytes)
        if options.max_bytes is None or size <= options.max_bytes:
            yield plan, blocks, 1
            return
    with execution.open_executor(config) as executor:
        limited = make_within(encoder, executor, max_work, plan, size, clip_bytes)
    with contextlib.closing(limited.blocks):
        yield limited


def _head(canvas: Canvas, comment: bytes) -> bytes:
    return gif.encode_header(canvas.size, canvas.color_table, canvas.options.plays, comment)


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
