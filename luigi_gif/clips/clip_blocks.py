"""What stands in a clip for each frame: how it is cleared, for how long it shows, what is stored.

Every frame is shown alone. Before one that does not cover the whole canvas, the
one before it is disposed of to the background.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from luigi_gif import execution, gif, imaging
from luigi_gif.clips.changes import Changes, Place, find_changes
from luigi_gif.clips.clip_batches import ClipBatch
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.frame_reader import FrameReader, ShownFrame
from luigi_gif.clips.timing import Timing, split_delay
from luigi_gif.errors import Undecodable


class ImageBlocks(NamedTuple):
    """What stands in the clip for an image."""

    part_index: int
    delay_cs: int
    pieces: tuple[bytes, memoryview]


def make_clip_blocks(reader: FrameReader, batch: ClipBatch) -> Iterator[ImageBlocks]:
    """What stands in the clip for each image of a batch. Raises ChangedFrame."""
    canvas = batch.canvas
    before, after = (
        None if number is None else reader.read_placed(number, canvas)
        for number in (batch.before, batch.after)
    )
    changes = find_changes(canvas)
    timing = Timing(canvas, batch.timed_before)
    places = _places(reader.read_shown_frames(batch), before, after)
    number_before = batch.before
    for shown_before, place in enumerate(places, batch.steps_before):
        execution.stop_if_cancelled()
        frame = place.frame
        try:
            stored = _stored(canvas, changes, shown_before, place)
        except Undecodable as error:  # WriteFrames, called again for it, counts them
            numbers = (number_before, frame.number, batch.after)
            raise reader.damaged_frame(_damaged_number(place, numbers), error) from None
        number_before = frame.number
        delay_cs = timing.next_delay_cs(frame.number, frame.frame_count, frame.own_cs)
        for part_of_delay_cs in split_delay(delay_cs):
            blocks = gif.encode_image_blocks(
                stored,
                delay_cs=part_of_delay_cs,
                disposal=gif.DISPOSE_NOT if place.is_covered else gif.DISPOSE_TO_BACKGROUND,
                global_table=canvas.color_table,
            )
            yield ImageBlocks(frame.part_index, part_of_delay_cs, (blocks, stored.data))


def _damaged_number(place: Place, numbers: tuple[int | None, int, int | None]) -> int:
    """Which of the frames at a place, that have these numbers, lacks pixels; else its own."""
    images = (place.previous, place.frame.image, place.following)
    for number, image in zip(numbers, images, strict=True):
        if number is None or image is None:
            continue
        if gif.count_image_pixels(image.data, image.size).end:
            return number
    return place.frame.number


def _places(
    shown_frames: Iterator[ShownFrame], before: gif.Image | None, after: gif.Image | None
) -> Iterator[Place]:
    current = next(shown_frames, None)
    while current is not None:
        following = next(shown_frames, None)
        yield Place(before, current, following.image if following else after, following is None)
        before, current = current.image, following


def _stored(canvas: Canvas, changes: Changes, shown_before: int, place: Place) -> gif.Image:
    """What the clip stores of a frame, before which so many are shown. Raises Undecodable."""
    stored = image = place.frame.image
    if shown_before == 0:
        stored = _colored_first(image._replace(color_table=canvas.color_table))
    # Pillow shows transparent pixels only where the first image has a transparent index.
    altered_first = shown_before == 0 and not canvas.opaque
    # Decoders agree on clearing an image only if it has a transparent index, and on the part of
    # the canvas that it leaves free too.
    if altered_first or not (place.is_covered and stored.fills_screen):
        return imaging.make_clearable(stored)
    if canvas.options.only_changes and (shown_before > 1 or canvas.opaque):
        return changes.since(place, stored)
    return stored


def _colored_first(image: gif.Image) -> gif.Image:
    """The image with a color table by which Pillow does not take the clip for a gray one.

    It does where each color of the first table is as gray as its index, and
    shows frames of other colors wrongly. Raises Undecodable.
    """
    if not gif.is_gray_ramp(image.color_table):
        return image
    return imaging.reorder_colors(image)
