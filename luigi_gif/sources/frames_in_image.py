"""Whether a file may be an image of several frames, judged by its beginning at little cost."""

from __future__ import annotations

import math
import struct

from luigi_gif import bundles, gif
from luigi_gif.errors import Malformed, Truncated

_PNG_SIGNATURE_BYTES = 8
_PNG_CHUNK = struct.Struct(">I4s")
_PNG_CRC_BYTES = 4
_WEBP_ANIMATION = 2
"""Bit of the flags in chunk VP8X (WebP container specification)."""
_JPEG = b"\xff\xd8\xff"


def may_hold_frames(data: bytes) -> bool:
    """Whether the file that begins with ``data`` may have several frames.

    Never false for one that has, if ``data`` are what bundles.read_beginning gives, or all.
    """
    if data.startswith(b"GIF8"):
        return gif.has_several_images(data) is not False
    if data.startswith(b"\x89PNG"):
        return _may_be_animated_png(data)
    if data.startswith(b"RIFF") and data[8:16] == b"WEBPVP8X":
        return bool(data[20:21]) and bool(data[20] & _WEBP_ANIMATION)
    return is_sequence(data) or bundles.format_of(data) == "TIFF"


def is_sequence(data: bytes) -> bool:
    """Whether it is surely a file of frames that is no bundle: AVIF, or JPEGs without a gap."""
    return b"avis" in bundles.heif_brands(data) or _is_jpeg_sequence(data)


def _may_be_animated_png(data: bytes) -> bool:
    """Whether a chunk acTL stands before the pixels (PNG 3, section 11.3.6.1)."""
    position = _PNG_SIGNATURE_BYTES
    while position + _PNG_CHUNK.size <= len(data):
        length, kind = _PNG_CHUNK.unpack_from(data, position)
        if kind in (b"acTL", b"IDAT", b"IEND"):
            return bool(kind == b"acTL")
        position += _PNG_CHUNK.size + length + _PNG_CRC_BYTES
    return True


def _is_jpeg_sequence(data: bytes) -> bool:
    """Whether another JPEG stands behind the first, and behind what a camera has put there."""
    if not data.startswith(_JPEG):
        return False
    try:
        end = bundles.end_of_jpeg(data)
        for _ in range(bundles.images_behind_jpeg(data, 0, end)):
            end = bundles.end_of_jpeg(data, bundles.end_of_padding(data, end))
    except (Truncated, Malformed):
        return False
    begin = bundles.end_of_padding(data, end)
    is_delimited = bundles.FRAME_DELIMITER in data[end:begin]
    return not is_delimited and data.startswith(_JPEG, begin) and not _is_smaller(data, begin)


def _is_smaller(data: bytes, begin: int) -> bool:
    """Whether the JPEG there has fewer pixels than the first: then it is a preview of it."""
    size, first = bundles.size_of_jpeg(data, begin), bundles.size_of_jpeg(data)
    return size is not None and first is not None and math.prod(size) < math.prod(first)
