"""What stands in a clip for each frame: how it is cleared, for how long it shows, what is stored.

Every frame is shown alone. Before one that does not cover the whole canvas, the
one before it is disposed of to the background.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from luigi_gif import execution, gif, imaging
from luigi_gif.clips.clip_batches import ClipBatch
from luigi_gif.clips.clip_canvas import Canvas, center
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
        None if number is None else center(reader.read_image(number), canvas.size)
        for number in (batch.before, batch.after)
    )
    changes = _Changes(canvas.color_table)
    timing = Timing(canvas, batch.timed_before)
    neighbors = _neighbors(reader.read_shown_frames(batch), before, after)
    for shown_before, (previous, frame, following) in enumerate(neighbors, batch.steps_before):
        execution.stop_if_cancelled()
        covered = following is None or following.fills_screen
        try:
            stored = _stored(canvas, changes, shown_before, previous, frame.image, covered=covered)
        except Undecodable as error:  # WriteFrames, called again for it, looks closely
            got = f"damaged pixels (expected {error.expected}, got {error.got})"
            raise reader.changed_frame(frame.number, got) from None
        delay_cs = timing.next_delay_cs(frame.number, frame.frame_count, frame.own_cs)
        for part_of_delay_cs in split_delay(delay_cs):
            blocks = gif.encode_image_blocks(
                stored,
                delay_cs=part_of_delay_cs,
                disposal=gif.DISPOSE_NOT if covered else gif.DISPOSE_TO_BACKGROUND,
                global_table=canvas.color_table,
            )
            yield ImageBlocks(frame.part_index, part_of_delay_cs, (blocks, stored.data))


def _neighbors(
    shown_frames: Iterator[ShownFrame], before: gif.Image | None, after: gif.Image | None
) -> Iterator[tuple[gif.Image | None, ShownFrame, gif.Image | None]]:
    """Each frame between the images shown before and after it."""
    current = next(shown_frames, None)
    while current is not None:
        following = next(shown_frames, None)
        yield before, current, following.image if following else after
        before, current = current.image, following


def _stored(
    canvas: Canvas,
    changes: _Changes,
    shown_before: int,
    previous: gif.Image | None,
    image: gif.Image,
    *,
    covered: bool,
) -> gif.Image:
    """What the clip stores of an image, before which so many are shown.

    ``covered`` says whether the next one leaves nothing of it to see. Raises Undecodable.
    """
    stored = image
    if shown_before == 0:
        stored = _colored_first(image._replace(color_table=canvas.color_table))
    # Pillow shows transparent pixels only where the first image has a transparent index.
    altered_first = shown_before == 0 and not canvas.opaque
    # Decoders agree on clearing an image only if it has a transparent index, and on the part of
    # the canvas that it leaves free too.
    if altered_first or not (covered and stored.fills_screen):
        return imaging.make_clearable(stored)
    if canvas.options.only_changes and (shown_before > 1 or canvas.opaque):
        return changes.since(previous, stored)
    return stored


class _Changes:
    """Finds what changes from image to image, and decodes each once."""

    def __init__(self, global_table: bytes) -> None:
        self._global_table = global_table
        self._last: imaging.IndexedImage | None = None

    def since(self, previous: gif.Image | None, image: gif.Image) -> gif.Image:
        """What to store of ``image`` where ``previous`` was left in place. Raises Undecodable."""
        if previous is None or not previous.fills_screen:
            return image
        last, self._last = self._last, None
        if last is None or last.image is not previous:
            try:
                last = imaging.IndexedImage.of(previous, self._global_table)
            except Undecodable:  # whoever stores it tells
                return image
        self._last = imaging.IndexedImage.of(image, self._global_table)
        return imaging.encode_delta(last, self._last, self._global_table)


def _colored_first(image: gif.Image) -> gif.Image:
    """The image with a color table by which Pillow does not take the clip for a gray one.

    It does where each color of the first table is as gray as its index, and
    shows frames of other colors wrongly. Raises Undecodable.
    """
    if not gif.is_gray_ramp(image.color_table):
        return image
    return imaging.reorder_colors(image)
