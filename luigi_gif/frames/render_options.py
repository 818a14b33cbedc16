"""How the frames are to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from luigi_gif.imaging import CommonPalette


class RenderOptions(NamedTuple):
    """How the frames are to be made."""

    width: int | None
    """In pixels; None follows from the height, or is that of the image."""
    height: int | None
    quality: str
    """For images of more than 256 colors, "fast" or "best"."""
    max_pixels: int
    """In a frame; larger ones are bad."""
    skip_bad: bool
    """Whether a bad frame is left out, or ends the work."""
    count_codes: bool = True
    """Whether the codes of each GIF that is copied are counted, or only looked over."""
    counting_threads: int = 2
    """Each on a core of its own."""
    copying: bool = False
    """Whether all frames are GIFs that are copied as they are."""
    palette: str = "frame"
    """One for each "frame", one for the "clip", or "auto": one where much stands still."""
    clip_palette: CommonPalette | None = None
    """The one for the clip, once it is chosen."""
    value_range: tuple[float, float] | None = None
    """Which values become black and white, in images whose own range is not known."""

    def fitted(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height in pixels that an image of this size is to have."""
        if self.width is None and self.height is None:
            return size
        width = self.width or round(size[0] * (self.height or 0) / size[1])
        height = self.height or round(size[1] * (self.width or 0) / size[0])
        return max(1, width), max(1, height)
