"""What may be shown of URLs and of the words of others: no secrets, no control characters.

Two kinds of text come from outside: URLs, which may hold secrets, and the words of servers,
stores and libraries, which may hold URLs and anything else. :func:`public_url` and
:func:`public_text` are what every error, log, note and page shows of them. What is not known
to be harmless is hidden.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import unquote, unquote_plus

from luigi_gif.urls import NAMES_WITH_MARKS, scheme_of, split_authority, split_links, split_sources

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values of HTTP headers."""

HIDDEN = "***"
MAX_TEXT = 300
"""So many characters of a text of others are shown, ..."""
MAX_URL = 4096
"""... and so many of a URL, which is the length of the longest path."""
_CONTAINER_BEFORE_HOST = frozenset({"az", "abfs", "abfss"})
_QUERY_NAME = re.compile(r"[A-Za-z][\w.\[\]-]{0,39}", re.ASCII)
_QUERY_OF_NAME = re.compile(r"\?(?=[\w.\[\]-]+=)(?!versionId=[^&]*$)")
_HOST_WITHOUT_SCHEME = re.compile(r"[\w-]+(\.[\w-]+)+(:[0-9]+)?/")
_LOGIN = re.compile(
    r"\s*(?:(?!file:)[A-Za-z][\w+.-]+:[/\\]+|[/\\]{2,})(?P<odd>[^@]*:.*)@"
    r"|(?P<plain>[^/\\@:]*:[^/\\@]*)@",
    re.DOTALL,
)
"""A login where a scheme is missing or has too few slashes."""
_LOGIN_IN_PATH = re.compile(r"(?<=/)[^/@:]*:[^/@]*@")
_WORD = re.compile(r"[^\s<>]+")
_CREDENTIAL = re.compile(
    r"\b((?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?(?:\w+\s+)?|bearer\s+|basic\s+(?=\S{8}))"
    r"[^\s'\",]+",
    re.I,
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MIN_SECRET = 4
"""Shorter values of a URL are masked in a text only where they stand alone."""


@functools.lru_cache(1024)  # a run shows the same few again and again
def public_url(url: str) -> str:
    """The URL as it may be shown: no user, no password, no query values, no fragment.

    fsspec chains URLs with ``::``; each of them is treated alike. Names of files and
    objects are shown whole. Control characters are escaped.
    """
    sources = split_sources(url)
    if len(sources) > 1:
        return f"{public_url(sources[0])} and {len(sources) - 1:,} more"
    return escaped("::".join(_public(link) for link in split_links(url)), MAX_URL)


def public_text(text: str, *urls: str, headers: Headers = ()) -> str:
    """A text of others as it may be shown: one line, without secrets, of bounded length.

    Each URL in it is shown as :func:`public_url` shows it. ``urls`` are those that
    were asked for: what is hidden of them is hidden in the text, however it got there. So are
    the values of ``headers``, which they were asked with.
    """
    text = without_secrets(text[: 16 * MAX_TEXT], *urls, headers=headers)
    text = _CREDENTIAL.sub(rf"\1{HIDDEN}", text)
    text = _WORD.sub(lambda word: _public_word(word[0]), text)
    return escaped(" ".join(text.split()), MAX_TEXT)


def without_secrets(text: str, *urls: str, headers: Headers = ()) -> str:
    """The text without what is hidden of URLs and headers, in whatever spelling it stands there."""
    secrets = {secret for url in urls for secret in _secrets(url)}
    secrets.update(secret for _, value in headers for secret in _secrets_of_header(value))
    for secret in sorted(secrets, key=len)[::-1]:
        pattern = "".join(_spellings(character) for character in secret)
        if len(secret) < _MIN_SECRET:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        text = re.sub(pattern, HIDDEN, text, flags=re.I)
    return text


def _spellings(character: str) -> str:
    """A pattern of what servers make of a character that means something in URLs or in markup."""
    if character.isascii() and character.isalnum():
        return character
    encoded = character.encode("utf-8", "surrogatepass")
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in encoded)
    plus = r"|\+" if character == " " else ""
    return rf"(?:\\*{re.escape(character)}|{percent}{plus}|&#?\w{{1,8}};|\\[ux]\w{{2,4}})"


def escaped(text: str, max_length: int = MAX_URL) -> str:
    """The text on one line: what moves a cursor, or cannot be seen, is written as an escape."""
    if not text.isprintable():
        text = "".join(
            character.encode("unicode_escape").decode()
            if unicodedata.category(character) in _INVISIBLE
            else character
            for character in text
        )
    return text if len(text) <= max_length else f"{text[:max_length]}..."


