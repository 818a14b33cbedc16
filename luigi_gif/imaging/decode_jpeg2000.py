"""A JPEG 2000 image, JP2 or a codestream alone, as Pillow reads it.

ISO/IEC 15444-1, annexes A and I. Pure code.
"""

from __future__ import annotations

import contextlib
import functools
import io
import struct

from PIL import features
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from luigi_gif import bundles
from luigi_gif.errors import Malformed, MissingDecoder, Undecodable
from luigi_gif.imaging.opened_image import OpenedImage, load

_SIZES = b"\xff\x4f\xff\x51"
"""The markers Start of Codestream and Image and Tile Size."""
_TILE_BYTES = 14
"""Of a tile in the data, at the least: the markers Start of Tile-part and Start of Data."""
_ICC_METHODS = (2, 3)
_COLOR_FIELDS = 3
"""The fields of one byte in front of a profile."""


def open_jpeg2000(data: bytes) -> OpenedImage:
    """The image of a JPEG 2000 file.

    Raises Truncated, Undecodable, MissingDecoder, and whatever Pillow does.
    """
    if not features.check("jpg_2000"):
        raise MissingDecoder("JPEG 2000", "a Pillow with OpenJPEG, such as its wheels")
    with contextlib.suppress(Malformed):  # which its decoder may read all the same
        bundles.end_of_jpeg2000(data)  # for OpenJPEG shows half an image without a word
    picture = Jpeg2KImageFile(io.BytesIO(data))
    (width, height), coded = picture.size, _coded_size(data)
    size = max(width, coded[0]), max(height, coded[1])
    return OpenedImage(size, functools.partial(load, picture), profile=_profile(data))


def _coded_size(data: bytes) -> tuple[int, int]:
    """Width and height in the codestream, by which memory is taken; a JP2 may say others.

    Raises Undecodable for more tiles than there can be in the data: each of them takes memory.
    """
    begin = data.find(_SIZES)
    right, bottom, left, top, *tile = struct.unpack_from(">8I", data, begin + 8)
    width, height, tile_left, tile_top = tile
    if not width or not height:
        raise Undecodable("tiles with pixels", f"{width}x{height}")
    tiles = -(-(right - tile_left) // width) * -(-(bottom - tile_top) // height)
    if tiles * _TILE_BYTES > len(data):
        raise Undecodable("a whole image", f"{tiles:,} tiles in {len(data):,} bytes")
    return right - left, bottom - top


def _profile(data: bytes) -> bytes | None:
    """The ICC profile of a JP2."""
    with contextlib.suppress(Malformed):
        for box in bundles.iterate_boxes(data, 0, len(data)):
            if box.kind != b"jp2h":
                continue
            for part in bundles.iterate_boxes(data, box.start, box.end):
                if part.kind == b"colr" and data[part.start] in _ICC_METHODS:
                    return data[part.start + _COLOR_FIELDS : part.end]
    return None
