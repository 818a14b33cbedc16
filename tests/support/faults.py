"""An HTTP server on loopback that says byte for byte what it is told to, be it wrong."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

ETAG = '"one"'


class Request(NamedTuple):
    """What a client asked for."""

    path: str
    headers: dict[str, str]
    """Their names are lower case."""


class Connection:
    """One side of a connection, for one answer."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self.sent = 0
        self.left = threading.Event()
        """The server is to go."""

    def send(self, data: bytes) -> None:
        """Send bytes; it is no error if nobody listens any more."""
        with contextlib.suppress(OSError):
            self._socket.sendall(data)
            self.sent += len(data)

    def head(self, status: int, *lines: str) -> None:
        """Send a status line, headers, and the end of them."""
        lines = ("Connection: close", *lines)
        self.send("\r\n".join([f"HTTP/1.1 {status} As told", *lines, "", ""]).encode())

    def reset(self) -> None:
        """Have the connection end with RST, not with FIN."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def request(self) -> Request:
        """Read a request that has no body."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = self._socket.recv(65_536)
            if not piece:
                raise ConnectionError("no request")
            received += piece
        first, *lines = received.decode().split("\r\n\r\n")[0].split("\r\n")
        headers = (line.partition(":") for line in lines)
        return Request(
            first.split()[1], {name.lower(): value.strip() for name, _, value in headers}
        )


Responder = Callable[[Connection, Request], None]


class FaultServer:
    """Gives its answers in turn, the last one for good; notes what it was asked."""

    def __init__(self, *answers: Responder, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.sent = 0
        """Bytes, headers included."""
        self._answers = list(answers)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve)]
        self._gone = threading.Event()
        self._threads[0].start()

    def url(self, path: str = "/bundle", host: str = "127.0.0.1") -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{host}:{self._listener.getsockname()[1]}{path}"

    def now(self, *answers: Responder) -> None:
        """Answer so from now on."""
        self.requests.clear()
        self._answers = list(answers)

    def close(self) -> None:
        self._gone.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _answer(self, raw: socket.socket) -> None:
        with raw, contextlib.suppress(OSError):
            raw.settimeout(600)
            with self._tls.wrap_socket(raw, server_side=True) if self._tls else raw as spoken:
                connection = Connection(spoken)
                connection.left = self._gone
                request = connection.request()
                self.requests.append(request)
                answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
                answer(connection, request)
                self.sent += connection.sent


def says(status: int, *lines: str, body: bytes = b"") -> Responder:
    """What is said to whatever is asked; then the connection ends."""

    def answer(connection: Connection, _: Request) -> None:
        connection.head(status, *lines)
        connection.send(body)

    return answer


def serves(
    data: bytes,
    *lines: str,
    etag: str | None = ETAG,
    ranges: bool = True,
    stop_after: int | None = None,
    reset: bool = False,
    stall: bool = False,
    seconds: float = 0.0,
) -> Responder:
    """A file, or the range of it that is asked for, as RFC 9110 has it.

    The answer breaks off after ``stop_after`` bytes: by FIN, by RST, or by silence. The whole
    file would take so many seconds.
    """

    def answer(connection: Connection, request: Request) -> None:
        asked = re.fullmatch("bytes=([0-9]+)-", request.headers.get("range", ""))
        fits = request.headers.get("if-range", etag) == etag
        start = int(asked[1]) if asked and ranges and fits else 0
        own = [*lines, *([f"ETag: {etag}"] if etag else [])]
        if start and start >= len(data):
            connection.head(416, f"Content-Range: bytes */{len(data)}", *own)
            return
        rest = data[start:]
        part = f"Content-Range: bytes {start}-{len(data) - 1}/{len(data)}"
        connection.head(
            206 if start else 200,
            f"Content-Length: {len(rest)}",
            *([part] if start else []),
            *own,
        )
        step = max(1, len(data) // 20 if seconds else len(data))
        for begin in range(0, len(rest[:stop_after]), step):
            connection.left.wait(seconds / 20)
            connection.send(rest[:stop_after][begin : begin + step])
        if stall:
            connection.left.wait()
        if reset:
            connection.reset()

    return answer


def chunks(data: bytes, *lines: str, size: int = 1000, end: bytes = b"0\r\n\r\n") -> Responder:
    """A file in chunks, and how they end."""

    def answer(connection: Connection, _: Request) -> None:
        connection.head(200, "Transfer-Encoding: chunked", *lines)
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(end)

    return answer


def ranges(server: FaultServer) -> list[str | None]:
    """The range that each request asked for."""
    return [request.headers.get("range") for request in server.requests]


@contextlib.contextmanager
def fault_server(*answers: Responder, tls: ssl.SSLContext | None = None) -> Iterator[FaultServer]:
    """A server until the block ends."""
    server = FaultServer(*answers, tls=tls)
    try:
        yield server
    finally:
        server.close()