def _public(link: str) -> str:
    scheme = scheme_of(link)
    if "://" not in link:
        login = _login_without_scheme(link)
        link = link.replace(login, HIDDEN, 1) if login else link
        if not _HOST_WITHOUT_SCHEME.match(link):
            return link
        return _public_name(link)
    prefix, _, rest = link.partition("://")
    if not scheme:
        harmless = re.fullmatch(r"[\s\ufeff]*[\w+./-]*", prefix)
        scheme = prefix.strip("\ufeff \t\r\n") if harmless else HIDDEN
    authority, behind = split_authority(rest, scheme)
    login, _, host = authority.rpartition("@")
    name, colon, port = (
        host.partition("]")[2].partition(":") if "]" in host else host.partition(":")
    )
    if "]" in host:
        name = f"{host.partition(']')[0]}]{name}"
    if colon and scheme not in NAMES_WITH_MARKS and not re.fullmatch("[0-9]*", port, re.ASCII):
        host = f"{name}:{HIDDEN}"
    if scheme in _CONTAINER_BEFORE_HOST and login and ":" not in login:
        host = authority  # container@account
    elif re.search("[/?#]", login):
        host = f"{HIDDEN}@{host}"
    return f"{scheme}://{host}{_public_path(behind, scheme)}"


def _public_path(behind: str, scheme: str) -> str:
    """The path, and the names of the query."""
    if scheme in NAMES_WITH_MARKS:
        return _public_name(behind)
    path, mark, query = behind.partition("#")[0].partition("?")
    path = re.sub(";[^/]*", f";{HIDDEN}", path)
    if "@" in path:
        path = _LOGIN_IN_PATH.sub(f"{HIDDEN}@", path)
    return f"{path}?{_public_query(query)}" if mark and query else path


def _public_name(name: str) -> str:
    """A name that holds nothing secret, unless it ends like a URL with a query."""
    path, *query = _QUERY_OF_NAME.split(name, maxsplit=1)
    return f"{path}?{_public_query(query[0])}" if query else path


def _login_without_scheme(link: str) -> str:
    found = _LOGIN.match(link)
    return (found["odd"] or found["plain"] or "") if found else ""


def _public_query(query: str) -> str:
    return "&".join(_public_field(field) for field in query.split("&") if field)


def _public_field(field: str) -> str:
    """A name with its value hidden; a name without one may be a token, and is hidden itself."""
    name, _, value = field.partition("=")
    return f"{name}={HIDDEN}" if value.strip("=") and _QUERY_NAME.fullmatch(name) else HIDDEN


def _public_word(word: str) -> str:
    """A word of a text: a URL, a path with a query, a login before a host, or just a word."""
    if "://" in word:
        begin = re.search(r"[A-Za-z][\w+.-]*://", word)
        start = begin.start() if begin else 0
        end = len(word.rstrip("'\"`)]},;.:"))
        return f"{_public_word(word[:start])}{_public(word[start:end])}{word[end:]}"
    word = re.sub(r"(/[^?]*)\?.+", rf"\1?{HIDDEN}", word, flags=re.DOTALL)
    word = re.sub(r"(\?)[\w.-]+=.*", rf"\1{HIDDEN}", word, flags=re.DOTALL)
    return re.sub(r"[^/@:'\"(=]*:[^/@]+@", f"{HIDDEN}@", word) if "@" in word else word


def _secrets_of_header(value: str) -> Iterator[str]:
    """The whole, its parts, such as a token, and what is in Base64, such as a login."""
    for part in (value, *re.split(r"[\s,;]+", value), *re.split(r"[\s,;=]+", value)):
        if not part:
            continue
        yield part
        with contextlib.suppress(ValueError):
            login = base64.b64decode(part, validate=True).decode()
            yield from filter(None, (login, *login.partition(":")[::2]))


def _secrets(url: str) -> Iterator[str]:
    """What :func:`public_url` hides of a URL, as it stands and in other spellings."""
    for link in split_links(url):
        scheme, _, rest = link.partition("://")
        authority, behind = split_authority(rest, scheme.lower())
        login = authority.rpartition("@")[0] or _login_without_scheme(link)
        path, _, fragment = behind.partition("#")
        path, _, query = path.partition("?")
        fields = [field.partition("=") for field in query.split("&")]
        hidden = [login, *login.partition(":")[::2], fragment, query]
        hidden += [(value.strip("=") and value) or field for field, _, value in fields]
        for parameter in re.findall(";([^/]*)", path):
            hidden += [parameter, parameter.partition("=")[2]]
        for text in filter(None, hidden):
            yield from (text, unquote(text), unquote_plus(text))
            yield base64.b64encode(unquote(text).encode("utf-8", "replace")).decode()
