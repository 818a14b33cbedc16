"""One exchange with an http(s) server: a request and its redirects, which end at a deadline.

requests is imported here, and this module only where something is fetched.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.utils import get_netrc_auth, select_proxy

from luigi_gif._version import __version__
from luigi_gif.errors import DownloadError, PipelineError
from luigi_gif.fetching.http_download import MAX_REDIRECTS
from luigi_gif.parameters import bad_parameter
from luigi_gif.redaction import public_text, public_url

if TYPE_CHECKING:
    from luigi_gif import settings

AFTER_WATCHDOG_S = 1.0
"""A socket's own timeout ends so long behind the deadline, where the watchdog has not ended it."""
_ALLOWED_REDIRECTS = {("http", "http"), ("http", "https"), ("https", "https")}
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection")


class Watchdog:
    """Shuts connections down at a deadline, whatever they are at.

    The timeouts of sockets are for each read: who sends a byte now and then, be it of a
    header, of a TLS handshake or of a proxy's answer, would never meet them.
    """

    def __init__(self, deadline: float) -> None:
        self.expired = False
        self._descriptors: list[int] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Watchdog:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        with self._lock:
            for descriptor in self._descriptors:
                os.close(descriptor)
            self._descriptors.clear()

    def watch(self, connection: socket.socket) -> None:
        """Shut this one down too; TLS gives it another object, but a copy stays the same."""
        with self._lock:
            self._descriptors.append(os.dup(connection.fileno()))
        if self.expired:
            self.shut()

    def shut(self) -> None:
        """Shut all connections down, now."""
        with self._lock:
            for descriptor in self._descriptors:
                with socket.socket(fileno=os.dup(descriptor)) as copy, contextlib.suppress(OSError):
                    copy.shutdown(socket.SHUT_RDWR)

    def _expire(self) -> None:
        self.expired = True
        self.shut()


class Exchange:
    """A request for a URL; use it as a context, within which its response is read.

    ``deadline`` is in seconds of the monotonic clock.
    """

    def __init__(self, url: str, config: settings.download, deadline: float) -> None:
        self.url = url
        self.config = config
        self.deadline = deadline
        self.watchdog = Watchdog(deadline)
        self._stack = contextlib.ExitStack()
        self._at = url
        self._asked = [url]
        """Where redirects have led so far."""

    def __enter__(self) -> Exchange:
        agent = self.config.user_agent or f"luigi_gif/{__version__}"
        if not re.fullmatch(r"[\x21-\x7e][\x20-\x7e]*", agent):
            raise bad_parameter("--download-user-agent", "printable ASCII", agent)
        with contextlib.ExitStack() as stack:
            stack.enter_context(_quiet(self.url))
            stack.enter_context(self.watchdog)
            self._session = stack.enter_context(_Session())
            for scheme in ("http://", "https://"):
                self._session.mount(scheme, _WatchedAdapter(self.watchdog))
            self._session.headers["User-Agent"] = agent
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def where(self) -> str:
        """The URL, and where it has led, as they may be shown."""
        asked, at = public_url(self.url), public_url(self._at)
        return asked if asked == at else f"{asked}, which redirects to {at}"

    @property
    def proxy(self) -> str | None:
        """The proxy that the environment sets for the URL; its URL may hold a password."""
        try:
            environment = self._session.merge_environment_settings(self._at, {}, None, None, None)
            return select_proxy(self._at, environment["proxies"])
        except ValueError:
            return None

    def text(self, text: str) -> str:
        """Words of the server as they may be shown."""
        return public_text(text, *self._asked, self.proxy or "")

    def send(self, headers: dict[str, str]) -> requests.Response:
        """The answer to a request, its body not read yet.

        Raises DownloadError for redirects that are not followed, and what requests raises.
        """
        self._at = self.url
        at, auth = _without_login(self.url), _credentials(self.url)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._session.get(
                at,
                stream=True,
                allow_redirects=False,
                auth=auth or _no_auth,
                timeout=self._timeouts(),
                headers={"Accept-Encoding": "identity", **headers},
            )
            self._stack.callback(response.close)
            if not response.is_redirect:
                return response
            response.close()
            target = self._target(at, response.headers["Location"])
            if self._session.should_strip_auth(at, target):
                auth = _credentials(target)
            self._at = at = target
            self._asked.append(target)
        raise self._redirect_error(
            "the server redirects without end", f"at most {MAX_REDIRECTS} redirects", "another one"
        )

    def _timeouts(self) -> tuple[float, float]:
        left = max(0.0, self.deadline - time.monotonic()) + AFTER_WATCHDOG_S
        return min(self.config.connect_timeout, left), min(self.config.read_timeout, left)

    def _target(self, at: str, location: str) -> str:
        """The URL that a Location names."""
        raw = location.encode("latin-1", "replace")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in raw)
        try:
            target = urljoin(at, text.strip())
            host = urlsplit(target).port != 0 and urlsplit(target).hostname
        except ValueError:
            target, host = text, None
        scheme = urlsplit(at).scheme
        if (scheme, target.partition(":")[0].lower()) not in _ALLOWED_REDIRECTS:
            expected = "one that begins with https" + ("" if scheme == "https" else " or http")
            what = "the server redirects to another kind of URL"
            raise self._redirect_error(what, expected, self.text(target))
        if not host:
            what = "the server redirects to a URL that cannot be understood"
            raise self._redirect_error(what, "the URL of a host", self.text(target))
        return _without_login(target)

    def _redirect_error(self, what: str, expected: str, got: str) -> PipelineError:
        next_step = "correct --url, or ask the server's keeper"
        return DownloadError(
            what, where=self.where, expected=expected, got=got, next_step=next_step
        )


class _Session(requests.Session):
    """Does not look where redirects lead: it would read the whole of their bodies first."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _WatchedAdapter(HTTPAdapter):
    """Lets a watchdog see each connection as soon as it is open."""

    def __init__(self, watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        if is_new:
            self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        manager.pool_classes_by_scheme = {
            scheme: _watched(pool, self._watchdog)
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }


def _watched(pool: Any, watchdog: Watchdog) -> type:
    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        # Private to urllib3, which has no hook for a socket before its TLS handshake.
        def _new_conn(self) -> socket.socket:
            connection: socket.socket = super()._new_conn()
            watchdog.watch(connection)
            return connection

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """What keeps requests from looking for credentials itself."""
    return request


def _credentials(url: str) -> HTTPBasicAuth | None:
    """Those of the URL, else those that ~/.netrc has for its host."""
    login = urlsplit(url).netloc.rpartition("@")[0]
    user, colon, password = (unquote(part) for part in login.partition(":"))
    try:
        found = get_netrc_auth(_without_login(url))
    except ValueError:  # a file that is no text
        found = None
    if login and not colon and found and found[0] == user:
        password = found[1]
    elif not login and found:
        user, password = found
    elif not login:
        return None
    return HTTPBasicAuth(user.encode(), password.encode())


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@contextlib.contextmanager
def _quiet(url: str) -> Iterator[None]:
    """Keep secrets out of what urllib3 logs in this thread: its messages hold whole URLs."""
    thread = threading.get_ident()

    def filter_record(record: logging.LogRecord) -> bool:
        if record.thread != thread:
            return True
        if record.levelno > logging.DEBUG:
            record.msg, record.args = public_text(record.getMessage(), url), ()
            record.exc_info = None
            return True
        return False

    for name in _LOGGERS:
        logging.getLogger(name).addFilter(filter_record)
    try:
        yield
    finally:
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(filter_record)
