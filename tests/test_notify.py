"""Messages of success and failure, by real apprise to a real receiver."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from conftest import SAMPLE, Run


class Receiver:
    """Takes what is posted; or, if it is to hang, takes the connection and no more."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.messages: list[dict[str, str]] = []
        self._gone = Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                if hangs:
                    receiver._gone.wait(60)
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


def flags(receiver: Receiver) -> tuple[str, ...]:
    return ("--notify-on-success", receiver.url, "--notify-on-failure", receiver.url)


def test_success_and_failure_are_told(luigi: Run, tmp_path: Path) -> None:
    """What, where, how long, and why not; whoever is not asked to be told is not."""
    receiver = Receiver()
    try:
        assert luigi("--url", str(SAMPLE), *flags(receiver)).returncode == 0
        assert luigi("--url", str(SAMPLE), *flags(receiver)).returncode == 0
        assert luigi("--url", "missing.img", *flags(receiver)).returncode == 30
        assert luigi("--url", "missing.img").returncode == 30
    finally:
        receiver.close()
    made, failed = receiver.messages
    assert made["title"] == "luigi_gif: a clip was made"
    assert "clip.gif: 32 frames, " in made["message"]
    assert " s after its start" in made["message"]
    assert failed["title"] == "luigi_gif: DownloadData failed"
    assert "the bundle cannot be read" in failed["message"]
    assert "No such file" in failed["message"]


@pytest.mark.parametrize("fate", ["hangs", "is gone"])
def test_a_dead_receiver_does_not_fail_the_run(luigi: Run, fate: str) -> None:
    """Little time is lost of what it would keep, 60 s, and nothing of its URL is said."""
    begin = time.monotonic()
    luigi("--url", str(SAMPLE), "--workdir", "before")
    undisturbed = time.monotonic() - begin
    receiver = Receiver(hangs=fate == "hangs")
    if fate == "is gone":
        receiver.close()
    try:
        begin = time.monotonic()
        result = luigi("--url", str(SAMPLE), *flags(receiver))
        seconds = time.monotonic() - begin
    finally:
        if fate == "hangs":
            receiver.close()
    assert result.returncode == 0
    print(f"lost: {seconds - undisturbed:.1f} s")
    assert seconds - undisturbed < 20
    assert "did not take one" in result.stderr
    assert "s3cret" not in result.stderr
    assert "Traceback" not in result.stderr
