"""One frame to a GIF of one image: copied as it is where it can be, else decoded."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

from isal import isal_zlib

from luigi_gif import bundles, gif, imaging
from luigi_gif.errors import Malformed, Undecodable
from luigi_gif.frames.bundle_errors import machine_error
from luigi_gif.frames.captions import with_caption
from luigi_gif.frames.duplicates import ComparedFrame
from luigi_gif.frames.frame_records import ExistingFile, FrameRecord, frame_digest
from luigi_gif.frames.manifest import Chunk, UnwantedFrame
from luigi_gif.frames.render_options import RenderOptions
from luigi_gif.frames.unwanted import BLANK, IGNORED, Unwanted


class RenderedFrame(NamedTuple):
    """What becomes of a frame."""

    file: bytes
    image: gif.Image
    """The one in the file."""
    image_count: int
    """How many the frame has."""
    notes: list[str]
    """What the user is to know of it."""
    facts: imaging.PixelFacts | None = None
    """Of its pixels, if it was decoded and they are asked for."""
    compared: ComparedFrame | None = None
    """What it is compared by with its neighbours, where duplicates are looked for."""
    record: FrameRecord = FrameRecord()
    """By which a later run knows its file."""


Outcome: TypeAlias = RenderedFrame | UnwantedFrame | bundles.BadFrame
"""What becomes of a frame, or why it is left out."""


def frames_of(data: bytes, chunk: Chunk) -> Iterator[bundles.Frame]:
    """The frames that these bytes of a chunk hold."""
    return bundles.frames_in(data, offset=chunk.start, stop=chunk.end)


def render_frames(
    frames: Iterable[tuple[bundles.Frame, ExistingFile | None]],
    first_number: int,
    options: RenderOptions,
) -> Iterable[tuple[Outcome, ExistingFile | None]]:
    """What becomes of each frame, the first of which has this number, and the file it has now."""

    def render(
        numbered: tuple[int, tuple[bundles.Frame, ExistingFile | None]],
    ) -> tuple[Outcome, ExistingFile | None]:
        number, (frame, existing) = numbered
        try:
            return _render_wanted(number, frame, options, existing), existing
        except bundles.BadFrame as error:
            return error, existing

    # Pillow counts without the interpreter's lock, so threads help, but not one of several
    # processes on this machine (Luigi's or Dask's workers), which are as many as there are cores.
    # What is held meanwhile is no more than what was read.
    threads = options.counting_threads if options.copying and options.count_codes else 1
    if threads == 1 or multiprocessing.parent_process() is not None:
        return map(render, enumerate(frames, first_number))
    with ThreadPoolExecutor(threads, "count") as pool:
        return list(pool.map(render, enumerate(frames, first_number)))


def _render_wanted(
    number: int, frame: bundles.Frame, options: RenderOptions, existing: ExistingFile | None
) -> RenderedFrame | UnwantedFrame:
    """What becomes of a frame, if it is wanted. Raises as :func:`render_frame` does."""
    unwanted, place = options.unwanted, f"frame {number} at byte {frame.offset:,}"
    if sha256 := unwanted.ignored_sha256(frame.data):
        reason = f"{place}: ignored, as its SHA-256 is {sha256}"
        return UnwantedFrame(number, frame.offset, reason, IGNORED)
    if frame.error:
        raise bundles.BadFrame(number, frame.offset, frame.error)
    options = with_caption(options, number, frame.offset)
    digest = frame_digest(frame, options)
    rendered = existing and _taken(existing, digest, unwanted)
    if rendered is None:
        rendered = render_frame(number, frame, options)
        pixels_sha256 = ""
        if unwanted.needs_pixels:
            facts = rendered.facts or _facts_of_gif(number, frame, options)
            if unwanted.blank and facts.one_color:
                return UnwantedFrame(number, frame.offset, f"{place}: one color", BLANK)
            pixels_sha256 = facts.sha256
        rendered = _with_record(rendered, digest, pixels_sha256)
    if not unwanted.duplicates:
        return rendered
    delay_cs = gif.displayed_cs(rendered.image.delay_cs)
    compared = ComparedFrame(number, frame.offset, delay_cs, rendered.record.pixels_sha256)
    return rendered._replace(compared=compared)


def _taken(existing: ExistingFile, digest: str, unwanted: Unwanted) -> RenderedFrame | None:
    """The file that is there already, if it is what would be made; else None."""
    file, record = existing
    if record is None or record.digest != digest or not record.is_of(file):
        return None
    if unwanted.needs_pixels and not record.pixels_sha256:
        return None
    image, _ = gif.read_first_image(file)
    image_count = 1 + record.extra_images
    return RenderedFrame(file, image, image_count, list(record.notes), record=record)


def _with_record(frame: RenderedFrame, digest: str, pixels_sha256: str) -> RenderedFrame:
    file, extra_images = frame.file, frame.image_count - 1
    record = FrameRecord(
        digest, len(file), isal_zlib.crc32(file), pixels_sha256, extra_images, tuple(frame.notes)
    )
    return frame._replace(record=record)


def render_frame(number: int, frame: bundles.Frame, options: RenderOptions) -> RenderedFrame:
    """What becomes of a frame. Its caption stands in the options.

    A GIF of one image that is to stay as it is is taken so; of more, the
    first is copied. All else is decoded, and a GIF without its last bytes or with too many pixels.

    Raises bundles.BadFrame, and StorageError where the machine lacks something.
    """
    first, frame_error = None, None
    if frame.format == "GIF":
        try:
            first = gif.read_first_image(frame.data, is_whole=frame.is_whole)
        except Malformed as error:
            frame_error = bundles.FrameError(
                error.expected, f"{error.got} {error.offset:,} bytes into it"
            )
    if first is None:
        return _decode(number, frame, frame_error, options)
    image, image_count = first
    if _can_be_copied(number, frame, image, options):
        file = frame.data if image_count == 1 else gif.encode_single(image)
        return RenderedFrame(file, image, image_count, [])
    return _change(number, frame, image, image_count, options)


def _can_be_copied(
    number: int, frame: bundles.Frame, image: gif.Image, options: RenderOptions
) -> bool:
    """Whether the first image of a GIF is what is wanted. Raises bundles.BadFrame."""
    extent = image.extent
    opaque = image.transparent_index is None and image.size == extent
    colors = len(image.color_table) // 3
    fits = extent[0] * extent[1] <= options.look.max_pixels
    stays = fits and options.look.keeps_pixels(extent, colors, opaque=opaque)
    if not stays or not frame.is_whole:
        return False
    # A clip with one image that gives too few pixels is shown by ffmpeg only: Pillow, ImageMagick
    # and Chromium stop there.
    if not options.count_codes and gif.looks_whole(image.data):
        return True
    counted = gif.count_image_pixels(image.data, image.size)
    if frame_error := _missing_pixels(image, counted):
        raise bundles.BadFrame(number, frame.offset, frame_error)
    # ImageMagick shows nothing of a clip with an image of too many pixels.
    return counted.pixels <= image.size[0] * image.size[1]


def _facts_of_gif(number: int, frame: bundles.Frame, options: RenderOptions) -> imaging.PixelFacts:
    """Of the first image of a GIF. Raises as :func:`render_frame` does."""
    image, _ = gif.read_first_image(frame.data, is_whole=frame.is_whole)
    try:
        return imaging.pixel_facts_of_gif(image, options.look)
    except Undecodable as error:
        raise bundles.BadFrame(number, frame.offset, _undecodable(frame, error)) from None
    except OSError as error:
        raise machine_error(number, error) from error


def _decode(
    number: int,
    frame: bundles.Frame,
    frame_error: bundles.FrameError | None,
    options: RenderOptions,
) -> RenderedFrame:
    """A frame of any format. Its ``frame_error``, if it is known already, says why it is bad."""
    try:
        made = imaging.to_gif(
            frame.data,
            options.look,
            options.clip_palette,
            with_facts=options.unwanted.needs_pixels,
        )
    except Undecodable as error:
        raise bundles.BadFrame(
            number, frame.offset, frame_error or _undecodable(frame, error)
        ) from None
    except OSError as error:
        raise machine_error(number, error) from error
    file = gif.encode_single(made.image)
    return RenderedFrame(file, made.image, made.images, made.notes, made.facts)


def _change(
    number: int,
    frame: bundles.Frame,
    image: gif.Image,
    image_count: int,
    options: RenderOptions,
) -> RenderedFrame:
    """The first image of a GIF, decoded: it is to look otherwise, or has too many or few pixels."""
    try:
        made = imaging.change_image(image, options.look, options.clip_palette)
    except Undecodable as error:
        frame_error = _missing_pixels(image, gif.count_image_pixels(image.data, image.size))
        raise bundles.BadFrame(
            number, frame.offset, frame_error or _undecodable(frame, error)
        ) from None
    except OSError as error:
        raise machine_error(number, error) from error
    return RenderedFrame(gif.encode_single(made.image), made.image, image_count, made.notes)


def _missing_pixels(image: gif.Image, counted: gif.PixelCount) -> bundles.FrameError | None:
    """What is wrong with image data, where they do not give all of their pixels."""
    width, height = image.size
    if not counted.end:
        return None
    got = f"{counted.pixels:,} before {counted.end}"
    return bundles.FrameError(f"image data of {width}x{height} = {width * height:,} pixels", got)


def _undecodable(frame: bundles.Frame, error: Undecodable) -> bundles.FrameError:
    return bundles.FrameError(error.expected, f"{frame.format} data: {error.got}")
