"""The pictures that a page links to: each is an item.

Pure code: bytes in, values out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin

from luigi_gif.sources.bucket_listing import is_bucket_listing, read_bucket_listing
from luigi_gif.sources.html_tokens import html_tokens
from luigi_gif.sources.http_urls import MAX_LENGTH, name_in_url, normal_http_url
from luigi_gif.sources.image_tags import shown_picture
from luigi_gif.sources.item import Item
from luigi_gif.sources.left_out import is_hidden, is_named_as_image
from luigi_gif.sources.page_charset import page_text, without_utf_16
from luigi_gif.urls import HTTP_SCHEMES, check_url, is_local, local_path

_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{,999}?-->\s*)?"
    rb"<(?:!doctype\s+html|(?:html|head|body|title|meta|link|base|style|script|h[1-6]|pre|table"
    rb"|ul|ol|dl|p|a|img|div|center|main|section|article|header|nav|font|b|hr|br)[\s/>])",
    re.IGNORECASE | re.DOTALL,
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BELOW = re.compile("[^/?]")
"""Begins a link that is relative to the folder of the page, unless it has a scheme."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_~-](?:[A-Za-z0-9_.~-]|%[0-9A-Fa-f]{2}){0,1000}")
"""A file beside the page, by a name that needs no escapes."""
_REFRESH = re.compile(r"[\s\d.]*+[;,]\s*+(?:url\s*+=\s*+)?['\"]?([^'\"]++)", re.IGNORECASE)
_SORT_LINK = re.compile(r"\?C=[NMSD][;&]O=[AD]")
"""What Apache puts above the columns of an index."""
_MAX_COLUMNS = 200
"""In characters."""
_COLUMNS = re.compile(
    r"(?:(?P<year>\d{4})-(?P<month>\d\d|[a-z]{3})-(?P<day>\d\d)"
    r"|(?P<day_first>\d\d)-(?P<month_name>[a-z]{3})-(?P<year_last>\d{4}))"
    r" (?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))? (?P<size>\d[\d.]*[KMGT]?|-)(?= |$)",
    re.IGNORECASE | re.ASCII,
)
"""Behind a name in an index of Apache, nginx or lighttpd."""
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_AROUND_URLS = "".join(map(chr, range(0x21)))


class PageLinks(NamedTuple):
    """The pictures of a page, each once, in the order of the page."""

    items: list[Item]
    left_out: int
    """How many other links there are, each counted once."""
    rest: str | None = None
    """The URL of the next part, where the page is a part of a bucket's listing."""
    are_shown: bool = False
    """Whether the page shows them, as it links to none."""


def is_page(beginning: bytes) -> bool:
    """Whether data begin as a page of links does, or as a bucket's listing."""
    beginning = without_utf_16(beginning)
    return _HTML.match(beginning) is not None or is_bucket_listing(beginning)


def image_links(page: bytes, url: str, charset: str | None) -> PageLinks:
    """The pictures that a page links to, else those that it shows.

    Raises SourceUnusable for a listing of a bucket that is damaged, or has a rest that cannot
    be found.

    Parameters
    ----------
    page : bytes
        HTML, or the listing of a bucket in XML.
    url : str
        Where it was found, behind all redirects; of a file its whole path.
    charset : str or None
        How the server says that it is encoded.
    """
    if is_bucket_listing(page):
        listing = read_bucket_listing(page, url)
        images = [item for item in listing.items if _is_frame(item.name)]
        return PageLinks(images, len(listing.items) - len(images), listing.rest)
    read = _read(page_text(page, charset))
    resolver = _Resolver(url, read.base)
    links = _pictures(read.links, resolver)
    if links.items or read.is_index:  # an index shows its icons
        return links
    shown = _pictures(read.images, resolver)
    return shown._replace(left_out=shown.left_out + links.left_out, are_shown=True)


def refresh_target(page: bytes, url: str, charset: str | None) -> str | None:
    """The URL that a page sends its reader on to; None where it does not, or to no usable one."""
    for token in html_tokens(page_text(page, charset)):
        if isinstance(token, str) or token.name != "meta":
            continue
        if token.attributes.get("http-equiv", "").lower() == "refresh":
            found = _REFRESH.match(token.attributes.get("content", ""))
            target = _Resolver(url, "").resolve(found[1]) if found else None
            return target.geturl() if target else None
    return None


class _Link(NamedTuple):
    reference: str
    columns: str
    """What stands behind it."""


class _ReadPage(NamedTuple):
    base: str
    links: list[_Link]
    images: list[_Link]
    is_index: bool
    """Whether a server made it of a folder."""


def _read(text: str) -> _ReadPage:
    base, title = None, None
    links: list[_Link] = []
    images: list[_Link] = []
    behind: list[str] | None = None
    """The text behind the last link, once that has ended."""
    length = 0
    for token in html_tokens(text):
        if isinstance(token, str):
            title = token if title == "" else title
            if behind is not None and length < _MAX_COLUMNS:
                behind.append(token[: _MAX_COLUMNS - length])
                length += len(behind[-1])
        elif token.is_end:
            if token.name == "a" and links and behind is None:
                behind, length = [], 0
        elif token.name == "a" and "href" in token.attributes:
            _add_columns(links, behind)
            behind = None
            links.append(_Link(token.attributes["href"], ""))
        elif token.name == "img" and (shown := shown_picture(token.attributes)) is not None:
            images.append(_Link(shown, ""))
        elif token.name == "base" and base is None:
            base = token.attributes.get("href")
        elif token.name == "title" and title is None:
            title = ""
    _add_columns(links, behind)
    is_sorted = any(_SORT_LINK.match(link.reference) for link in links)
    is_index = is_sorted or (title or "").strip().lower().startswith("index of")
    return _ReadPage(base or "", links, images, is_index)


