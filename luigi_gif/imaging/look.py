"""What a picture becomes as a frame: its size and its colors.

It loads neither NumPy nor Pillow: the run makes it, and its workers use it.
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """What a picture becomes as a frame."""

    max_pixels: int
    """How many it may have, before and after."""
    size: tuple[int | None, int | None] = (None, None)
    """Width and height in pixels; None follows from the other, or is that of the picture."""
    quality: str = "fast"
    """Of the palette of a picture of more than 256 colors: "fast" or "best"."""
    colors: int = 256
    """At most so many are shown; a transparent one is none of them."""
    dither: str = "none"
    """Of a picture of more colors: "none", or "ordered", which mixes two where one is off."""
    value_range: tuple[float, float] | None = None
    """Which values become black and white, in pictures whose own range is not known."""

    def fitted(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height in pixels that a picture of this size is to have."""
        wanted_width, wanted_height = self.size
        if wanted_width is None and wanted_height is None:
            return size
        width = wanted_width or round(size[0] * (wanted_height or 0) / size[1])
        height = wanted_height or round(size[1] * (wanted_width or 0) / size[0])
        return max(1, width), max(1, height)
