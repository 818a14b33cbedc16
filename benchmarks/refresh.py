"""What it costs to keep a clip fresh: a page of pictures, one new and the oldest gone.

usage: python benchmarks/refresh.py [--pictures 96] [--size 640x480] [--format JPEG] [--colors N]
       [--runs 9]

A page on loopback links to pictures of a still ground with a moving spot: JPEGs, for which all
frames have one palette, or others; with --colors in so few, as those of a radar are. luigi-gif
--refresh makes a clip of it, then runs with nothing new and with one new picture take turns, each a
whole process. Figures are medians, of seconds and of processor time; the ratio is that of runs that
followed each other. What is asked of the server, and how many frames are made, is checked.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import numpy as np
from compare import ROOT
from PIL import Image


class Figures(NamedTuple):
    """What a run took, in seconds."""

    seconds: float
    processor: float
    log: str


class Page(ThreadingHTTPServer):
    """A page of pictures, all of which are drawn before a run asks for one."""

    def __init__(self, size: tuple[int, int], format_: str, colors: int, pictures: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self._pictures = list(_drawn(size, format_, colors, pictures))
        self.first, self.last = 0, 0
        self.asked: list[str] = []

    def body(self, path: str) -> bytes:
        """Of the page, or of a picture."""
        self.asked.append(path)
        if path == "/":
            names = (f"{number:06}.jpg" for number in range(self.first, self.last))
            return "".join(f'<a href="{name}">{name}</a>' for name in names).encode()
        return self._pictures[int(path[1:7])]


def _drawn(size: tuple[int, int], format_: str, colors: int, pictures: int) -> Iterator[bytes]:
    draw = np.random.default_rng(14)
    coarse = draw.integers(0, 255, (size[1] // 8, size[0] // 8, 3)).astype(np.uint8)
    ground = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))
    for number in range(pictures):
        pixels = ground.copy()
        left = 9 * number % (pixels.shape[1] - 60)
        pixels[40:100, left : left + 60] = (number * 37 % 256, 200, 90)
        file = io.BytesIO()
        image = Image.fromarray(pixels)
        image = image.quantize(colors) if colors else image
        image.save(file, format_, quality=88)
        yield file.getvalue()


class _Answer(BaseHTTPRequestHandler):
    server: Page
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.server.body(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path == "/" else "image/jpeg")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def run(command: list[str]) -> Figures:
    """Run a command to its end. Raises CalledProcessError."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figures(seconds, used, done.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a page of which one picture is new.")
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--format", choices=("JPEG", "PNG", "GIF"), default="JPEG")
    parser.add_argument("--colors", type=int, default=0)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    page = Page((width, height), options.format, options.colors, options.pictures + options.runs)
    page.last = options.pictures
    threading.Thread(target=page.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        url = f"http://127.0.0.1:{page.server_port}/"
        command = [sys.executable, "-m", "luigi_gif.cli", url, "--refresh", "-v"]
        command += ["--workdir", f"{folder}/work", "-o", f"{folder}/clip.gif"]
        first = run(command)
        print(f"first run: {first.seconds:.2f} s, processor {first.processor:.2f} s")
        nothing_new, one_new = [], []
        for _ in range(options.runs):
            page.asked.clear()
            nothing_new.append(run(command))
            assert page.asked == ["/"], page.asked
            page.first, page.last = page.first + 1, page.last + 1
            page.asked.clear()
            one_new.append(run(command))
            assert page.asked == ["/", f"/{page.last - 1:06}.jpg"], page.asked
            made = f"made 1 of {options.pictures} frame files"
            assert made in one_new[-1].log, one_new[-1].log
    for name, runs in (("nothing new", nothing_new), ("one new", one_new)):
        seconds = statistics.median(each.seconds for each in runs)
        processor = statistics.median(each.processor for each in runs)
        print(f"{name}: {seconds:.2f} s, processor {processor:.2f} s")
    pairs = list(zip(one_new, nothing_new, strict=True))
    ratio = statistics.median(one.seconds / nothing.seconds for one, nothing in pairs)
    of_processor = statistics.median(one.processor / nothing.processor for one, nothing in pairs)
    print(f"ratio: {ratio:.2f}, of processor time {of_processor:.2f}")


if __name__ == "__main__":
    main()
