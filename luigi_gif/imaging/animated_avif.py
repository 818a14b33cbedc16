"""The frames of an AVIF image sequence, as Pillow decodes them. Pure code."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from luigi_gif.imaging import decode, tiff_directories
from luigi_gif.imaging.composing import without_alpha
from luigi_gif.imaging.delays import DelayRounding
from luigi_gif.imaging.single_frame import SingleFrame, encode_png

if TYPE_CHECKING:
    from PIL.AvifImagePlugin import AvifImageFile

_SEQUENCE_BRAND = b"avis"


def avif_frames(data: bytes, max_pixels: int) -> Iterator[SingleFrame] | None:
    """Each frame of a sequence; None where the file is none."""
    brands = data[8 : int.from_bytes(data[:4], "big")]
    if _SEQUENCE_BRAND not in brands:
        return None
    from PIL.AvifImagePlugin import AvifImageFile  # a library of megabytes, which few need

    picture = AvifImageFile(io.BytesIO(data))
    if picture.n_frames < 2:
        return None
    decode.check_size(picture.size, max_pixels)
    return _frames(picture)


def _frames(picture: AvifImageFile) -> Iterator[SingleFrame]:
    exif = picture.info.get("exif", b"").removeprefix(b"Exif\0\0")
    orientation = tiff_directories.exif_orientation(exif)
    rounding = DelayRounding()
    for number in range(picture.n_frames):
        picture.seek(number)
        picture.load()
        delay_cs = rounding.to_cs(Fraction(picture.info["duration"]))
        shown = decode.in_srgb(picture, picture.info.get("icc_profile"))
        shown = without_alpha(shown) if shown.mode == "RGBA" else shown
        upright = decode.upright(shown, orientation)
        yield SingleFrame(encode_png(upright, delay_cs), 10 * delay_cs)
