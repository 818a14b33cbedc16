"""Connections to http(s) servers: shared by threads, a few to each server, shut at a deadline.

urllib3 keeps them open between requests, and lets a thread wait where a server has its number.
requests is imported here, and this module only where something is fetched.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

from luigi_gif.fetching.download_errors import Stopped

if TYPE_CHECKING:
    from luigi_gif.fetching.http_session import Exchange

LINGER_S = 0.2
LINGER_PIECES = 16
"""How long, and for how much that was on its way, the end of a connection is waited for."""
SERVERS = 256
"""Connections to so many servers are kept open, which are more than are asked at a time."""
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection")


class Watchdog:
    """Shuts connections down at a deadline, whatever they are at.

    The timeouts of sockets are for each read: who sends a byte now and then, be it of a
    header, of a TLS handshake or of a proxy's answer, would never meet them.
    """

    def __init__(self, deadline: float) -> None:
        self.expired = False
        self._is_stopped = False
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
        if self.expired or self._is_stopped:
            self.shut()

    def shut(self) -> None:
        """Shut all connections down, now."""
        with self._lock:
            for descriptor in self._descriptors:
                with socket.socket(fileno=os.dup(descriptor)) as copy, contextlib.suppress(OSError):
                    copy.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Close all connections, which nobody uses again."""
        with self._lock:
            descriptors, self._descriptors = self._descriptors, []
        _close(descriptors)

    def stop(self) -> None:
        """Shut all connections down, now, and those that are still to come."""
        self._is_stopped = True
        self.shut()

    def _expire(self) -> None:
        self.expired = True
        self.shut()


def _close(descriptors: list[int]) -> None:
    """Close connections, and let their servers see it first.

    A server that counts would else see the next one before it knows of the end of these.
    """
    connections = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
    end = time.monotonic() + LINGER_S
    for connection in connections:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(max(0.001, end - time.monotonic()))
            for _ in range(LINGER_PIECES):
                if not connection.recv(4096):
                    break


class Connections:
    """Connections for the exchanges of any threads, at most ``per_host`` to each server.

    They stay open from one exchange to the next; use it as a context, which closes them.
    """

    def __init__(self, per_host: int) -> None:
        self.adapter = _WatchedAdapter(self, per_host)
        self._lock = threading.Lock()
        self._is_stopped = False
        self._exchanges: dict[int, Exchange] = {}
        """By the thread that is at it."""

    def __enter__(self) -> Connections:
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self._hide_secrets)
        return self

    def __exit__(self, *_: object) -> None:
        self.adapter.close()
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self._hide_secrets)

    @contextlib.contextmanager
    def used_by(self, exchange: Exchange) -> Iterator[None]:
        """Let an exchange use them in this thread. Raises Stopped."""
        thread = threading.get_ident()
        with self._lock:
            if self._is_stopped:
                raise Stopped
            self._exchanges[thread] = exchange
        try:
            yield
        finally:
            with self._lock:
                del self._exchanges[thread]

    def current(self) -> Exchange:
        """What this thread is at."""
        return self._exchanges[threading.get_ident()]

    def stop(self) -> None:
        """End all exchanges, and let none begin."""
        with self._lock:
            self._is_stopped = True
            for exchange in self._exchanges.values():
                exchange.watchdog.stop()

    def _hide_secrets(self, record: logging.LogRecord) -> bool:
        """Keep secrets out of what urllib3 logs of an exchange: its messages hold whole URLs."""
        exchange = self._exchanges.get(threading.get_ident())
        if exchange is None:
            return True
        if record.levelno > logging.DEBUG:
            record.msg, record.args = exchange.text(record.getMessage()), ()
            record.exc_info = None
            return True
        return False


class _WatchedAdapter(HTTPAdapter):
    """Lets the watchdog of an exchange see each connection that it opens or uses again."""

    def __init__(self, connections: Connections, per_host: int) -> None:
        self._connections = connections
        self._proxy_lock = threading.Lock()
        super().__init__(pool_connections=SERVERS, pool_maxsize=per_host, pool_block=True)

    def close(self) -> None:
        """Close all connections; urllib3 leaves that to who collects its garbage."""
        descriptors = []
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118  # they cannot be iterated over
                pool = manager.pools[key]
                idle = [connection for connection in pool.pool.queue if connection is not None]
                descriptors += [os.dup(each.sock.fileno()) for each in idle if each.sock]
                pool.close()
        super().close()
        _close(descriptors)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        with self._proxy_lock:
            is_new = proxy not in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **options)
            if is_new:
                self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        manager.pool_classes_by_scheme = {
            scheme: _watched(pool, self._connections)
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }


# What begins with an underscore is private to urllib3, which has no hook for a socket before its
# TLS handshake, nor for how long requests waits for a connection.
def _watched(pool: Any, connections: Connections) -> type:
    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        is_new = True

        def _new_conn(self) -> socket.socket:
            self.is_new = True
            connection: socket.socket = super()._new_conn()
            connections.current().watchdog.watch(connection)
            return connection

        def request(self, *args: Any, **options: Any) -> None:
            if not self.is_new and self.sock is not None:
                connections.current().uses_open_connection(self.sock)
            super().request(*args, **options)
            self.is_new = False

    class Pool(pool):  # type: ignore[misc]
        ConnectionCls = Connection

        def _get_conn(self, timeout: float | None = None) -> Any:
            return super()._get_conn(connections.current().seconds_left())

        def _put_conn(self, connection: Any) -> None:
            if connection is None or connection.is_closed:
                connections.current().watchdog.let_go()
            super()._put_conn(connection)

    Pool.__name__ = pool.__name__  # which some of urllib3's messages show
    return Pool
