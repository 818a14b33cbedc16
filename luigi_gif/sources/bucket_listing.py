"""What S3, GCS and their like list of a bucket, in XML."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, unquote_plus, urlsplit
from xml.parsers import expat

from luigi_gif.sources.item import Item, SourceUnusable
from luigi_gif.urls import HTTP_SCHEMES

_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<ListBucketResult[\s>]")
_OBJECT = "Contents"
_NEEDED = frozenset(
    {"Key", "LastModified", "ETag", "Size", "Prefix", "EncodingType", "IsTruncated"}
    | {"NextContinuationToken", "NextMarker"}
)
_NEXT = ("continuation-token", "marker")
"""Parameters of a URL that ask for the next part: of list-type 2, and of 1."""


class BucketListing(NamedTuple):
    """The objects of a listing, in its order."""

    items: list[Item]
    rest: str | None
    """The URL of the next part, where the bucket has more objects than are listed."""


def is_bucket_listing(data: bytes) -> bool:
    """Whether data begin as a listing does."""
    return _ROOT.match(data) is not None


def read_bucket_listing(data: bytes, url: str) -> BucketListing:
    """The objects that are listed at ``url``, folders left out.

    Raises SourceUnusable where the XML is damaged, or does not tell where its rest is.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise SourceUnusable("a whole listing of a bucket", str(error)) from None
    decode = unquote_plus if reader.of_listing.get("EncodingType") == "url" else str
    bucket = urlsplit(url)._replace(query="", fragment="")
    root = bucket._replace(path=f"{bucket.path.rstrip('/')}/").geturl()
    folder = decode(reader.of_listing.get("Prefix", "")).rpartition("/")
    base = "".join(folder[:2])
    items = []
    for entry in reader.objects:
        key = decode(entry.get("Key", ""))
        if key and not key.endswith("/"):
            size, version = entry.get("Size", ""), entry.get("ETag", "")
            items.append(
                Item(
                    key.removeprefix(base),
                    root + quote(key, safe="/~"),
                    int(size) if re.fullmatch("[0-9]{1,18}", size) else None,
                    _timestamp(entry.get("LastModified", "")),
                    version,
                )
            )
    if reader.of_listing.get("IsTruncated") != "true":
        return BucketListing(items, None)
    last = reader.objects[-1].get("Key", "") if reader.objects else ""
    marker = decode(reader.of_listing.get("NextMarker") or last)
    return BucketListing(
        items, _next_part(url, reader.of_listing.get("NextContinuationToken", ""), marker)
    )


def _next_part(url: str, token: str, marker: str) -> str:
    """The URL of what comes behind a token, or else behind a key."""
    parts = urlsplit(url)
    query = [each for each in parts.query.split("&") if each.partition("=")[0] not in _NEXT]
    value = token if token or "list-type=2" in query else marker
    if not value or parts.scheme not in HTTP_SCHEMES:
        raise SourceUnusable("a whole listing of a bucket", "a part that does not name the next")
    query.append(f"{_NEXT[0] if token else _NEXT[1]}={quote(value, safe='')}")
    return parts._replace(query="&".join(filter(None, query)), fragment="").geturl()


class _Reader:
    """Keeps the texts of a listing's elements; it needs no tree."""

    def __init__(self) -> None:
        self.of_listing: dict[str, str] = {}
        self.objects: list[dict[str, str]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append

    def _start(self, tag: str, _: dict[str, str]) -> None:
        self._path.append(tag)
        self._text.clear()
        if len(self._path) == 2 and tag == _OBJECT:
            self.objects.append({})

    def _end(self, tag: str) -> None:
        if tag in _NEEDED and len(self._path) == 2:
            self.of_listing[tag] = "".join(self._text)
        elif tag in _NEEDED and len(self._path) == 3 and self._path[1] == _OBJECT:
            self.objects[-1][tag] = "".join(self._text)
        self._path.pop()
        self._text.clear()


def _timestamp(text: str) -> float | None:
    """Of an ISO time, in seconds since 1970 UTC; one without a zone is in UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
