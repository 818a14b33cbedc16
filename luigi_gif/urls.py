"""What a URL names, what tells it apart, and what of it may be shown.

Two kinds of text come from outside: URLs, which may hold secrets, and the
words of servers, stores and libraries, which may hold URLs and anything else.
:func:`public_url` and :func:`public_text` are what every error, log, note and
page shows of them. What is not known to be harmless is hidden.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

HIDDEN = "***"
MAX_TEXT = 300
"""So many characters of a text of others are shown, ..."""
MAX_URL = 4096
"""... and so many of a URL, which is the length of the longest path."""
MAX_LINKS = 8
NAME_DIGITS = 16
MAX_STEM = 100
"""With the digits behind it, a name fits into 143 bytes, as encrypted file systems want it."""

HTTP_SCHEMES = frozenset({"http", "https"})
_NAMES_WITH_MARKS = frozenset(
    {"file", "local", "memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"}
    | {"hdfs", "webhdfs", "oss", "oci", "zip", "tar"}
)
"""Their ``?`` and ``#`` belong to a name: they know neither a query nor a fragment."""
_CONTAINER_BEFORE_HOST = frozenset({"az", "abfs", "abfss"})

_SCHEME = re.compile(r"[\s\ufeff]*([A-Za-z][A-Za-z0-9+.-]*)://")
_FILE = re.compile(r"[\s\ufeff]*file:(?://(?P<host>[^/]*))?(?P<path>/.*)?", re.I | re.DOTALL)
_QUERY_NAME = re.compile(r"[A-Za-z][\w.\[\]-]{0,39}", re.ASCII)
_QUERY_OF_NAME = re.compile(r"\?(?=[\w.\[\]-]+=)(?!versionId=[^&]*$)")
_MISSPELLED = re.compile(r"\s*(?:(?:https?|ftp|sftp|s3|gs|gcs|az|abfss?):[/\\]|\\\\)", re.I)
"""With too few slashes, or as Windows has it: no path of this system, and it may hold a login."""
_HOST_WITHOUT_SCHEME = re.compile(r"[\w-]+(\.[\w-]+)+(:[0-9]+)?/")
_LOGIN = re.compile(
    r"\s*(?:(?!file:)[A-Za-z][\w+.-]+:[/\\]+|[/\\]{2,})(?P<odd>[^@]*:.*)@"
    r"|(?P<plain>[^/\\@:]*:[^/\\@]*)@",
    re.DOTALL,
)
"""A login where a scheme is missing or has too few slashes."""
_PASSWORD = re.compile(r"^([^:/]+://[^:/?#]*):[^/?#]*(@[^@/?#]*)")
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


def scheme_of(url: str) -> str:
    """The scheme of a URL, in lower case as RFC 3986 has it; empty for a path."""
    if _FILE.fullmatch(url):
        return "file"
    found = _SCHEME.match(url)
    return found[1].lower() if found else ""


def is_local(url: str) -> bool:
    """Whether it is a path of this machine, or a file URL."""
    return scheme_of(url) == "file" or "://" not in url


def local_path(url: str) -> str:
    """The path that a local URL or a path names, with ``~`` for the user's home.

    In a file URL, ``?`` and ``#`` stand for themselves: files have no query.

    Raises ValueError for a file URL of another host, or without a path.
    """
    found = _FILE.fullmatch(url) if scheme_of(url) == "file" else None
    if found is None:
        return os.path.expanduser(url)
    host, path = found["host"] or "", found["path"]
    if path is None or host.lower() not in ("", "localhost", socket.gethostname().lower()):
        raise ValueError("a file URL has three slashes and a full path: file:///PATH")
    path = unquote(path, errors="surrogateescape")
    return os.path.expanduser(path[1:]) if path.startswith("/~/") else path


def normal_url(url: str) -> str:
    """The URL with its scheme in lower case, and nothing before it; a path as it is."""
    links = _links(url)
    return "::".join(_SCHEME.sub(lambda found: f"{found[1].lower()}://", link) for link in links)


def url_digest(url: str) -> str:
    """64 hexadecimal digits that tell apart URLs which look alike in public.

    A password does not count: the bundle is the same. A local source is known by
    its absolute path.

    Raises ValueError for a file URL of another host.
    """
    if is_local(url):
        text = os.path.abspath(local_path(url))
    else:
        text = _PASSWORD.sub(r"\1\2", normal_url(url))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def name_from_url(url: str) -> str:
    """A folder name for a URL: the name of its file, and the first digits of its digest.

    It is at most 117 bytes long. As the digits are not all, it tells nothing apart
    for sure: what lies in the folder notes the whole digest.

    Raises ValueError for a file URL of another host, or a host that is no name.
    """
    check_url(url)
    path = public_url(url)
    if "://" in url:
        marks = "[?;]" if scheme_of(url) in HTTP_SCHEMES else "[?]"
        path = re.split(marks, path.partition("://")[2])[0].partition("/")[2]
    stem = unquote(path).rstrip("/").rpartition("/")[2].partition(".")[0]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", stem)[:MAX_STEM].strip("-")
    return f"{stem or 'bundle'}-{url_digest(url)[:NAME_DIGITS]}"


