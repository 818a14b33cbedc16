"""The text of the pipeline's JSON files: one line, which begins with a checksum of the rest.

A file that was cut off or altered does not fit its checksum; one that never had any was not
made by the pipeline.
"""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

HEAD = b'{"crc32": "'
"""What the text of each of these files begins with."""
HEAD_BYTES = len(HEAD) + 8
"""With the checksum, which follows."""
_BEHIND_CHECKSUM = b'", '
_READ_BYTES = 1 << 16
_ROWS_IN_A_LINE = 100


def to_text(value: Mapping[str, object]) -> bytes:
    """A JSON object that is not empty, with a checksum of the rest as its first entry."""
    rest = json.dumps(value).encode()[1:]
    return b'%s%08x", %s\n' % (HEAD, zlib.crc32(rest), rest)


def from_text(text: bytes) -> JsonObject | None:
    """The object that :func:`to_text` was given; None where the text is not as it gave it."""
    try:
        value = json.loads(_checked(text))
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    del value["crc32"]
    return value


def write_rows(file: IO[bytes], key: str, rows: Iterable[object]) -> None:
    """Write the text of an object with one list, some rows of it in each line.

    So neither who writes it nor who reads it with :func:`read_rows` holds all rows.
    """
    file.write(b'%s%08x", ' % (HEAD, 0))
    crc32 = 0
    for piece in _pieces(key, rows):
        file.write(piece)
        crc32 = zlib.crc32(piece, crc32)
    file.write(b"\n")
    file.seek(len(HEAD))
    file.write(b"%08x" % crc32)


def _pieces(key: str, rows: Iterable[object]) -> Iterator[bytes]:
    waiting = iter(rows)
    end = b"%s: [\n" % json.dumps(key).encode()
    while some := list(islice(waiting, _ROWS_IN_A_LINE)):
        yield end + json.dumps(some).encode()[1:-1]
        end = b",\n"
    yield b"\n]}"


def read_rows(file: IO[bytes]) -> Iterator[Any]:
    """The rows that :func:`write_rows` wrote, as far as they are as it wrote them.

    Whether all of them are, as the checksum says, shows behind the last one only.
    """
    lines = io.BufferedReader(cast(io.RawIOBase, file), _READ_BYTES)
    if not next(lines, b"").startswith(HEAD):
        return
    for line in lines:
        try:
            yield from json.loads(b"[%s]" % line.rstrip(b",\n"))
        except ValueError:
            return


def is_whole(file: IO[bytes]) -> bool:
    """Whether a file has the checksum of its text, which need not fit into memory."""
    head = file.read(HEAD_BYTES)
    noted = checksum_in(head)
    if noted is None or file.read(len(_BEHIND_CHECKSUM)) != _BEHIND_CHECKSUM:
        return False
    crc32, pending = 0, b""
    while piece := file.read(_READ_BYTES):
        text = pending + piece
        crc32 = zlib.crc32(text.rstrip(), crc32)
        pending = text[len(text.rstrip()) :]
    return int(noted, 16) == crc32


def checksum_in(head: bytes) -> str | None:
    """The checksum, 8 hexadecimal digits, in the first HEAD_BYTES of a text, if it has one."""
    found = re.fullmatch(re.escape(HEAD) + b"([0-9a-f]{8})", head)
    return found[1].decode() if found else None


def _checked(text: bytes) -> bytes:
    """The text. Raises ValueError where its checksum is not that of the rest."""
    found = re.match(rb'\{"crc32": "([0-9a-f]{8})", ', text)
    if found is None or int(found[1], 16) != zlib.crc32(text[found.end() :].rstrip()):
        raise ValueError("the checksum does not fit")
    return text
