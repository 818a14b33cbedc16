"""What an AVIF or HEIC says of the colors of its primary image without an ICC profile.

ISO/IEC 14496-12, section 12.1.5 (colr); 23008-12, section 9.3 (properties of items). Pure code.
"""

from __future__ import annotations

import struct

from luigi_gif import bundles
from luigi_gif.bundles import Box
from luigi_gif.errors import Malformed
from luigi_gif.imaging import color_profiles

_VERSION_BYTES = 4
"""A version of one byte and flags, with which some boxes begin."""
_LARGE_INDEXES = 1


def profile_of(data: bytes) -> bytes | None:
    """A profile of what it says; None for sRGB, or where it says nothing."""
    try:
        for kind, start, end in _primary_properties(data):
            if kind == b"colr" and data.startswith(b"nclx", start) and start + 8 <= end:
                primaries, curve = struct.unpack_from(">HH", data, start + 4)
                return color_profiles.of_video(primaries, curve)
    except (Malformed, KeyError, IndexError, struct.error):
        pass  # it is damaged, which is for a decoder to say
    return None


def _primary_properties(data: bytes) -> list[tuple[bytes, int, int]]:
    """Kind, begin and end of each property of the image that is to be shown."""
    meta = _children(data, 0, len(data))[b"meta"]
    boxes = _children(data, meta.start + _VERSION_BYTES, meta.end)
    primary = boxes[b"pitm"]
    item = int.from_bytes(data[primary.start + _VERSION_BYTES : primary.end], "big")
    containers = _children(data, boxes[b"iprp"].start, boxes[b"iprp"].end)
    shared = containers[b"ipco"]
    properties = [box[:3] for box in bundles.iterate_boxes(data, shared.start, shared.end)]
    indexes = _associated(data, containers[b"ipma"].start, item)
    return [properties[index - 1] for index in indexes if index]


def _children(data: bytes, start: int, stop: int) -> dict[bytes, Box]:
    """The first box of each kind."""
    found: dict[bytes, Box] = {}
    for box in bundles.iterate_boxes(data, start, stop):
        found.setdefault(box.kind, box)
    return found


def _associated(data: bytes, position: int, item: int) -> list[int]:
    """The indexes, from 1, of an item's properties."""
    version_and_flags, count = struct.unpack_from(">II", data, position)
    position += 8
    id_bytes = 4 if version_and_flags >> 24 else 2
    index_bytes = 2 if version_and_flags & _LARGE_INDEXES else 1
    essential = 1 << (8 * index_bytes - 1)
    for _ in range(count):
        found = int.from_bytes(data[position : position + id_bytes], "big")
        position += id_bytes
        end = position + 1 + data[position] * index_bytes
        if found == item:
            each = range(position + 1, end, index_bytes)
            return [int.from_bytes(data[at : at + index_bytes], "big") & ~essential for at in each]
        position = end
    return []
