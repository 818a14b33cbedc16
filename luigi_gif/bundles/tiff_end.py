"""Where a TIFF ends: behind the last byte that its directories point to.

Sources: TIFF revision 6.0, Adobe, 3 June 1992; the BigTIFF design,
https://www.awaresystems.be/imaging/tiff/bigtiff.html.

Pure code: bytes in, values out. Pixels are never decoded.
"""

from __future__ import annotations

import struct
from typing import Any

from luigi_gif.bundles.tiff_structure import TIFF_TYPE_BYTES, TIFF_TYPES, tiff_structs
from luigi_gif.errors import Malformed, Truncated

_UNSIGNED = (1, 3, 4, 13, 16, 18)
"""Types of tags whose values may be offsets or lengths."""
_DIRECTORIES = (330, 34665, 34853, 40965)
"""SubIFDs, Exif, GPS and Interoperability."""
_DATA = {273: 279, 324: 325, 513: 514}
"""Where there are strips, tiles, a thumbnail: tags of offsets, of lengths."""
_READ = {*_DIRECTORIES, *_DATA, *_DATA.values()}
_SLACK_BYTES = 1 << 12
_MAX_PADDING_BYTES = 15
"""Pillow makes the length of each of several images a multiple of 16."""


def end_of_tiff(data: bytes, start: int = 0) -> int:
    """Behind the last byte that the TIFF at ``start`` points to, and the zeros that fill it up.

    Raises Truncated if the data end first, Malformed if they cannot be a TIFF.
    """
    end = start + _Walk(data, start).end()
    padding = data[end : end + _MAX_PADDING_BYTES]
    return end + len(padding) - len(padding.lstrip(b"\0"))


class _Walk:
    """One pass over the directories; it reads no more bytes than the TIFF has."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data = data
        self.start = start
        big = b"+" in data[start + 2 : start + 4]
        self.order = ">" if data.startswith(b"MM", start) else "<"
        self.structs = tiff_structs(self.order, big)
        self.first = 8 if big else 4
        """Where the header says where the first directory is."""
        self.reach = 2 * self.first
        self.read_bytes = 0

    def end(self) -> int:
        waiting = [*self._unpack(self.structs.offset, self.first)]
        seen = {0}
        while waiting:
            directory = waiting.pop()
            if directory not in seen:
                seen.add(directory)
                waiting += self._directory(directory)
        if len(seen) == 1:
            raise Malformed(4, "a directory of a TIFF", "none")
        return self.reach

    def _directory(self, offset: int) -> list[int]:
        """Read one, and give those that it leads to."""
        structs = self.structs
        (count,) = self._unpack(structs.tag_count, offset)
        begin = offset + structs.tag_count.size
        behind = begin + count * structs.tag.size
        self._extend(behind + structs.offset.size)
        values: dict[int, tuple[int, ...]] = {}
        for position in range(begin, behind, structs.tag.size):
            tag, kind, number, value = self._unpack(structs.tag, position)
            values[tag] = self._values(tag, kind, number, value)
        for offsets, lengths in _DATA.items():
            if offsets in values and lengths in values:
                ends = map(sum, zip(values[offsets], values[lengths], strict=False))
                self._extend(max(ends, default=0))
        further = [each for tag in _DIRECTORIES for each in values.get(tag, ())]
        return [*self._unpack(structs.offset, behind), *further]

    def _values(self, tag: int, kind: int, number: int, value: bytes) -> tuple[int, ...]:
        """Of an entry, where they matter; their bytes belong to the TIFF in any case."""
        size = number * TIFF_TYPE_BYTES.get(kind, 1)
        inline = size <= self.structs.offset.size
        offset = 0 if inline else self.structs.offset.unpack(value)[0]
        self._extend(offset + (0 if inline else size))
        if kind not in _UNSIGNED or tag not in _READ:
            return ()
        numbers = struct.Struct(f"{self.order}{number}{TIFF_TYPES[kind]}")
        return numbers.unpack_from(value) if inline else self._unpack(numbers, offset)

    def _unpack(self, what: struct.Struct, offset: int) -> tuple[Any, ...]:
        self._extend(offset + what.size)
        self.read_bytes += what.size
        if self.read_bytes > self.reach + _SLACK_BYTES:  # each byte once, in an honest file
            raise Malformed(offset, "directories that do not overlap", "some that do")
        return what.unpack_from(self.data, self.start + offset)

    def _extend(self, reach: int) -> None:
        if self.start + reach > len(self.data):
            raise Truncated
        self.reach = max(self.reach, reach)
