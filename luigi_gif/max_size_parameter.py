"""A Luigi parameter for the largest size of a file: bytes, or a place with a limit of its own."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TypeGuard

from luigi_gif.parameters import NamedParameter

PLACES = ("github", "discord", "slack", "x", "email")
"""The entries of the section [places]."""
MIN_BYTES = 1_000
MAX_BYTES = 10**15

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?(|b|kb|mb|gb|kib|mib|gib)", re.I)
_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
}


class SizeLimitParameter(NamedParameter[int]):
    """A number of bytes; as text also of kB, MB and GB, or KiB, MiB and GiB."""

    expected = f"a size from {MIN_BYTES:,} bytes on, such as 10MB (10,000,000 bytes) or 8MiB"
    metavar = "SIZE"

    def value_of(self, text: str) -> object:
        return _bytes_of(text)

    def checked(self, value: object) -> int:
        value = _bytes_of(value) if isinstance(value, str) else value
        if not _is_size(value):
            raise self.error(value)
        return value


class MaxSizeParameter(NamedParameter["int | str | None"]):
    """A size as in :class:`SizeLimitParameter`, the name of a place, or None."""

    expected = (
        f"a size from {MIN_BYTES:,} bytes on, such as 10MB or 8MiB, or a place: {', '.join(PLACES)}"
    )
    metavar = "SIZE"

    def value_of(self, text: str) -> object:
        return text if text in PLACES else _bytes_of(text)

    def checked(self, value: object) -> int | str:
        value = self.value_of(value) if isinstance(value, str) else value
        if isinstance(value, str) and value in PLACES:
            return value
        if not _is_size(value):
            raise self.error(value)
        return value


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and MIN_BYTES <= value <= MAX_BYTES


def _bytes_of(text: str) -> int | str:
    """The number of bytes that a text stands for; the text itself if it is no size."""
    found = _SIZE.fullmatch(text)
    return text if found is None else int(Decimal(found[1]) * _UNITS[found[2].lower()])
