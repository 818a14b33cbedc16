"""The frame files: plan batches of them, write one batch, keep the manifest.

The manifest lies beside the frames. It is published first, to claim the
folder for what is being made, then now and then while batches finish, and
last when all are there; an interrupted run goes on from it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

from luigi_gif import bundle, fanout, gif, settings, storage
from luigi_gif.errors import LUIGI_LOGGER, BundleError

logger = logging.getLogger(f"{LUIGI_LOGGER}.frames")

SUBFOLDER = "frames"
MANIFEST = f"{SUBFOLDER}/manifest.json"
CHECKPOINT_S = 1.0
BATCHES_PER_THREAD = 4

_FRAME_NAME = re.compile(r"frame_([0-9]+)\.gif")


class Stretch(NamedTuple):
    """Neighbouring frames of a bundle, from one waypoint to the next."""

    number: int
    """Of the first frame."""
    frames: int
    """How many."""
    start: int
    """Offset of the first frame in the bundle, in bytes."""
    end: int
    """Offset of the frame behind the last, in bytes, or the end of the bundle."""

    @property
    def size(self) -> int:
        """In bytes of the bundle."""
        return self.end - self.start


class Written(NamedTuple):
    """The frame files of a stretch, as they were written."""

    bytes: int
    crc32: int
    """Of the files' bytes, one file after another."""
    width: int
    """Of the widest frame, in pixels."""
    height: int
    surplus: int
    """Images beside the first of each frame; a clip shows the first."""


class Batch(NamedTuple):
    """What one worker does at a time; it reads and writes the bytes itself."""

    folder: str
    data_file: str
    digits: int
    stretches: tuple[tuple[int, Stretch], ...]
    """Each with its place in the manifest."""


class Manifest(NamedTuple):
    """Which frame files there are, and of what they were made."""

    recipe: dict[str, Any]
    sha256: str
    """Of the bundle."""
    stretches: list[Stretch]
    written: list[Written | None]
    """For each stretch, None until its frames are there."""

    @property
    def frames(self) -> int:
        """How many there are to be."""
        return sum(stretch.frames for stretch in self.stretches)

    @property
    def size(self) -> tuple[int, int]:
        """Of the smallest screen that holds every frame: width, height in pixels."""
        written = [each for each in self.written if each]
        return max(each.width for each in written), max(each.height for each in written)

    def save(self, folder: storage.Folder, *, lasting: bool) -> None:
        """Publish it in ``folder``."""
        value = {
            "recipe": self.recipe,
            "sha256": self.sha256,
            "stretches": self.stretches,
            "written": self.written,
        }
        folder.write_json(MANIFEST, value, lasting=lasting)


def load_manifest(folder: storage.Folder) -> Manifest | None:
    """The manifest of ``folder``, or None where there is none that can be read."""
    value = folder.read_json(MANIFEST)
    if value is None:
        return None
    try:
        manifest = Manifest(
            value["recipe"],
            value["sha256"],
            [Stretch(*stretch) for stretch in value["stretches"]],
            [written and Written(*written) for written in value["written"]],
        )
    except (KeyError, TypeError):
        return None
    return manifest if len(manifest.written) == len(manifest.stretches) else None


def blank_manifest(index: dict[str, Any]) -> Manifest:
    """The manifest before any frame is written, from what SplitFrames noted."""
    waypoints = index["waypoints"]
    beyond = [*waypoints[1:], (index["frames"], index["end"])]
    stretches = [
        Stretch(number, next_number - number, start, stop)
        for (number, start), (next_number, stop) in zip(waypoints, beyond, strict=True)
    ]
    return Manifest(index["recipe"], index["sha256"], stretches, [None] * len(stretches))


def stretch_of(manifest: Manifest, number: int) -> int:
    """The place in the manifest of the stretch that holds frame ``number``."""
    return bisect_right(manifest.stretches, number, key=lambda stretch: stretch.number) - 1


def file_name(number: int, digits: int) -> str:
    """The name of a frame's file inside the work directory."""
    return f"{SUBFOLDER}/frame_{number:0{digits}d}.gif"


def digits_for(count: int) -> int:
    """How many digits the names of ``count`` frame files have."""
    return max(2, len(str(count - 1)))


class Listing(NamedTuple):
    """What one listing of the frame files says."""

    missing: list[int]
    """The stretches whose files are not all there in their full size."""
    strays: list[str]
    """Names of frame files that belong to none."""


def listing(folder: storage.Folder, manifest: Manifest) -> Listing:
    """Hold the frame files against the manifest; no file is opened.

    Files under other names than those of frames are the user's, and are left out.
    """
    count = manifest.frames
    digits = digits_for(count)
    found = [[0, 0] for _ in manifest.stretches]
    strays = []
    for name, size in folder.entries(SUBFOLDER):
        if frame := _FRAME_NAME.fullmatch(name):
            number = int(frame[1])
            if number < count and len(frame[1]) == digits:
                place = found[stretch_of(manifest, number)]
                place[0] += 1
                place[1] += size
            else:
                strays.append(name)
    missing = [
        index
        for index, (stretch, written) in enumerate(
            zip(manifest.stretches, manifest.written, strict=True)
        )
        if written is None or found[index] != [stretch.frames, written.bytes]
    ]
    return Listing(missing, strays)


