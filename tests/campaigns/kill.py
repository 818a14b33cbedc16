"""Kill runs at random instants: whatever is left, the next run completes and is right.

usage: python tests/campaigns/kill.py [--kills 20] [--seed 1] [--frames 270] [--bundle FILE]

Each kill is a SIGKILL of the whole process group of a fresh run: in turn at an instant drawn over
the time that a run takes, when a number of frame files is there that was drawn, and shortly after
the last one is. After it, no file under a final name may be partial; after the run that
follows, the clip is byte for byte that of a run without kills, and no temporary file is left.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
DELIMITER = b"\n" * 4


def campaign(bundle: bytes, kills: int, seed: int, folder: Path) -> list[str]:
    """One line a kill: its instant, and how far the run had come.

    Raises AssertionError where something is not as promised.
    """
    folder.joinpath("bundle.img").write_bytes(bundle)
    handler = functools.partial(_Quiet, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/bundle.img"
            return _kills(bundle, kills, random.Random(seed), folder, url)
        finally:
            server.shutdown()
            thread.join()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever was killed does not read on."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def _kills(bundle: bytes, kills: int, instants: random.Random, folder: Path, url: str) -> list[str]:
    begin = time.monotonic()
    _start(url, folder / "whole").wait()
    duration = time.monotonic() - begin
    clip = (folder / "whole" / "clip.gif").read_bytes()
    frames = [frame for frame in bundle.split(DELIMITER) if frame]
    lines = []
    for number in range(kills):
        workdir = folder / f"kill-{number}"
        run = _start(url, workdir)
        begin = time.monotonic()
        match number % 3:
            case 0:
                time.sleep(instants.uniform(0.2, 1.0) * duration)
            case 1:
                _wait_for_frames(workdir, run, instants.randint(1, len(frames)))
            case 2:
                _wait_for_frames(workdir, run, len(frames))
                time.sleep(instants.uniform(0, 0.1))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        instant = time.monotonic() - begin
        come = _check_what_is_there(workdir, bundle, frames, clip)
        assert _start(url, workdir).wait() == 0, f"kill {number}: the run that follows fails"
        assert (workdir / "clip.gif").read_bytes() == clip, f"kill {number}: another clip"
        left = list(workdir.rglob("*.luigi-gif-tmp"))
        assert not left, f"kill {number}: left {left}"
        lines.append(f"kill {number}: at {instant:.2f} s, {come}; the run that follows is right")
    return lines


def _wait_for_frames(workdir: Path, run: subprocess.Popen[bytes], count: int) -> None:
    while run.poll() is None and len(list(workdir.glob("frames/frame_*.gif"))) < count:
        time.sleep(0.001)


def _start(url: str, workdir: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "luigi", "--module", "luigi_gif", "CombineGif",
         "--url", url, "--workdir", str(workdir)],
        env=os.environ | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def _check_what_is_there(workdir: Path, bundle: bytes, frames: list[bytes], clip: bytes) -> str:
    """Every file under a final name is whole; says what is there."""
    written = list(workdir.glob("frames/frame_*.gif"))
    for path in written:
        number = int(path.stem.removeprefix("frame_"))
        assert path.read_bytes() == frames[number], f"{path} is partial"
    for name, data in (("image-data.img", bundle), ("clip.gif", clip)):
        path = workdir / name
        assert not path.exists() or path.read_bytes() == data, f"{path} is partial"
    for name in ("image-data.img.json", "frames.json", "frames/manifest.json"):
        if (workdir / name).exists():
            json.loads((workdir / name).read_bytes())
    temporary = len(list(workdir.rglob("*.luigi-gif-tmp")))
    there = [
        name for name in ("image-data.img", "frames.json", "clip.gif") if (workdir / name).exists()
    ]
    return f"{', '.join(there) or 'nothing'}, {len(written)} frames, {temporary} temporary files"


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill runs at random instants.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=270)
    parser.add_argument("--bundle", type=Path, default=ROOT / "examples" / "sample.img")
    options = parser.parse_args()
    frames = [frame for frame in options.bundle.read_bytes().split(DELIMITER) if frame]
    frames = [frames[number % len(frames)] for number in range(options.frames)]
    with tempfile.TemporaryDirectory() as folder:
        lines = campaign(DELIMITER.join(frames), options.kills, options.seed, Path(folder))
    print("\n".join(lines))
    print(f"{len(lines)} kills, seed {options.seed}, {options.frames} frames: all as promised")


if __name__ == "__main__":
    main()
