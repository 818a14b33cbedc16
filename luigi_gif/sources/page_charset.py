"""The text of a page, in whatever it is encoded.

As the HTML standard has it (https://html.spec.whatwg.org/multipage/parsing.html#encoding-sniffing-algorithm),
but for a page that says nothing: that is UTF-8 if it can be.
"""

from __future__ import annotations

import codecs
import re

_META_BYTES = 1024
_META = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WESTERN = "cp1252"
_OF_THE_WEB = re.compile(
    r"utf-8|utf-16(-[bl]e)?|cp(125\d|866|874|932|949)|iso8859-\d+|koi8-[ru]|mac-(roman|cyrillic)"
    r"|gbk|gb2312|gb18030|big5|euc_(jp|kr)|iso2022_jp|shift_jis"
)
"""Python knows others, some of which decode in quadratic time."""


def page_text(page: bytes, charset: str | None) -> str:
    """The text of a page.

    Parameters
    ----------
    charset : str or None
        What the server says of it.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if page.startswith(mark):
            return page[len(mark) :].decode(encoding, "replace")
    encoding = _known(charset) or _told_by_page(page)
    if encoding:
        return page.decode(encoding, "replace")
    try:
        return page.decode()
    except UnicodeDecodeError:
        return page.decode(_WESTERN, "replace")


def without_utf_16(beginning: bytes) -> bytes:
    """The beginning of a text in UTF-16, if its mark says so, in UTF-8; else as it is."""
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return page_text(beginning, None).encode("utf-8", "replace")
    return beginning


def _told_by_page(page: bytes) -> str:
    found = _META.search(page, 0, _META_BYTES)
    encoding = _known(found[1].decode("ascii", "replace")) if found else ""
    return "utf-8" if encoding.startswith("utf-16") else encoding  # which could not say so


def _known(charset: str | None) -> str:
    """Python's name of an encoding; empty for one that the web does not know."""
    try:
        name = codecs.lookup((charset or "").strip(" \t\"'")).name
    except (LookupError, ValueError):
        return ""
    if name in ("ascii", "iso8859-1"):
        return _WESTERN
    return name if _OF_THE_WEB.fullmatch(name) else ""
