"""An http(s) URL: the whole of what it gives, or the rest of what has arrived before.

What goes wrong with downloads, and what is to be done about it, is in
docs/reliability.md. The rules for ranges are those of RFC 9110, sections 13
and 14: a rest is asked for with Range and If-Range, and taken only where it
begins at the right byte of the same version.
"""

from __future__ import annotations

import contextlib
import email.utils
import logging
import re
import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from luigi_gif.errors import DownloadError, TransientDownloadError
from luigi_gif.urls import public_text, public_url

if TYPE_CHECKING:
    import requests

    from luigi_gif import settings as sections

RETRIED_STATUSES = frozenset({408, 429})
"""Beside every 5xx: Request Timeout and Too Many Requests."""
MOST_REDIRECTS = 10
RECEIVE_BYTES = 1 << 18
LOW_SPEED_S = 30.0
"""How long a download may be slower than low_speed_limit."""

_ALLOWED_REDIRECTS = {("http", "http"), ("http", "https"), ("https", "https")}
_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]+)-[0-9]+|\*)/([0-9]+|\*)")


class Known(NamedTuple):
    """What has arrived before."""

    size: int
    """In bytes."""
    total: int | None
    """How many bytes there are in all."""
    validator: str | None
    """A text that changes whenever the bundle does; without one nothing can be added."""


class Answer(NamedTuple):
    """What a source gives of a bundle."""

    start: int
    """Offset of the first byte: 0, or what is known already."""
    total: int | None
    """How many bytes there are in all, those that are known included."""
    validator: str | None
    etag: str | None
    last_modified: str | None
    pieces: Iterator[bytes]


@contextlib.contextmanager
def get(url: str, settings: sections.download, known: Known, deadline: float) -> Iterator[Answer]:
    """The bundle, or the rest of it where that fits what is known.

    ``deadline`` is in seconds of the monotonic clock.

    Raises DownloadError, also while the pieces are read; TransientDownloadError
    where another try may help.
    """
    with contextlib.ExitStack() as stack:
        with _explained(url):
            session = stack.enter_context(_session(url))
            answer = None
            if known.size and known.validator:
                ranges = {"Range": f"bytes={known.size}-", "If-Range": known.validator}
                response = _ask(stack, session, url, settings, ranges)
                answer = _continued(response, url, settings, known, deadline)
            if answer is None:
                response = _ask(stack, session, url, settings, {})
                answer = _from_the_start(response, url, settings, deadline)
        yield answer


def _continued(
    response: requests.Response,
    url: str,
    settings: sections.download,
    known: Known,
    deadline: float,
) -> Answer | None:
    """What the server gives when asked for the rest; None where it fits nothing."""
    if response.status_code not in (206, 416):
        return _from_the_start(response, url, settings, deadline)
    content_range = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    start, total = content_range.groups() if content_range else (None, None)
    etag = response.headers.get("ETag", known.validator)
    encoding = response.headers.get("Content-Encoding", "identity")
    if etag != known.validator or encoding != "identity":
        answer = None
    elif response.status_code == 416:
        nothing_more = total == str(known.size)
        answer = _answer(response, known.size, known.size, iter(())) if nothing_more else None
    elif start != str(known.size) or total not in ("*", str(known.total or total)):
        answer = None
    else:
        size = known.total if total == "*" else int(total or 0)
        pieces = _pieces(response, url, settings, deadline)
        answer = _answer(response, known.size, size, pieces)._replace(validator=known.validator)
    if answer is None:
        response.close()
    return answer


def _from_the_start(
    response: requests.Response, url: str, settings: sections.download, deadline: float
) -> Answer:
    _check_status(response, url)
    pieces = _pieces(response, url, settings, deadline)
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return _answer(response, 0, response.raw.length_remaining, pieces)
    decoded = _decoded(pieces, url, encoding)
    return _answer(response, 0, None, decoded)._replace(validator=None)


def _answer(
    response: requests.Response, start: int, total: int | None, pieces: Iterator[bytes]
) -> Answer:
    etag = response.headers.get("ETag")
    strong = etag if etag and etag.startswith('"') else None
    return Answer(start, total, strong, etag, response.headers.get("Last-Modified"), pieces)


@contextlib.contextmanager
def _session(url: str) -> Iterator[requests.Session]:
    import requests

    def check_redirect(response: requests.Response, *_: object, **__: object) -> None:
        target = response.headers.get("Location", "") if response.is_redirect else ""
        schemes = urlsplit(response.url).scheme, urlsplit(urljoin(response.url, target)).scheme
        if target and schemes not in _ALLOWED_REDIRECTS:
            response.close()
            raise DownloadError(
                "the server redirects to another kind of URL",
                where=public_url(url),
                expected="one that begins with https"
                + ("" if schemes[0] == "https" else " or http"),
                got=public_text(urljoin(response.url, target)),
                next_step="correct --url, or ask the server's keeper",
            )

    quiet = logging.getLogger("urllib3.connectionpool")
    quiet.addFilter(_is_no_detail)
    with requests.Session() as session:
        session.max_redirects = MOST_REDIRECTS
        session.hooks["response"].append(check_redirect)
        yield session


def _is_no_detail(record: logging.LogRecord) -> bool:
    """Debug messages of urllib3 hold paths with their query."""
    return record.levelno > logging.DEBUG


