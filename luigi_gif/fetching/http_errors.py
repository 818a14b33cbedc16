"""What goes wrong in an HTTP exchange: the reasons of servers, and which proxy it was."""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import re
import threading
import time
from collections.abc import Iterator

import requests
import urllib3

from luigi_gif.errors import DownloadError, PipelineError, TransientDownloadError
from luigi_gif.fetching import content_coding, retry_rule
from luigi_gif.fetching.download_errors import broken_off_error, too_long_error
from luigi_gif.fetching.http_session import Exchange
from luigi_gif.redaction import public_url
from luigi_gif.urls import check_url, scheme_of

MAX_WORDS_BYTES = 1 << 14
MAX_WORDS_S = 5.0
"""As much, and as long, is read of what a server says with an error."""
_SAYING_FIELDS = ("message", "error_description", "error", "detail", "title", "reason")
_NEXT_STEPS = {
    401: "give a user and password by ~/.netrc or in the URL, or a token by --download-headers",
    403: "look at what the server says; a signed URL may have expired, and a server may refuse "
    "a --download-user-agent",
    404: "correct the URL, or ask the server's keeper",
    407: "give the proxy's user and password in its variable (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)",
    410: "correct the URL, or ask the server's keeper",
}
_MISSING = frozenset({403, 404, 410})
"""403 is what S3 says of a key that does not exist, to who may not list its bucket."""
_PROXY_SCHEMES = frozenset({"", "http", "https", "socks4", "socks4a", "socks5", "socks5h"})
_CHECK_PROXY = "check the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) and run again"


@contextlib.contextmanager
def translating_errors(exchange: Exchange) -> Iterator[None]:
    """Turn what requests raises into a DownloadError; its own texts may hold secrets."""
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        if not isinstance(error, OSError | ValueError | urllib3.exceptions.HTTPError):
            raise
        raise _translated(exchange, error) from None


def _translated(exchange: Exchange, error: Exception) -> DownloadError:
    if exchange.watchdog.expired or time.monotonic() >= exchange.deadline:
        return too_long_error(exchange.where, exchange.config, "no whole answer")
    if exchange.proxy is not None and _is_of_proxy(error, exchange.proxy):
        return _proxy_error(exchange, error)
    if isinstance(error, requests.exceptions.SSLError):
        return DownloadError(
            "the server's identity cannot be verified",
            where=exchange.where,
            expected="a TLS certificate that this machine trusts",
            got=_root_cause(exchange, error),
            next_step="correct the URL, or have the certificate mended",
        )
    if isinstance(error, requests.exceptions.InvalidHeader):
        return _contradiction(exchange)
    if isinstance(
        error,
        requests.exceptions.Timeout
        | requests.exceptions.ConnectionError
        | urllib3.exceptions.TimeoutError,
    ):
        return _unreachable(exchange, error)
    if isinstance(error, urllib3.exceptions.LocationParseError | requests.exceptions.InvalidURL):
        return _bad_url(exchange, "the URL of a host", "a host or a port that cannot be")
    if isinstance(error, urllib3.exceptions.HTTPError | ConnectionError):
        return broken_off_error(exchange.where, "the whole file", _root_cause(exchange, error))
    if isinstance(error, requests.exceptions.RequestException | ValueError):
        expected = "an http or https URL that leads to a file"
        return _bad_url(exchange, expected, type(error).__name__)
    return DownloadError(
        "the URL cannot be fetched",
        where=exchange.where,
        expected="requests to be set up rightly on this machine",
        got=exchange.text(str(error)),
        next_step="look at REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE",
    )


def _contradiction(exchange: Exchange) -> DownloadError:
    return DownloadError(
        "the server contradicts itself",
        where=exchange.where,
        expected="one length of the file",
        got="two that differ",
        next_step="ask the server's keeper",
    )


def _bad_url(exchange: Exchange, expected: str, got: str) -> DownloadError:
    return DownloadError(
        "the URL cannot be fetched",
        where=exchange.where,
        expected=expected,
        got=got,
        next_step="correct the URL",
    )


def _is_of_proxy(error: Exception, proxy: str) -> bool:
    """Whether the way to the proxy, or the proxy itself, failed, and not what is behind it."""
    if isinstance(error, requests.exceptions.ConnectionError):
        return not isinstance(error, requests.exceptions.SSLError | requests.exceptions.ReadTimeout)
    if isinstance(error, requests.exceptions.InvalidProxyURL | requests.exceptions.InvalidSchema):
        return True
    return isinstance(error, requests.exceptions.InvalidURL) and _is_malformed(proxy)


def _is_malformed(proxy: str) -> bool:
    try:
        check_url(proxy if "://" in proxy else f"http://{proxy}")
    except ValueError:
        return True
    return scheme_of(proxy) not in _PROXY_SCHEMES


