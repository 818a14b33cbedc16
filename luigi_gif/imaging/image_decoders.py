"""The image formats that can be decoded: which module reads each, told by its first bytes.

A new format is a line of this table and a module beside these; where its
images end in a bundle says luigi_gif/bundles/image_formats.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from luigi_gif import bundles
from luigi_gif.errors import Malformed, Undecodable
from luigi_gif.imaging import (
    decode_avif,
    decode_bmp,
    decode_gif,
    decode_heic,
    decode_ico,
    decode_jpeg,
    decode_jpeg2000,
    decode_png,
    decode_pnm,
    decode_tga,
    decode_tiff,
    decode_webp,
)
from luigi_gif.imaging.opened_image import OpenedImage

_DECODERS: tuple[tuple[tuple[bytes, ...], Callable[[bytes], OpenedImage]], ...] = (
    ((decode_png.SIGNATURE,), decode_png.open_png),
    ((decode_jpeg.SIGNATURE,), decode_jpeg.open_jpeg),
    ((decode_webp.SIGNATURE,), decode_webp.open_webp),
    ((decode_bmp.SIGNATURE,), decode_bmp.open_bmp),
    (decode_tiff.SIGNATURES, decode_tiff.open_tiff),
    ((decode_gif.SIGNATURE,), decode_gif.open_gif),
)


def _open_heif(data: bytes) -> OpenedImage:
    """An AVIF or a HEIC: one that begins as any HEIF may be either. Raises Truncated too."""
    with contextlib.suppress(Malformed):  # which its decoder may read all the same
        bundles.end_of_heif(data)
    is_avif = bundles.heif_brands(data) & {b"avif", b"avis"}
    return decode_avif.open_avif(data) if is_avif else decode_heic.open_heic(data)


_DECODERS_BY_NAME: dict[str, Callable[[bytes], OpenedImage]] = {
    "AVIF": _open_heif,
    "HEIC": _open_heif,
    "JPEG2000": decode_jpeg2000.open_jpeg2000,
    "ICO": decode_ico.open_ico,
    "PNM": decode_pnm.open_pnm,
    "TGA": decode_tga.open_tga,
}
"""Those of formats that are told by more than a few bytes."""


def open_image(data: bytes) -> OpenedImage:
    """The first image of ``data``, its header read.

    Raises Undecodable, and whatever Pillow does.
    """
    for signatures, opener in _DECODERS:
        if data.startswith(signatures):
            return opener(data)
    opener_by_name = _DECODERS_BY_NAME.get(bundles.format_of(data) or "")
    if opener_by_name is not None:
        return opener_by_name(data)
    raise Undecodable("an image that can be decoded", "no beginning of one")
