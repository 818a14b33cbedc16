"""What decoders that others wrote show of a GIF: every frame as RGBA pixels.

A pixel that is transparent is (0, 0, 0, 0), whatever color a decoder gives it.
"""

from __future__ import annotations

import base64
import contextlib
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

Pixels = NDArray[np.uint8]
"""Height x width x 4."""

_PAGE = """<!doctype html><script>
const data = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
(async () => {
  const decoder = new ImageDecoder({data, type: "image/gif"});
  await decoder.tracks.ready;
  await decoder.completed;
  const frames = [];
  for (let i = 0; i < decoder.tracks.selectedTrack.frameCount; i++) {
    const {image} = await decoder.decode({frameIndex: i});
    const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    frames.push(context.getImageData(0, 0, canvas.width, canvas.height).data);
  }
  await fetch("/", {method: "POST", body: new Blob(frames)});
})().catch((error) => fetch("/", {method: "POST", body: "error: " + error}));
</script>"""


def pillow(path: Path) -> list[Pixels]:
    with Image.open(path) as image:
        return [_clean(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)]


def ffmpeg(path: Path) -> list[Pixels]:
    flags = ("-v", "error", "-i", str(path), "-vsync", "0", "-pix_fmt", "rgba", "-f", "rawvideo")
    return _frames(path, _run("ffmpeg", *flags, "-"))


def imagemagick(path: Path) -> list[Pixels]:
    return _frames(path, _run("convert", str(path), "-coalesce", "-depth", "8", "rgba:-"))


def chromium(path: Path) -> list[Pixels]:
    page = (_PAGE % base64.b64encode(path.read_bytes()).decode()).encode()
    results: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self) -> None:
            results.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0")
        browser = subprocess.Popen(
            [
                "chromium",
                *flags,
                f"--user-data-dir={profile}",
                f"http://127.0.0.1:{server.server_port}/",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return _frames(path, results.get(timeout=30))
        finally:
            browser.kill()
            browser.wait()
            server.shutdown()


DECODERS: dict[str, Callable[[Path], list[Pixels]]] = {
    "python3": pillow,
    "ffmpeg": ffmpeg,
    "convert": imagemagick,
    "chromium": chromium,
}
"""By the program that has to be installed."""


def installed(program: str) -> bool:
    return shutil.which(program) is not None


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout


def _frames(path: Path, raw: bytes) -> list[Pixels]:
    with contextlib.closing(Image.open(path)) as image:
        width, height = image.size
    frames = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 4)
    return [_clean(Image.fromarray(frame)) for frame in frames]


def _clean(image: Image.Image) -> Pixels:
    pixels = np.array(image)
    pixels[pixels[..., 3] == 0] = 0
    return pixels
