"""Make the files beside a clip: each appears whole, with a note at its end."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from isal import isal_zlib

from luigi_gif import containers, frames, imaging, storage
from luigi_gif.also.also_files import ANIMATIONS, VIDEOS, AlsoFile
from luigi_gif.also.animation_files import AnimationEncoder, apng_bytes, webp_bytes
from luigi_gif.also.avif_file import avif_bytes
from luigi_gif.also.file_sources import FileSources
from luigi_gif.also.file_status import check_place_beside, read_file_status, remember_whole
from luigi_gif.also.replaying import replayed_bytes
from luigi_gif.also.video_files import open_videos
from luigi_gif.errors import LUIGI_LOGGER, BundleError, out_of_memory

logger = logging.getLogger(f"{LUIGI_LOGGER}.also")

Origins = Mapping[AlsoFile, Mapping[str, object]]
"""Of the files that are to be made, of what each is."""


class MadeFile(NamedTuple):
    """A file that was just made."""

    file: AlsoFile
    size_bytes: int


def make_files(
    sources: FileSources, origins: Origins, noted: Collection[object] = ()
) -> Iterator[MadeFile]:
    """Publish files beside a clip, one after another.

    One that was altered since it was written may be the user's: it is set aside. So is one without
    a note, as if it was cut off, whose name is among the ``noted`` ones that a run has made.

    Raises BundleError, ForeignFileError, StorageError, ClusterError or VideoError; and
    DamagedFileError where a frame has damaged pixels, or the bundle is gone: the manifest then
    calls for a closer look.
    """
    try:
        yield from _make_files(sources, origins, noted)
    except frames.StaleFrames as error:
        frames.have_rewritten(sources.folder, sources.manifest, error)
        raise
    except MemoryError as error:
        raise out_of_memory(sources.folder.url) from error


def _make_files(
    sources: FileSources, origins: Origins, noted: Collection[object]
) -> Iterator[MadeFile]:
    if not sources.folder.exists(sources.data_file):
        raise frames.MissingBundle(sources.folder.path(sources.data_file))
    for file in origins:
        if file.name not in noted:
            check_place_beside(sources.folder, file)
        _check_size(sources, file)
    writer = _Writer(sources.folder, origins)
    by_format = {file.format: file for file in origins}
    for file, origin in origins.items():
        if replayed := replayed_bytes(sources.folder, file, origin):
            yield writer.publish(by_format.pop(file.format), replayed)
    if poster := by_format.get("poster"):
        yield writer.publish(poster, _poster_bytes(sources, writer.note_bytes(poster)))
    if animated := [format_ for format_ in by_format if format_ in ANIMATIONS]:
        yield from _make_animations(sources, writer, [by_format[each] for each in animated])
    if avif := by_format.get("avif"):
        yield writer.publish(avif, [avif_bytes(sources)])
    if videos := [file for file in by_format.values() if file.format in VIDEOS]:
        with open_videos(sources, videos) as made:
            for file, pieces in made:
                yield writer.publish(file, pieces)


def _make_animations(
    sources: FileSources, writer: _Writer, files: list[AlsoFile]
) -> Iterator[MadeFile]:
    size, plays = sources.plan.canvas.size, sources.options.clip.plays
    with contextlib.ExitStack() as stack:
        encoded = AnimationEncoder(sources).encode([file.format for file in files], stack)
        for file in files:
            animation = encoded[file.format]
            if file.format == "apng":
                pieces = apng_bytes(animation, size, plays)
            else:
                path = sources.folder.path(file.name)
                pieces = webp_bytes(animation, size, plays, writer.note_bytes(file), path)
            yield writer.publish(file, pieces)


def _poster_bytes(sources: FileSources, note_bytes: int) -> Iterator[bytes]:
    """A WebP of the last frame, up to the note."""
    with sources.reader() as reader:
        picture = sources.last_frame(reader)
    encoder = imaging.WebpEncoder(lossless=sources.options.lossless)
    data = encoder.encode(picture, None).data
    has_alpha = picture.mode == "RGBA"
    yield containers.still_webp(data, picture.size, note_bytes, has_alpha=has_alpha)


def _check_size(sources: FileSources, file: AlsoFile) -> None:
    if file.container == "riff" and max(sources.plan.canvas.size) > containers.MAX_WEBP_SIDE:
        raise BundleError(
            "the frames are too large for a WebP",
            where=sources.folder.path(file.name),
            expected=f"at most {containers.MAX_WEBP_SIDE:,} pixels a side",
            got="{}x{}".format(*sources.plan.canvas.size),
            next_step=f"leave {file.format} out of --also, or give a --size",
        )


class _Writer:
    """Publishes files with their notes."""

    def __init__(self, folder: storage.Folder, origins: Origins) -> None:
        self._folder = folder
        self._texts = {
            file: json.dumps(origin, separators=(",", ":")).encode()
            for file, origin in origins.items()
        }

    def note_bytes(self, file: AlsoFile) -> int:
        """How many bytes the note of a file has."""
        return len(containers.encode_note(file.container, self._texts[file], 0))

    def publish(self, file: AlsoFile, pieces: Iterable[bytes]) -> MadeFile:
        """Write a file of these bytes and its note. Raises StorageError."""
        crc32 = 0
        with self._folder.atomic_writer(file.name) as opened:
            for piece in pieces:
                crc32 = isal_zlib.crc32(piece, crc32)
                opened.write(piece)
            opened.write(containers.encode_note(file.container, self._texts[file], crc32))
            size_bytes = opened.tell()
            self._quarantine_if_altered(file)
        remember_whole(self._folder, file)
        return MadeFile(file, size_bytes)

    def _quarantine_if_altered(self, file: AlsoFile) -> None:
        """What has the file's name may be the user's by now."""
        existing = read_file_status(self._folder, file)
        if existing is not None and not existing.whole:
            new_name = self._folder.path(self._folder.quarantine(file.name))
            path = self._folder.path(file.name)
            logger.warning("%s is not as it was written: it is %s now", path, new_name)
