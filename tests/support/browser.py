"""Chromium, driven by its DevTools protocol."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from support import programs

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--blink-settings=lazyLoadEnabled=true",
    "--window-size=1280,900",
    "--remote-debugging-port=0",
)
"""In containers there is neither a sandbox nor much shared memory; headless loads all at once."""
START_S = 120.0


class Browser:
    """One page."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: WebSocketClientConnection) -> None:
        self._loop = loop
        self._socket = socket
        self._number = 0

    def open(self, url: str) -> None:
        """Go there; it need not have loaded when this returns."""
        answer = self.call("Page.navigate", url=url)
        assert "errorText" not in answer, answer

    def value(self, expression: str) -> Any:
        """Of a JavaScript expression, as JSON has it; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        return answer["result"].get("value")

    def call(self, method: str, **parameters: object) -> Any:
        """What a method of the DevTools protocol answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        return self._loop.run_until_complete(self._ask(json.dumps(message)))

    async def _ask(self, message: str) -> Any:
        await self._socket.write_message(message)
        while True:
            answer = json.loads(await self._socket.read_message() or "{}")
            if answer.get("id") == self._number:
                return answer["result"]


@functools.cache
def browser() -> Browser:
    """One page for all tests of a process, until it ends."""
    end = contextlib.ExitStack()
    atexit.register(end.close)
    return end.enter_context(own_browser())


@contextlib.contextmanager
def own_browser() -> Iterator[Browser]:
    """A page of 1280x900 pixels until the block ends."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                programs.need("chromium"), *FLAGS, f"--user-data-dir={profile}", "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        loop = asyncio.new_event_loop()
        try:
            address = _address(Path(profile), process)
            with urlopen(f"http://{address}/json/list") as answer:
                url = next(page["webSocketDebuggerUrl"] for page in json.load(answer))
            socket = loop.run_until_complete(_connected(url))
            yield Browser(loop, socket)
            loop.run_until_complete(_close(socket))
        finally:
            programs.end(process)
            loop.close()


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Where its DevTools listen, as it writes into its profile."""
    last = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < last:
        with contextlib.suppress(FileNotFoundError):
            port, _, path = (profile / "DevToolsActivePort").read_text().partition("\n")
            if path:
                return f"127.0.0.1:{port}"
        time.sleep(0.02)
    pytest.skip("chromium is installed, but does not start here")


async def _connected(url: str) -> WebSocketClientConnection:
    socket = await websocket_connect(url, max_message_size=1 << 26)
    await asyncio.get_running_loop().shutdown_default_executor()  # which has found the host
    return socket


async def _close(socket: WebSocketClientConnection) -> None:
    socket.close()
