"""How a clip plays and is stored."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from luigi_gif.clips.reduction import Reduction


class ClipOptions(NamedTuple):
    """How a clip plays and is stored."""

    plays: int
    """How often; 0 is forever."""
    frame_duration_ms: Fraction | int | None
    """For every frame; None leaves each its own."""
    only_changes: bool
    """Whether what did not change since the frame before is left out."""
    max_pixels: int
    """Of its canvas."""
    hold_first_ms: int | None = None
    """How long the first frame shows, in the place of its delay; None leaves it that."""
    hold_last_ms: int | None = None
    """As long for the last one."""
    bounce: bool = False
    """Whether the frames are shown backwards behind the last, up to the second."""
    every: int = 1
    """Of every how many frames one is shown, for as long as all of them."""
    drop_duplicates: bool = False
    """Whether the time of a duplicate is left out with it; else the frame that is shown for it
    shows as much longer."""
    min_frames: int = 1
    """How many frames it is to show at the least."""
    tolerance: int = 0
    """How far red, green and blue of a pixel may be from those of its frame, of 255 levels."""
    max_colors: int = 256
    """Of a frame, or of all of them where they have their colors in common."""
    max_bytes: int | None = None
    """Of the whole clip, which gives up for it what it has to."""
    reduction: Reduction | None = None
    """What the clip gives up; None stands for nothing."""
