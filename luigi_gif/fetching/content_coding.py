"""Content-Encoding (RFC 9110, section 8.4): what a body is packed in, and how it is unpacked."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Iterator

from luigi_gif.errors import LUIGI_LOGGER
from luigi_gif.wording import counted

UNPACKED_BYTES = 1 << 18
"""As much is unpacked at a time: a bomb is found by the size limit before it fills the memory."""
MAX_CODINGS = 4
KNOWN_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_OTHER_COMPRESSIONS = frozenset(
    {"br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip"}
    | {"bzip2", "x-bzip2", "bz2", "xz", "x-xz", "lzma", "x-lzma", "lz4", "snappy"}
)
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, zlib.MAX_WBITS, -zlib.MAX_WBITS
"""What zlib calls the three wrappers of the same compression."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


class CodingError(ValueError):
    """The body is not what its Content-Encoding says, or a part of it."""


def compressions(header: str) -> list[str]:
    """The compressions that a Content-Encoding names, in the order they were applied.

    Stores and CDNs send there what encodes nothing: ``identity``, ``aws-chunked``,
    ``utf-8``, ``none`` or an empty text. As in browsers, these say nothing.
    """
    tokens = [token.strip().lower() for token in header.split(",")]
    return [token for token in tokens if token in KNOWN_CODINGS | _OTHER_COMPRESSIONS]


def decompressed(pieces: Iterable[bytes], codings: list[str]) -> Iterator[bytes]:
    """The body without its compressions, which are known ones.

    Raises CodingError where it is damaged or cut off.
    """
    for _ in codings:
        pieces = _decompressed(pieces)
    yield from pieces


def _decompressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Gzip of one or more members (RFC 1952, 2.2), zlib (RFC 1950), or bare deflate (RFC 1951).

    Which of them is told by the first two bytes: servers take one for another.
    """
    decoder = None
    members, left_over = 0, 0
    waiting = b""
    for received in pieces:
        piece = waiting + received
        waiting = b""
        while piece and not left_over:
            if decoder is None:
                piece = piece.lstrip(b"\0") if members else piece
                if len(piece) < len(_GZIP_MAGIC):
                    waiting = piece
                    break
                if members and not piece.startswith(_GZIP_MAGIC):
                    left_over = len(piece)
                    break
                decoder = zlib.decompressobj(wbits=_wrapper(piece))
            try:
                yield decoder.decompress(piece, UNPACKED_BYTES)
            except zlib.error as error:
                raise CodingError(str(error)) from None
            piece = decoder.unconsumed_tail
            if decoder.eof:
                piece = decoder.unused_data
                decoder, members = None, members + 1
        else:
            left_over += len(piece) if left_over else 0
    if decoder is not None or not members:
        raise CodingError("a part of them")
    if left_over or waiting:
        left_out = counted(left_over + len(waiting), "byte")
        logger.warning("left out: %s behind the compressed data", left_out)


def _wrapper(beginning: bytes) -> int:
    if beginning.startswith(_GZIP_MAGIC):
        return _GZIP
    is_zlib = (
        beginning[0] & 0x0F == zlib.DEFLATED and int.from_bytes(beginning[:2], "big") % 31 == 0
    )
    return _ZLIB if is_zlib else _RAW
