"""Pillow images and NumPy arrays as image files. Pure code."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode

_NUMBERS = frozenset({"I", "F"})
_AS_PNG = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
_COMPRESSION = 1
"""Hardly larger than the best, and several times faster: the file is read once."""


def image_file(picture: Any) -> bytes:
    """A PNG of a picture, with its color profile; of numbers whose range is not known a PFM.

    Parameters
    ----------
    picture : Image or array-like
        An array has the shape (height, width), (height, width, 3) or, if it has 8 bits,
        (height, width, 4).

    Raises
    ------
    Undecodable
        If it is no such picture.
    MemoryError, OSError
        If the machine lacks something: that says nothing of the picture.
    """
    try:
        if isinstance(picture, Image.Image) and picture.mode not in _NUMBERS:
            return _encoded(picture)
        return _of_array(np.asarray(picture))
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


def _of_array(pixels: NDArray[Any]) -> bytes:
    is_shape = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if is_shape and pixels.size:
        if pixels.dtype in (np.uint8, np.bool_):
            return _encoded(Image.fromarray(pixels))
        if pixels.dtype.kind in "iuf" and pixels.shape[2:] != (4,):
            return _pfm(pixels)
    shapes = "the shape (height, width), (height, width, 3) or, in uint8, (height, width, 4)"
    got = f"{pixels.dtype} and the shape {pixels.shape}"
    raise Undecodable(f"a Pillow image, or an array of numbers of {shapes}", got)


def _pfm(values: NDArray[Any]) -> bytes:
    """Netpbm's manual page pfm: rows from bottom to top, little-endian."""
    with np.errstate(over="ignore"):
        rows = values[::-1].astype("<f4")
    kind = "PF" if values.ndim == 3 else "Pf"
    head = f"{kind}\n{values.shape[1]} {values.shape[0]}\n-1.0\n"
    return head.encode() + rows.tobytes()