def _add_columns(links: list[_Link], behind: list[str] | None) -> None:
    if behind:
        columns = " ".join(html.unescape(" ".join(behind)).split())
        links[-1] = links[-1]._replace(columns=columns)


def _pictures(links: Iterable[_Link], resolver: _Resolver) -> PageLinks:
    """Of these links, those that lead to pictures."""
    items: dict[str, Item] = {}
    others: set[str] = set()
    for reference, columns in links:
        url = resolver.resolve(reference)
        if url is None:
            others.add(reference)
            continue
        name = resolver.name_of(url)
        if resolver.is_way_up(url):
            continue
        place = url.geturl()
        if _is_frame(name):
            items.setdefault(place, _item(name, place, columns))
        else:
            others.add(place)
    return PageLinks(list(items.values()), len(others))


def _is_frame(name: str) -> bool:
    return is_named_as_image(name) and not is_hidden(name)


class _Resolver:
    """What the links of a page stand for."""

    def __init__(self, url: str, base: str) -> None:
        if is_local(url):
            url = Path(local_path(url)).as_uri()
        self._page = normal_http_url(url)
        self._base = url
        self._folder: SplitResult | None = None
        found = self.resolve(base) if base else None
        self._base = found.geturl() if found else url
        self._folder = self.resolve("./")
        self._room = MAX_LENGTH - len(self._folder.geturl()) if self._folder else 0
        """For the name of a file in the folder, in characters."""

    def resolve(self, reference: str) -> SplitResult | None:
        """The URL, without its fragment; None for one that is not of http(s), or is none."""
        if self._folder is not None and _PLAIN_NAME.fullmatch(reference):
            # Most links of a long page: taken apart as a URL, each takes ten times as long.
            if len(reference) > self._room:
                return None
            return self._folder._replace(path=self._folder.path + reference)
        reference = re.sub("[\t\n\r]", "", reference.strip(_AROUND_URLS))
        if len(reference) > MAX_LENGTH:
            return None
        scheme = _SCHEME.match(reference)
        if scheme and scheme[1].lower() not in HTTP_SCHEMES:
            return None
        head = re.split("[?#]", reference, maxsplit=1)[0]
        reference = head.replace("\\", "/") + reference[len(head) :]
        try:
            parts = self._joined(reference)
        except ValueError:
            return None
        if parts.scheme == "file":  # of which a query would be a part of the name
            return parts._replace(query="")
        login, _, host = self._page.netloc.rpartition("@")
        if login and (parts.scheme, parts.netloc.lower()) == (self._page.scheme, host.lower()):
            parts = parts._replace(netloc=self._page.netloc)
        return parts

    def _joined(self, reference: str) -> SplitResult:
        """Raises ValueError for what is no URL."""
        base, above = self._base, ""
        if self._folder is not None and _BELOW.match(reference) and not _SCHEME.match(reference):
            # Of a long base only what the reference may climb over is taken apart each time.
            kept = self._folder.path.rsplit("/", reference.count("..") + 2)
            above = kept[0]
            base = self._folder._replace(path="/".join(["", *kept[1:]])).geturl()
        url = urljoin(base, reference)
        check_url(url)
        parts = normal_http_url(url)
        if len(above) + len(url) > MAX_LENGTH:
            raise ValueError("a URL that is too long")
        return parts._replace(path=above + parts.path)

    def name_of(self, url: SplitResult) -> str:
        """The path of a URL, from the page's folder if it is in there."""
        folder = self._page.path[: self._page.path.rfind("/") + 1]
        path = url.path
        if (url.scheme, url.netloc) == (self._page.scheme, self._page.netloc):
            path = path.removeprefix(folder)
        return name_in_url(path)

    def is_way_up(self, url: SplitResult) -> bool:
        """Whether it leads to the page itself, in whatever order, or to a folder above it."""
        if (url.scheme, url.netloc) != (self._page.scheme, self._page.netloc):
            return False
        path = url.path or "/"
        page = self._page.path or "/"
        return path == page or (path.endswith("/") and page.startswith(path))


def _item(name: str, url: str, columns: str) -> Item:
    found = _COLUMNS.match(columns)
    if found is None:
        return Item(name, url)
    size = int(found["size"]) if re.fullmatch("[0-9]{1,18}", found["size"]) else None
    return Item(name, url, size, _timestamp(found), found[0])


def _timestamp(columns: re.Match[str]) -> float | None:
    """Seconds since 1970, of a time in UTC: an index does not say in which zone its times are."""
    month = (columns["month"] or columns["month_name"]).lower()
    try:
        return datetime(
            int(columns["year"] or columns["year_last"]),
            _MONTHS.index(month) + 1 if month.isalpha() else int(month),
            int(columns["day"] or columns["day_first"]),
            int(columns["hour"]),
            int(columns["minute"]),
            int(columns["second"] or 0),
            tzinfo=UTC,
        ).timestamp()
    except ValueError:
        return None
