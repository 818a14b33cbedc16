"""The largest picture of an icon, a PNG or what a BMP is without its first header.

Microsoft, Icons, https://learn.microsoft.com/en-us/previous-versions/ms997538(v=msdn.10).
Pure code.
"""

from __future__ import annotations

import functools
import io
import struct
from typing import NamedTuple

from PIL import Image
from PIL.IcoImagePlugin import IcoFile

from luigi_gif import bundles
from luigi_gif.errors import Truncated
from luigi_gif.imaging import decode_png
from luigi_gif.imaging.opened_image import OpenedImage

_DIRECTORY = struct.Struct("<HHHBBBBHHII")
"""With one picture."""
_PNG_HEADER = struct.Struct(">16xIIB")
_DIB_HEADER = struct.Struct("<IiiHH")
_NO_DEPTH = 0


class _Picture(NamedTuple):
    """A picture of an icon, by its own header."""

    size: tuple[int, int]
    depth: int
    data: bytes


def open_ico(data: bytes) -> OpenedImage:
    """The largest picture of an icon, of several the one of most colors.

    Raises Truncated, and whatever Pillow does.
    """
    largest = max(
        (_picture(data, each) for each in bundles.read_icon_pictures(data)),
        key=lambda picture: (picture.size[0] * picture.size[1], picture.depth),
    )
    if largest.data.startswith(decode_png.SIGNATURE):
        return decode_png.open_png(largest.data)
    return OpenedImage(largest.size, functools.partial(_load_bitmap, largest))


def _picture(data: bytes, entry: bundles.IconPicture) -> _Picture:
    own = data[entry.offset : entry.offset + entry.size]
    if len(own) < max(entry.size, _PNG_HEADER.size):
        raise Truncated
    if own.startswith(decode_png.SIGNATURE):
        width, height, _ = _PNG_HEADER.unpack_from(own)
        return _Picture((width, height), entry.depth, own)
    _, width, twice, _, depth = _DIB_HEADER.unpack_from(own)
    return _Picture((width, abs(twice) // 2), depth, own)


def _load_bitmap(picture: _Picture) -> Image.Image:
    """Its pixels; where all of its alpha is 0, a mask behind them says what is transparent."""
    bitmap = _as_icon(picture, picture.depth)
    bitmap.load()
    if picture.depth == 32 and bitmap.mode == "RGBA" and not bitmap.getchannel("A").getbbox():
        bitmap = _as_icon(picture, _NO_DEPTH)
        bitmap.load()
    return bitmap


def _as_icon(picture: _Picture, depth: int) -> Image.Image:
    """Of an icon with this picture alone, whose directory says this depth."""
    width, height = picture.size
    sides = width & 0xFF, height & 0xFF
    directory = _DIRECTORY.pack(0, 1, 1, *sides, 0, 0, 1, depth, len(picture.data), _DIRECTORY.size)
    return IcoFile(io.BytesIO(directory + picture.data)).frame(0)
