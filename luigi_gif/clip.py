"""The frame files to one clip: image data are copied, never decoded."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from luigi_gif import frames, gif, storage
from luigi_gif.errors import DamagedFileError

DEFAULT_DELAY_CS = 10
"""For a frame that sets no delay: 100 ms."""
_HEAD_BYTES = 4096
"""Enough for all that stands before the first image of a clip."""
_MARK = b"luigi_gif "


class Timing(NamedTuple):
    """How a clip plays."""

    plays: int
    """How often; 0 is forever."""
    frame_duration_ms: int | None
    """For every frame; None leaves each its own."""


class Found(NamedTuple):
    """What lies where a clip should."""

    whole: bool
    origin: dict[str, Any] | None
    """Of what this pipeline made it; None where it did not."""


def find(folder: storage.Folder, name: str) -> Found | None:
    """Look at the clip ``name``, its beginning and its last byte; None if it is not there."""
    try:
        head = folder.read(name, 0, _HEAD_BYTES)
        tail = folder.read(name, -1)
    except FileNotFoundError:
        return None
    whole = head.startswith(gif.SIGNATURES) and tail == bytes((gif.TRAILER,))
    return Found(whole, _origin(gif.first_comment(head) or b""))


def combine(
    folder: storage.Folder,
    manifest: frames.Manifest,
    name: str,
    origin: dict[str, Any],
    timing: Timing,
) -> int:
    """Publish the clip ``name`` of the manifest's frames; its size in bytes.

    Raises DamagedFileError where a frame file is not what was written; the
    manifest then says that it is missing. Raises StorageError.
    """
    comment = _MARK + json.dumps(origin, separators=(",", ":")).encode()
    with folder.publish(name) as file:
        _write(file, _images(folder, manifest), manifest.size, comment, timing)
        return file.tell()


def _origin(comment: bytes) -> dict[str, Any] | None:
    try:
        origin = json.loads(comment.removeprefix(_MARK)) if comment.startswith(_MARK) else None
    except ValueError:
        return None
    return origin if isinstance(origin, dict) else None


def _write(
    file: IO[bytes],
    images: Iterator[gif.Image],
    size: tuple[int, int],
    comment: bytes,
    timing: Timing,
) -> None:
    image: gif.Image | None = next(images)
    assert image is not None
    global_table = image.color_table
    file.write(gif.header(size, global_table, timing.plays, comment))
    delays = _delays(timing.frame_duration_ms)
    while image is not None:
        following = next(images, None)
        covered = following is None or (following.fills_screen and following.size == size)
        blocks = gif.image_blocks(
            image,
            position=image.position,
            delay_cs=next(delays) or image.delay_cs or DEFAULT_DELAY_CS,
            disposal=gif.DISPOSE_NOT if covered else gif.DISPOSE_TO_BACKGROUND,
            global_table=global_table,
        )
        file.write(blocks)
        file.write(image.data)
        image = following
    file.write(bytes((gif.TRAILER,)))


def _delays(frame_duration_ms: int | None) -> Iterator[int]:
    """Delays in hundredths of a second whose roundings do not add up; 0 for a frame's own."""
    elapsed_cs = number = 0
    while True:
        number += 1
        delay = round(number * (frame_duration_ms or 0) / 10) - elapsed_cs
        elapsed_cs += delay
        yield delay


def _images(folder: storage.Folder, manifest: frames.Manifest) -> Iterator[gif.Image]:
    """The image of each frame file, after its stretch was held against the manifest."""
    digits = frames.digits_for(manifest.frames)
    try:
        for stretch, written in zip(manifest.stretches, manifest.written, strict=True):
            yield from _read(folder, digits, stretch, written)
    except _Changed as error:
        index = frames.stretch_of(manifest, error.number)
        manifest.written[index] = None
        manifest.save(folder, lasting=True)
        raise DamagedFileError(
            "a frame file is not what was written",
            where=folder.path(error.name),
            expected="the bytes that WriteFrames wrote",
            got=error.got,
            next_step="run again: it is written anew",
        ) from None


class _Changed(Exception):
    """The file ``name`` of frame ``number`` is not what was written."""

    def __init__(self, number: int, name: str, got: str) -> None:
        super().__init__(number, name, got)
        self.number = number
        self.name = name
        self.got = got


def _read(
    folder: storage.Folder,
    digits: int,
    stretch: frames.Stretch,
    written: frames.Written | None,
) -> list[gif.Image]:
    """The images of a stretch. Raises _Changed."""
    first, count = stretch.number, stretch.frames
    crc32 = 0
    images = []
    for number in range(first, first + count):
        name = frames.file_name(number, digits)
        try:
            data = folder.read(name)
            image, _ = gif.first_image(data)
        except FileNotFoundError:
            raise _Changed(number, name, "no file") from None
        except (gif.TruncatedGif, gif.MalformedGif) as error:
            raise _Changed(number, name, str(error) or "a GIF that is cut off") from None
        images.append(image)
        crc32 = zlib.crc32(data, crc32)
    if written is None or crc32 != written.crc32:
        got = f"other bytes, in it or in a file up to number {first + count - 1}"
        raise _Changed(first, frames.file_name(first, digits), got)
    return images
