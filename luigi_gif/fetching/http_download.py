"""An http(s) URL: the whole of what it gives, or the rest of what has arrived before.

What goes wrong with downloads, and what is to be done about it, is in
docs/reliability.md. The rules for ranges are those of RFC 9110, sections 13
and 14: a rest is asked for with Range and If-Range, and taken only where it
begins at the right byte of the same version.
"""

from __future__ import annotations

import contextlib
import email.utils
import itertools
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from luigi_gif import bundles, urls
from luigi_gif.errors import DownloadError
from luigi_gif.fetching import content_coding
from luigi_gif.fetching.download_errors import broken_off_error, too_long_error
from luigi_gif.fetching.source_response import NotModified, Response, ResumeState, Validators

if TYPE_CHECKING:
    import requests

    from luigi_gif import settings
    from luigi_gif.fetching.http_connections import Connections
    from luigi_gif.fetching.http_session import Exchange

MAX_REDIRECTS = 10
RECEIVE_BYTES = 1 << 18
LOW_SPEED_S = 30.0
"""How long a download may be slower than low_speed_limit."""

_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]+)-[0-9]+|\*)/([0-9]+|\*)")
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]{0,1000}"')
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_MIN_AGE_S = 1.0
"""Last-Modified has whole seconds: a file that is younger may change without its changing."""
_DATE = re.compile(r"[\w ,:+-]{1,64}", re.ASCII)


@contextlib.contextmanager
def open_url(
    url: str,
    config: settings.download,
    source: str,
    state: ResumeState,
    deadline: float,
    connections: Connections,
    known: Validators,
) -> Iterator[Response]:
    """What the URL gives, or the rest of it where that fits what has arrived.

    Only the host of ``source`` sees the headers of the settings. ``deadline`` is in seconds of
    the monotonic clock.

    Raises DownloadError, also while the pieces are read; TransientDownloadError
    where another try may help. Raises NotModified where the server says that it is of the version
    of the validators.
    """
    from luigi_gif.fetching import http_errors, http_session

    with http_session.Exchange(url, config, source, deadline, connections) as exchange:
        with http_errors.translating_errors(exchange):
            response = None
            if state.size and state.validator:
                ranges = {"Range": f"bytes={state.size}-", "If-Range": state.validator}
                response = _rest_of(exchange.send(ranges), exchange, state)
            if response is None:
                conditions = _conditions(known)
                answer = exchange.send(conditions)
                if conditions and answer.status_code == 304:
                    if known.resource in (None, _resource(exchange)):
                        raise NotModified
                    answer.close()
                    answer = exchange.send({})
                response = _whole_of(answer, exchange)
        validators = response.validators._replace(resource=_resource(exchange))
        yield response._replace(place=exchange.place, validators=validators)


def _resource(exchange: Exchange) -> str:
    """What the answer is of: redirects may lead elsewhere than before.

    The query does not count, as it may be a signature of the moment.
    """
    return urls.url_digest(exchange.place.partition("?")[0])


def _conditions(known: Validators) -> dict[str, str]:
    """Headers that ask for another version only (RFC 9110, 13.1.2 and 13.1.3)."""
    if known.etag:
        return {"If-None-Match": known.etag}
    return {"If-Modified-Since": known.last_modified} if known.last_modified else {}


def _rest_of(
    http_response: requests.Response, exchange: Exchange, state: ResumeState
) -> Response | None:
    """What the server gives when asked for the rest; None where it fits nothing.

    RFC 9110, 15.3.7: a 206 has the ETag that a 200 would have had. One that leaves it out, or
    is made by who overlooks If-Range, may be of another version.
    """
    if http_response.status_code not in (206, 416):
        return _whole_of(http_response, exchange)
    content_range = _CONTENT_RANGE.fullmatch(http_response.headers.get("Content-Range", ""))
    start, total = content_range.groups() if content_range else (None, None)
    etag = http_response.headers.get("ETag")
    codings = content_coding.compressions(http_response.headers.get("Content-Encoding", ""))
    response = None
    if state.resource not in (None, _resource(exchange)):
        pass  # another file may call its version alike
    elif http_response.status_code == 416:
        if total == str(state.size) and etag in (None, state.validator):
            response = _as_response(http_response, state.size, state.size, iter(()))
    elif etag == state.validator and not codings and start == str(state.size):
        if total == "*":
            response = _as_response(
                http_response, state.size, state.total, _pieces(http_response, exchange)
            )
        elif total is not None and int(total) == (state.total or int(total)):
            response = _as_response(
                http_response, state.size, int(total), _pieces(http_response, exchange)
            )
    if response is None:
        http_response.close()
        return None
    return response._replace(validator=state.validator)


