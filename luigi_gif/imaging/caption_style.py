"""What is written onto a frame, and how.

It loads neither NumPy nor Pillow: the run makes it, and its workers use it.
"""

from __future__ import annotations

from typing import NamedTuple

CAPTION_POSITIONS = (
    *("top-left", "top", "top-right"),
    *("left", "center", "right"),
    *("bottom-left", "bottom", "bottom-right"),
)


class CaptionStyle(NamedTuple):
    """How a caption looks."""

    position: str = "bottom"
    """One of CAPTION_POSITIONS."""
    size: int | None = None
    """Of the font, in pixels; None follows from the height of the frame."""
    color: tuple[int, int, int] = (255, 255, 255)
    """Red, green and blue, 0 to 255."""
    box: tuple[int, int, int, int] | None = (0, 0, 0, 166)
    """Red, green, blue and alpha of what is behind the text; None is nothing."""
    font: bytes | None = None
    """A font file, such as TrueType or OpenType; None is the font in Pillow."""


class Caption(NamedTuple):
    """What is written onto a frame."""

    text: str
    """In lines."""
    style: CaptionStyle = CaptionStyle()
