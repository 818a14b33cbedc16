"""How the frames are to be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from luigi_gif.frames.unwanted import Unwanted

if TYPE_CHECKING:
    from luigi_gif.frames.captions import Captions
    from luigi_gif.imaging import CommonPalette, Look


class RenderOptions(NamedTuple):
    """How the frames are to be made."""

    look: Look
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
    captions: Captions | None = None
    """What is written onto the frames."""
    unwanted: Unwanted = Unwanted()
    """Which good frames are left out."""
