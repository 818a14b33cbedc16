"""What a clip stores of an image where the one before it stays in place: what changed."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from luigi_gif import gif, imaging
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.frame_reader import ShownFrame
from luigi_gif.errors import Undecodable


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

        Raises Undecodable.
        """


def find_changes(canvas: Canvas, before: gif.Image | None) -> Changes:
    """For a batch of images, of which ``before`` is shown before the first."""
    if canvas.options.tolerance:
        return _LossyChanges(canvas, before)
    return _ExactChanges(canvas)


class _ExactChanges:
    def __init__(self, canvas: Canvas) -> None:
        self._global_table = canvas.color_table
        self._last: imaging.IndexedImage | None = None

    def since(self, place: Place, image: gif.Image) -> gif.Image:
        if place.previous is None or not place.previous.fills_screen:
            return image
        last, self._last = self._last, None
        if last is None or last.image is not place.previous:
            last = _decoded(place.previous, self._global_table)
        if last is None:
            return image
        self._last = imaging.IndexedImage.of(image, self._global_table)
        return imaging.encode_delta(last, self._last, self._global_table)


class _LossyChanges:
    def __init__(self, canvas: Canvas, before: gif.Image | None) -> None:
        self._tolerance = canvas.options.tolerance
        self._global_table = canvas.color_table
        self._before = before
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
            following = _decoded(place.following, self._global_table)
        return encoder.encode(imaging.IndexedImage.of(image, self._global_table), following)

    def _begun(self, previous: gif.Image | None, image: gif.Image) -> imaging.LossyEncoder | None:
        """What encodes an image and those behind it; None where it is stored as it is."""
        if previous is None:
            # With the other table that Pillow needs for gray ones, it stays as it is.
            begins = image.fills_screen and image.color_table == self._global_table
            return self._made(None, exact=True) if begins else None
        last = _decoded(previous, self._global_table) if previous.fills_screen else None
        return None if last is None else self._made(last, exact=previous is not self._before)

    def _made(self, last: imaging.IndexedImage | None, *, exact: bool) -> imaging.LossyEncoder:
        return imaging.LossyEncoder(self._tolerance, self._global_table, last, exact=exact)


def _decoded(image: gif.Image, global_table: bytes) -> imaging.IndexedImage | None:
    """None where it cannot be: whoever stores it tells."""
    try:
        return imaging.IndexedImage.of(image, global_table)
    except Undecodable:
        return None
