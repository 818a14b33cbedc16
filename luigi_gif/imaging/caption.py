"""A caption, drawn onto a picture.

The layout is FreeType's basic one, which each Pillow has: with raqm, which some lack, a frame
could differ from machine to machine. So scripts that need more than one glyph behind another,
from left to right, are not drawn at all.

Pure code: pictures and values in, pictures out, the same on every machine.
"""

from __future__ import annotations

import functools
import io
import math
import re
import unicodedata
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from luigi_gif.errors import Undecodable
from luigi_gif.imaging.caption_style import Caption

_HEIGHTS = 20
"""Of the font in the height of a frame, where the user says no size, ..."""
_MIN_DEFAULT_SIZE = 12
"""... but not less than this, in pixels."""
_MIN_SIZE = 8
"""Text that does not fit gets smaller down to this; less can hardly be read."""
_CHECKED_SIZE = 32
"""At which it is seen whether a font has a character."""
_NO_CHARACTER = "\uffff"
"""Which no font has (Unicode 17, section 23.7)."""
_DIGITS = frozenset("0123456789")
_RUN = re.compile("[0-9]| +|[^0-9 ]+")
_MIN_SPACE = 0.28
"""Of the size: words of small letters run into each other with less."""

_Font = ImageFont.FreeTypeFont
_Size = tuple[int, int]


class _Layout(NamedTuple):
    """Where the text stands in its box; all lengths in pixels."""

    font: _Font
    lines: list[str]
    widths: list[int]
    digit_width: int
    line_height: int
    padding: _Size
    margin: int
    """Between the box and the edges of the picture."""

    @property
    def size(self) -> _Size:
        """Of the box."""
        width = max(self.widths) + 2 * self.padding[0]
        return width, len(self.lines) * self.line_height + 2 * self.padding[1]

    def fits(self, size: _Size) -> bool:
        """Whether a picture of this size has room for the box."""
        return all(own + 2 * self.margin <= side for own, side in zip(self.size, size, strict=True))


def draw_caption(picture: Image.Image, caption: Caption) -> bool:
    """Draw a caption onto a picture.

    Text that is too large for the picture gets smaller, down to 8 pixels.

    Parameters
    ----------
    picture : Image
        RGB or RGBA; it is changed.
    caption : Caption
        Its font has all characters of the text (see :func:`missing_characters`).

    Returns
    -------
    bool
        Whether all of it has room there.
    """
    layout = _fitting_layout(caption, picture.size)
    box = _place(layout, caption.style.position, picture.size)
    part = picture.crop(box)
    mask = _text_mask(layout, caption.style.position, part.size)
    if caption.style.box is not None:
        *color, alpha = caption.style.box
        _lay_on(part, (color[0], color[1], color[2]), Image.new("L", part.size, alpha))
    _lay_on(part, caption.style.color, mask)
    picture.paste(part, box[:2])
    return layout.fits(picture.size)


def check_font(font: bytes | None) -> None:
    """Look whether a font can be used.

    Parameters
    ----------
    font : bytes, optional
        A font file; None is the font in Pillow.

    Raises
    ------
    Undecodable
        If it cannot.
    """
    try:
        _load_font(font, _CHECKED_SIZE).getmask("0")
    except OSError as error:
        raise Undecodable("a TrueType or OpenType font", str(error)) from None


def missing_characters(text: str, font: bytes | None) -> str:
    """The characters of a text that cannot be drawn in a font, each once.

    Parameters
    ----------
    text : str
        In lines.
    font : bytes, optional
        A font file that can be used; None is the font in Pillow.
    """
    known = _known_characters(font)
    for character in set(text.replace("\n", "")) - known.keys():
        known[character] = _can_be_drawn(character, font)
    return "".join(each for each in dict.fromkeys(text) if not known.get(each, True))


@functools.lru_cache(maxsize=2)
def _known_characters(font: bytes | None) -> dict[str, bool]:
    """Whether a font has a character, of those that were asked for so far."""
    return {}