def _ask(
    stack: contextlib.ExitStack,
    session: requests.Session,
    url: str,
    settings: sections.download,
    headers: dict[str, str],
) -> requests.Response:
    response = session.get(
        url,
        stream=True,
        timeout=(settings.connect_timeout, settings.read_timeout),
        headers={"Accept-Encoding": "identity", **headers},
    )
    stack.callback(response.close)
    return response


def _check_status(response: requests.Response, url: str) -> None:
    status = response.status_code
    if status == 200:
        return
    passing = status in RETRIED_STATUSES or status >= 500
    error = (TransientDownloadError if passing else DownloadError)(
        "the server does not give the bundle",
        where=public_url(url),
        expected="HTTP status 200",
        got=f"{status} {response.reason}",
        next_step="run again later" if passing else "correct --url, or ask the server's keeper",
    )
    if isinstance(error, TransientDownloadError):
        error.retry_after_s = _retry_after_s(response.headers.get("Retry-After", ""))
    raise error


def _retry_after_s(text: str) -> float:
    """Seconds from now, of a number of them or of a date."""
    if text.isdecimal():
        return float(text)
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except ValueError:
        return 0.0


def _pieces(
    response: requests.Response, url: str, settings: sections.download, deadline: float
) -> Iterator[bytes]:
    """The body as it arrives, checked for its speed."""
    begin, received = time.monotonic(), 0
    with _explained(url):
        while piece := response.raw.read1(RECEIVE_BYTES):
            yield piece
            now = time.monotonic()
            received += len(piece)
            if now > deadline:
                raise DownloadError(
                    "the download takes too long",
                    where=public_url(url),
                    expected=f"an end within {settings.deadline:,g} s (--download-deadline)",
                    got=f"{received / max(now - begin, 0.001):,.0f} bytes a second in the end",
                    next_step="run again: what has arrived is kept where the server allows it",
                )
            if now - begin >= LOW_SPEED_S:
                if received < settings.low_speed_limit * (now - begin):
                    raise broken_off(
                        url,
                        f"{settings.low_speed_limit:,} bytes a second over {now - begin:.0f} s",
                        f"{received / (now - begin):,.0f}",
                    )
                begin, received = now, 0


def _decoded(pieces: Iterator[bytes], url: str, encoding: str) -> Iterator[bytes]:
    """What was compressed although it was not to be: gzip (RFC 1952) or deflate (RFC 1950)."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise DownloadError(
            "the server compresses the bundle in a way that is not known here",
            where=public_url(url),
            expected="identity, as asked for, or gzip",
            got=encoding,
            next_step="ask the server's keeper",
        )
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        for piece in pieces:
            while piece and not decoder.eof:
                yield decoder.decompress(piece, RECEIVE_BYTES)
                piece = decoder.unconsumed_tail
    except zlib.error as error:
        raise broken_off(url, f"data compressed with {encoding}", str(error)) from None
    if not decoder.eof:
        raise broken_off(url, f"data compressed with {encoding}", "a part of them")


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what requests raises into a DownloadError; its own texts may hold secrets."""
    import requests
    import urllib3

    try:
        yield
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise _unreachable(url, error) from None
    except urllib3.exceptions.HTTPError as error:
        raise broken_off(url, "the whole bundle", _root_cause(error)) from None
    except requests.exceptions.InvalidHeader:
        raise DownloadError(
            "the server contradicts itself",
            where=public_url(url),
            expected="one length of the bundle",
            got="two that differ",
            next_step="ask the server's keeper",
        ) from None
    except requests.exceptions.TooManyRedirects:
        raise DownloadError(
            "the server redirects without end",
            where=public_url(url),
            expected=f"at most {MOST_REDIRECTS} redirects",
            got="another one",
            next_step="correct --url, or ask the server's keeper",
        ) from None
    except requests.exceptions.SSLError as error:
        raise DownloadError(
            "the server's identity cannot be verified",
            where=public_url(url),
            expected="a TLS certificate that this machine trusts",
            got=_root_cause(error),
            next_step="correct --url, or have the certificate mended",
        ) from None
    except requests.exceptions.ConnectionError as error:
        raise _unreachable(url, error) from None
    except requests.exceptions.RequestException as error:
        raise DownloadError(
            "the URL cannot be fetched",
            where=public_url(url),
            expected="an http or https URL that leads to a bundle",
            got=type(error).__name__,
            next_step="correct --url",
        ) from None
    except OSError as error:
        raise DownloadError(
            "the URL cannot be fetched",
            where=public_url(url),
            expected="requests to be set up rightly on this machine",
            got=str(error),
            next_step="look at REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and the proxies",
        ) from None


def _unreachable(url: str, error: Exception) -> TransientDownloadError:
    return TransientDownloadError(
        "the server cannot be reached",
        where=public_url(url),
        expected="a connection and an answer in time",
        got=_root_cause(error),
        next_step="check the host in --url and the network, and run again",
    )


def broken_off(url: str, expected: str, got: str) -> TransientDownloadError:
    """What to tell the user of a download that ended before its time."""
    return TransientDownloadError(
        "the download broke off",
        where=public_url(url),
        expected=expected,
        got=got,
        next_step="run again",
    )


def _root_cause(error: BaseException) -> str:
    """The innermost reason, in the operating system's words where it has some."""
    import requests
    import urllib3

    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.exceptions.ReadTimeout | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(error, urllib3.exceptions.IncompleteRead):
        return "a part of it"
    while inner := error.__cause__ or error.__context__ or getattr(error, "reason", None):
        if not isinstance(inner, BaseException):
            break
        error = inner
    return getattr(error, "strerror", None) or type(error).__name__
