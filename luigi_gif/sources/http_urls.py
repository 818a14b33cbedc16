"""URLs of http(s), in the one spelling in which they are compared and asked for."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

MAX_LENGTH = 8192
"""Of a URL or a path, in characters: servers and systems take no longer ones."""
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE_IN_PATH = "%/:@!$&'()*+,;=~"
_SAFE_IN_QUERY = f"{_SAFE_IN_PATH}?[]"


def normal_http_url(url: str) -> SplitResult:
    """The URL with percent-escapes for all that needs one, and without a fragment.

    Raises ValueError for one that cannot be taken apart.
    """
    parts = urlsplit(url)
    path = _quoted(parts.path, _SAFE_IN_PATH)
    return parts._replace(path=path, query=_quoted(parts.query, _SAFE_IN_QUERY), fragment="")


def name_in_url(path: str) -> str:
    """The path of a URL as people read it."""
    return unquote(path.lstrip("/"), errors="replace")


def _quoted(text: str, safe: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe=safe, errors="surrogateescape")
