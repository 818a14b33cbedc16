"""A BMP as Pillow reads it, or by its own masks where Pillow knows them not.

Microsoft, Bitmap Storage; IBM, OS/2 2.0 Presentation Manager, whose header may
end after any field. Pure code.
"""

from __future__ import annotations

import functools
import io
import struct

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile

from luigi_gif.imaging.opened_image import OpenedImage, load

_FILE_HEADER = 14
_INFO_HEADER = 40
_OS2_HEADERS = range(16, 64)
_HEADERS = (40, 52, 56)
"""Those among them that are of Windows."""
_BITFIELDS = (3, 6)
_ALPHA_BITFIELDS = 6
_MASKS = _FILE_HEADER + _INFO_HEADER
_HAS_ALPHA_MASK = 56
_V5_HEADER = 124
_COLORS = 46
_COLOR_SPACE = _FILE_HEADER + 56
_EMBEDDED = b"DEBM"
_PROFILE = _FILE_HEADER + 112
"""Offset and size, counted from the header."""


def open_bmp(data: bytes) -> OpenedImage:
    """The image of a BMP. Raises whatever Pillow does."""
    data = _with_known_palette(_with_known_header(data))
    try:
        picture = BmpImageFile(io.BytesIO(data))
    except OSError:
        if not _has_masks(data):
            raise
        width, height = struct.unpack_from("<ii", data, 18)
        load_pixels = functools.partial(_by_masks, data)
        return OpenedImage((width, abs(height)), load_pixels, profile=_profile(data))
    return OpenedImage(picture.size, functools.partial(load, picture), profile=_profile(data))


def _with_known_header(data: bytes) -> bytes:
    """The same BMP with the fields that its header leaves out."""
    if len(data) < _FILE_HEADER + 16:
        return data
    (size,) = struct.unpack_from("<I", data, _FILE_HEADER)
    if size not in _OS2_HEADERS or size in _HEADERS:
        return data
    (offset,) = struct.unpack_from("<I", data, 10)
    header = data[_FILE_HEADER + 4 : _FILE_HEADER + size][: _INFO_HEADER - 4]
    return b"".join(
        (
            data[:10],
            struct.pack("<II", offset + _INFO_HEADER - size, _INFO_HEADER),
            header.ljust(_INFO_HEADER - 4, b"\0"),
            data[_FILE_HEADER + size :],
        )
    )


def _with_known_palette(data: bytes) -> bytes:
    """The same BMP with no more colors than its pixels can have: more of them are passed over."""
    if len(data) < _MASKS or data[_FILE_HEADER] < _INFO_HEADER:
        return data
    (depth,) = struct.unpack_from("<H", data, 28)
    (colors,) = struct.unpack_from("<I", data, _COLORS)
    if depth > 8 or colors <= 1 << depth:
        return data
    return data[:_COLORS] + struct.pack("<I", 1 << depth) + data[_COLORS + 4 :]


def _profile(data: bytes) -> bytes | None:
    """The color profile that the last of Windows's headers may point to."""
    if data[_FILE_HEADER] != _V5_HEADER or not data.startswith(_EMBEDDED, _COLOR_SPACE):
        return None
    offset, size = struct.unpack_from("<II", data, _PROFILE)
    return data[_FILE_HEADER + offset :][:size] or None


def _has_masks(data: bytes) -> bool:
    if len(data) < _MASKS + 16:
        return False
    depth, compression = struct.unpack_from("<HI", data, 28)
    return depth in (16, 32) and compression in _BITFIELDS


def _by_masks(data: bytes) -> Image.Image:
    """The picture, each channel the bits that its mask names."""
    (offset,) = struct.unpack_from("<I", data, 10)
    size, width, height, _, depth, compression = struct.unpack_from("<IiiHHI", data, 14)
    masks = struct.unpack_from("<4I", data, _MASKS)
    if size < _HAS_ALPHA_MASK and compression != _ALPHA_BITFIELDS:
        masks = masks[:3]
    stride = (width * depth + 31) // 32 * 4
    rows = np.frombuffer(data, np.uint8, stride * abs(height), offset).reshape(-1, stride)
    pixels = rows[:, : width * depth // 8].copy().view(f"<u{depth // 8}").astype(np.uint64)
    if height > 0:
        pixels = pixels[::-1]
    if not masks[-1]:
        masks = masks[:3]  # no mask of alpha: all is opaque
    return Image.fromarray(np.stack([_channel(pixels, mask) for mask in masks], axis=-1))


def _channel(pixels: np.ndarray, mask: int) -> np.ndarray:
    """The bits of a mask, brought to 0 to 255."""
    shift = (mask & -mask).bit_length() - 1 if mask else 0
    max_level = mask >> shift
    levels = (pixels & np.uint64(mask)) >> np.uint64(shift)
    return ((levels * 255 + max_level // 2) // max(max_level, 1)).astype(np.uint8)
