"""Opens a URL: over http(s), or as a file or an object of a store."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from luigi_gif import urls
from luigi_gif.fetching import file_source, http_download
from luigi_gif.fetching.download_errors import Stopped
from luigi_gif.fetching.source_response import Response, ResumeState, Validators

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.fetching.http_connections import Connections


class SourceOpener:
    """What opens URLs for any threads, by at most ``per_host`` connections to each server.

    Use it as a context: they stay open until it ends. Only the host of ``source``, a URL, sees
    the headers of the settings.
    """

    def __init__(self, config: settings.download, per_host: int, source: str) -> None:
        self.config = config
        self._source = source
        self.stopped = threading.Event()
        """Set once nobody waits for what is opened any more."""
        self._per_host = per_host
        self._lock = threading.Lock()
        self._connections: Connections | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> SourceOpener:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(
        self, url: str, state: ResumeState, deadline: float, known: Validators
    ) -> contextlib.AbstractContextManager[Response]:
        """What the URL gives, or the rest of it where that fits what has arrived.

        ``deadline`` is in seconds of the monotonic clock. Entering it raises NotModified where
        the version is that of the validators.
        """
        if urls.is_local(url):
            return file_source.open_file(url, self.config, deadline)
        url = urls.normal_url(url)
        if urls.scheme_of(url) in urls.HTTP_SCHEMES:
            return http_download.open_url(
                url, self.config, self._source, state, deadline, self._open_connections(), known
            )
        return file_source.open_object(url, self.config, state, deadline, known)

    def stop(self) -> None:
        """End all that is under way: whoever is at it gets Stopped, or a DownloadError."""
        with self._lock:
            self.stopped.set()
            if self._connections is not None:
                self._connections.stop()

    def check(self) -> None:
        """Raise Stopped once it is stopped."""
        if self.stopped.is_set():
            raise Stopped

    def _open_connections(self) -> Connections:
        from luigi_gif.fetching import http_connections  # requests, which files do without

        with self._lock:
            self.check()
            if self._connections is None:
                connections = http_connections.Connections(self._per_host)
                self._connections = self._stack.enter_context(connections)
            return self._connections
