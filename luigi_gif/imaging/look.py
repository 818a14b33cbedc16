"""What a picture becomes as a frame: its part, its size and its colors.

It loads neither NumPy nor Pillow: the run makes it, and its workers use it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from luigi_gif import gif
from luigi_gif.imaging.caption_style import Caption

OPAQUE_FROM = 128
"""The alpha, 0 to 255, from which on a pixel is shown: a GIF knows no half."""
Size = tuple[int, int]
"""Width and height in pixels."""
Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, as Pillow has it."""


class Length(NamedTuple):
    """A width, a height or a distance."""

    number: float
    is_percent: bool
    """Of the picture's width or height; else it is in pixels."""

    def pixels(self, whole: int) -> float:
        """How many pixels it has in a picture of that width or height."""
        return whole * self.number / 100 if self.is_percent else self.number


class Crop(NamedTuple):
    """The part of an upright picture that is kept."""

    width: Length
    height: Length
    left: Length
    top: Length

    def box(self, size: Size) -> Box:
        """Where it lies in a picture of this size; it may reach beyond.

        Edges are rounded, not lengths: so parts in percent never overlap or leave a gap.
        """
        left, top = self.left.pixels(size[0]), self.top.pixels(size[1])
        right, bottom = left + self.width.pixels(size[0]), top + self.height.pixels(size[1])
        left, top, right, bottom = (math.floor(edge + 0.5) for edge in (left, top, right, bottom))
        return left, top, right, bottom


class Look(NamedTuple):
    """What a picture becomes as a frame."""

    max_pixels: int
    """How many it may have, before and after."""
    size: tuple[int | None, int | None] = (None, None)
    """Width and height in pixels; None follows from the other, or is that of the picture."""
    quality: str = "fast"
    """Of the palette of a picture of more than 256 colors: "fast" or "best"."""
    colors: int = gif.MAX_COLORS
    """At most so many are shown; a transparent one is none of them."""
    dither: str = "none"
    """Of a picture of more colors: "none", or "ordered", which mixes two for one it lacks."""
    value_range: tuple[float, float] | None = None
    """Which values become black and white, in pictures whose own range is not known."""
    crop: Crop | None = None
    """The part of it that is kept; None is all."""
    fit: str = "fill"
    """How it comes to a size of which both sides are given: "contain" pads it, "cover" cuts off
    what is too much, "fill" stretches it."""
    background: tuple[int, int, int] | None = None
    """The color, red, green and blue, of padding and behind transparent pixels; None: they are
    transparent."""
    caption: Caption | None = None
    """What is written onto it."""

    def kept_box(self, size: Size) -> Box:
        """The part of a picture of this size that is kept; it may reach beyond."""
        return (0, 0, *size) if self.crop is None else self.crop.box(size)

    def fitted(self, size: Size) -> Size:
        """Width and height in pixels that a picture of this size, already cropped, is to have."""
        wanted_width, wanted_height = self.size
        if wanted_width is None and wanted_height is None:
            return size
        width = wanted_width or round(size[0] * (wanted_height or 0) / size[1])
        height = wanted_height or round(size[1] * (wanted_width or 0) / size[0])
        return max(1, width), max(1, height)

    def keeps_pixels(self, size: Size, colors: int, *, opaque: bool) -> bool:
        """Whether a GIF of this size and so many colors, ``opaque`` or not, is to stay as it is."""
        return (
            self.kept_box(size) == (0, 0, *size)
            and self.fitted(size) == size
            and colors <= self.colors
            and self.caption is None
            and (opaque or self.background is None)
        )

    def keeps_color_table(self, size: Size, colors: int) -> bool:
        """Whether a GIF of this size and so many colors is only cropped or gets a background."""
        if self.caption is not None:
            return False
        left, top, right, bottom = self.kept_box(size)
        part = right - left, bottom - top
        changes = self.crop is not None or self.background is not None
        return changes and self.fitted(part) == part and colors <= self.colors

    def keeps_every_color_table(self) -> bool:
        """Whether a GIF without a caption keeps its color table, whatever its size and colors."""
        return self.size == (None, None) and self.colors == gif.MAX_COLORS

    def keeps_every_gif(self) -> bool:
        """Whether a GIF without a caption stays as it is, whatever its size and colors."""
        return self.keeps_every_color_table() and self.crop is None and self.background is None
