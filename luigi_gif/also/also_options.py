"""How the files beside a clip look and play."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from luigi_gif.clips import ClipOptions

if TYPE_CHECKING:
    from luigi_gif.frames import RenderOptions

WHITE = (255, 255, 255)


class AlsoOptions(NamedTuple):
    """How the files beside a clip look and play."""

    render: RenderOptions
    """What its frames look like; palettes do not count."""
    clip: ClipOptions
    """In which order, how long and how often they show."""
    lossless: bool
    """Whether each pixel of a WebP is to be exact."""

    @property
    def background(self) -> tuple[int, int, int]:
        """The color behind what is transparent, where a format knows no such thing."""
        return self.render.look.background or WHITE
