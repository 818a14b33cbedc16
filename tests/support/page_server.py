"""An HTTP server on loopback."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]
Page = bytes | Answer


def reply(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer that keeps the connection open."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One answer after another, the last one for good."""
    left = list(answers)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        (left[0] if len(left) == 1 else left.pop(0))(handler)

    return answer


class _QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that are gone, as those that are killed are."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """An HTTP server on loopback whose pages are bytes or handlers; it notes what is asked."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[str] = []
        self.headers: list[Message] = []
        """Those of each request."""
        self.connections = 0
        """How many there have been, ..."""
        self.most_at_once = 0
        """... and how many at the same time."""
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server._count_connection(self.connection)

            def finish(self) -> None:
                with server._lock:
                    server._open.discard(self.connection)
                super().finish()

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                server.requests.append(path)
                server.headers.append(self.headers)
                page = server.pages.get(path)
                if page is None:
                    self.send_error(404)
                elif isinstance(page, bytes):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(page)))
                    self.end_headers()
                    self.wfile.write(page)
                else:
                    page(self)

            def log_message(self, *args: object) -> None:
                pass

        self._http = _QuietServer(("127.0.0.1", 0), Handler)
        self._scheme = "https" if tls else "http"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        with self._lock:
            return len(self._open)

    def url(self, path: str) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_port}{path}"

    def _count_connection(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self._open.add(connection)
            self.most_at_once = max(self.most_at_once, len(self._open))

    def values_of(self, header: str) -> dict[str, str | None]:
        """What each path was asked for with."""
        asked = zip(self.requests, self.headers, strict=True)
        return {path: headers[header] for path, headers in asked}

    def close(self) -> None:
        """With the connections that a client keeps for later."""
        self._http.shutdown()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._http.server_close()
        self._thread.join()
