"""An image file to a small WebP of it. Pure code: bytes in, bytes out."""

from __future__ import annotations

import io
from typing import NamedTuple

from PIL import Image

from luigi_gif.imaging.decode import decode_image
from luigi_gif.imaging.geometry import RESAMPLING
from luigi_gif.imaging.look import Size

_MAX_PIXELS = 178 * 10**6
"""Of a clip: --max-megapixels has no larger value."""
_QUALITIES = (75, 55, 35, 15)
"""Of libwebp, 0 to 100: the first that is small enough, else the last."""
_METHOD = 2
"""Of libwebp, 0 to 6: half the time of its own default, 4, for 4% more bytes."""


class SmallStill(NamedTuple):
    """A WebP of one image."""

    data: bytes
    size: Size
    has_alpha: bool
    """Whether any pixel may be transparent."""


def small_webp(data: bytes, max_side: int, max_bytes: int) -> SmallStill:
    """The first image of some data in a size in which many can be looked at.

    Parameters
    ----------
    data : bytes
        An image of any format that :func:`decode_image` knows.
    max_side : int
        The largest width and height in pixels; a smaller image keeps its size.
    max_bytes : int
        What it is to have at the most; noise may have more.

    Returns
    -------
    SmallStill

    Raises
    ------
    Undecodable
        If the data give no image.
    MemoryError, OSError
        If the machine lacks something.
    """
    picture = decode_image(data, _MAX_PIXELS).picture
    picture.thumbnail((max_side, max_side), RESAMPLING)
    encoded = b""
    for quality in _QUALITIES:
        encoded = _encoded(picture, quality)
        if len(encoded) <= max_bytes:
            break
    return SmallStill(encoded, picture.size, picture.mode == "RGBA")


def _encoded(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=quality, method=_METHOD)
    return file.getvalue()
