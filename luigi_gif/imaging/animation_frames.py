"""One picture to the pixels of one image of an animated WebP or PNG, in all of its colors.

Pillow encodes it, and lets other threads run meanwhile. Pure code: pictures in, bytes out.
"""

from __future__ import annotations

import io
import math
from typing import NamedTuple

from PIL import Image, ImageChops

from luigi_gif.imaging.canvas_picture import changed_box, on_background
from luigi_gif.imaging.look import Box, Size

_GAINS = {80: 1.0, 85: 1.2, 90: 1.5, 95: 2.0, 100: 2.2}
"""Qualities of a picture with loss, and how many times smaller than at the first one its loss is at
each, if it is a photograph. One that leaves it near enough is taken; if none does, it is without:
drawings lose most by colors of half the resolution, which no quality brings back."""
MIN_PSNR = 36.25
"""In decibels, of red, green and blue together, of what is stored of a picture. Where only a part
of it changed, the rest may be worse than the picture was that it was stored with: this is a quarter
of a decibel more than is promised."""
_MAX_SQUARES = 3 * 255**2 / 10 ** (MIN_PSNR / 10)
"""The same a pixel: the sum of the squares by which its channels are off."""
_MAX_OTHER = 1.25
"""How many times larger or smaller, a pixel, the files of pictures are at most that are taken to be
near enough because one is: at one quality the loss changes about as the file does. The less that
one has to spare, the fewer they are."""
_MAX_OTHER_SIZE = 2
"""How many times more or fewer pixels they may have."""
_MAX_UNMEASURED = 8
"""So many of these, then one is measured again: what slowly changes may lose more and more."""
_METHOD = 4
"""Of libwebp, 0 to 6: how much it tries. This is its own default."""
_EFFORT = 75
"""Of libwebp without loss, 0 to 100: its own default too."""
_QUICK_EFFORT = 25
"""Where no quality is near enough: it takes half the time. Most pictures take some percent more
bytes, but those of text up to 45%."""
_FEW_COLORS = 256
"""So many may take fewer bytes without loss than with it. Those of libwebp's quickest way tell."""
_MAX_LIKE = 1.25
"""How many times larger, a pixel, the files of pictures without loss are at most that are taken to
be like one which no quality is near enough for."""
_EVEN = 2
"""What an ANMF chunk counts positions in, in pixels: RFC 9649, section 2.7.1.1."""
_BLACK = (0, 0, 0)


class EncodedPart(NamedTuple):
    """The part of a picture that an animation stores, as an image file of its own."""

    data: bytes
    size: Size
    position: tuple[int, int]
    """Left and top in the picture, in pixels."""


class _Stored(NamedTuple):
    """What was stored of a picture."""

    pixels: int
    file_bytes: int

    def has_size_like(self, pixels: int) -> bool:
        """Whether a part of so many pixels can be compared with it."""
        return _is_within(pixels, self.pixels, _MAX_OTHER_SIZE)

    def has_bytes_like(self, other: _Stored, times: float) -> bool:
        """Whether both take about as many bytes a pixel."""
        return _is_within(self.file_bytes * other.pixels, other.file_bytes * self.pixels, times)


class _Measured(NamedTuple):
    """A part whose loss was measured, and is near enough."""

    quality: int
    stored: _Stored
    spare: float
    """How many times larger its loss might be."""
    unmeasured: int
    """How many behind it need not be measured."""

    def is_like(self, stored: _Stored) -> bool:
        """Whether another part of this quality is surely near enough too."""
        times = min(_MAX_OTHER, math.sqrt(self.spare))  # half of it, in decibels, is kept
        return stored.has_size_like(self.stored.pixels) and stored.has_bytes_like(
            self.stored, times
        )


class _Drawn(NamedTuple):
    """A part that was stored without loss."""

    stored: _Stored
    effort: int
    """Of libwebp."""

    def is_like(self, stored: _Stored) -> bool:
        """Whether another part does not take many more bytes, encoded the same way."""
        mine, pixels = self.stored, stored.pixels
        return stored.file_bytes * mine.pixels <= mine.file_bytes * pixels * _MAX_LIKE


