"""The order in which people number files: frame_2 stands before frame_10."""

from __future__ import annotations

import re
import sys

_NUMBER = re.compile("[0-9]+")


def natural_key(name: str) -> tuple[str, str]:
    """What names are sorted by: folder by folder, numbers by value, letters in any case.

    Names that differ only in case or in leading zeros are in the order of their characters.
    """
    # One text is made and compared much faster than a tuple for each part of a name. A folder
    # ends with a lower character than a number begins with, and both are lower than any letter.
    return _NUMBER.sub(_number_key, name.casefold().replace("/", "\1")), name


def _number_key(digits: re.Match[str]) -> str:
    """A longer number is a larger one, however long it is."""
    significant = digits[0].lstrip("0")
    return f"\2{chr(min(len(significant), sys.maxunicode))}{significant}"
