"""Where a TGA ends: behind its last pixel, or the footer there.

Between the two there may be notes of programs, which are no part of the picture.

Truevision, TGA File Format Specification, version 2.0, January 1991. Pure code: bytes in, values
out; errors as in :mod:`luigi_gif.bundles.image_ends`.
"""

from __future__ import annotations

import struct

from luigi_gif.errors import Truncated

_HEADER = struct.Struct("<BBBHHBHHHHBB")
_FOOTER = b"TRUEVISION-XFILE.\0"
_FOOTER_OFFSETS_BYTES = 8
_COMPRESSED = 8
"""A bit of the image type: pixels are run-length encoded."""


def end_of_tga(data: bytes, start: int = 0) -> int:
    """Behind the last pixel, or the packet that it is in, and a footer that follows at once."""
    if start + _HEADER.size > len(data):
        raise Truncated
    id_bytes, has_map, kind, _, colors, color_bits, _, _, width, height, depth, _ = (
        _HEADER.unpack_from(data, start)
    )
    position = start + _HEADER.size + id_bytes
    if has_map:
        position += colors * ((color_bits + 7) // 8)
    if kind & _COMPRESSED:
        position = _end_of_packets(data, position, width * height, depth // 8)
    else:
        position += (width * depth + 7) // 8 * height
    if position > len(data):
        raise Truncated
    if data.startswith(_FOOTER, position + _FOOTER_OFFSETS_BYTES):
        position += _FOOTER_OFFSETS_BYTES + len(_FOOTER)
    return position


def _end_of_packets(data: bytes, position: int, pixels: int, pixel_bytes: int) -> int:
    """Behind as many run-length packets as give these pixels."""
    try:
        while pixels > 0:
            packet = data[position]
            count = (packet & 0x7F) + 1
            pixels -= count
            position += 1 + (pixel_bytes if packet > 0x7F else pixel_bytes * count)
    except IndexError:
        raise Truncated from None
    return position
