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

_ORDERS = {b"II": "<", b"MM": ">"}
_TYPES = {1: "B", 2: "B", 3: "H", 4: "L", 6: "b", 7: "B", 8: "h", 9: "l", 13: "L", 16: "Q", 17: "q"}
_TYPES |= {5: "2L", 10: "2l", 11: "f", 12: "d", 18: "Q"}
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


def layout(data: bytes) -> Layout | None:
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


def directory(data: bytes, layout_: Layout, offset: int) -> tuple[dict[int, Entry], int]:
    """The tags of the directory at ``offset``, and the offset of the next, or 0."""
    head, tag, word = _formats(layout_)
    if offset <= 0 or offset + head.size > len(data):
        return {}, 0
    (count,) = head.unpack_from(data, offset)
    position = offset + head.size
    count = min(count, (len(data) - position) // tag.size)
    entries = {}
    for place in range(position, position + count * tag.size, tag.size):
        number, type_, values, field = tag.unpack_from(data, place)
        if type_ not in _TYPES or values > _MAX_VALUES:
            continue
        size = values * struct.calcsize("=" + _TYPES[type_])
        if size > len(field):
            (start,) = word.unpack(field)
            field = data[start : start + size]
        if len(field) >= size and number not in entries:
            entries[number] = Entry(type_, values, bytes(field[:size]))
    position += count * tag.size
    following = word.unpack_from(data, position)[0] if position + word.size <= len(data) else 0
    return entries, following


def values(entry: Entry, layout_: Layout) -> tuple[int, ...]:
    """The whole numbers of an entry."""
    return struct.unpack(f"{layout_.order}{entry.number}{_TYPES[entry.type][-1]}", entry.data)


def number_of_directories(data: bytes, layout_: Layout) -> int:
    """How many follow one another; each is counted once."""
    head, tag, word = _formats(layout_)
    offset, seen = layout_.first, set()
    while 0 < offset <= len(data) - head.size and offset not in seen:
        seen.add(offset)
        (count,) = head.unpack_from(data, offset)
        end = offset + head.size + count * tag.size
        offset = word.unpack_from(data, end)[0] if end + word.size <= len(data) else 0
    return len(seen)


def orientation(exif: bytes) -> int:
    """That of Exif data, 1 to 8; 1 where they tell none."""
    layout_ = layout(exif)
    if layout_ is None:
        return 1
    return orientation_of(directory(exif, layout_, layout_.first)[0], layout_)


def orientation_of(tags: dict[int, Entry], layout_: Layout) -> int:
    """That of the tags of a directory; 1 where they tell none."""
    entry = tags.get(_ORIENTATION)
    if entry is None or entry.number != 1 or _TYPES[entry.type] not in "BHLQ":
        return 1
    (turn,) = values(entry, layout_)
    return turn if 1 <= turn <= 8 else 1


def further_images(index: bytes) -> Iterator[tuple[int, int]]:
    """Offset, from the index's first byte, and size of the further images that it names."""
    layout_ = layout(index)
    if layout_ is None:
        return
    entry = directory(index, layout_, layout_.first)[0].get(_MP_ENTRIES)
    entries = entry.data[_MP_ENTRY_BYTES:] if entry else b""
    for place in range(0, len(entries) - _MP_ENTRY_BYTES + 1, _MP_ENTRY_BYTES):
        size, offset = struct.unpack_from(f"{layout_.order}LL", entries, place + 4)
        yield offset, size


def built(tags: dict[int, Entry], layout_: Layout, offset: int) -> bytes:
    """A directory of these tags that is the last, as it stands at ``offset``."""
    head, tag, word = _formats(layout_)
    fields = head.pack(len(tags))
    behind = offset + head.size + len(tags) * tag.size + word.size
    values_ = b""
    for number, entry in sorted(tags.items()):
        field = entry.data.ljust(word.size, b"\0")
        if len(field) > word.size:
            field = word.pack(behind + len(values_))
            values_ += entry.data
        fields += tag.pack(number, entry.type, entry.number, field)
    return fields + word.pack(0) + values_


def _formats(layout_: Layout) -> tuple[struct.Struct, struct.Struct, struct.Struct]:
    """Of the number of tags, of one tag, and of an offset."""
    formats = ("Q", "HHQ8s", "Q") if layout_.big else ("H", "HHL4s", "L")
    head, tag, word = (struct.Struct(layout_.order + format_) for format_ in formats)
    return head, tag, word
