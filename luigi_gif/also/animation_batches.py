"""Encode the pictures of animated WebP and PNG, batch by batch: what runs on a worker.

The images of a part go into a file of their own, one for each format. The run copies them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import clips, containers, frames, imaging, storage
from luigi_gif.also.shown_pictures import PartPlan, ShownPicture, picture_at, shown_pictures
from luigi_gif.errors import out_of_memory

if TYPE_CHECKING:
    from PIL.Image import Image


class Animation(NamedTuple):
    """How the images of a file are stored."""

    format: str
    """``webp`` or ``apng``."""
    lossless: bool
    """Whether each pixel is exact; of a PNG it always is."""
    has_alpha: bool
    """Whether the pixels of a PNG have alpha. Those of a WebP have it where they need it."""


class AnimationBatch(NamedTuple):
    """Neighbouring chunks, whose pictures are encoded together."""

    data_file: str
    options: frames.RenderOptions
    canvas: clips.Canvas
    animations: tuple[Animation, ...]
    chunks: tuple[list[PartPlan], ...]

    @property
    def is_exact(self) -> bool:
        """Whether anything is stored of a picture by what changed since the one before it."""
        return any(each.lossless for each in self.animations)


class EncodedBatch(NamedTuple):
    """What a worker made of a batch."""

    files: dict[str, list[clips.BlockFile]]
    """By the format, one for each part."""
    has_alpha: bool
    """Whether any pixel is not opaque."""


def encode_batch(
    handles: Mapping[str, storage.FolderHandle], font: storage.FolderHandle, batch: AnimationBatch
) -> EncodedBatch:
    """On a worker: write the images of each part, for each format with the token of its handle.

    Raises BundleError or StorageError.
    """
    folder = storage.attach(font)
    files: dict[str, list[clips.BlockFile]] = {each.format: [] for each in batch.animations}
    has_alpha = False
    try:
        options = frames.with_font(font, folder, batch.options)
        reader = frames.TrueColorReader(folder, batch.data_file, options)
        with folder.writer() as write:
            for plan in (plan for chunk in batch.chunks for plan in chunk):
                encoded = _EncodedPart(batch.animations)
                encoded.add_all(reader, plan, batch)
                has_alpha |= encoded.has_alpha
                index = plan.part.part_index
                for format_, blocks in encoded.blocks.items():
                    data = b"".join(blocks)
                    write(handles[format_].block_file(frames.SUBFOLDER, index), data)
                    counts = encoded.image_count, encoded.duration_cs
                    file = clips.BlockFile(index, len(data), zlib.crc32(data), *counts)
                    files[format_].append(file)
    except MemoryError as error:
        raise out_of_memory(folder.path(batch.data_file)) from error
    return EncodedBatch(files, has_alpha)


class _EncodedPart:
    """The images of one part."""

    def __init__(self, animations: tuple[Animation, ...]) -> None:
        self._animations = animations
        self.blocks: dict[str, list[bytes]] = {each.format: [] for each in animations}
        self.has_alpha = False
        self.image_count = 0
        self.duration_cs = 0

    def add_all(
        self, reader: frames.TrueColorReader, plan: PartPlan, batch: AnimationBatch
    ) -> None:
        """Encode each picture. Raises BundleError and StorageError."""
        before = None
        if plan.before is not None and batch.is_exact:
            before = picture_at(reader, plan.before, batch.canvas)
        for shown in shown_pictures(reader, plan, batch.canvas):
            self._add(shown, before)
            before = shown.picture

    def _add(self, shown: ShownPicture, before: Image | None) -> None:
        self.has_alpha |= shown.picture.mode == "RGBA"
        for delay_cs in clips.split_delay(shown.delay_cs):
            for animation in self._animations:
                block = _encode(animation, shown.picture, before, delay_cs)
                self.blocks[animation.format].append(block)
            before = shown.picture
            self.image_count += 1
            self.duration_cs += delay_cs


def _encode(animation: Animation, picture: Image, before: Image | None, delay_cs: int) -> bytes:
    """What a file stores of a picture."""
    if animation.format == "apng":
        part = imaging.encode_png_part(picture, before, with_alpha=animation.has_alpha)
        return containers.apng_frame(part.data, part.size, part.position, delay_cs)
    part = imaging.encode_webp_part(picture, before, lossless=animation.lossless)
    pixels = containers.webp_pixels(part.data)
    return containers.webp_frame(pixels, part.size, part.position, delay_cs)
