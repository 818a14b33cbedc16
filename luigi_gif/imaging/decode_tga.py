"""A TGA as Pillow reads it.

Truevision, TGA File Format Specification, version 2.0, January 1991. Pure code.
"""

from __future__ import annotations

import io

from PIL import Image
from PIL.TgaImagePlugin import TgaImageFile

from luigi_gif.imaging.opened_image import OpenedImage

_DESCRIPTOR = 17
_ALPHA_BITS = 0x0F


def open_tga(data: bytes) -> OpenedImage:
    """The image of a TGA. Raises whatever Pillow does."""
    picture = TgaImageFile(io.BytesIO(data))
    has_alpha = bool(data[_DESCRIPTOR] & _ALPHA_BITS)

    def load_pixels() -> Image.Image:
        picture.load()
        return picture if has_alpha or picture.mode != "RGBA" else picture.convert("RGB")

    return OpenedImage(picture.size, load_pixels)
