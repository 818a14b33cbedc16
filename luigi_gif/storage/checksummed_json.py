"""The text of the pipeline's JSON files: one line, which begins with a checksum of the rest.

A file that was cut off or altered does not fit its checksum; one that never had any was not
made by the pipeline.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

HEAD = b'{"crc32": "'
"""What the text of each of these files begins with."""


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


def _checked(text: bytes) -> bytes:
    """The text. Raises ValueError where its checksum is not that of the rest."""
    found = re.match(rb'\{"crc32": "([0-9a-f]{8})", ', text)
    if found is None or int(found[1], 16) != zlib.crc32(text[found.end() :].rstrip()):
        raise ValueError("the checksum does not fit")
    return text
