"""A note at the end of a WebP, PNG, MP4, AVIF or WebM, where players pass over it.

It says of what the file was made, and whether it is still whole: it holds the CRC-32 of all
that stands in front of it, and of its own text.
"""

from __future__ import annotations

import json
import zlib
from typing import NamedTuple

from luigi_gif.containers.png_chunks import png_chunk
from luigi_gif.containers.webp import riff_chunk

NOTE_BYTES = 1 << 14
"""Enough for any note: one names a path of 4,096 bytes at the most, some of them as ``%xx``."""
_MARK = b"luigi_gif "
_DIGITS = 8
_KEYWORD = b"Comment\0"
"""PNG, section 11.3.3.2."""
_UUID = bytes.fromhex("6c756967695f676966206e6f746500a1")
"""Of the box: ISO/IEC 14496-12, section 11.1. Any that nobody else has."""
_RIFF_KIND = b"NOTE"
"""RFC 9649, section 2.7.1.6, on chunks of unknown types."""
_VOID = b"\xec"
"""The element that holds nothing: RFC 8794, section 11.3.2."""


class FileNote(NamedTuple):
    """What a file says of itself at its end."""

    origin: dict[str, object]
    """Of what it was made."""
    text: bytes
    """As it stands there."""
    end: bytes
    """All of the file from the note on."""


def encode_note(container: str, text: bytes, crc32: int) -> bytes:
    """What ends a file.

    Parameters
    ----------
    container : str
        ``riff``, ``png``, ``iso`` (MP4 and AVIF) or ``ebml``.
    text : bytes
        A JSON object in ASCII.
    crc32 : int
        Of all that stands in front of it.
    """
    words = _MARK + b"%08x" % zlib.crc32(text, crc32) + text
    if container == "riff":
        return riff_chunk(_RIFF_KIND, words)
    if container == "png":
        return png_chunk(b"tEXt", _KEYWORD + words) + png_chunk(b"IEND", b"")
    if container == "iso":
        box = b"uuid" + _UUID + words
        return (4 + len(box)).to_bytes(4, "big") + box
    return _VOID + (1 << 56 | len(words)).to_bytes(8, "big") + words


def find_note(container: str, last_bytes: bytes) -> FileNote | None:
    """The note in the last :data:`NOTE_BYTES` of a file; None where there is none."""
    _, mark, words = last_bytes.rpartition(_MARK)
    if not mark:
        return None
    try:
        origin, length = json.JSONDecoder().raw_decode(words[_DIGITS:].decode("latin-1"))
    except ValueError:
        return None
    text = words[_DIGITS : _DIGITS + length]
    size_bytes = len(encode_note(container, text, 0))
    is_note = isinstance(origin, dict) and len(last_bytes) >= size_bytes
    return FileNote(origin, text, last_bytes[-size_bytes:]) if is_note else None