def check_url(url: str) -> None:
    """Raise ValueError, in words without a secret, for a URL that cannot be taken apart."""
    if is_local(url):
        local_path(url)
        if _MISSPELLED.match(url):
            raise ValueError("a URL has two slashes behind its scheme, as in https://")
        return
    if any("://" in link and not scheme_of(link) for link in _links(url)):
        raise ValueError("what stands before :// is no scheme")
    scheme = scheme_of(url)
    if scheme not in HTTP_SCHEMES:
        return
    authority = re.split("[/?#]", normal_url(url).partition("://")[2])[0]
    host = authority.rpartition("@")[2]
    name, _, port = host.rpartition("]") if host.startswith("[") else host.partition(":")
    port = port.removeprefix(":") if host.startswith("[") else port
    if not name or "[" in name[1:] or "]" in name or bool(re.search(r"[\s\\\[\]]", name[1:])):
        raise ValueError("it has no host that can be asked")
    if port and not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise ValueError("its port is no number up to 65535; write %2F, %3F, %23 and %40 for "
                         "/, ?, # and @ in a password")  # fmt: skip


def public_url(url: str) -> str:
    """The URL as it may be shown: no user, no password, no query values, no fragment.

    fsspec chains URLs with ``::``; each of them is treated alike. Names of files and
    objects are shown whole. Control characters are escaped.
    """
    return escaped("::".join(_public(link) for link in _links(url)), MAX_URL)


def public_text(text: str, *urls: str) -> str:
    """A text of others as it may be shown: one line, without secrets, of bounded length.

    Each URL in it is shown as :func:`public_url` shows it. ``urls`` are those that
    were asked for: what is hidden of them is hidden in the text, however it got there.
    """
    text = without_secrets(text[: 16 * MAX_TEXT], *urls)
    text = _CREDENTIAL.sub(rf"\1{HIDDEN}", text)
    text = _WORD.sub(lambda word: _public_word(word[0]), text)
    return escaped(" ".join(text.split()), MAX_TEXT)


def without_secrets(text: str, *urls: str) -> str:
    """The text without what is hidden of these URLs, in whatever spelling it stands there."""
    for secret in sorted({secret for url in urls for secret in _secrets(url)}, key=len)[::-1]:
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


def _links(url: str) -> list[str]:
    """The URLs that fsspec chains with ``::``; one, where it stands inside a URL."""
    links: list[str] = []
    while len(links) < MAX_LINKS and (separated := _first_link(url)):
        links.append(separated[0])
        url = separated[1]
    return [*links, url]


def _first_link(url: str) -> tuple[str, str] | None:
    """What stands before and behind the ``::`` of a chain, or None if that is none."""
    head, separator, tail = url.partition("::")
    scheme = scheme_of(head)
    if not separator or not tail or scheme in HTTP_SCHEMES:
        return None
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*(://.*)?", head, re.DOTALL):
        return None
    if scheme:
        authority, behind = _split_authority(head.partition("://")[2], scheme)
        whole_authority = url.partition("://")[2].partition("/")[0]
        if authority.startswith("[") or (not behind and "@" in whole_authority):
            return None
        if scheme not in _NAMES_WITH_MARKS and re.search("[?#]", behind):
            return None
    return head, tail


def _split_authority(rest: str, scheme: str) -> tuple[str, str]:
    """What stands behind ``://``, parted behind the host and its login.

    A login with a ``/``, ``?`` or ``#`` that should have been encoded is found by
    the port that is none, or by the ``@`` behind it.
    """
    end = re.search("/" if scheme in _NAMES_WITH_MARKS else "[/?#]", rest)
    authority, behind = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    host = authority.rpartition("@")[2]
    port = "" if host.endswith("]") else host.partition("]")[2] or host
    port = port.rpartition(":")[2] if ":" in port else ""
    is_port = not port or (port.isascii() and port.isdigit())
    if ":" not in host or host.startswith("["):
        return authority, behind
    reach = behind
    if is_port and behind.startswith("/"):
        reach = re.split("[?#]", behind)[0]
    last = reach.rfind("@")
    if last < 0:
        return authority, behind
    host, behind_host = _split_authority(behind[last + 1 :], scheme)
    return f"{authority}{behind[: last + 1]}{host}", behind_host


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
    authority, behind = _split_authority(rest, scheme)
    login, _, host = authority.rpartition("@")
    name, colon, port = (
        host.partition("]")[2].partition(":") if "]" in host else host.partition(":")
    )
    if "]" in host:
        name = f"{host.partition(']')[0]}]{name}"
    if colon and scheme not in _NAMES_WITH_MARKS and not re.fullmatch("[0-9]*", port, re.ASCII):
        host = f"{name}:{HIDDEN}"
    if scheme in _CONTAINER_BEFORE_HOST and login and ":" not in login:
        host = authority  # container@account
    elif re.search("[/?#]", login):
        host = f"{HIDDEN}@{host}"
    return f"{scheme}://{host}{_public_path(behind, scheme)}"


def _public_path(behind: str, scheme: str) -> str:
    """The path, and the names of the query."""
    if scheme in _NAMES_WITH_MARKS:
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


def _secrets(url: str) -> Iterator[str]:
    """What :func:`public_url` hides of a URL, as it stands and in other spellings."""
    for link in _links(url):
        scheme, _, rest = link.partition("://")
        authority, behind = _split_authority(rest, scheme.lower())
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
