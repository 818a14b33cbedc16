"""The tags and the text of an HTML page, in one pass over it.

As the HTML standard has it (https://html.spec.whatwg.org/multipage/parsing.html#tokenization).
html.parser is not used: up to 3.13.5, a page of some hundred KB can keep it busy for hours, and
it takes ``&copy=1`` in a link for a copyright sign.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

_SPACE = r"[ \t\n\f\r]"
_MARKUP = re.compile(r"<(?:(?P<comment>!--)|(?P<other>[!?]|/(?![A-Za-z]))|(?P<end>/?)(?=[A-Za-z]))")
_NAME = re.compile(r"[^ \t\n\f\r/>]+")
_BEFORE_ATTRIBUTE = re.compile(r"[ \t\n\f\r/]*+")
_ATTRIBUTE_NAME = re.compile(r"[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+")
_EQUALS = re.compile(rf"{_SPACE}*+={_SPACE}*+")
_UNQUOTED = re.compile(r"[^ \t\n\f\r>]*+")
_COMMENT_END = re.compile(r"--!?>")
_TEXT_ONLY = {
    name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
"""Elements in which nothing but their own end is a tag."""
# In an attribute, a name without a semicolon is none where it goes on as a query may.
_REFERENCE = re.compile(
    r"&(?:#[0-9]++;?|#[xX][0-9A-Fa-f]++;?|[A-Za-z][A-Za-z0-9]*+(?:;|(?![=A-Za-z0-9])))"
)
_NO_CHARACTER = "\ufffd"


class Tag(NamedTuple):
    """A start tag or an end tag."""

    name: str
    """In lower case."""
    is_end: bool
    attributes: dict[str, str]
    """By their names in lower case."""


def html_tokens(page: str) -> Iterator[Tag | str]:
    """The tags of a page, and the text between them as it stands, without its comments."""
    position = 0
    while markup := _MARKUP.search(page, position):
        if markup.start() > position:
            yield page[position : markup.start()]
        if markup["comment"]:
            position = _behind_comment(page, markup.end())
        elif markup["other"]:
            position = _behind(page, page.find(">", markup.end()), 1)
        else:
            tag, position = _read_tag(page, markup)
            if tag is None:
                return
            yield tag
            if tag.name in _TEXT_ONLY and not tag.is_end:
                end = _TEXT_ONLY[tag.name].search(page, position)
                start, position = position, end.start() if end else len(page)
                yield page[start:position]
            if tag.name == "plaintext":
                break
    if position < len(page):
        yield page[position:]


def _behind(page: str, found: int, length: int) -> int:
    return len(page) if found < 0 else found + length


def _behind_comment(page: str, start: int) -> int:
    if page.startswith((">", "->"), start):  # <!--> and <!---> are whole
        return page.index(">", start) + 1
    end = _COMMENT_END.search(page, start)
    return end.end() if end else len(page)


def _read_tag(page: str, markup: re.Match[str]) -> tuple[Tag | None, int]:
    """A tag, and where it ends; None where the page ends before it does."""
    name = _NAME.match(page, markup.end())
    assert name is not None
    attributes: dict[str, str] = {}
    position = name.end()
    while True:
        position = _BEFORE_ATTRIBUTE.match(page, position).end()  # type: ignore[union-attr]
        attribute = _ATTRIBUTE_NAME.match(page, position)
        if attribute is None:
            break
        value, position = _read_value(page, attribute.end())
        attributes.setdefault(attribute[0].lower(), _unescaped(value))
    if not page.startswith(">", position):
        return None, len(page)
    return Tag(name[0].lower(), bool(markup["end"]), attributes), position + 1


def _read_value(page: str, position: int) -> tuple[str, int]:
    """What an attribute has behind its name, and where that ends."""
    equals = _EQUALS.match(page, position)
    if equals is None:
        return "", position
    start = equals.end()
    quote = page[start : start + 1]
    if quote in ('"', "'"):
        end = page.find(quote, start + 1)
        return (page[start + 1 : end], end + 1) if end >= 0 else ("", len(page))
    value = _UNQUOTED.match(page, start)
    assert value is not None
    return value[0], value.end()


def _unescaped(value: str) -> str:
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _character(reference: re.Match[str]) -> str:
    text = reference[0]
    if text[1] != "#":
        return html5.get(text[1:], text)
    try:
        return html.unescape(text)
    except ValueError:  # of more digits than Python makes a number of
        return _NO_CHARACTER
