"""The chunks of a PNG: W3C Recommendation, Portable Network Graphics, third edition."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG: PNG, section 5.3."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def iterate_bodies(chunks: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each of some whole chunks."""
    position = 0
    while position < len(chunks):
        length, kind = struct.unpack_from(">I4s", chunks, position)
        position += 8
        yield kind, chunks[position : position + length]
        position += length + 4
