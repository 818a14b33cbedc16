"""What the images of a clip have in common, and where each lies on the logical screen."""

from __future__ import annotations

from typing import NamedTuple

from luigi_gif import gif
from luigi_gif.clips.clip_options import ClipOptions


class Canvas(NamedTuple):
    """What the images of a clip have in common."""

    size: tuple[int, int]
    """Width and height of the logical screen, in pixels."""
    frames_size: tuple[int, int]
    """The same of the frame files; the clip may be smaller."""
    opaque: bool
    """Whether each frame alone decides every pixel, so that none is ever transparent."""
    color_table: bytes
    """The global one: that of the first image."""
    options: ClipOptions
    holds_ms: dict[int, int]
    """How long frames show in the place of their delay, by number, in milliseconds."""


def center(image: gif.Image, screen: tuple[int, int]) -> gif.Image:
    """The image in the middle of a larger screen."""
    if image.screen == screen:
        return image
    left, top = image.position
    width, height = image.extent
    position = (left + (screen[0] - width) // 2, top + (screen[1] - height) // 2)
    return image._replace(screen=screen, position=position)