def _can_be_drawn(character: str, font: bytes | None) -> bool:
    if unicodedata.bidirectional(character) in ("R", "AL"):
        return False
    if unicodedata.category(character).startswith(("M", "C")):
        return False
    loaded = _load_font(font, _CHECKED_SIZE)
    return _glyph(loaded, character) != _glyph(loaded, _NO_CHARACTER)


def _glyph(font: _Font, character: str) -> tuple[float, _Size, bytes]:
    """What tells a glyph from others: Pillow does not say whether a font has one."""
    mask = font.getmask(character)
    return font.getlength(character), mask.size, bytes(mask)


@functools.lru_cache(maxsize=16)
def _load_font(font: bytes | None, size: int) -> _Font:
    if font is None:
        default = ImageFont.load_default(size)
        assert isinstance(default, _Font)
        return default
    return ImageFont.truetype(io.BytesIO(font), size, layout_engine=ImageFont.Layout.BASIC)


def _fitting_layout(caption: Caption, picture_size: _Size) -> _Layout:
    size = caption.style.size or max(_MIN_DEFAULT_SIZE, round(picture_size[1] / _HEIGHTS))
    layout = _layout(caption, size)
    while size > _MIN_SIZE and not layout.fits(picture_size):
        # All lengths grow with the size, nearly: this comes close, then one pixel at a time.
        room = min(
            side / (own + 2 * layout.margin)
            for own, side in zip(layout.size, picture_size, strict=True)
        )
        size = max(_MIN_SIZE, min(size - 1, int(size * room)))
        layout = _layout(caption, size)
    return layout


def _layout(caption: Caption, size: int) -> _Layout:
    font = _load_font(caption.style.font, size)
    lines = caption.text.split("\n")
    # In many fonts a 1 is narrower than an 8: then the text would jump from frame to frame.
    digit_width = max(math.ceil(font.getlength(digit)) for digit in _DIGITS)
    widths = [sum(_width(font, run, digit_width) for run in _RUN.findall(line)) for line in lines]
    padding = math.ceil(0.4 * size), math.ceil(0.2 * size)
    return _Layout(
        font, lines, widths, digit_width, sum(font.getmetrics()), padding, round(size / 2)
    )


def _width(font: _Font, run: str, digit_width: int) -> int:
    if run in _DIGITS:
        return digit_width
    width = math.ceil(font.getlength(run))
    return max(width, round(len(run) * _MIN_SPACE * font.size)) if run.isspace() else width


def _place(layout: _Layout, position: str, picture_size: _Size) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of as much of the box as a picture of this size has room for."""
    width, height = layout.size
    left = _start(position, ("left", "right"), picture_size[0] - width, layout.margin)
    top = _start(position, ("top", "bottom"), picture_size[1] - height, layout.margin)
    return left, top, min(left + width, picture_size[0]), min(top + height, picture_size[1])


def _start(position: str, ends: tuple[str, str], room: int, margin: int) -> int:
    """Where something begins that leaves so much room, so far from an end or in the middle."""
    margin = max(0, min(margin, room // 2))
    sides = position.split("-")
    if ends[0] in sides:
        return margin
    return max(0, room - margin if ends[1] in sides else room // 2)


def _text_mask(layout: _Layout, position: str, size: _Size) -> Image.Image:
    """The text in its box of this size: 255 where it is, less at the edges of letters."""
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    width = max(layout.widths)
    for number, (line, own_width) in enumerate(zip(layout.lines, layout.widths, strict=True)):
        left = layout.padding[0] + _start(position, ("left", "right"), width - own_width, 0)
        top = layout.padding[1] + number * layout.line_height
        for run in _RUN.findall(line):
            run_width = _width(layout.font, run, layout.digit_width)
            inset = (run_width - math.ceil(layout.font.getlength(run))) // 2
            draw.text((left + inset, top), run, fill=255, font=layout.font)
            left += run_width
    return mask


def _lay_on(picture: Image.Image, color: tuple[int, int, int], mask: Image.Image) -> None:
    """Lay a color on a picture, as opaque as the mask says."""
    if picture.mode == "RGBA":
        layer = Image.new("RGBA", picture.size, color)
        layer.putalpha(mask)
        picture.alpha_composite(layer)
    else:
        picture.paste(color, mask=mask)
