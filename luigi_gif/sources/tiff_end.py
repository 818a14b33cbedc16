"""Where a TIFF ends: behind the last byte that its directories point to.

Sources: TIFF revision 6.0, Adobe, 3 June 1992; the BigTIFF design,
https://www.awaresystems.be/imaging/tiff/bigtiff.html.

Pure code: bytes in, values out. Pixels are never decoded.
"""

from __future__ import annotations

import struct
from typing import Any

from luigi_gif.errors import Malformed, Truncated

_TYPE_BYTES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
    16: 8, 17: 8, 18: 8,
}  # fmt: skip
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_DIRECTORIES = (330, 34665, 34853, 40965)
"""SubIFDs, Exif, GPS and Interoperability."""
_DATA = {273: 279, 324: 325, 513: 514}
"""Where there are strips, tiles, a thumbnail: tags of offsets, of lengths."""
_READ = {*_DIRECTORIES, *_DATA, *_DATA.values()}
_SLACK_BYTES = 1 << 12
_MAX_PADDING_BYTES = 15
"""Pillow makes the length of each of several images a multiple of 16."""


class _Layout:
    """The numbers of a directory, in the byte order and the width that the header says."""

    def __init__(self, order: str, big: bool) -> None:
        self.order = order
        self.offset = struct.Struct(order + ("Q" if big else "I"))
        self.count = struct.Struct(order + ("Q" if big else "H"))
        self.entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))


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
        self.layout = _Layout(">" if data.startswith(b"MM", start) else "<", big)
        self.first = 8 if big else 4
        """Where the header says where the first directory is."""
        self.reach = 2 * self.first
        self.read_bytes = 0

    def end(self) -> int:
        waiting = [*self._unpack(self.layout.offset, self.first)]
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
        layout = self.layout
        (count,) = self._unpack(layout.count, offset)
        begin = offset + layout.count.size
        behind = begin + count * layout.entry.size
        self._extend(behind + layout.offset.size)
        values: dict[int, tuple[int, ...]] = {}
        for position in range(begin, behind, layout.entry.size):
            tag, kind, number, value = self._unpack(layout.entry, position)
            values[tag] = self._values(tag, kind, number, value)
        for places, lengths in _DATA.items():
            if places in values and lengths in values:
                ends = map(sum, zip(values[places], values[lengths], strict=False))
                self._extend(max(ends, default=0))
        further = [each for tag in _DIRECTORIES for each in values.get(tag, ())]
        return [*self._unpack(layout.offset, behind), *further]

    def _values(self, tag: int, kind: int, number: int, value: bytes) -> tuple[int, ...]:
        """Of an entry, where they matter; their bytes belong to the TIFF in any case."""
        size = number * _TYPE_BYTES.get(kind, 1)
        inline = size <= self.layout.offset.size
        offset = 0 if inline else self.layout.offset.unpack(value)[0]
        self._extend(offset + (0 if inline else size))
        if kind not in _INTEGERS or tag not in _READ:
            return ()
        numbers = struct.Struct(f"{self.layout.order}{number}{_INTEGERS[kind]}")
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
