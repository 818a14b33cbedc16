"""Read frame files, each held against what WriteFrames noted of it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from luigi_gif import frames, gif, storage
from luigi_gif.clips.clip_batches import ClipBatch, WrittenChunk
from luigi_gif.clips.clip_canvas import center
from luigi_gif.errors import DamagedFileError, Malformed, Truncated


class ChangedFrame(DamagedFileError):
    """The file of frame ``number`` is not what was written."""

    def __init__(self, number: int, path: str, got: str) -> None:
        super().__init__(
            "a frame file is not what was written",
            where=path,
            expected="the bytes that WriteFrames wrote",
            got=got,
            next_step="run again: it is written anew",
        )
        self.number = number

    def __reduce__(self) -> tuple[object, ...]:
        return ChangedFrame, (self.number, self.where, self.got)


class ShownFrame(NamedTuple):
    """A frame of the clip."""

    number: int
    chunk_index: int
    """Of its chunk in the manifest."""
    image: gif.Image
    """On the canvas of the clip."""


class FrameReader:
    """Reads frame files, and keeps the SHA-256 of those that another batch reads too."""

    def __init__(self, folder: storage.Folder, digits: int) -> None:
        self._folder = folder
        self._digits = digits
        self.digests: dict[int, str] = {}
        """By the numbers of the frames."""

    def read_image(self, number: int) -> gif.Image:
        """The image of one frame file. Raises ChangedFrame."""
        name = frames.frame_file_name(number, self._digits)
        (content,) = self._folder.read_many([name], 1)
        file = self._existing(number, content)
        self.digests[number] = hashlib.sha256(file).hexdigest()
        return self._first_image(number, file)

    def read_shown_frames(self, batch: ClipBatch) -> Iterator[ShownFrame]:
        """The frames of a batch, each chunk held against the manifest. Raises ChangedFrame."""
        ends = batch.end_numbers
        contents = self._folder.read_many(
            (
                frames.frame_file_name(number, self._digits)
                for each in batch.chunks
                for number in each.shown_numbers
            ),
            sum(each.result.size_bytes for each in batch.chunks)
            // sum(each.chunk.frame_count for each in batch.chunks),
        )
        for chunk in batch.chunks:
            numbers = chunk.shown_numbers
            files = [
                self._existing(number, content)
                for number, content in zip(numbers, islice(contents, len(numbers)), strict=True)
            ]
            images = [
                center(self._first_image(number, file), batch.canvas.size)
                for number, file in zip(numbers, files, strict=True)
            ]
            self._check_checksum(chunk, files)
            self.digests |= {
                number: hashlib.sha256(file).hexdigest()
                for number, file in zip(numbers, files, strict=True)
                if number in ends
            }
            yield from map(ShownFrame, numbers, [chunk.chunk_index] * len(numbers), images)

    def changed_frame(self, number: int, got: str) -> ChangedFrame:
        """The error of a frame whose file is not what was written."""
        path = self._folder.path(frames.frame_file_name(number, self._digits))
        return ChangedFrame(number, path, got)

    def _existing(self, number: int, content: bytes | None) -> bytes:
        if content is None:
            raise self.changed_frame(number, "no file")
        return content

    def _first_image(self, number: int, file: bytes) -> gif.Image:
        try:
            return gif.read_first_image(file)[0]
        except (Truncated, Malformed) as error:
            raise self.changed_frame(number, str(error) or "a GIF that is cut off") from None

    def _check_checksum(self, chunk: WrittenChunk, files: list[bytes]) -> None:
        crc32 = 0
        for file in files:
            crc32 = zlib.crc32(file, crc32)
        if crc32 != chunk.result.crc32:
            numbers = chunk.shown_numbers
            got = f"other bytes, in it or in a file up to number {numbers[-1]}"
            raise self.changed_frame(numbers[0], got)
