"""The times in an ISO base media file: ISO/IEC 14496-12, sections 8.2.2, 8.3.2 and 8.4.2."""

from __future__ import annotations

import struct

_HEADER_BYTES = 8
_HOLDING = (b"moov", b"trak", b"mdia")
_TIMED = (b"mvhd", b"tkhd", b"mdhd")


def without_times(data: bytes) -> bytes:
    """The file with no time of when it was made: else each run would give other bytes."""
    changed = bytearray(data)
    _clear_times(changed, 0, len(changed))
    return bytes(changed)


def _clear_times(data: bytearray, position: int, end: int) -> None:
    while position + _HEADER_BYTES <= end:
        length, kind = struct.unpack_from(">I4s", data, position)
        begin = position + _HEADER_BYTES
        if kind in _HOLDING:
            _clear_times(data, begin, position + length)
        elif kind in _TIMED:
            version, times = data[begin], begin + 4
            size = 16 if version else 8
            data[times : times + size] = bytes(size)
        if length < _HEADER_BYTES:  # to the end, or with 64 bits: pixels, which stand behind
            return
        position += length
