"""Which picture an img tag of a page shows: not a placeholder, nor a small one.

Pure code.
"""

from __future__ import annotations

import re

_LAZY = ("data-src", "data-original", "data-lazy-src")
"""Where scripts that load pictures late find them; src has a placeholder."""
_CANDIDATE = re.compile(r"(?P<url>[^\s,]\S*+)(?:(?<!,)\s++(?P<size>[^,]*+))?")
"""As the HTML standard has it (srcset attributes): a URL may have commas in it."""
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([wx])")


def shown_picture(attributes: dict[str, str]) -> str | None:
    """The reference of the largest picture that a tag with these attributes names."""
    for name in _LAZY:
        if attributes.get(name):
            return attributes[name]
    return _largest(attributes.get("srcset", "")) or attributes.get("src")


def _largest(srcset: str) -> str | None:
    """By its width if those are told, else by its density."""
    found = [
        (_size(each["size"] or ""), each["url"].rstrip(","))
        for each in _CANDIDATE.finditer(srcset)
        if not each["url"].startswith("data:")
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _size(descriptor: str) -> tuple[bool, float]:
    size = _SIZE.match(descriptor)
    return (size[2] == "w", float(size[1])) if size else (False, 1.0)
