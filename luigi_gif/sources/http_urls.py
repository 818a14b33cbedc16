"""URLs of http(s), in the one spelling in which they are compared and asked for."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from luigi_gif.redaction import public_url
from luigi_gif.urls import HTTP_SCHEMES, scheme_of, split_sources

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


def file_name(url: str) -> str:
    """The last part of the path of a URL or a path, for people; of several, that of the first."""
    shown = public_url(split_sources(url)[0])
    path = name_in_url(urlsplit(shown).path) if scheme_of(shown) in HTTP_SCHEMES else shown
    return path.rstrip("/").rpartition("/")[2]


def _quoted(text: str, safe: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe=safe, errors="surrogateescape")
