"""Parameter types for the part, the shape and the background of frames."""

from __future__ import annotations

import re

from luigi_gif.imaging import Crop, Length
from luigi_gif.parameters import NamedParameter

_LENGTH = r"([0-9]{1,9}|[0-9]{1,3}(?:\.[0-9]{1,4})?%)"
_CROP = rf"{_LENGTH}x{_LENGTH}\+{_LENGTH}\+{_LENGTH}"  # compiled where a crop is given
TRANSPARENT = "transparent"


class CropParameter(NamedParameter[Crop | None]):
    """The part of a picture that is kept, or None."""

    expected = (
        "WIDTHxHEIGHT+LEFT+TOP, each in pixels or in percent, such as 640x360+0+40 or "
        "50%x50%+25%+25%, neither empty nor beyond 100%"
    )
    metavar = "WIDTHxHEIGHT+LEFT+TOP"

    def value_of(self, text: str) -> object:
        lengths = re.fullmatch(_CROP, text)
        return text if lengths is None else Crop(*map(_length, lengths.groups()))

    def checked(self, value: object) -> Crop:
        crop = self.value_of(value) if isinstance(value, str) else value
        if not isinstance(crop, Crop):
            raise self.error(value)
        sides = (crop.width, crop.left), (crop.height, crop.top)
        if not all(_can_fit(length, distance) for length, distance in sides):
            raise self.error(self.text_of(crop))
        return crop

    def text_of(self, value: Crop | None) -> str:
        return "{}x{}+{}+{}".format(*map(_length_text, value or ()))


class ColorParameter(NamedParameter[str]):
    """A color, which may have an ``alpha``, or one of some words."""

    metavar = "COLOR"

    def __init__(
        self, default: str, *, words: tuple[str, ...] = (), alpha: bool = False, description: str
    ) -> None:
        digits = "#rrggbb or #rrggbbaa" if alpha else "#rrggbb"
        self.expected = " or ".join((f"{digits}, in hexadecimal digits,", *words)).rstrip(",")
        super().__init__(default=default, description=description)
        self._words = words
        self._pattern = "#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?" if alpha else "#[0-9a-fA-F]{6}"

    def checked(self, value: object) -> str:
        if not isinstance(value, str):
            raise self.error(value)
        if value not in self._words and not re.fullmatch(self._pattern, value):
            raise self.error(value)
        return value.lower()


def _length(text: str) -> Length:
    return Length(float(text.removesuffix("%")), text.endswith("%"))


def _length_text(length: Length) -> str:
    return repr(length.number).removesuffix(".0") + "%" * length.is_percent


def _can_fit(length: Length, distance: Length) -> bool:
    """Whether a picture may have a part so long, so far from its edge."""
    percent = sum(each.number for each in (length, distance) if each.is_percent)
    return length.number > 0 and round(percent, 6) <= 100


def color_of(text: str) -> tuple[int, int, int] | None:
    """Red, green and blue, 0 to 255, of a color's text; None for a word."""
    return (*bytes.fromhex(text[1:]),) if text.startswith("#") else None