def write_missing(
    folder: storage.Folder, data_file: str, manifest: Manifest, config: settings.dask
) -> int:
    """Write what is missing of the frame files, and the manifest; how many were written.

    Call it only when the folder is locked.

    Raises BundleError, StorageError or ClusterError.
    """
    todo, strays = listing(folder, manifest)
    for name in strays:
        folder.remove(f"{SUBFOLDER}/{name}")
    for index in todo:
        manifest.written[index] = None
    manifest.save(folder, lasting=False)
    saved = time.monotonic()
    with fanout.executor(config) as executor:
        max_bytes = _batch_bytes(manifest, todo, executor.threads, config.batch_mib << 20)
        batches = _batches(folder, data_file, manifest, todo, max_bytes)
        with contextlib.closing(executor.run(write_batch, batches)) as finished:
            for results in finished:
                for index, written in results:
                    manifest.written[index] = written
                if time.monotonic() - saved >= CHECKPOINT_S:
                    manifest.save(folder, lasting=False)
                    saved = time.monotonic()
    manifest.save(folder, lasting=True)
    surplus = sum(written.surplus for written in manifest.written if written)
    if surplus:
        logger.warning("%d images are left out: a clip shows the first of each frame", surplus)
    return sum(manifest.stretches[index].frames for index in todo)


def write_batch(batch: Batch) -> list[tuple[int, Written]]:
    """On a worker: write the frame files of a batch. Raises BundleError or StorageError."""
    folder = storage.folder(batch.folder)
    return [(index, _write_stretch(folder, batch, stretch)) for index, stretch in batch.stretches]


def bundle_error(error: bundle.BadFrame, path: str) -> BundleError:
    """What to tell the user of a bad frame in the bundle at ``path``."""
    return BundleError(
        f"frame {error.number} of the bundle is not usable",
        where=f"{path}, at byte {error.offset:,}",
        expected=error.expected,
        got=error.got,
        next_step="mend the bundle at its source, delete this file, and run again",
    )


def changed_error(path: str) -> BundleError:
    """What to tell the user of a bundle at ``path`` that is not what it was."""
    return BundleError(
        "the bundle changed while it was used",
        where=path,
        expected="the bundle that was there at first",
        got="another one",
        next_step="run again when nobody writes to it",
    )


def _write_stretch(folder: storage.Folder, batch: Batch, stretch: Stretch) -> Written:
    data = folder.read_once(batch.data_file, stretch.start, stretch.end)
    written, crc32, width, height, surplus = 0, 0, 0, 0, 0
    number = stretch.number
    try:
        for frame in _frames(data, stretch):
            image, images = gif.first_image(frame.data)
            surplus += images - 1
            width, height = max(width, image.extent[0]), max(height, image.extent[1])
            folder.write(file_name(number, batch.digits), frame.data)
            crc32 = zlib.crc32(frame.data, crc32)
            written += len(frame.data)
            number += 1
    except bundle.BadFrame as error:
        raise bundle_error(error, folder.path(batch.data_file)) from None
    except gif.MalformedGif as error:
        bad = bundle.BadFrame(number, frame.offset, error.expected, error.got)
        raise bundle_error(bad, folder.path(batch.data_file)) from None
    if number != stretch.number + stretch.frames:
        raise changed_error(folder.path(batch.data_file))
    return Written(written, crc32, width, height, surplus)


def _frames(data: bytes, stretch: Stretch) -> Iterator[bundle.Frame]:
    pieces = iter((data,))
    return bundle.frames(lambda _: next(pieces, b""), number=stretch.number, offset=stretch.start)


def _batch_bytes(manifest: Manifest, todo: list[int], threads: int, most: int) -> int:
    """Enough batches to keep every thread busy to the end, and no more than that."""
    total = sum(manifest.stretches[index].size for index in todo)
    return min(most, total // (BATCHES_PER_THREAD * threads))


def _batches(
    folder: storage.Folder, data_file: str, manifest: Manifest, todo: list[int], max_bytes: int
) -> Iterator[Batch]:
    """Batches of the stretches in ``todo``; each at most ``max_bytes``, or one stretch."""
    digits = digits_for(manifest.frames)
    waiting: list[tuple[int, Stretch]] = []
    size = 0
    for index in todo:
        stretch = manifest.stretches[index]
        if waiting and size + stretch.size > max_bytes:
            yield Batch(folder.url, data_file, digits, tuple(waiting))
            waiting, size = [], 0
        waiting.append((index, stretch))
        size += stretch.size
    if waiting:
        yield Batch(folder.url, data_file, digits, tuple(waiting))
