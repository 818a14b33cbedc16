"""Whoever gets the messages of a run: an HTTP server for apprise's json:// URLs."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


class Receiver:
    """Takes what is posted; or, if it is to hang, takes the connection and no more."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.messages: list[dict[str, str]] = []
        self.asked = 0
        self._gone = Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.asked += 1
                if hangs:
                    receiver._gone.wait()
                    return
                length = int(self.headers["Content-Length"])
                receiver.messages.append(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"json://127.0.0.1:{self._http.server_port}/s3cret"

    def close(self) -> None:
        self._gone.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
