"""What the readers of single formats have in common: an image that is opened, not yet decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

Values: TypeAlias = "NDArray[Any]"
"""Numbers whose range is not known, height x width, or height x width x 3."""


class OpenedImage(NamedTuple):
    """An image whose header was read."""

    size: tuple[int, int]
    """Width and height in pixels, as it is stored."""
    load_pixels: Callable[[], Image.Image | Values]
    """Its pixels, 8 bits a channel, in mode 1, L, LA, P, PA, RGB, RGBA, CMYK or one that Pillow
    converts to RGB."""
    images: int = 1
    """How many there are."""
    orientation: int = 1
    """How it is turned, as Exif counts: 1 to 8."""
    profile: bytes | None = None
    """Its color profile."""
    delay_cs: int = 0
    """How long it is to be shown, in hundredths of a second; 0 where it does not say."""
    notes: Sequence[str] = ()
    """What the user is to know, for instance which part of it is not there; told by decoding."""


def load(picture: Image.Image) -> Image.Image:
    """The same picture, its pixels decoded. Raises whatever Pillow does."""
    picture.load()
    return picture


def count_images(picture: Image.Image) -> int:
    """How many images there are; 1 where those behind the first are damaged."""
    try:
        return int(getattr(picture, "n_frames", 1))
    except Exception:
        picture.seek(0)
        return 1
