"""A text that lists paths and URLs, one on a line: each is an item.

Pure code: bytes in, values out.
"""

from __future__ import annotations

import codecs
import io
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

from luigi_gif import urls
from luigi_gif.errors import SourceError
from luigi_gif.redaction import public_url
from luigi_gif.sources.http_urls import MAX_LENGTH, name_in_url, normal_http_url
from luigi_gif.sources.item import Item, SourceUnusable
from luigi_gif.sources.left_out import is_named_as_image

_COMMENT = "#"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARK_BYTES = 3
_MAX_LINE = 1 << 20
"""In characters: an entry, or a comment."""
MAX_LINES = 1_000_000
_MAX_SHOWN = 80
"""In characters, of a line that is at fault."""
# No group is repeated with *+ or ++: before 3.11.5 Python goes wrong with that.
_ONLY_COMMENTS = re.compile(rb"(?:\s*+#(?![?])[^\0-\x08\x0e-\x1f\r\n]*+)+\s*+\Z")
_NO_TEXT = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NO_TEXT_BYTES = re.compile(_NO_TEXT.pattern.encode())
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*+"
_URL = re.compile(rf"(?:{_SCHEME}::)*{_SCHEME}://[^\s<>\"{{}}]+")
_PLAIN_PATH = re.compile(r"[^\s<>\"'{}|=;,()]+")
_ABSOLUTE = re.compile(r"[/~\\]|[A-Za-z]:[/\\]")
"""What a path of a machine begins with, be it of Windows."""
_REMOTE_SCHEMES = urls.HTTP_SCHEMES | frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "ftp"}
)
"""Those that lead to no file of this machine, whatever stands behind them."""


def looks_like_link_list(data: bytes) -> bool:
    """Whether data begin as a list does: each line may be a path or a URL, and one is for sure.

    Parameters
    ----------
    data : bytes
        All, or the beginning, whose last line may be cut off.
    """
    kinds = [_is_sure(entry) for _, entry in _whole_entries(data)]
    return True in kinds and None not in kinds


def check_is_no_list(data: bytes, url: str) -> None:
    """Raise SourceError where data that are no list are meant as one, which shows its fault.

    Parameters
    ----------
    data : bytes
        The beginning of what is at ``url``.
    """
    entries = list(_whole_entries(data))
    sure = sum(_is_sure(entry.strip("\"'")) is True for _, entry in entries)
    where = public_url(url)
    if 2 * sure > len(entries):
        number, entry = next(each for each in entries if _is_sure(each[1]) is None)
        raise SourceError(
            "a line of the list is no picture",
            where=f"{where}, line {number}",
            expected="a path or URL of a picture, without quotes or a comment behind it",
            got=public_url(entry[:_MAX_SHOWN]),
            next_step="mend the line, or put # in front of it",
        )
    if not entries and _ONLY_COMMENTS.match(data):
        raise SourceError(
            "the list is empty",
            where=where,
            expected="a path or URL of a picture on each line",
            got="comments only",
            next_step="add lines, or correct the URL",
        )


def _whole_entries(data: bytes) -> list[tuple[int, str]]:
    """The entries in the beginning of a text; none where it is no text."""
    if _encoding(data)[0] == "utf-8" and _NO_TEXT_BYTES.search(data):
        return []  # as of nearly every image, which takes longer to decode as text than to walk
    text = _decoded(data, final=False)
    if _NO_TEXT.search(text):
        return []
    entries = list(_entries(re.split("\r\n|\r|\n", text)))
    if entries and _is_sure(entries[-1][1]) is None and not text.endswith(("\n", "\r")):
        del entries[-1]  # it may be cut off
    return entries


def _is_sure(entry: str) -> bool | None:
    """Whether a line is a path or a URL for sure, or perhaps; None if it is neither."""
    if len(entry) > MAX_LENGTH:
        return None
    if _URL.fullmatch(entry):
        return True
    if re.search('[<>"]', entry):
        return None
    if is_named_as_image(entry):
        return True
    return False if _PLAIN_PATH.fullmatch(entry) else None


def parse_link_list(file: IO[bytes], base: str, local_allowed: bool) -> Iterator[Item]:
    """The items that a list names, in its order, while it is read.

    Raises SourceUnusable, which names the line, for what is no URL, and for a local path
    where that is not allowed; also for a list of very many lines.

    Parameters
    ----------
    base : str
        The path or the URL of the list, or of the folder it is in, with a slash at its end:
        where relative paths begin.
    local_allowed : bool
        Whether the list may name files of this machine. One that was fetched may not, nor may
        it name anything but http(s) and the common stores.
    """
    _check_length(file)
    for line, entry in _entries(_lines(file)):
        yield _item(entry, base, local_allowed, line)


