"""https://example.org, as the documents have it: pictures, and a page of them, by way of a proxy.

The proxy leads every host to itself. Commands find it by the variables of ``serving()``.
"""

from __future__ import annotations

import contextlib
import io
import re
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme
from PIL import Image, ImageDraw

HOST = "example.org"
PAGE_BEGINS = datetime(2026, 11, 22)
TIMES = [f"{PAGE_BEGINS + timedelta(minutes=30 * number):%Y%m%d_%H%M}" for number in range(144)]
"""Of the pictures of the page: three days, half an hour apart."""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[dict[str, str]]:
    """Serve until the block ends; the variables with which requests finds and trusts the server."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)

    class Handler(_Handler):
        tls = context

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield {
                "HTTPS_PROXY": f"http://127.0.0.1:{server.server_port}",
                "REQUESTS_CA_BUNDLE": str(folder / "authority.pem"),
            }
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tls: ssl.SSLContext

    def do_CONNECT(self) -> None:
        """Go on with TLS, as the host that is asked for."""
        self.send_response(200)
        self.end_headers()
        self.request = self.tls.wrap_socket(self.request, server_side=True)
        self.setup()
        self.close_connection = False  # though Python asks for it as HTTP/1.0

    def do_GET(self) -> None:
        if self.path == "/radar/":
            links = (f'<a href="radar_{time}.png">{time}</a>' for time in TIMES)
            self._answer(f"<!DOCTYPE html><title>Radar</title>{''.join(links)}".encode())
        elif found := re.fullmatch(r"/(?:radar/radar_)?\d{8}_(\d\d)(\d\d)\.png", self.path):
            minutes = 60 * int(found[1]) + int(found[2])
            self._answer(_picture(minutes // 6))
        elif self.path == "/latest.jpg":
            self._answer(_picture(time.time_ns() // 1_000_000 % 256, "JPEG"))
        else:
            self.send_error(404)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _picture(shade: int, format_: str = "PNG") -> bytes:
    """A band of rain that moves, as a radar shows it."""
    picture = Image.new("L", (320, 240), 30)
    left = shade % 240
    ImageDraw.Draw(picture).ellipse((left, 40, left + 120, 200), fill=shade)
    file = io.BytesIO()
    picture.save(file, format_)
    return file.getvalue()
