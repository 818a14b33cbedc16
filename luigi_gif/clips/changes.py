"""What a clip stores of an image where the one before it stays in place: what changed."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from luigi_gif import gif, imaging
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.frame_reader import ShownFrame


class Place(NamedTuple):
    """A frame between those shown before and after it."""

    previous: gif.Image | None
    frame: ShownFrame
    following: gif.Image | None
    ends_batch: bool

    @property
    def is_covered(self) -> bool:
        """Whether the next one leaves nothing of it to see."""
        return self.following is None or self.following.fills_screen


class Changes(Protocol):
    """Finds what changes from image to image of a batch, and decodes each once."""

    def since(self, place: Place, image: gif.Image) -> gif.Image:
        """What to store of an image where the one before it was left in place.

        Raises Undecodable, also where one beside it cannot be decoded.
        """


def find_changes(canvas: Canvas) -> Changes:
    """For the images of a batch."""
    return _LossyChanges(canvas) if canvas.options.tolerance else _ExactChanges(canvas)


class _ExactChanges:
    def __init__(self, canvas: Canvas) -> None:
        self._global_table = canvas.color_table
        self._last: imaging.IndexedImage | None = None

    def since(self, place: Place, image: gif.Image) -> gif.Image:
        if place.previous is None or not place.previous.fills_screen:
            return image
        last, self._last = self._last, None
        if last is None or last.image is not place.previous:
            last = imaging.IndexedImage.of(place.previous, self._global_table)
        self._last = imaging.IndexedImage.of(image, self._global_table)
        return imaging.encode_delta(last, self._last, self._global_table)


class _LossyChanges:
    def __init__(self, canvas: Canvas) -> None:
        self._tolerance = canvas.options.tolerance
        self._global_table = canvas.color_table
        self._last: gif.Image | None = None
        self._encoder: imaging.LossyEncoder | None = None

    def since(self, place: Place, image: gif.Image) -> gif.Image:
        encoder = self._encoder if self._last is place.previous else None
        encoder = encoder or self._begun(place.previous, image)
        if encoder is None:
            return image
        self._last, self._encoder = place.frame.image, encoder
        following = None
        if place.ends_batch and place.following is not None and place.following.fills_screen:
            following = imaging.IndexedImage.of(place.following, self._global_table)
        return encoder.encode(imaging.IndexedImage.of(image, self._global_table), following)

    def _begun(self, previous: gif.Image | None, image: gif.Image) -> imaging.LossyEncoder | None:
        """What encodes an image and those behind it; None where it is stored as it is."""
        last = None
        if previous is not None and previous.fills_screen:
            last = imaging.IndexedImage.of(previous, self._global_table)
        # A first image with the other table that Pillow needs for gray ones stays as it is.
        begins = previous is None and image.color_table == self._global_table
        if last is None and not begins:
            return None
        return imaging.LossyEncoder(self._tolerance, self._global_table, last)
