"""What decoders that others wrote show of a GIF: every frame as RGBA pixels.

A pixel that is transparent is (0, 0, 0, 0), whatever color a decoder gives it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from support import programs
from support.browser import browser

Pixels = NDArray[np.uint8]
"""Height x width x 4."""

_PAGE = """<!doctype html><script>
const send = (body) => fetch("/", {method: "POST", body});
(async () => {
  const data = await (await fetch("/data")).arrayBuffer(), type = "%s";
  %s
})().catch((error) => send("error: " + error));
</script>"""
_IMAGE = """
  const decoder = new ImageDecoder({data, type});
  await decoder.tracks.ready;
  await decoder.completed;
  const frames = [], shown = [];
  for (let i = 0; i < decoder.tracks.selectedTrack.frameCount; i++) {
    const {image} = await decoder.decode({frameIndex: i});
    const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    frames.push(context.getImageData(0, 0, canvas.width, canvas.height).data);
    shown.push([canvas.width, canvas.height, image.duration]);
  }
  await send(new Blob([JSON.stringify(shown), "\\n", ...frames]));
"""
_VIDEO = """
  const video = document.createElement("video"), times = %s, begins = [];
  const happens = (name) => new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, {once: true});
    video.addEventListener("error", () => reject(video.error.message), {once: true});
  });
  video.muted = true;
  video.src = URL.createObjectURL(new Blob([data], {type}));
  document.documentElement.append(video);
  await happens("loadeddata");
  for (const time of times) {
    const shown = new Promise((resolve) => video.requestVideoFrameCallback(
        (now, frame) => resolve(frame.mediaTime)));
    video.currentTime = time;
    begins.push(await shown);
  }
  video.playbackRate = 16;
  const ended = happens("ended");
  await video.play();
  await ended;
  await send(JSON.stringify([video.duration, begins]));
"""


def pillow(path: Path) -> list[Pixels]:
    """As imageio reads it, with Pillow below."""
    frames = iio.imiter(path, plugin="pillow", mode="RGBA")
    return [_clean(Image.fromarray(frame)) for frame in frames]


def ffmpeg(path: Path) -> list[Pixels]:
    return _frames(path, ffmpeg_output(path, "-pix_fmt", "rgba", "-f", "rawvideo"))


def ffmpeg_output(path: Path, *flags: str) -> bytes:
    """Of each frame once. Before ffmpeg 5.1 the flag for that had another name."""
    program = (programs.need("ffmpeg"), "-v", "error", "-i", str(path))
    try:
        return _run(*program, "-fps_mode", "passthrough", *flags, "-")
    except subprocess.CalledProcessError as error:
        if b"fps_mode" not in error.stderr:
            raise
        return _run(*program, "-vsync", "0", *flags, "-")


def imagemagick(path: Path) -> list[Pixels]:
    flags = ("-coalesce", "-depth", "8", "rgba:-")
    return _frames(path, _run(programs.need("imagemagick"), str(path), *flags))


def chromium(path: Path) -> list[Pixels]:
    return [pixels for pixels, _ in shown_by_chromium(path.read_bytes(), "image/gif")]


def shown_by_chromium(data: bytes, type_: str) -> list[tuple[Pixels, float]]:
    """What Chromium shows of an image file of this media type, and for how many milliseconds."""
    head, _, raw = _said_by_chromium(data, _PAGE % (type_, _IMAGE)).partition(b"\n")
    frames, begin = [], 0
    for width, height, microseconds in json.loads(head):
        end = begin + 4 * width * height
        pixels = np.frombuffer(raw[begin:end], np.uint8).reshape(height, width, 4)
        frames.append((_clean(Image.fromarray(pixels)), (microseconds or 0) / 1000))
        begin = end
    return frames


def played_by_chromium(data: bytes, type_: str, times_s: list[float]) -> tuple[float, list[float]]:
    """How long a video is, which plays to its end, and when the frames at some times begin.

    All in seconds.
    """
    page = _PAGE % (type_, _VIDEO % json.dumps(times_s))
    duration_s, begins_s = json.loads(_said_by_chromium(data, page))
    return duration_s, begins_s


def _said_by_chromium(data: bytes, page: str) -> bytes:
    """What a page tells of data that it finds at /data."""
    results: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(data if self.path == "/data" else page.encode())

        def do_POST(self) -> None:
            results.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            browser().open(f"http://127.0.0.1:{server.server_port}/")
            return results.get(timeout=300)
        finally:
            server.shutdown()


DECODERS: dict[str, Callable[[Path], list[Pixels]]] = {
    "python3": pillow,
    "ffmpeg": ffmpeg,
    "imagemagick": imagemagick,
    "chromium": chromium,
}
"""By what has to be installed."""
IN_CHROMIUM = pytest.mark.xdist_group("chromium")
"""Tests of one process share its page."""
_MARKS = {"python3": [], "chromium": [pytest.mark.external, IN_CHROMIUM]}
EACH_DECODER = pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, marks=_MARKS.get(program, [pytest.mark.external]))
        for program in DECODERS
    ],
)
"""Runs a test once for each ``program``."""


def need(program: str) -> None:
    """Skip the test where it is not installed."""
    if program != "python3":
        programs.need(program)


def installed(program: str) -> bool:
    return program == "python3" or programs.find(program) is not None


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
