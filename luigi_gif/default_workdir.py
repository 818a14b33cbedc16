"""The name of the folder that a run works in, where the user names none."""

from __future__ import annotations

import re
from urllib.parse import unquote

from luigi_gif.redaction import public_url
from luigi_gif.urls import HTTP_SCHEMES, check_url, scheme_of, split_sources, url_digest

NAME_DIGITS = 16
MAX_STEM = 100
"""With the digits behind it, a name fits into 143 bytes, as encrypted file systems want it."""


def name_from_url(url: str) -> str:
    """A folder name for a URL: the name of its file, and the first digits of its digest.

    It is at most 117 bytes long. As the digits are not all, it tells nothing apart
    for sure: what lies in the folder notes the whole digest.

    Raises ValueError for a file URL of another host, or a host that is no name.
    """
    digits = url_digest(url)[:NAME_DIGITS]
    url = split_sources(url)[0]
    check_url(url)
    path = public_url(url)
    if "://" in url:
        marks = "[?;]" if scheme_of(url) in HTTP_SCHEMES else "[?]"
        path = re.split(marks, path.partition("://")[2])[0].partition("/")[2]
    stem = unquote(path).rstrip("/").rpartition("/")[2].partition(".")[0]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", stem)[:MAX_STEM].strip("-")
    return f"{stem or 'bundle'}-{digits}"
