"""The image formats that can be decoded: which module reads each, told by its first bytes.

A new format is a line of this table and a module beside these; where its
images end in a bundle says luigi_gif/bundles/image_formats.py.
"""

from __future__ import annotations

import contextlib
import importlib

from luigi_gif import bundles
from luigi_gif.errors import Malformed, Undecodable
from luigi_gif.imaging.opened_image import OpenedImage

_BY_SIGNATURE = (
    ((b"\x89PNG\r\n\x1a\n",), "png"),
    ((b"\xff\xd8",), "jpeg"),
    ((b"RIFF",), "webp"),
    ((b"BM",), "bmp"),
    ((b"II", b"MM"), "tiff"),
    ((b"GIF8",), "gif"),
)
"""Data that begin so are read by ``decode_png.open_png()`` and so on."""
_BY_FORMAT = {"JPEG2000": "jpeg2000", "ICO": "ico", "PNM": "pnm", "TGA": "tga"}
"""The same of formats that are told by more than a few bytes."""
_HEIF = ("AVIF", "HEIC")


def open_image(data: bytes) -> OpenedImage:
    """The first image of ``data``, its header read.

    Raises Undecodable, and whatever Pillow does.
    """
    name = _decoder_name(data)
    # Only now, as most runs see one format.
    decoder = importlib.import_module(f"luigi_gif.imaging.decode_{name}")
    opened: OpenedImage = getattr(decoder, f"open_{name}")(data)
    return opened


def _decoder_name(data: bytes) -> str:
    for signatures, name in _BY_SIGNATURE:
        if data.startswith(signatures):
            return name
    format_ = bundles.format_of(data) or ""
    if format_ in _HEIF:
        return _name_of_heif(data)
    if format_ in _BY_FORMAT:
        return _BY_FORMAT[format_]
    raise Undecodable("an image that can be decoded", "no beginning of one")


def _name_of_heif(data: bytes) -> str:
    """An AVIF or a HEIC: one that begins as any HEIF may be either. Raises Truncated too."""
    with contextlib.suppress(Malformed):  # which its decoder may read all the same
        bundles.end_of_heif(data)
    return "avif" if bundles.heif_brands(data) & {b"avif", b"avis"} else "heic"
