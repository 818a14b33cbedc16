"""One picture to the pixels of one image of an animated WebP or PNG, in all of its colors.

Pillow encodes it, and lets other threads run meanwhile. Pure code: pictures in, bytes out.
"""

from __future__ import annotations

import io
import math
from typing import NamedTuple

from PIL import Image, ImageChops

from luigi_gif.imaging.canvas_picture import changed_box, on_background
from luigi_gif.imaging.look import Size

WEBP_QUALITIES = (80, 95)
"""Of a picture with loss: the first that leaves it near enough; if none does, it is without."""
MIN_PSNR = 36.0
"""In decibels, of red, green and blue together."""
_MAX_GAIN = 3.0
"""What a better quality can add, in decibels. Drawings lose most by colors of half the resolution,
which no quality brings back."""
_METHOD = 4
"""Of libwebp, 0 to 6: how much it tries. This is its own default."""
_EFFORT = 75
"""Of libwebp without loss, 0 to 100: its own default too."""
_EVEN = 2
"""What an ANMF chunk counts positions in, in pixels: RFC 9649, section 2.7.1.1."""
_BLACK = (0, 0, 0)


class EncodedPart(NamedTuple):
    """The part of a picture that an animation stores, as an image file of its own."""

    data: bytes
    size: Size
    position: tuple[int, int]
    """Left and top in the picture, in pixels."""


def encode_webp_part(
    picture: Image.Image, before: Image.Image | None, *, lossless: bool
) -> EncodedPart:
    """What an animated WebP stores of a picture.

    Parameters
    ----------
    picture : Image
        RGB or RGBA.
    before : Image, optional
        The one that is shown before it. With loss all of a picture is stored, as what is shown
        is not quite the one before.
    lossless : bool
        Whether each pixel is to be exact.
    """
    box = changed_box(picture, before if lossless else None, _EVEN)
    part = picture if box == (0, 0, *picture.size) else picture.crop(box)
    return EncodedPart(encode_webp(part, lossless=lossless), part.size, box[:2])


def encode_webp(picture: Image.Image, *, lossless: bool) -> bytes:
    """A WebP of a picture, exact or at least as near to it as :data:`MIN_PSNR` says."""
    for quality in () if lossless else WEBP_QUALITIES:
        data = _saved(picture, "WEBP", quality=quality, method=_METHOD)
        psnr = _psnr(picture, data)
        if psnr >= MIN_PSNR:
            return data
        if psnr < MIN_PSNR - _MAX_GAIN:
            break
    return _saved(picture, "WEBP", lossless=True, quality=_EFFORT, method=_METHOD)


def encode_png_part(
    picture: Image.Image, before: Image.Image | None, *, with_alpha: bool
) -> EncodedPart:
    """What an animated PNG stores of a picture, in RGBA or, if all of it is opaque, in RGB."""
    box = changed_box(picture, before)
    part = picture if box == (0, 0, *picture.size) else picture.crop(box)
    part = part.convert("RGBA") if with_alpha else part
    return EncodedPart(_saved(part, "PNG"), part.size, box[:2])


def _psnr(picture: Image.Image, data: bytes) -> float:
    """How near an image file is to a picture, in decibels; what is transparent is black."""
    with Image.open(io.BytesIO(data)) as encoded:
        shown = encoded.convert(picture.mode)
    shown, picture = on_background(shown, _BLACK), on_background(picture, _BLACK)
    counts = ImageChops.difference(picture, shown).histogram()
    squares = sum(count * (level % 256) ** 2 for level, count in enumerate(counts))
    mean = squares / (3 * picture.width * picture.height)
    return 10 * math.log10(255**2 / mean) if mean else math.inf


def _saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_, **options)
    return file.getvalue()
