"""The pictures of an icon (ICO), and where the icon ends: behind the last of them.

Microsoft, Icons, https://learn.microsoft.com/en-us/previous-versions/ms997538(v=msdn.10).
Pure code: bytes in, values out; errors as in :mod:`luigi_gif.bundles.image_ends`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from luigi_gif.errors import Malformed, Truncated

_HEADER = struct.Struct("<HHH")
_ENTRY = struct.Struct("<BBBBHHII")


class IconPicture(NamedTuple):
    """What the directory of an icon says of a picture; width and height are not to be relied on."""

    depth: int
    """Bits of a pixel; 0 where it does not say."""
    offset: int
    """Of its first byte in the icon."""
    size: int
    """In bytes."""


def read_icon_pictures(data: bytes, start: int = 0) -> Iterator[IconPicture]:
    """Those of the icon at ``start``. Raises Truncated."""
    (_, _, count) = _unpacked(_HEADER, data, start)
    for number in range(count):
        position = start + _HEADER.size + number * _ENTRY.size
        *_, depth, size, offset = _unpacked(_ENTRY, data, position)
        yield IconPicture(depth, offset, size)


def end_of_ico(data: bytes, start: int = 0) -> int:
    """Behind the last byte of the last of its pictures."""
    pictures = list(read_icon_pictures(data, start))
    directory = _HEADER.size + len(pictures) * _ENTRY.size
    if not pictures or min(each.offset for each in pictures) < directory:
        raise Malformed(4, "pictures behind the directory of an icon", f"{len(pictures)} pictures")
    end = start + max(each.offset + each.size for each in pictures)
    if end > len(data):
        raise Truncated
    return end


def _unpacked(what: struct.Struct, data: bytes, position: int) -> tuple[int, ...]:
    if position + what.size > len(data):
        raise Truncated
    return what.unpack_from(data, position)
