"""Whether a file may be an image of several frames, judged by its beginning at little cost."""

from __future__ import annotations

import re

from luigi_gif import bundles, gif
from luigi_gif.errors import Malformed, Truncated

_APNG_FRAMES = re.compile(rb"acTL(.{4})", re.DOTALL)
"""Chunk acTL of a PNG (PNG 3, section 11.3.6.1) and its number of frames."""
_WEBP_ANIMATION = 2
"""Bit of the flags in chunk VP8X (WebP container specification)."""
_JPEG = b"\xff\xd8\xff"
_APNG_REACH = 1 << 16
"""Chunks may stand before it, such as a color profile."""


def may_hold_frames(data: bytes) -> bool:
    """Whether the file that begins with ``data`` may have several frames.

    Never false for one that has, if ``data`` are a megabyte of it or all.
    """
    if data.startswith(b"GIF8"):
        return gif.has_several_images(data)
    if data.startswith(b"\x89PNG"):
        found = _APNG_FRAMES.search(data, 0, _APNG_REACH)
        return found is not None and int.from_bytes(found[1]) > 1
    if data.startswith(b"RIFF") and data[8:16] == b"WEBPVP8X":
        return bool(data[20:21]) and bool(data[20] & _WEBP_ANIMATION)
    return is_sequence(data) or data.startswith((b"II", b"MM"))


def is_sequence(data: bytes) -> bool:
    """Whether it is surely a file of frames that is no bundle: AVIF, or JPEGs without a gap."""
    return b"avis" in bundles.heif_brands(data) or _is_jpeg_sequence(data)


def _is_jpeg_sequence(data: bytes) -> bool:
    if not data.startswith(_JPEG):
        return False
    try:
        end = bundles.end_of_jpeg(data)
    except (Truncated, Malformed):
        return False
    return data.startswith(_JPEG, end)
