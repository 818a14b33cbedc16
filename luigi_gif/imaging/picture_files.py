"""Pillow images and NumPy arrays as image files. Pure code."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode

_NUMBERS = frozenset({"I", "F"})
_AS_PNG = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})
_SHORT, _LONG = 3, 4
_SAMPLE_FORMATS = {"u": 1, "i": 2, "f": 3}
"""Of TIFF, by NumPy's kinds."""
_COMPRESSION = 1
"""Hardly larger than the best, and several times faster: the file is read once."""


def image_file(picture: Any) -> bytes:
    """A PNG of a picture, with its color profile; of numbers whose range is not known a TIFF.

    Parameters
    ----------
    picture : Image or array-like
        An image is turned as its Exif orientation says.
        An array has the shape (height, width), (height, width, 3) or, if it has 8 bits,
        (height, width, 4). What is masked in it is transparent.

    Raises
    ------
    Undecodable
        If it is no such picture.
    MemoryError, OSError
        If the machine lacks something: that says nothing of the picture.
    """
    try:
        if isinstance(picture, Image.Image) and picture.mode not in _NUMBERS:
            return _encoded(ImageOps.exif_transpose(picture))
        if isinstance(picture, np.ma.MaskedArray):
            return _of_array(_unmasked(picture))
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
        if pixels.dtype == np.bool_:
            pixels = _levels(pixels)
        if pixels.dtype == np.uint8:
            return _encoded(Image.fromarray(pixels))
        if pixels.dtype.kind in "iuf" and pixels.shape[2:] != (4,):
            return _tiff(pixels)
    shapes = "the shape (height, width), (height, width, 3) or, in uint8, (height, width, 4)"
    got = f"{pixels.dtype} and the shape {pixels.shape}"
    raise Undecodable(f"a Pillow image, or an array of numbers of {shapes}", got)


def _levels(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Black and white of truth values."""
    return np.where(pixels, np.uint8(255), np.uint8(0))


def _unmasked(pixels: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """With transparency where it is masked: NaN among numbers, else an alpha channel."""
    if pixels.dtype not in (np.uint8, np.bool_):
        return np.ma.filled(pixels.astype(np.float64), np.nan)
    mask = np.ma.getmaskarray(pixels)
    levels = pixels.data if pixels.dtype == np.uint8 else _levels(pixels.data)
    shown = np.array(Image.fromarray(levels).convert("RGBA"))
    shown[mask if mask.ndim == 2 else mask.any(axis=2), 3] = 0
    return shown


def _tiff(values: NDArray[Any]) -> bytes:
    """TIFF 6.0, section 2, with sections 8 and 19: one strip of the values, none of them rounded.

    Whole numbers have 32 or 64 bits: of fewer, the range would be taken for known.
    """
    kind, size = values.dtype.kind, min(max(values.dtype.itemsize, 4), 8)
    height, width = values.shape[:2]
    samples = values.size // (height * width)
    data = values.astype(f"<{kind}{size}").tobytes()
    bits, sample_format = 8 * size, _SAMPLE_FORMATS[kind]
    behind = 8 + len(data)
    lists = b""
    if samples > 1:  # what does not fit into a tag stands elsewhere
        lists = struct.pack(f"<{2 * samples}H", *[bits] * samples, *[sample_format] * samples)
        bits, sample_format = behind, behind + 2 * samples
    tags = (
        (256, _LONG, 1, width),
        (257, _LONG, 1, height),
        (258, _SHORT, samples, bits),
        (259, _SHORT, 1, 1),  # not compressed
        (262, _SHORT, 1, 2 if samples > 1 else 1),  # RGB, or black is 0
        (273, _LONG, 1, 8),
        (277, _SHORT, 1, samples),
        (278, _LONG, 1, height),
        (279, _LONG, 1, len(data)),
        (339, _SHORT, samples, sample_format),
    )
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<I", behind + len(lists))
    return head + data + lists + directory + bytes(4)
