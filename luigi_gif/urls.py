"""What a URL names, and what of it may be shown."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

HIDDEN = "***"


def public_url(url: str) -> str:
    """The URL as it may be shown: no user, no password, no query values, no fragment.

    fsspec chains URLs with ``::``; each of them is treated alike.
    """
    return "::".join(_public(part) for part in url.split("::"))


def public_text(text: str) -> str:
    """A text of others, with each URL in it as it may be shown."""
    return re.sub(r"[\w+.-]+://[^\s'\"<>]+", lambda url: _public_if_url(url[0]), text)


def url_digest(url: str) -> str:
    """8 hexadecimal digits that tell apart URLs which look alike in public.

    A password does not count: the bundle is the same.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        login, _, host = parts.netloc.rpartition("@")
        url = parts._replace(netloc=f"{login.partition(':')[0]}@{host}").geturl()
    return hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def name_from_url(url: str) -> str:
    """A folder name for a URL: the name of its file, and its digest."""
    stem = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2].partition(".")[0]
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', stem).strip('-') or 'bundle'}-{url_digest(url)}"


def _public_if_url(text: str) -> str:
    try:
        return public_url(text)
    except ValueError:
        return HIDDEN


def _public(url: str) -> str:
    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        return url
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    query = "&".join(f"{name}={HIDDEN}" for name in names) or (HIDDEN if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme in ("abfs", "abfss") and parts.password is None:
        host = parts.netloc  # container@account
    return SplitResult(parts.scheme, host, parts.path, query, "").geturl()