def local_items_in(file: IO[bytes], base: str) -> Iterator[Item]:
    """The files of this machine that a list of this machine names; raises as parse_link_list."""
    for line, entry in _entries(_lines(file)):
        if not entry.startswith(("https://", "http://")):  # of which there may be a million
            item = _item(entry, base, True, line)
            if urls.is_local(item.place):
                yield item


def item_at(url: str) -> Item:
    """What a URL names that the user gives. Raises ValueError."""
    return Item(_name(url), _absolute(url, True))


def _check_length(file: IO[bytes]) -> None:
    lines = sum(piece.count(b"\n") for piece in iter(lambda: file.read(_MAX_LINE), b""))
    file.seek(0)
    if lines > MAX_LINES:
        raise SourceUnusable(f"a list of at most {MAX_LINES:,} lines", f"{lines:,}")


def write_whole_paths(file: IO[bytes], folder: str, to: IO[bytes]) -> bool:
    """Write the same list, wherever it lies: whole URLs for the paths, which begin in a folder.

    False for one that cannot be used: whoever reads it says why.
    """
    try:
        for item in parse_link_list(file, os.path.join(folder, ""), True):
            is_local = urls.is_local(item.place)
            path = Path(os.path.abspath(urls.local_path(item.place))) if is_local else None
            url = path.as_uri() if path else item.place
            to.write(f"{url}\n".encode("utf-8", "surrogateescape"))
    except SourceUnusable:
        return False
    return True


def _decoded(data: bytes, *, final: bool) -> str:
    """The text, without a byte order mark; bytes of names in no encoding are kept as they are."""
    encoding, errors, begin = _encoding(data)
    return codecs.getincrementaldecoder(encoding)(errors).decode(data[begin:], final)


def _encoding(data: bytes) -> tuple[str, str, int]:
    """Encoding, what to do with bytes that are in none, and how long the mark of it is."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return encoding, "surrogateescape" if encoding == "utf-8" else "replace", len(mark)
    return "utf-8", "surrogateescape", 0


def _lines(file: IO[bytes]) -> Iterator[str]:
    """Each line; of one that is much longer than an entry may be, several pieces."""
    encoding, errors, begin = _encoding(file.read(_MARK_BYTES))
    file.seek(begin)
    text = io.TextIOWrapper(file, encoding, errors)  # any line ends
    try:
        yield from iter(lambda: text.readline(_MAX_LINE), "")
    finally:
        text.detach()


def _entries(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The number of each line that is an entry, from 1, and the entry."""
    for number, line in enumerate(lines, 1):
        entry = line.strip(" \t\n")
        if entry and not entry.startswith(_COMMENT):
            yield number, entry


def _item(entry: str, base: str, local_allowed: bool, line: int) -> Item:
    expected = "a list of paths and URLs"
    if len(entry) > MAX_LENGTH:
        raise SourceUnusable(expected, f"line {line}, of {len(entry):,} characters")
    try:
        urls.check_url(entry)
        if "://" in entry or urls.scheme_of(entry):
            place = _absolute(entry, local_allowed)
        else:
            place = _beside(base, entry, local_allowed)
        urls.check_url(place)
    except ValueError as error:
        got = f"line {line}, {public_url(entry)}: {error}"
        raise SourceUnusable(expected, got) from None
    return Item(_name(entry), place)


def _absolute(url: str, local_allowed: bool) -> str:
    url = urls.normal_url(url)
    scheme = urls.scheme_of(url)
    is_remote = scheme in _REMOTE_SCHEMES and len(urls.split_links(url)) == 1
    if not (is_remote or local_allowed):
        raise ValueError("a list that was fetched names URLs of http(s) or of a store only")
    return normal_http_url(url).geturl() if scheme in urls.HTTP_SCHEMES else url


def _beside(base: str, path: str, local_allowed: bool) -> str:
    """What a path stands for in a list that is at ``base``."""
    is_absolute = _ABSOLUTE.match(path) is not None
    if is_absolute or urls.is_local(base):
        if not local_allowed:
            raise ValueError("a list that was fetched names no files of this machine")
        return path if is_absolute else os.path.join(_folder(urls.local_path(base)), path)
    if urls.scheme_of(base) in urls.HTTP_SCHEMES:
        return normal_http_url(urljoin(base, f"./{path}")).geturl()  # x:y is no URL here
    scheme, _, key = base.partition("://")
    return f"{scheme}://{posixpath.normpath(posixpath.join(_folder(key), path))}"


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _name(entry: str) -> str:
    """The path of an entry, without what stands before it in a URL."""
    scheme = urls.scheme_of(entry)
    if not scheme:
        return entry
    if scheme in urls.HTTP_SCHEMES:
        return name_in_url(urlsplit(entry).path)
    if scheme == "file":
        return urls.local_path(entry).lstrip("/")
    return entry.partition("://")[2].partition("/")[2] or entry