class WebpEncoder:
    """Encodes pictures of an animated WebP that show one after another.

    Parameters
    ----------
    lossless : bool
        Whether each pixel is to be exact.
    """

    def __init__(self, *, lossless: bool) -> None:
        self._lossless = lossless
        self._measured: _Measured | None = None
        """The last one."""
        self._drawn: _Drawn | None = None
        """The last one that had to be without loss, or is smaller so."""

    def encode(self, picture: Image.Image, before: Image.Image | None) -> EncodedPart:
        """What is stored of a picture.

        Parameters
        ----------
        picture : Image
            RGB or RGBA.
        before : Image, optional
            The one that is shown before it.
        """
        part, box = _changed_part(picture, before, _EVEN)
        data = _without_loss(part, _EFFORT) if self._lossless else self._near_enough(part)
        return EncodedPart(data, part.size, box[:2])

    def _near_enough(self, part: Image.Image) -> bytes:
        pixels = part.width * part.height
        drawn, last = self._drawn, self._measured
        if drawn and drawn.stored.has_size_like(pixels):
            data = _without_loss(part, drawn.effort)
            if drawn.is_like(_Stored(pixels, len(data))):
                return data
            self._drawn = None
        # What the last one needed is where the search begins.
        quality: int | None = last.quality if last else min(_GAINS)
        while quality:
            data = _saved(part, "WEBP", quality=quality, method=_METHOD)
            stored = _Stored(pixels, len(data))
            if last and last.quality == quality and last.unmeasured and last.is_like(stored):
                self._measured = last._replace(unmeasured=last.unmeasured - 1)
                return data
            excess = _squares(part, data) / (_MAX_SQUARES * pixels)
            if excess <= 1:
                spare = 1 / max(excess, 1e-9)
                before = last.spare if last and last.quality == quality else math.inf
                unmeasured = _unmeasured(before, spare)
                self._measured = _Measured(quality, stored, spare, unmeasured)
                return self._drawn_as(part, _EFFORT) if _is_drawing(part, len(data)) else data
            quality = _better(quality, excess)
        return self._drawn_as(part, _QUICK_EFFORT)

    def _drawn_as(self, part: Image.Image, effort: int) -> bytes:
        data = _without_loss(part, effort)
        self._drawn = _Drawn(_Stored(part.width * part.height, len(data)), effort)
        return data


def _unmeasured(before: float, spare: float) -> int:
    """How many parts may use up half of what there is to spare, if it changes as till now."""
    if spare >= before:
        return _MAX_UNMEASURED
    return min(_MAX_UNMEASURED, int(math.log(spare) / (math.log(before) - math.log(spare)) / 2))


def _is_drawing(part: Image.Image, lossy_bytes: int) -> bool:
    """Whether it surely takes fewer bytes without loss."""
    if part.getcolors(_FEW_COLORS) is None:
        return False
    return len(_saved(part, "WEBP", lossless=True, quality=0, method=0)) < lossy_bytes


def _better(quality: int, excess: float) -> int | None:
    """The next quality for a part whose loss is so many times too large; None for none at all."""
    needed = _GAINS[quality] * excess
    return next(
        (other for other, gain in _GAINS.items() if other > quality and gain >= needed), None
    )


def _is_within(count: float, other: float, times: float) -> bool:
    return other <= count * times and count <= other * times


def encode_png_part(
    picture: Image.Image, before: Image.Image | None, *, with_alpha: bool
) -> EncodedPart:
    """What an animated PNG stores of a picture, in RGBA or, if all of it is opaque, in RGB."""
    part, box = _changed_part(picture, before)
    part = part.convert("RGBA") if with_alpha else part
    return EncodedPart(_saved(part, "PNG"), part.size, box[:2])


def _changed_part(
    picture: Image.Image, before: Image.Image | None, step: int = 1
) -> tuple[Image.Image, Box]:
    """The part that is to be stored, and where it lies: see :func:`changed_box`."""
    box = changed_box(picture, before, step)
    return (picture if box == (0, 0, *picture.size) else picture.crop(box)), box


def _without_loss(picture: Image.Image, effort: int) -> bytes:
    return _saved(picture, "WEBP", lossless=True, quality=effort, method=_METHOD)


def _squares(picture: Image.Image, data: bytes) -> float:
    """By how much an image file is off a picture; what is transparent is black."""
    with Image.open(io.BytesIO(data)) as encoded:
        encoded.load()
        shown = encoded if encoded.mode == picture.mode else encoded.convert(picture.mode)
    shown, picture = on_background(shown, _BLACK), on_background(picture, _BLACK)
    counts = ImageChops.difference(picture, shown).histogram()
    return sum(count * (level % 256) ** 2 for level, count in enumerate(counts))


def _saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_, **options)
    return file.getvalue()
