"""The image formats that can be decoded: which module reads each, told by its first bytes.

A new format is a line of this table and a module beside these; where its
images end in a bundle says luigi_gif/bundles/image_formats.py.
"""

from __future__ import annotations

from collections.abc import Callable

from luigi_gif.errors import Undecodable
from luigi_gif.imaging import (
    decode_bmp,
    decode_gif,
    decode_jpeg,
    decode_png,
    decode_tiff,
    decode_webp,
)
from luigi_gif.imaging.opened_image import OpenedImage

_DECODERS: tuple[tuple[tuple[bytes, ...], Callable[[bytes], OpenedImage]], ...] = (
    ((decode_png.SIGNATURE,), decode_png.open_png),
    ((decode_jpeg.SIGNATURE,), decode_jpeg.open_jpeg),
    ((decode_webp.SIGNATURE,), decode_webp.open_webp),
    ((decode_bmp.SIGNATURE,), decode_bmp.open_bmp),
    (decode_tiff.SIGNATURES, decode_tiff.open_tiff),
    ((decode_gif.SIGNATURE,), decode_gif.open_gif),
)


def open_image(data: bytes) -> OpenedImage:
    """The first image of ``data``, its header read.

    Raises Undecodable, and whatever Pillow does.
    """
    for signatures, opener in _DECODERS:
        if data.startswith(signatures):
            return opener(data)
    raise Undecodable("an image that can be decoded", "no beginning of one")
