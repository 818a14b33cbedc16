"""The image formats that a frame may have: how each begins, and where it ends.

A new format is a line of this table, the function that finds its end, and a
decoder (luigi_gif/imaging/image_decoders.py); signatures.py may name it among what is no frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from luigi_gif import gif
from luigi_gif.bundles import boxes, ico_structure, image_ends, pnm_structure, tga_end, tiff_end


class ImageFormat(NamedTuple):
    """How images of a format are found."""

    name: str
    beginning: bytes
    """A regular expression for its first bytes."""
    end: Callable[[bytes, int], int]
    """The offset just behind the image that starts at an offset of some data.

    Raises Truncated if the data end first, Malformed if they cannot be such an image.
    """
    is_unmistakable: bool = False
    """Whether other data do not hold its beginning by chance: it has 6 bytes or more."""
    has_end_mark: bool = False
    """Whether its last bytes say that it is whole."""
    is_weak: bool = False
    """Whether other data often hold what seems to be its beginning."""


_BIGTIFF = rb"II\+\x00\x08\x00\x00\x00|MM\x00\+\x00\x08\x00\x00"  # offsets of 64 bits
_BMP = rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00"
_TIFF = rb"II\*\x00(?!.{4}CR\x02)|MM\x00\*|" + _BIGTIFF  # CR: a raw image of a camera
_AVIF = rb"\x00\x00[\x00-\x0f].ftypavi[fs]"
_HEIC = rb"\x00\x00[\x00-\x0f].ftyp(?:hei[cxms]|hev[cxms]|mi[fa]1|miaf|msf1)"
_JPEG2000 = rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51\x00[\x29-\xff]"
_ICO = rb"\x00\x00\x01\x00[^\x00]\x00.{4}[\x00\x01]\x00[\x00\x01\x04\x08\x10\x18\x20]\x00"
_PNM = (
    rb"P[1-6][ \t\r\n]{1,3}(?:#|[1-9][0-9]{0,9}[ \t\r\n])"
    rb"|P7\n(?:#|WIDTH|HEIGHT|DEPTH|MAXVAL|TUPLTYPE)"
    rb"|P[Ff][ \t\r\n][1-9][0-9]{0,9}[ \t\r\n]"
)
_TGA_SIZE = rb"(?!\x00\x00|..\x00\x00).{4}"
_TGA = (
    # Its length would be lost among the newlines of a delimiter: an id of 10 bytes.
    rb"[^\n](?:"
    rb"\x00(?:[\x02\x0a]\x00{5}.{4}" + _TGA_SIZE + rb"[\x10\x18\x20]"
    rb"|\x03\x00{5}.{4}"
    + _TGA_SIZE
    + rb"[\x01\x08\x10]|\x0b\x00{5}.{4}"
    + _TGA_SIZE
    + rb"[\x08\x10])"
    rb"|\x01[\x01\x09]\x00\x00(?:.\x00|\x00\x01)[\x10\x18\x20].{4}" + _TGA_SIZE + rb"\x08"
    rb")[\x00-\x3f]"
)
"""It has no signature: a header of 18 bytes in which all that may be checked is right."""
_TABLE = (
    ImageFormat("GIF", rb"GIF8[79]a", gif.end_of_gif, is_unmistakable=True, has_end_mark=True),
    ImageFormat(
        "PNG", rb"\x89PNG\r\n\x1a\n", image_ends.end_of_png, is_unmistakable=True, has_end_mark=True
    ),
    ImageFormat("JPEG", rb"\xff\xd8\xff", image_ends.end_of_jpeg, has_end_mark=True),
    ImageFormat("WebP", rb"RIFF.{4}WEBP", image_ends.end_of_webp, is_unmistakable=True),
    ImageFormat("BMP", _BMP, image_ends.end_of_bmp),
    ImageFormat("TIFF", _TIFF, tiff_end.end_of_tiff),
    ImageFormat("AVIF", _AVIF, boxes.end_of_heif, is_unmistakable=True),
    ImageFormat("HEIC", _HEIC, boxes.end_of_heif, is_unmistakable=True),
    ImageFormat("JPEG2000", _JPEG2000, boxes.end_of_jpeg2000, is_unmistakable=True),
    ImageFormat("ICO", _ICO, ico_structure.end_of_ico, is_weak=True),
    ImageFormat("PNM", _PNM, pnm_structure.end_of_pnm, is_weak=True),
    ImageFormat("TGA", _TGA, tga_end.end_of_tga, is_weak=True),
)
BY_NAME = {each.name: each for each in _TABLE}
FORMATS = tuple(BY_NAME)
"""Their names, in the order in which users are told them."""


BEGINNING = re.compile(
    b"|".join(b"(?P<%s>%s)" % (each.name.encode(), each.beginning) for each in _TABLE), re.DOTALL
)
"""The beginning of an image that can be a frame; the group's name is its format."""
# Without groups, the module re looks for its first bytes only: many times faster.
CLEAR_BEGINNING = re.compile(
    b"|".join(each.beginning for each in _TABLE if not each.is_weak), re.DOTALL
)
"""The same of those formats that may be looked for among other data."""
LONGEST_BEGINNING = 18
"""In bytes."""


def format_of(data: bytes, position: int = 0) -> str | None:
    """The format of the image that begins there; None for what can be no frame."""
    beginning = BEGINNING.match(data, position)
    return None if beginning is None else beginning.lastgroup
