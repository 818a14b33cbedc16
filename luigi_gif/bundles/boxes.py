"""The boxes that AVIF, HEIC and JPEG 2000 files consist of, and where such an image ends.

ISO/IEC 14496-12, section 4.2, and 23008-12 (HEIF); ISO/IEC 15444-1, annexes A (codestream) and I
(JP2). Pure code: bytes in, values out; errors as in :mod:`luigi_gif.bundles.image_ends`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from luigi_gif.errors import Malformed, Truncated

_HEADER = struct.Struct(">I4s")
_LONG_LENGTH = struct.Struct(">Q")
_HEIF_KINDS = frozenset(
    {b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"uuid", b"mpvd", b"sefd"}
)
"""The last two are videos and notes that phones add."""
_JP2_KINDS = frozenset(
    {b"jP  ", b"ftyp", b"jp2h", b"jp2c", b"jp2i", b"xml ", b"uuid", b"uinf", b"rreq", b"jpch"}
    | {b"jplh", b"asoc", b"nlst", b"ftbl", b"cidx", b"fidx", b"free", b"mdat", b"drep"}
)
_CODESTREAM = b"\xff\x4f\xff\x51"
"""Start of Codestream, and the marker behind it."""
_END_OF_CODESTREAM = b"\xff\xd9"
_START_OF_TILE, _START_OF_DATA = 0x90, 0x93
_TILE_SEGMENT_BYTES = 12
_MIN_MARKER = 0x4F


class Box(NamedTuple):
    """A box; offsets are in bytes of the data."""

    kind: bytes
    start: int
    """Of what it holds."""
    end: int
    """Behind it, which may be behind the data."""
    has_length: bool
    """Whether it says where it ends; else it goes on to the end of its file."""


def read_box(data: bytes, position: int) -> Box | None:
    """The box there; None where the data end within its header.

    Raises Malformed, with an offset in the data, if it is shorter than its header.
    """
    if position + _HEADER.size > len(data):
        return None
    length, kind = _HEADER.unpack_from(data, position)
    start = position + _HEADER.size
    if length == 1:
        if start + _LONG_LENGTH.size > len(data):
            return None
        (length,) = _LONG_LENGTH.unpack_from(data, start)
        start += _LONG_LENGTH.size
    if length == 0:
        return Box(kind, start, len(data), False)
    if position + length < start:
        raise Malformed(position, "a box of a length", f"{length} bytes with its header")
    return Box(kind, start, position + length, True)


def iterate_boxes(data: bytes, start: int, stop: int) -> Iterator[Box]:
    """The boxes one behind another, while they are whole. Raises Malformed."""
    while (box := read_box(data, start)) is not None and box.end <= stop:
        yield box
        start = box.end


def heif_brands(data: bytes) -> set[bytes]:
    """The brands that an AVIF or HEIC says it belongs to, in its first box; else none."""
    try:
        box = read_box(data, 0)
    except Malformed:
        return set()
    if box is None or box.kind != b"ftyp":
        return set()
    own = data[box.start : box.end]
    # Behind the first is a version.
    return {own[:4], *(own[begin : begin + 4] for begin in range(8, len(own) - 3, 4))}


def end_of_heif(data: bytes, start: int = 0) -> int:
    """Behind the last box of an AVIF or HEIC."""
    return _end_of_boxes(data, start, _HEIF_KINDS, ({b"meta", b"moov"}, {b"mdat"}))


def end_of_jpeg2000(data: bytes, start: int = 0) -> int:
    """Behind the last box of a JP2, or the last marker of a codestream."""
    if data.startswith(_CODESTREAM, start):
        return _end_of_codestream(data, start, start)
    return _end_of_boxes(data, start, _JP2_KINDS, ({b"jp2h"}, {b"jp2c"}))


def _end_of_boxes(
    data: bytes, start: int, kinds: frozenset[bytes], needed: tuple[set[bytes], ...]
) -> int:
    """Behind the boxes of these kinds, of which one of each of the sets is ``needed``."""
    position, seen = start, set[bytes]()
    while True:
        try:
            box = read_box(data, position)
        except Malformed as error:
            raise Malformed(position - start, error.expected, error.got) from None
        if box is None or not _belongs(box, kinds, seen):
            break
        seen.add(box.kind)
        position = _end_of_box(data, start, box)
        if position > len(data):
            raise Truncated
    if all(seen & each for each in needed):
        return position
    if box is None:
        raise Truncated
    raise Malformed(position - start, "a box of such an image", repr(box.kind))


def _belongs(box: Box, kinds: frozenset[bytes], seen: set[bytes]) -> bool:
    """Whether a box goes on with the image; a second file type is that of another one."""
    return box.kind in kinds and not (box.kind in (b"ftyp", b"jP  ") and box.kind in seen)


def _end_of_box(data: bytes, start: int, box: Box) -> int:
    if box.has_length:
        return box.end
    if box.kind == b"jp2c":
        return _end_of_codestream(data, start, box.start)
    got = "one that goes on to the end of its file"
    raise Malformed(box.start - start, "a box that says its length", got)


def _end_of_codestream(data: bytes, start: int, begin: int) -> int:
    """Behind the marker End of Codestream; tile-parts say how long they are, but for the last."""
    position = begin + 2
    while True:
        marker = data[position : position + 2]
        if marker == _END_OF_CODESTREAM:
            return position + 2
        if len(marker) < 2 or position + _TILE_SEGMENT_BYTES > len(data):
            raise Truncated
        if marker[0] != 0xFF or marker[1] < _MIN_MARKER:
            raise Malformed(position - start, "a marker of a JPEG 2000 codestream", repr(marker))
        if marker[1] == _START_OF_DATA:
            # Compressed data hold no code above 0xFF8F: ISO/IEC 15444-1, A.2.
            end = data.find(_END_OF_CODESTREAM, position)
            if end < 0:
                raise Truncated
            return end + 2
        length = 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker[1] == _START_OF_TILE:
            length = int.from_bytes(data[position + 6 : position + 10], "big") or length
        if length < 4:
            raise Malformed(position - start, "a marker segment of a length", f"{length} bytes")
        position += length
