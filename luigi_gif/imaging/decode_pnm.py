"""The pixels of a PBM, PGM, PPM, PAM or PFM image.

Netpbm's manual pages pbm, pgm, ppm, pam and pfm, https://netpbm.sourceforge.net/doc/. Pillow knows
neither PAM nor colors in PFM, and is slow in others. Pure code.
"""

from __future__ import annotations

import functools
import re

import numpy as np
from PIL import Image

from luigi_gif import bundles
from luigi_gif.bundles import PnmHeader
from luigi_gif.errors import Undecodable
from luigi_gif.imaging.bit_depth import to_eight_bit
from luigi_gif.imaging.opened_image import OpenedImage, Values

_TUPLE_TYPES = (
    re.compile(b"|BLACKANDWHITE|GRAYSCALE"),
    re.compile(b"|(BLACKANDWHITE|GRAYSCALE)_ALPHA"),
    re.compile(b"|RGB"),
    re.compile(b"|RGB_ALPHA"),
)
"""What channels of a PAM may be, by their number less 1."""


def open_pnm(data: bytes) -> OpenedImage:
    """The first image of a PNM. Raises Truncated, Malformed or Undecodable."""
    header = bundles.read_pnm_header(data)
    if header.channels > len(_TUPLE_TYPES) or not _TUPLE_TYPES[header.channels - 1].fullmatch(
        header.tuple_type
    ):
        got = f"{header.channels:,} channels of type {header.tuple_type[:40]!r}"
        raise Undecodable("a PAM of gray or RGB, perhaps with alpha", got)
    load_pixels = functools.partial(_pixels, data, header)
    return OpenedImage((header.width, header.height), load_pixels)


def _pixels(data: bytes, header: PnmHeader) -> Image.Image | Values:
    end = bundles.end_of_pnm(data)
    shape = header.height, header.width, header.channels
    body = data[header.offset : end]
    if header.kind in "fF":
        order = "<" if header.scale < 0 else ">"
        rows = np.frombuffer(body, f"{order}f4").reshape(shape)[::-1]
        return rows if header.channels > 1 else rows[..., 0]
    levels = _levels(body, header)[: np.prod(shape)].reshape(shape)
    if header.kind in "14":
        levels = 1 - levels  # 1 is black
    if header.channels == 1:
        levels = levels[..., 0]
    return to_eight_bit(levels, header.max_level)


def _levels(body: bytes, header: PnmHeader) -> np.ndarray:
    """One channel of a pixel behind another."""
    if header.kind == "4":
        bits = np.unpackbits(np.frombuffer(body, np.uint8)).reshape(header.height, -1)
        return bits[:, : header.width].ravel()
    if header.kind == "1":
        text = b"".join(bundles.plain_text(body).split())
        return np.frombuffer(text, np.uint8) - ord("0")
    if header.kind in "23":
        return np.fromstring(bundles.plain_text(body).decode(), np.int64, sep=" ")
    return np.frombuffer(body, np.uint8 if header.max_level < 256 else ">u2")
