"""A JPEG as Pillow reads it, given only the segments that its pixels need.

ITU-T T.81, annex B. One whose end is missing is shown as decoders show it, if
hardly any pixels are. Pure code.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from luigi_gif.imaging import tiff_directories
from luigi_gif.imaging.opened_image import OpenedImage, load

SIGNATURE = b"\xff\xd8"
_END = b"\xff\xd9"
_KEPT = {0xE0, 0xEE}
"""JFIF and Adobe, which tell the color space. The other application segments and comments,
0xE1 to 0xEF and 0xFE, have nothing to do with the pixels."""
_LEFT_OUT = {*range(0xE1, 0xF0), 0xFE} - _KEPT
_FILLS = (b"", b"\x55" * 64, b"\xaa" * 64)
_BLOCK_ROWS = 17
"""As many rows as a missing row of blocks, of 16 pixels, can change."""
_MISSING_PART = 8
"""At most an eighth of the pixels may be missing."""


def open_jpeg(data: bytes) -> OpenedImage:
    """The first image of a JPEG. Raises whatever Pillow does."""
    kept, exif, further = [data[:2]], b"", 0
    profile: dict[int, bytes] = {}
    position = 2
    for code, start, end in _segments(data):
        body = data[start + 4 : end]
        position = end
        if code not in _LEFT_OUT:
            kept.append(data[start:end])
        elif code == 0xE1 and body.startswith(b"Exif\0\0"):
            exif = exif or body[6:]
        elif code == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
            profile.setdefault(body[12], body[14:])
        elif code == 0xE2 and body.startswith(b"MPF\0"):
            base = start + 8
            further = sum(
                data.startswith(SIGNATURE, base + offset)
                for offset, _ in tiff_directories.listed_images(body[4:])
                if offset
            )
    plain = b"".join((*kept, data[position:]))
    notes: list[str] = []
    picture = JpegImageFile(io.BytesIO(plain))
    return OpenedImage(
        picture.size,
        functools.partial(_decode_pixels, picture, plain, notes),
        1 + further,
        tiff_directories.exif_orientation(exif),
        b"".join(profile[number] for number in sorted(profile)) or None,
        notes=notes,
    )


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker code, begin and end of each segment before the first scan, while they are whole."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        code = data[position + 1]
        if code == 0xFF:
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if code in (0xD9, 0xDA) or end > len(data):
            return
        yield code, position, end
        position = end


def _decode_pixels(picture: JpegImageFile, data: bytes, notes: list[str]) -> Image.Image:
    """Where the end is missing: whether pixels are too.

    They are not if the picture is the same whatever bytes follow. A part of its
    last rows may be missing, as decoders show the rest; the user is told.
    """
    try:
        return load(picture)
    except OSError:
        if data.rstrip(b"\0\n").endswith(_END):
            raise
        cut = data.removesuffix(b"\xff")
        ends = [JpegImageFile(io.BytesIO(cut + fill + _END)) for fill in _FILLS]
        first, *others = (np.asarray(each) for each in ends)
        differ = np.zeros(first.shape[:2], bool)
        for other in others:
            differ |= (first != other).reshape(*differ.shape, -1).any(axis=2)
        if differ.any():
            missing = len(differ) - int(np.flatnonzero(differ.any(axis=1))[0])
            if missing > _BLOCK_ROWS or differ.sum() * _MISSING_PART > differ.size:
                raise
            notes.append("a JPEG that is cut off, with pixels missing in its last rows")
        return ends[0]
