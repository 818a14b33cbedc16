"""The page of a year of clips: how long it takes to write and to load, and what shuts people out.

Usage: python benchmarks/page.py [--screenshots FOLDER]

Chromium loads it from a server on loopback with an empty cache, in two sizes, in light and dark.
Each clip is one of three, of 640x480, 640x360 and 480x480 pixels, with grain and, for one of them,
a video beside it. main_thread_ms is processor time, which a busy machine hardly changes. It needs
Chromium; for what shuts people out, axe-core (npm install axe-core).
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.axe import violations
from support.browser import Browser, own_browser
from support.warm import wait_until

import luigi_gif
from luigi_gif import clip_page, storage

CLIPS = 365
SIZES = ((640, 480), (640, 360), (480, 480))
WINDOWS = ((1280, 900), (400, 860))
_SHOWN = "[...document.images].filter(each => each.getBoundingClientRect().top < innerHeight)"
_FIGURES = """(() => {
  const [page] = performance.getEntriesByType("navigation");
  const files = performance.getEntriesByType("resource");
  return [page.loadEventEnd, files.length,
          files.reduce((sum, each) => sum + each.transferSize, page.transferSize)];
})()"""


def make_year(folder: Path) -> None:
    """A work directory for each day, with the clip of one of three."""
    year = folder / "year"
    made = [_make_clip(folder, kind, size) for kind, size in enumerate(SIZES)]
    first = datetime(2026, 1, 1, 2, 15, tzinfo=UTC)
    for number in range(CLIPS):
        day, source = first + timedelta(number), made[number % len(made)]
        (workdir := year / f"{day:%Y-%m-%d}").mkdir(parents=True)
        for path in source.glob("clip*"):
            os.link(path, workdir / path.name)
        run = storage.open_folder(str(source)).read_json("run.json")
        assert run is not None
        run["clips"]["clip.gif"]["made"] = day.isoformat()
        storage.open_folder(str(workdir)).write_json("run.json", run)


def _make_clip(folder: Path, kind: int, size: tuple[int, int]) -> Path:
    """The work directory of a clip of drifting clouds with grain."""
    width, height = size
    random = np.random.default_rng(kind)
    coarse = Image.fromarray(random.integers(0, 256, (40, 60, 3), np.uint8))
    clouds = np.asarray(coarse.resize((width + 240, height), Image.Resampling.BICUBIC))
    frames = []
    for number in range(12):
        shown = clouds[:, 20 * number : 20 * number + width].astype(np.int16)
        grain = random.integers(-12, 13, shown.shape)
        frames.append(np.clip(shown + grain, 0, 255).astype(np.uint8))
    workdir = folder / f"clip-{kind}"
    also = ("mp4", "poster") if kind == 0 else ()
    luigi_gif.make_gif(frames, folder / f"{kind}.gif", workdir=workdir, also=also)
    return workdir


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a folder while the block lasts."""

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    handler = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def look(page: Browser, url: str, window: tuple[int, int], color_scheme: str) -> bytes:
    """Print what loading took, and what shuts people out; a screenshot as PNG."""
    size = {"width": window[0], "height": window[1], "deviceScaleFactor": 1, "mobile": False}
    page.call("Emulation.setDeviceMetricsOverride", **size)
    preferred = [{"name": "prefers-color-scheme", "value": color_scheme}]
    page.call("Emulation.setEmulatedMedia", features=preferred)
    page.open("about:blank")
    wait_until(lambda: page.value("location.href == 'about:blank'"))
    page.open(url)
    wait_until(lambda: page.value(f"location.href == '{url}' && document.readyState == 'complete'"))
    metrics = page.call("Performance.getMetrics")["metrics"]
    thread_s = {each["name"]: each["value"] for each in metrics}["TaskDuration"]
    wait_until(lambda: page.value(f"{_SHOWN}.every(each => each.naturalWidth)"))
    load_ms, files, size_bytes = page.value(_FIGURES)
    shot = base64.b64decode(page.call("Page.captureScreenshot", format="png")["data"])
    about = {
        "window": "{}x{}".format(*window),
        "colors": color_scheme,
        "load_ms": round(load_ms),
        "main_thread_ms": round(1000 * thread_s),
        "files": files,
        "fetched_kb": round(size_bytes / 1000),
        "violations": violations(page),
    }
    print(json.dumps(about), flush=True)
    return shot


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_year(folder)
        year = folder / "year"
        for what in ("first", "again"):
            begin = time.monotonic()
            clip_page.write_page(str(year))
            print(f"written {what}: {time.monotonic() - begin:.2f} s", flush=True)
        posters = [path.stat().st_size for path in (year / "posters").iterdir()]
        print(f"posters: {len(posters)}, {max(posters):,} bytes the largest")
        print(f"index.html: {(year / 'index.html').stat().st_size:,} bytes", flush=True)
        with served(year) as url, own_browser() as page:
            page.call("Performance.enable", timeDomain="threadTicks")
            page.call("Network.enable")
            page.call("Network.setCacheDisabled", cacheDisabled=True)
            for window in WINDOWS:
                for color_scheme in ("light", "dark"):
                    shot = look(page, url, window, color_scheme)
                    if options.screenshots:
                        options.screenshots.mkdir(parents=True, exist_ok=True)
                        path = options.screenshots / f"page-{window[0]}-{color_scheme}.png"
                        path.write_bytes(shot)


if __name__ == "__main__":
    main()
