"""A URL to a checked file: http(s) with requests, everything else as a file or an object."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from luigi_gif import bundle, store
from luigi_gif.errors import LUIGI_LOGGER, BundleError, DownloadError, TransientDownloadError
from luigi_gif.urls import public_text, public_url

if TYPE_CHECKING:
    import requests

    from luigi_gif import settings as sections

PIECE_BYTES = 1 << 20
RETRIED_STATUSES = frozenset({408, 429})
"""Beside every 5xx: Request Timeout and Too Many Requests."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


def fetch(
    url: str, file: IO[bytes], settings: sections.download, sha256: str | None
) -> dict[str, Any]:
    """Write the bundle at ``url`` to ``file``, which is empty, and check it.

    Returns what is known of it: size in bytes, sha256, etag, last_modified.

    Raises DownloadError where it cannot be had whole, BundleError where it is
    not a bundle or not the one that ``sha256`` (64 hexadecimal digits) names.
    """
    import tenacity

    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(settings.retries + 1),
        wait=tenacity.wait_fixed(settings.retry_delay),
        retry=tenacity.retry_if_exception_type(TransientDownloadError),
        before_sleep=lambda state: _log_retry(state, settings),
        reraise=True,
    )
    return attempts(_attempt, url, file, settings, sha256)


def _attempt(
    url: str, file: IO[bytes], settings: sections.download, sha256: str | None
) -> dict[str, Any]:
    file.seek(0)
    file.truncate()
    headers: dict[str, str | None] = {"etag": None, "last_modified": None}
    if urlsplit(url).scheme in ("http", "https"):
        source = _http(url, settings, headers)
    else:
        source = _file_or_object(url)
    with contextlib.closing(source):
        size, digest = _copy(source, file, url)
    if sha256 is not None:
        check_sha256(public_url(url), digest, sha256)
    return {"size": size, "sha256": digest, **headers}


def check_sha256(where: str, digest: str, expected: str) -> None:
    """Raise BundleError unless the bundle has the digest that is expected."""
    if digest != expected:
        raise BundleError(
            "the bundle is not the one that was asked for",
            where=where,
            expected=f"SHA-256 {expected}",
            got=f"SHA-256 {digest}",
            next_step="check --sha256, and the source of the bundle",
        )


def _copy(source: Iterable[bytes], file: IO[bytes], url: str) -> tuple[int, str]:
    """Size in bytes and SHA-256 of what was copied; hashing runs beside the download."""
    size = 0
    digest = hashlib.sha256()
    with ThreadPoolExecutor(1) as beside:
        hashed: Future[None] | None = None
        for piece in _whole_pieces(source):
            if size == 0:
                _check_beginning(piece, url)
            if hashed is not None:
                hashed.result()
            hashed = beside.submit(digest.update, piece)
            file.write(piece)
            size += len(piece)
    if size == 0:
        _check_beginning(b"", url)
    return size, digest.hexdigest()


def _whole_pieces(source: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of PIECE_BYTES or more, the last one excepted: servers may send them tiny."""
    waiting: list[bytes] = []
    size = 0
    for piece in source:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _check_beginning(piece: bytes, url: str) -> None:
    if not bundle.begins_with_image(piece):
        raise BundleError(
            "this is not a bundle of images",
            where=public_url(url),
            expected="complete images with four newlines between them",
            got=bundle.looks_like(piece),
            next_step="open the URL in a browser, and correct --url",
        )


def _http(
    url: str, settings: sections.download, headers: dict[str, str | None]
) -> Generator[bytes, None, None]:
    import requests

    with _explained(url), requests.Session() as session, _get(session, url, settings) as response:
        _check_status(response, url)
        headers["etag"] = response.headers.get("ETag")
        headers["last_modified"] = response.headers.get("Last-Modified")
        yield from response.iter_content(PIECE_BYTES)
        _check_length(response, url)


def _get(session: requests.Session, url: str, settings: sections.download) -> requests.Response:
    return session.get(
        url,
        stream=True,
        timeout=(settings.connect_timeout, settings.read_timeout),
        headers={"Accept-Encoding": "identity"},
    )


def _check_status(response: requests.Response, url: str) -> None:
    status = response.status_code
    if status == 200:
        return
    passing = status in RETRIED_STATUSES or status >= 500
    raise (TransientDownloadError if passing else DownloadError)(
        "the server does not give the bundle",
        where=public_url(url),
        expected="HTTP status 200",
        got=f"{status} {response.reason}",
        next_step="run again later" if passing else "correct --url, or ask the server's keeper",
    )


def _check_length(response: requests.Response, url: str) -> None:
    announced = response.headers.get("Content-Length", "")
    received = response.raw.tell()
    if announced.isdecimal() and received != int(announced):
        raise _broken_off(url, f"{int(announced):,} bytes", f"{received:,} bytes")


def _file_or_object(url: str) -> Generator[bytes, None, None]:
    try:
        with _opened(url) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    except Exception as error:  # a store may raise anything
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, FileNotFoundError):
            number = errno.ENOENT
        first_line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DownloadError(
            "the bundle cannot be read",
            where=public_url(url),
            expected="a file or an object that can be read",
            got=os.strerror(number) if number else public_text(first_line),
            next_step="correct --url, or mend what stands in the way, and run again",
        ) from error


def _opened(url: str) -> IO[bytes]:
    scheme, separator, _ = url.partition("://")
    if not separator:
        return open(os.path.expanduser(url), "rb")
    if scheme == "file":
        return open(unquote(urlsplit(url).path), "rb")
    objects = store.Store(url)
    return objects.open(objects.root)


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what requests raises into a DownloadError; its own texts may hold secrets."""
    import requests

    try:
        yield
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
        raise _broken_off(url, "the whole bundle", "a part of it") from None
    except requests.exceptions.SSLError as error:
        raise DownloadError(
            "the server's identity cannot be verified",
            where=public_url(url),
            expected="a TLS certificate that this machine trusts",
            got=_root_cause(error),
            next_step="correct --url, or have the certificate mended",
        ) from None
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        raise TransientDownloadError(
            "the server cannot be reached",
            where=public_url(url),
            expected="a connection and an answer in time",
            got=_root_cause(error),
            next_step="check the host in --url and the network, and run again",
        ) from None
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


def _broken_off(url: str, expected: str, got: str) -> TransientDownloadError:
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

    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.exceptions.ReadTimeout):
        return "no answer in time"
    while inner := error.__cause__ or error.__context__ or getattr(error, "reason", None):
        if not isinstance(inner, BaseException):
            break
        error = inner
    return getattr(error, "strerror", None) or type(error).__name__


def _log_retry(state: Any, settings: sections.download) -> None:
    error = state.outcome.exception()
    logger.warning(
        "%s: %s; try %d of %d in %g s",
        error.what,
        error.got,
        state.attempt_number + 1,
        settings.retries + 1,
        settings.retry_delay,
    )
