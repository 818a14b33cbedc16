"""Chromium, driven by its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tornado.websocket import WebSocketClientConnection, websocket_connect


class Browser:
    """One page."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: WebSocketClientConnection) -> None:
        self._loop = loop
        self._socket = socket
        self._number = 0

    def open(self, url: str) -> None:
        """Go there; it need not have loaded when this returns."""
        self._call("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """Of a JavaScript expression, as JSON has it."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """As a PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method: str, **parameters: object) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        return self._loop.run_until_complete(self._ask(json.dumps(message)))

    async def _ask(self, message: str) -> Any:
        await self._socket.write_message(message)
        while True:
            answer = json.loads(await self._socket.read_message() or "{}")
            if answer.get("id") == self._number:
                return answer["result"]


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A page of 1280x900 pixels until the block ends."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                "--window-size=1280,900", "--remote-debugging-port=0",
                f"--user-data-dir={profile}", "about:blank",
            ],
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        loop = asyncio.new_event_loop()
        try:
            assert process.stderr is not None
            address = next(
                found[1]
                for line in process.stderr
                if (found := re.search(r"listening on ws://([^/]+)/", line))
            )
            with urlopen(f"http://{address}/json/list") as answer:
                url = next(page["webSocketDebuggerUrl"] for page in json.load(answer))
            socket = loop.run_until_complete(_connected(url))
            yield Browser(loop, socket)
            loop.run_until_complete(_close(socket))
        finally:
            process.kill()
            process.communicate()
            loop.close()


async def _connected(url: str) -> WebSocketClientConnection:
    return await websocket_connect(url, max_message_size=1 << 26)


async def _close(socket: WebSocketClientConnection) -> None:
    socket.close()
