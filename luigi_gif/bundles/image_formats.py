"""The image formats that a frame may have: how each begins, and where it ends.

A new format is a line of this table, the function that finds its end, and a
decoder (luigi_gif/imaging/image_decoders.py); signatures.py may name it among what is no frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from luigi_gif import gif
from luigi_gif.bundles import image_ends, tiff_end


class ImageFormat(NamedTuple):
    """How images of a format are found."""

    name: str
    beginning: bytes
    """A regular expression for its first bytes."""
    end: Callable[[bytes, int], int]
    """The offset just behind the image that starts at an offset of some data.

    Raises Truncated if the data end first, Malformed if they cannot be such an image.
    """
    is_unmistakable: bool
    """Whether other data do not hold its beginning by chance: it has 6 bytes or more."""
    has_end_mark: bool
    """Whether its last bytes say that it is whole."""


_BIGTIFF = rb"II\+\x00\x08\x00\x00\x00|MM\x00\+\x00\x08\x00\x00"  # offsets of 64 bits
_BMP = rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00"
_TIFF = rb"II\*\x00|MM\x00\*|" + _BIGTIFF
_TABLE = (
    ImageFormat("GIF", rb"GIF8[79]a", gif.end_of_gif, True, True),
    ImageFormat("PNG", rb"\x89PNG\r\n\x1a\n", image_ends.end_of_png, True, True),
    ImageFormat("JPEG", rb"\xff\xd8\xff", image_ends.end_of_jpeg, False, True),
    ImageFormat("WebP", rb"RIFF.{4}WEBP", image_ends.end_of_webp, True, False),
    ImageFormat("BMP", _BMP, image_ends.end_of_bmp, False, False),
    ImageFormat("TIFF", _TIFF, tiff_end.end_of_tiff, False, False),
)
BY_NAME = {each.name: each for each in _TABLE}
FORMATS = tuple(BY_NAME)
"""Their names, in the order in which users are told them."""
BEGINNING = re.compile(
    b"|".join(b"(?P<%s>%s)" % (each.name.encode(), each.beginning) for each in _TABLE), re.DOTALL
)
"""The beginning of an image that can be a frame; the group's name is its format."""
LONGEST_BEGINNING = 18
"""In bytes."""
