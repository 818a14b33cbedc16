"""Encode the pictures of animated WebP and PNG, batch by batch: what runs on a worker.

The images of a part go into a file of their own, one for each format. The run copies them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from isal import isal_zlib

from luigi_gif import clips, containers, frames, imaging, storage
from luigi_gif.also.shown_pictures import (
    PartPlan,
    Run,
    ShownPicture,
    picture_at,
    shown_pictures,
    ways_of,
)
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
    """Neighbouring runs, whose pictures are encoded together."""

    data_file: str
    options: frames.RenderOptions
    canvas: clips.Canvas
    animations: tuple[Animation, ...]
    runs: tuple[Run, ...]


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
            for part in _encoded_parts(reader, batch):
                has_alpha |= part.has_alpha
                for format_, blocks in part.blocks.items():
                    data = b"".join(blocks)
                    write(handles[format_].block_file(frames.SUBFOLDER, part.index), data)
                    counts = part.image_count, part.duration_cs
                    file = clips.BlockFile(part.index, len(data), isal_zlib.crc32(data), *counts)
                    files[format_].append(file)
    except MemoryError as error:
        raise out_of_memory(folder.path(batch.data_file)) from error
    return EncodedBatch(files, has_alpha)


def _encoded_parts(reader: frames.TrueColorReader, batch: AnimationBatch) -> Iterator[_EncodedPart]:
    last: ShownPicture | None = None
    for run in batch.runs:
        for plans in ways_of(run):
            encoder = _PictureEncoder(batch.animations)
            encoder.before, pictures = _pictures(reader, plans, batch.canvas, last)
            following = next(pictures, None)
            for plan in plans:
                part = _EncodedPart(plan.part.part_index, batch.animations)
                while following and following[0] is plan:
                    last = following[1]
                    part.has_alpha |= last.picture.mode == "RGBA"
                    for delay_cs in clips.split_delay(last.delay_cs):
                        part.add(encoder.encode(last.picture, delay_cs), delay_cs)
                    following = next(pictures, None)
                yield part


def _pictures(
    reader: frames.TrueColorReader,
    plans: list[PartPlan],
    canvas: clips.Canvas,
    last: ShownPicture | None,
) -> tuple[Image | None, Iterator[tuple[PartPlan, ShownPicture]]]:
    """The picture before the first of some parts, if it counts, and theirs, each with its part.

    The one before is of another run: ``last``, or decoded for this. Where all of the second picture
    changed, all of the first is taken to have changed too, and none before it counts.
    """
    pictures = ((plan, each) for plan in plans for each in shown_pictures(reader, plan, canvas))
    ahead = list(islice(pictures, 2))
    place = plans[0].before if ahead else None
    if place is None or _all_changes([shown.picture for _, shown in ahead]):
        before = None
    elif last and last.number == place.number:
        before = last.picture
    else:
        before = picture_at(reader, place, canvas)
    return before, chain(ahead, pictures)


def _all_changes(pictures: list[Image]) -> bool:
    if len(pictures) < 2:
        return False
    first, second = pictures
    return imaging.changed_box(second, first) == (0, 0, *second.size)


class _EncodedPart:
    """The images of one part."""

    def __init__(self, index: int, animations: tuple[Animation, ...]) -> None:
        self.index = index
        self.blocks: dict[str, list[bytes]] = {each.format: [] for each in animations}
        self.has_alpha = False
        self.image_count = 0
        self.duration_cs = 0

    def add(self, blocks: Iterator[bytes], delay_cs: int) -> None:
        """Take what each file stores of a picture."""
        for several, block in zip(self.blocks.values(), blocks, strict=True):
            several.append(block)
        self.image_count += 1
        self.duration_cs += delay_cs


class _PictureEncoder:
    """Encodes pictures that show one after another."""

    def __init__(self, animations: tuple[Animation, ...]) -> None:
        self._animations = animations
        lossless = any(each.lossless for each in animations if each.format == "webp")
        self._webp = imaging.WebpEncoder(lossless=lossless)
        self.before: Image | None = None

    def encode(self, picture: Image, delay_cs: int) -> Iterator[bytes]:
        """What each file stores of a picture."""
        for animation in self._animations:
            if animation.format == "apng":
                with_alpha = animation.has_alpha
                part = imaging.encode_png_part(picture, self.before, with_alpha=with_alpha)
                yield containers.apng_frame(part.data, part.size, part.position, delay_cs)
            else:
                part = self._webp.encode(picture, self.before)
                pixels = containers.webp_pixels(part.data)
                yield containers.webp_frame(pixels, part.size, part.position, delay_cs)
        self.before = picture
