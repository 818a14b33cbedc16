"""What a clip stores of an image where the one before it stays in place: what changed."""

from __future__ import annotations

from typing import Protocol

from luigi_gif import gif, imaging
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.errors import Undecodable


class Changes(Protocol):
    """Finds what changes from image to image of a batch, and decodes each once."""

    def since(
        self, previous: gif.Image | None, image: gif.Image, behind: gif.Image | None
    ) -> gif.Image:
        """What to store of ``image`` where ``previous`` was left in place. Raises Undecodable.

        ``behind`` is the image with which another batch begins, if that is the next.
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

    def since(
        self, previous: gif.Image | None, image: gif.Image, behind: gif.Image | None
    ) -> gif.Image:
        if previous is None or not previous.fills_screen:
            return image
        last, self._last = self._last, None
        if last is None or last.image is not previous:
            last = _decoded(previous, self._global_table)
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

    def since(
        self, previous: gif.Image | None, image: gif.Image, behind: gif.Image | None
    ) -> gif.Image:
        if previous is None or not previous.fills_screen:
            return image
        if self._encoder is None or self._last is not previous:
            last = _decoded(previous, self._global_table)
            if last is None:
                return image
            self._encoder = imaging.LossyEncoder(
                self._tolerance, self._global_table, last, exact=previous is not self._before
            )
        self._last = image
        following = None
        if behind is not None and behind.fills_screen:
            following = _decoded(behind, self._global_table)
        current = imaging.IndexedImage.of(image, self._global_table)
        return self._encoder.encode(current, following)


def _decoded(image: gif.Image, global_table: bytes) -> imaging.IndexedImage | None:
    """None where it cannot be: whoever stores it tells."""
    try:
        return imaging.IndexedImage.of(image, global_table)
    except Undecodable:
        return None
