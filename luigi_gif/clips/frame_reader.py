"""Read frame files, each held against what WriteFrames noted of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from isal import isal_zlib

from luigi_gif import frames, gif, imaging, storage
from luigi_gif.clips.clip_batches import ClipBatch
from luigi_gif.clips.clip_canvas import Canvas, center
from luigi_gif.clips.sequence import Part, WrittenChunk
from luigi_gif.errors import Malformed, Truncated, Undecodable


class ShownFrame(NamedTuple):
    """A step of the clip, with its image."""

    number: int
    part_index: int
    image: gif.Image
    """On the canvas of the clip."""
    frame_count: int
    """How many frames it stands for."""
    own_cs: int
    """How long these show by their own delays, in sum, in hundredths of a second."""


class FrameReader:
    """Reads frame files, and keeps the SHA-256 of those that another batch reads too."""

    def __init__(self, folder: storage.Folder, digits: int) -> None:
        self._folder = folder
        self._digits = digits
        self.digests: dict[int, str] = {}
        """By the numbers of the frames."""

    def read_image(self, number: int) -> gif.Image:
        """The image of one frame file. Raises ChangedFrame."""
        return next(self.read_images([number], 1))

    def read_images(self, numbers: Sequence[int], typical_bytes: int) -> Iterator[gif.Image]:
        """The images of some frame files of about this size, in order. Raises ChangedFrame."""
        contents = self._folder.read_many(map(self._name, numbers), typical_bytes)
        for number, content in zip(numbers, contents, strict=True):
            file = self._existing(number, content)
            self.digests[number] = hashlib.sha256(file).hexdigest()
            yield self._first_image(number, file)

    def read_placed(self, number: int, canvas: Canvas) -> gif.Image:
        """The image of one frame file as the clip has it. Raises ChangedFrame."""
        return self._placed(number, self.read_image(number), canvas)

    def read_shown_frames(self, batch: ClipBatch) -> Iterator[ShownFrame]:
        """The frames of a batch, each chunk held against the manifest. Raises ChangedFrame."""
        read_elsewhere = batch.read_elsewhere
        chunks = [part.written for part in batch.parts]
        contents = self._folder.read_many(
            (self._name(number) for chunk in chunks for number in chunk.numbers),
            sum(chunk.result.size_bytes for chunk in chunks)
            // sum(chunk.chunk.frame_count for chunk in chunks),
        )
        for part in batch.parts:
            numbers = part.written.numbers
            files = [
                self._existing(number, content)
                for number, content in zip(numbers, islice(contents, len(numbers)), strict=True)
            ]
            images = dict(zip(numbers, map(self._first_image, numbers, files), strict=True))
            self._check_checksum(part.written, files)
            self.digests |= {
                number: hashlib.sha256(file).hexdigest()
                for number, file in zip(numbers, files, strict=True)
                if number in read_elsewhere
            }
            yield from self._shown_frames(part, images, batch.canvas)

    def _shown_frames(
        self, part: Part, images: dict[int, gif.Image], canvas: Canvas
    ) -> Iterator[ShownFrame]:
        """The steps of a part, of whose chunk these are the images by number."""
        trailing = self.read_images(part.trailing, part.written.typical_bytes)
        images |= zip(part.trailing, trailing, strict=True)
        for step in part.steps:
            image = images[step.number]
            own_cs = gif.displayed_cs(image.delay_cs) + step.merged.delay_cs
            for number in step.others:
                own_cs += gif.displayed_cs(images[number].delay_cs)
            image = self._placed(step.number, image, canvas)
            yield ShownFrame(step.number, part.part_index, image, step.frame_count, own_cs)

    def _placed(self, number: int, image: gif.Image, canvas: Canvas) -> gif.Image:
        """An image on the canvas of the clip, and as small as it is to be there."""
        image = center(image, canvas.frames_size)
        reduction = canvas.options.reduction
        if reduction is None:
            return image
        try:
            return imaging.smaller_image(
                image, reduction.size, reduction.colors, reduction.color_table
            )
        except Undecodable as error:  # WriteFrames, called again for it, counts them
            raise self.damaged_frame(number, error) from None

    def damaged_frame(self, number: int, error: Undecodable) -> frames.DamagedPixels:
        """The error of a frame whose pixels cannot be decoded."""
        path = self._folder.path(self._name(number))
        return frames.DamagedPixels(number, path, error.expected, error.got)

    def _name(self, number: int) -> str:
        return frames.frame_file_name(number, self._digits)

    def changed_frame(self, number: int, got: str) -> frames.ChangedFrame:
        """The error of a frame whose file is not what was written."""
        return frames.ChangedFrame(number, self._folder.path(self._name(number)), got)

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
            crc32 = isal_zlib.crc32(file, crc32)
        if crc32 != chunk.result.crc32:
            numbers = chunk.numbers
            got = f"other bytes, in it or in a file up to number {numbers[-1]}"
            raise self.changed_frame(numbers[0], got)
