"""What a URL or a path names, and what tells it apart from others."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import socket
from urllib.parse import unquote

MAX_LINKS = 8
_ARRAY = '["'
HTTP_SCHEMES = frozenset({"http", "https"})
NAMES_WITH_MARKS = frozenset(
    {"file", "local", "memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"}
    | {"hdfs", "webhdfs", "oss", "oci", "zip", "tar"}
)
"""Their ``?`` and ``#`` belong to a name: they know neither a query nor a fragment."""
_SCHEME = re.compile(r"[\s\ufeff]*([A-Za-z][A-Za-z0-9+.-]*)://")
_FILE = re.compile(r"[\s\ufeff]*file:(?://(?P<host>[^/]*))?(?P<path>/.*)?", re.I | re.DOTALL)
_MISSPELLED = re.compile(r"\s*(?:(?:https?|ftp|sftp|s3|gs|gcs|az|abfss?):[/\\]|\\\\)", re.I)
"""With too few slashes, or as Windows has it: no path of this system, and it may hold a login."""
_PASSWORD = re.compile(r"^([^:/]+://[^:/?#]*):[^/?#]*(@[^@/?#]*)")


def join_sources(sources: list[str]) -> str:
    """One text for several paths or URLs: a JSON array, as Luigi writes lists."""
    return sources[0] if len(sources) == 1 else json.dumps(sources)


def split_sources(text: str) -> list[str]:
    """The paths or URLs that a text stands for: one, or those of a JSON array.

    Raises ValueError for an array of anything else, or of nothing.
    """
    if not text.startswith(_ARRAY):
        return [text]
    try:
        sources = json.loads(text)
    except RecursionError:
        sources = None
    if not sources or not all(isinstance(source, str) and source for source in sources):
        raise ValueError("several sources are a JSON array of paths or URLs")
    return list(sources)


@functools.lru_cache(1024)  # the same few are asked for hundreds of times a clip
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
    return "::".join(map(_with_normal_scheme, split_links(_with_normal_scheme(url))))


def _with_normal_scheme(link: str) -> str:
    found = _SCHEME.match(link)
    return f"{found[1].lower()}://{link[found.end() :]}" if found else link


def host_of(url: str) -> str:
    """The scheme, and the host without a login; the same for all local files."""
    if is_local(url):
        return ""
    scheme, _, rest = normal_url(url).partition("://")
    authority, _ = split_authority(rest, scheme)
    return f"{scheme}://{authority.rpartition('@')[2].lower()}"


def url_digest(url: str) -> str:
    """64 hexadecimal digits that tell apart URLs which look alike in public.

    A password does not count: the bundle is the same. A local source is known by
    its absolute path.

    Raises ValueError for a file URL of another host.
    """
    sources = split_sources(url)
    if len(sources) > 1:
        text = json.dumps([url_digest(source) for source in sources])
    elif is_local(url):
        text = os.path.abspath(local_path(url))
    else:
        text = _PASSWORD.sub(r"\1\2", normal_url(url))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check_url(url: str) -> None:
    """Raise ValueError, in words without a secret, for a URL that cannot be taken apart."""
    if is_local(url):
        local_path(url)
        if _MISSPELLED.match(url):
            raise ValueError("a URL has two slashes behind its scheme, as in https://")
        return
    if any("://" in link and not scheme_of(link) for link in split_links(url)):
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


def split_links(url: str) -> list[str]:
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
        authority, behind = split_authority(head.partition("://")[2], scheme)
        whole_authority = url.partition("://")[2].partition("/")[0]
        if authority.startswith("[") or (not behind and "@" in whole_authority):
            return None
        if scheme not in NAMES_WITH_MARKS and re.search("[?#]", behind):
            return None
    return head, tail


def split_authority(rest: str, scheme: str) -> tuple[str, str]:
    """What stands behind ``://``, parted behind the host and its login.

    A login with a ``/``, ``?`` or ``#`` that should have been encoded is found by
    the port that is none, or by the ``@`` behind it.
    """
    end = re.search("/" if scheme in NAMES_WITH_MARKS else "[/?#]", rest)
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
    host, behind_host = split_authority(behind[last + 1 :], scheme)
    return f"{authority}{behind[: last + 1]}{host}", behind_host