def _whole_of(http_response: requests.Response, exchange: Exchange) -> Response:
    from luigi_gif.fetching import http_errors

    http_errors.check_status(exchange, http_response)
    pieces, length = _pieces(http_response, exchange), http_response.raw.length_remaining
    codings = content_coding.compressions(http_response.headers.get("Content-Encoding", ""))
    if codings:
        beginning = list(itertools.islice(pieces, 1))
        pieces = itertools.chain(beginning, pieces)
        # A server may name a compression that it did not apply.
        if not bundles.may_be_bundle(b"".join(beginning), strict=True):
            decoded = _decoded(pieces, exchange, codings)
            response = _as_response(http_response, 0, None, decoded)
            return response._replace(validator=None, has_packed_length=length is not None)
    return _as_response(http_response, 0, length, pieces)


def _as_response(
    http_response: requests.Response, start: int, total: int | None, pieces: Iterator[bytes]
) -> Response:
    etag = http_response.headers.get("ETag", "")
    date = http_response.headers.get("Last-Modified", "")
    known_etag = etag if _ETAG.fullmatch(etag) else None
    strong = known_etag if etag.startswith('"') else None
    charset = _CHARSET.search(http_response.headers.get("Content-Type", ""))
    last_modified = date if _DATE.fullmatch(date) else None
    modified = _seconds(date)
    answered = _seconds(http_response.headers.get("Date", "")) or time.time()
    is_sure = modified is not None and answered - modified >= _MIN_AGE_S
    return Response(
        start,
        total,
        strong,
        known_etag,
        last_modified,
        pieces,
        charset=charset[1] if charset else None,
        validators=Validators(known_etag, last_modified if is_sure else None),
        time=modified,
    )


def _seconds(date: str) -> float | None:
    """Since 1970 UTC, of a date of HTTP; None for any other text."""
    if not _DATE.fullmatch(date):
        return None
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _pieces(http_response: requests.Response, exchange: Exchange) -> Iterator[bytes]:
    """The body as it arrives, checked for its speed."""
    from luigi_gif.fetching import http_errors

    begin, received = time.monotonic(), 0
    limit = exchange.config.low_speed_limit
    with http_errors.translating_errors(exchange):
        while piece := http_response.raw.read1(RECEIVE_BYTES):
            yield piece
            now = time.monotonic()
            received += len(piece)
            speed = received / max(now - begin, 0.001)
            if now > exchange.deadline:
                got = f"{speed:,.0f} bytes a second in the end"
                raise too_long_error(exchange.where, exchange.config, got)
            if now - begin >= LOW_SPEED_S:
                if speed < limit:
                    expected = f"{limit:,} bytes a second over {now - begin:.0f} s"
                    raise broken_off_error(exchange.where, expected, f"{speed:,.0f}")
                begin, received = now, 0
        if exchange.watchdog.expired:  # which looks like the end of a body without a length
            raise too_long_error(exchange.where, exchange.config, "no end of it")


def _decoded(pieces: Iterator[bytes], exchange: Exchange, codings: list[str]) -> Iterator[bytes]:
    """What was compressed although it was not to be."""
    named = ", ".join(codings)
    if not content_coding.KNOWN_CODINGS.issuperset(codings) or (
        len(codings) > content_coding.MAX_CODINGS
    ):
        raise DownloadError(
            "the server compresses the file in a way that is not known here",
            where=exchange.where,
            expected="identity, as asked for, gzip or deflate",
            got=exchange.text(named),
            next_step="ask the server's keeper",
        )
    try:
        yield from content_coding.decompressed(pieces, codings)
    except content_coding.CodingError as error:
        expected = f"data compressed with {named}"
        raise broken_off_error(exchange.where, expected, str(error)) from None
