"""Pillow images and NumPy arrays as image files. Pure code."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode

_AS_PNG = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
_COMPRESSION = 1
"""Hardly larger than the best, and several times faster: the file is read once."""


def image_file(picture: Any) -> bytes:
    """A PNG of a picture, with its color profile.

    Parameters
    ----------
    picture : Image or array-like
        An array has 8 bits and the shape (height, width), (height, width, 3) or
        (height, width, 4).

    Raises
    ------
    Undecodable
        If it is no such picture.
    MemoryError, OSError
        If the machine lacks something: that says nothing of the picture.
    """
    try:
        return _encoded(picture if isinstance(picture, Image.Image) else _from_array(picture))
    except Undecodable:
        raise
    except Exception as error:
        raise decode.as_undecodable(error, "a picture that can be a PNG", (0, 0), b"") from error


def _encoded(image: Image.Image) -> bytes:
    profile = image.info.get("icc_profile")
    if image.mode not in _AS_PNG:
        image, profile = decode.in_srgb(image, profile), None
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=_COMPRESSION, icc_profile=profile)
    return file.getvalue()


def _from_array(picture: Any) -> Image.Image:
    pixels = np.asarray(picture)
    is_shape = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if not (is_shape and pixels.size and pixels.dtype in (np.uint8, np.bool_)):
        shapes = "the shape (height, width), (height, width, 3) or (height, width, 4)"
        got = f"{pixels.dtype} and the shape {pixels.shape}"
        raise Undecodable(f"a Pillow image, or uint8 and {shapes}", got)
    return Image.fromarray(pixels)
