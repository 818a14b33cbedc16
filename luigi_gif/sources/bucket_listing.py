"""What S3, GCS and their like list of a bucket, in XML."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, unquote_plus, urlsplit
from xml.parsers import expat

from luigi_gif.sources.item import Item, SourceUnusable

_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?<ListBucketResult[\s>]")
_OBJECT = "Contents"
_NEEDED = frozenset(
    {"Key", "LastModified", "ETag", "Size", "Prefix", "EncodingType", "IsTruncated"}
)


class BucketListing(NamedTuple):
    """The objects of a listing, in its order."""

    items: list[Item]
    is_truncated: bool
    """Whether the bucket has more objects than are listed."""


def is_bucket_listing(data: bytes) -> bool:
    """Whether data begin as a listing does."""
    return _ROOT.match(data) is not None


def read_bucket_listing(data: bytes, url: str) -> BucketListing:
    """The objects that are listed at ``url``, folders left out.

    Raises SourceUnusable where the XML is damaged.
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
    return BucketListing(items, reader.of_listing.get("IsTruncated") == "true")


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
