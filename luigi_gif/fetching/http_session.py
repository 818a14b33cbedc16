"""One exchange with an http(s) server: a request and its redirects, which end at a deadline.

requests is imported here, and this module only where something is fetched.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import requests
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from requests.utils import get_netrc_auth, select_proxy

from luigi_gif._version import __version__
from luigi_gif.errors import DownloadError, PipelineError
from luigi_gif.fetching.http_connections import Connections, Watchdog
from luigi_gif.fetching.http_download import MAX_REDIRECTS
from luigi_gif.parameters import bad_parameter
from luigi_gif.redaction import public_text, public_url

if TYPE_CHECKING:
    from luigi_gif import settings

AFTER_WATCHDOG_S = 1.0
"""A socket's own timeout ends so long behind the deadline, where the watchdog has not ended it."""
_ALLOWED_REDIRECTS = {("http", "http"), ("http", "https"), ("https", "https")}


class Exchange:
    """A request for a URL; use it as a context, within which its response is read.

    One thread makes it and reads it.

    Parameters
    ----------
    source : str
        The URL whose host may see the headers of the settings, or no URL of http(s).
    deadline : float
        In seconds of the monotonic clock.
    """

    def __init__(
        self,
        url: str,
        config: settings.download,
        source: str,
        deadline: float,
        connections: Connections,
    ) -> None:
        self.url = url
        self._source = source
        self.config = config
        self.deadline = deadline
        self.watchdog = Watchdog(deadline)
        self._connections = connections
        self._has_open_connection = False
        """Whether the request goes over a connection that was open before."""
        self._stack = contextlib.ExitStack()
        self._at = url
        self._asked = [url]
        """Where redirects have led so far."""

    def __enter__(self) -> Exchange:
        agent = self.config.user_agent or f"luigi_gif/{__version__}"
        if not re.fullmatch(r"[\x21-\x7e][\x20-\x7e]*", agent):
            raise bad_parameter("--download-user-agent", "printable ASCII", agent)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.watchdog)
            stack.enter_context(self._connections.used_by(self))
            self._session = _Session()  # never closed, as its connections are not its own
            for scheme in ("http://", "https://"):
                self._session.mount(scheme, self._connections.adapter)
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
    def place(self) -> str:
        """Where redirects have led, with the login of the URL if that was sent there too."""
        login = urlsplit(self.url).netloc.rpartition("@")[0]
        strips = self._session.should_strip_auth(_without_login(self.url), self._at)
        if not login or strips or self._at == self.url:
            return self._at
        parts = urlsplit(self._at)
        return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()

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
        return public_text(text, *self._asked, self.proxy or "", headers=self.config.headers)

    def send(self, headers: dict[str, str]) -> requests.Response:
        """The answer to a request, its body not read yet.

        Raises DownloadError for redirects that are not followed, and what requests raises.
        """
        self._at = self.url
        at, auth = _without_login(self.url), _credentials(self.url)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._get(at, auth, headers)
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

    def uses_open_connection(self, connection: socket.socket) -> None:
        """Take note of a connection that is used again."""
        self._has_open_connection = True
        self.watchdog.watch(connection)

    def seconds_left(self) -> float:
        """Until the deadline."""
        return max(0.0, self.deadline - time.monotonic())

    def _get(
        self, url: str, auth: HTTPBasicAuth | None, headers: dict[str, str]
    ) -> requests.Response:
        """One answer, over a new connection where one that was open is not any more.

        A server may shut it while the request is on its way (RFC 9112, 9.3.1): that is no
        failure of the server, and is not counted as one.
        """
        left = self.seconds_left() + AFTER_WATCHDOG_S
        own = self._own_headers(url)
        while True:
            self._has_open_connection = False
            try:
                return self._session.get(
                    url,
                    stream=True,
                    allow_redirects=False,
                    auth=(None if "Authorization" in own else auth) or _no_auth,
                    timeout=(
                        min(self.config.connect_timeout, left),
                        min(self.config.read_timeout, left),
                    ),
                    headers={**own, "Accept-Encoding": "identity", **headers},
                )
            except requests.exceptions.ConnectionError as error:
                is_lost = type(error) is requests.exceptions.ConnectionError
                if not (is_lost and self._has_open_connection):
                    raise

    def _own_headers(self, url: str) -> CaseInsensitiveDict[str]:
        """Those of the settings, as far as a URL may see them: they may hold secrets."""
        strips = self._session.should_strip_auth(_without_login(self._source), url)
        return CaseInsensitiveDict(() if strips else self.config.headers)

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
        next_step = "correct the URL, or ask the server's keeper"
        return DownloadError(
            what, where=self.where, expected=expected, got=got, next_step=next_step
        )


class _Session(requests.Session):
    """Does not look where redirects lead: it would read the whole of their bodies first."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


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
