"""The directories of a TIFF, which Exif and the index of a JPEG's further images have too.

Adobe, TIFF 6.0, section 2; BigTIFF (https://bigtiff.org); Exif 2.32, section
4.5; CIPA DC-007, Multi-Picture Format. A decoder's own reader is not asked: it
refuses a picture for a tag that has nothing to do with its pixels.

Pure code: bytes in, values out. What is damaged is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from luigi_gif.bundles import TIFF_TYPE_BYTES, TIFF_TYPES, tiff_structs

_ORDERS = {b"II": "<", b"MM": ">"}
_MAX_VALUES = 1 << 24
_ORIENTATION = 0x0112
_MP_ENTRIES = 0xB002
_MP_ENTRY_BYTES = 16


class Layout(NamedTuple):
    """How numbers stand in a file."""

    order: str
    """As in the module struct: "<" or ">"."""
    big: bool
    """Whether it is a BigTIFF, whose offsets have 8 bytes."""
    first: int
    """Offset of the first directory."""


class Entry(NamedTuple):
    """One tag of a directory."""

    type: int
    number: int
    data: bytes
    """Its values, in the file's byte order."""


def read_layout(data: bytes) -> Layout | None:
    """That of a TIFF that ``data`` begin with; None where they do not."""
    order = _ORDERS.get(bytes(data[:2]))
    if order is None or len(data) < 8:
        return None
    (version,) = struct.unpack_from(f"{order}H", data, 2)
    if version == 42:
        return Layout(order, False, *struct.unpack_from(f"{order}L", data, 4))
    if version == 43 and len(data) >= 16:
        return Layout(order, True, *struct.unpack_from(f"{order}Q", data, 8))
    return None


def read_directory(data: bytes, layout: Layout, offset: int) -> tuple[dict[int, Entry], int]:
    """The tags of the directory at ``offset``, and the offset of the next, or 0."""
    count_struct, tag_struct, offset_struct = tiff_structs(layout.order, layout.big)
    if offset <= 0 or offset + count_struct.size > len(data):
        return {}, 0
    (count,) = count_struct.unpack_from(data, offset)
    position = offset + count_struct.size
    count = min(count, (len(data) - position) // tag_struct.size)
    entries = {}
    for begin in range(position, position + count * tag_struct.size, tag_struct.size):
        number, type_, values, field = tag_struct.unpack_from(data, begin)
        if type_ not in TIFF_TYPES or values > _MAX_VALUES:
            continue
        size = values * TIFF_TYPE_BYTES[type_]
        if size > len(field):
            (start,) = offset_struct.unpack(field)
            field = data[start : start + size]
        if len(field) >= size and number not in entries:
            entries[number] = Entry(type_, values, bytes(field[:size]))
    position += count * tag_struct.size
    following = (
        offset_struct.unpack_from(data, position)[0]
        if position + offset_struct.size <= len(data)
        else 0
    )
    return entries, following


def read_values(entry: Entry, layout: Layout) -> tuple[int, ...]:
    """The whole numbers of an entry."""
    return struct.unpack(f"{layout.order}{entry.number}{TIFF_TYPES[entry.type][-1]}", entry.data)


def count_directories(data: bytes, layout: Layout) -> int:
    """How many follow one another; each is counted once."""
    count_struct, tag_struct, offset_struct = tiff_structs(layout.order, layout.big)
    offset, seen = layout.first, set()
    while 0 < offset <= len(data) - count_struct.size and offset not in seen:
        seen.add(offset)
        (count,) = count_struct.unpack_from(data, offset)
        end = offset + count_struct.size + count * tag_struct.size
        offset = (
            offset_struct.unpack_from(data, end)[0] if end + offset_struct.size <= len(data) else 0
        )
    return len(seen)


def exif_orientation(exif: bytes) -> int:
    """That of Exif data, 1 to 8; 1 where they tell none."""
    layout = read_layout(exif)
    if layout is None:
        return 1
    return tagged_orientation(read_directory(exif, layout, layout.first)[0], layout)


def tagged_orientation(tags: dict[int, Entry], layout: Layout) -> int:
    """That of the tags of a directory; 1 where they tell none."""
    entry = tags.get(_ORIENTATION)
    if entry is None or entry.number != 1 or TIFF_TYPES[entry.type] not in "BHLQ":
        return 1
    (turn,) = read_values(entry, layout)
    return turn if 1 <= turn <= 8 else 1


def listed_images(index: bytes) -> Iterator[tuple[int, int]]:
    """Offset, from the index's first byte, and size of the further images that it names."""
    layout = read_layout(index)
    if layout is None:
        return
    entry = read_directory(index, layout, layout.first)[0].get(_MP_ENTRIES)
    entries = entry.data[_MP_ENTRY_BYTES:] if entry else b""
    for begin in range(0, len(entries) - _MP_ENTRY_BYTES + 1, _MP_ENTRY_BYTES):
        size, offset = struct.unpack_from(f"{layout.order}LL", entries, begin + 4)
        yield offset, size


def encode_directory(tags: dict[int, Entry], layout: Layout, offset: int) -> bytes:
    """A directory of these tags that is the last, as it stands at ``offset``."""
    count_struct, tag_struct, offset_struct = tiff_structs(layout.order, layout.big)
    fields = count_struct.pack(len(tags))
    behind = offset + count_struct.size + len(tags) * tag_struct.size + offset_struct.size
    values = b""
    for number, entry in sorted(tags.items()):
        field = entry.data.ljust(offset_struct.size, b"\0")
        if len(field) > offset_struct.size:
            field = offset_struct.pack(behind + len(values))
            values += entry.data
        fields += tag_struct.pack(number, entry.type, entry.number, field)
    return fields + offset_struct.pack(0) + values
