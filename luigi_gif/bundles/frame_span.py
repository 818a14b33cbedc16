"""What is said of a frame: its format, where it ends, and what is wrong with it."""

from __future__ import annotations

from typing import NamedTuple


class FrameError(NamedTuple):
    """Why what stands in a bundle is not an image, in words for people."""

    expected: str
    got: str


class Span(NamedTuple):
    """A frame, but for where it begins."""

    format: str
    end: int
    error: FrameError | None
    is_whole: bool
    """Whether its structure ends well."""
