"""The frames of an AVIF image sequence, as Pillow decodes them. Pure code."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from luigi_gif import bundles
from luigi_gif.imaging import decode, decode_avif
from luigi_gif.imaging.composing import without_alpha
from luigi_gif.imaging.delays import DelayRounding
from luigi_gif.imaging.single_frame import SingleFrame, encode_png

if TYPE_CHECKING:
    from PIL.AvifImagePlugin import AvifImageFile

_SEQUENCE_BRAND = b"avis"


def avif_frames(data: bytes, max_pixels: int) -> Iterator[SingleFrame] | None:
    """Each frame of a sequence; None where the file is none."""
    if _SEQUENCE_BRAND not in bundles.heif_brands(data):
        return None
    picture = decode_avif.read_avif(data)
    if picture.n_frames < 2:
        return None
    decode.check_size(picture.size, max_pixels)
    profile = decode_avif.profile_of(picture, data)
    return _frames(picture, profile, decode_avif.orientation_of(picture))


def _frames(
    picture: AvifImageFile, profile: bytes | None, orientation: int
) -> Iterator[SingleFrame]:
    rounding = DelayRounding()
    for number in range(picture.n_frames):
        picture.seek(number)
        picture.load()
        delay_cs = rounding.to_cs(Fraction(picture.info["duration"]))
        shown = decode.in_srgb(picture, profile)
        shown = without_alpha(shown) if shown.mode == "RGBA" else shown
        upright = decode.upright(shown, orientation)
        yield SingleFrame(encode_png(upright, delay_cs), 10 * delay_cs)
