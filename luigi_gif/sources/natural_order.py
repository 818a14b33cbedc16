"""The order in which people number files: frame_2 stands before frame_10."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[object, ...]:
    """What names are sorted by: folder by folder, numbers by value, letters in any case.

    Names that differ only in case or in leading zeros are in the order of their characters.
    """
    return tuple(_parts(folder) for folder in name.split("/")), name


def _parts(folder: str) -> tuple[tuple[int, str], ...]:
    """Text and numbers in turn; a text is at an even place, and so never compared to a number."""
    parts = _NUMBER.split(folder)
    return tuple(
        _number_key(part) if place % 2 else (0, part.casefold()) for place, part in enumerate(parts)
    )


def _number_key(digits: str) -> tuple[int, str]:
    """Of numbers as long as a name may be, which Python does not make of text."""
    digits = digits.lstrip("0")
    return len(digits), digits