def _proxy_error(exchange: Exchange, error: Exception) -> DownloadError:
    proxy = public_url(exchange.proxy or "")
    kind: type[DownloadError] = DownloadError
    next_step = _CHECK_PROXY
    if isinstance(error, requests.exceptions.InvalidSchema):
        got = "no support for SOCKS: PySocks is not installed"
        next_step = "pip install 'requests[socks]', or change the proxy (ALL_PROXY, HTTPS_PROXY)"
    elif isinstance(error, requests.exceptions.InvalidURL):
        got = "a proxy URL without a host, or with a scheme that is not known"
    else:
        got = _root_cause(exchange, error)
        if not re.match(r"Tunnel connection failed: 4", got):
            kind = TransientDownloadError
    return kind(
        "the proxy cannot be used",
        where=f"{proxy}, on the way to {exchange.where}",
        expected="a proxy that lets this machine through",
        got=got,
        next_step=next_step,
    )


def _unreachable(exchange: Exchange, error: Exception) -> TransientDownloadError:
    via = f", by the proxy {public_url(exchange.proxy)}" if exchange.proxy else ""
    return TransientDownloadError(
        "the server cannot be reached",
        where=f"{exchange.where}{via}",
        expected="a connection and an answer in time",
        got=_root_cause(exchange, error),
        next_step="check the host in the URL and the network, and run again",
    )


def check_status(exchange: Exchange, response: requests.Response) -> None:
    """Raise DownloadError for any status but 200, with what the server says of it."""
    status = response.status_code
    if status == 200:
        return
    passing = retry_rule.is_retried_status(status)
    words = _message_of(exchange, response)
    reason = f"{status} {response.reason or ''}".strip()
    via = f", by the proxy {public_url(exchange.proxy)}" if exchange.proxy else ""
    step = "run again later" if passing else "correct the URL, or ask the server's keeper"
    error = (TransientDownloadError if passing else DownloadError)(
        "the proxy does not let this through"
        if status == 407
        else "the server does not give the file",
        where=f"{exchange.where}{via}",
        expected="HTTP status 200",
        got=exchange.text(f"{reason}: {words}" if words else reason),
        next_step=_NEXT_STEPS.get(status, step),
    )
    error.is_missing = status in _MISSING
    if isinstance(error, TransientDownloadError):
        error.retry_after_s = retry_rule.parse_retry_after(response.headers.get("Retry-After", ""))
    raise error


def _message_of(exchange: Exchange, response: requests.Response) -> str:
    """What a server says of an error, in its body: the reason, without what stands around it."""
    kind = response.headers.get("Content-Type", "text/plain").lower()
    if not re.match(r"text/|application/([\w.-]+\+)?(xml|json)", kind):
        return ""
    received = b""
    hurry = threading.Timer(MAX_WORDS_S, exchange.watchdog.shut)
    hurry.daemon = True
    hurry.start()
    try:
        codings = content_coding.compressions(response.headers.get("Content-Encoding", ""))
        pieces = iter(lambda: response.raw.read1(MAX_WORDS_BYTES), b"")
        for piece in content_coding.decompressed(pieces, codings):
            received += piece
            if len(received) >= MAX_WORDS_BYTES:
                break
    except (OSError, ValueError, urllib3.exceptions.HTTPError):
        pass  # the status says enough
    finally:
        hurry.cancel()
        hurry.join()
    try:
        return _reason_in(received[:MAX_WORDS_BYTES].decode("utf-8", "replace"))
    except ValueError:  # a character's number of more digits than Python makes a number of
        return ""


def _reason_in(body: str) -> str:
    """S3 and its like tell in XML even what they were sent: only Code and Message are taken."""
    if re.search(r"<Error\b|<\w*:?(Code|Message)>", body):
        found = re.findall(r"<(?:Code|Message)>([^<]*)</", body)
        return ": ".join(html.unescape(text) for text in found)
    if body.lstrip().startswith("{"):
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            return ""
        inner = told.get("error")
        told = {**told, **inner} if isinstance(inner, dict) else told
        texts = [told.get(field) for field in _SAYING_FIELDS]
        return ": ".join(text for text in texts if isinstance(text, str))
    title = re.search(r"(?is)<title[^>]*>([^<]*)<", body)
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", " ", body)
    text = re.sub(r"<[^<>]*>", " ", text).strip() or (title[1] if title else "")
    return " ".join(html.unescape(text).split())


def _root_cause(exchange: Exchange, error: BaseException) -> str:
    """The innermost reason, in the operating system's words where it has some."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.exceptions.ReadTimeout | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    while inner := error.__cause__ or error.__context__ or getattr(error, "reason", None):
        if not isinstance(inner, BaseException):
            break
        error = inner
    if type(error).__name__ == "IncompleteRead":  # of http.client, or of urllib3
        return "a part of it"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the end of the connection, and no answer"
    if isinstance(error, http.client.BadStatusLine):
        return "an answer that is not HTTP"
    words = getattr(error, "strerror", None)
    if words is None and (type(error) is OSError or isinstance(error, http.client.HTTPException)):
        words = str(error)  # such as "Tunnel connection failed: 403 Forbidden"
    return exchange.text(words) if words else type(error).__name__
