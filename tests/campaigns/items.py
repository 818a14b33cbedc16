"""Kill runs that fetch the pictures of a page: the next run fetches only what is missing.

usage: python tests/campaigns/items.py [--kills 20] [--seed 1] [--pictures 100]

Every second kill is a SIGKILL at an instant drawn over the time of a run; the others are at a call
that is drawn of those which write, publish or remove a file, from the first picture to the clip.
Some pictures are refused twice, and nobody says how long some are. After a kill no picture that was
whole is asked for again, each other one once, and the clip is byte for byte that of a run without
kills; nothing is left in the work directory that is no part of a finished run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
sys.path.append(str(TESTS))

from support.page_server import Answer, Server, in_turn, reply  # noqa: E402
from support.pipeline import frame  # noqa: E402
from support.warm import Process, Start, wait_until  # noqa: E402

from luigi_gif.storage import LocalFolder  # noqa: E402
from luigi_gif.urls import url_digest  # noqa: E402

PER_HOST = 4
PICTURE_S = 0.02
KINDS = 24
PATIENCE_S = 600.0


def campaign(
    pictures: int, kills: int, seed: int, folder: Path, popen: Start = subprocess.Popen
) -> Iterator[str]:
    """One line a kill: when it was, and what the next run had to fetch.

    Raises AssertionError where something is not as promised.
    """
    instants = random.Random(seed)
    with contextlib.closing(Server()) as server:
        run = Run(server, folder, popen)
        offer(server, pictures)
        calls, seconds = run.whole()
        clip = (folder / "whole" / "clip.gif").read_bytes()
        for number in range(kills):
            offer(server, pictures)
            workdir = folder / f"kill-{number}"
            if number % 2:
                method = instants.choice(sorted(calls))
                call = instants.randint(1, calls[method])
                when = f"at {method} {call} of {calls[method]}"
                run.start(workdir, method, call)
            else:
                instant = instants.uniform(0.2, 1.0) * seconds
                when = f"after {instant:.3f} s"
                run.start(workdir)
                time.sleep(instant)
                run.kill()
            run.wait()
            settle(server)
            assert number % 2 == 0 or run.code in (0, -signal.SIGKILL), run.said()
            asked = Counter(server.requests)
            is_bundle = (workdir / "image-data.img").exists()
            missing = set() if is_bundle else missing_pictures(server, workdir)
            server.requests.clear()
            run.start(workdir)
            run.wait()
            assert run.code == 0, f"kill {number}, {when}: the next run fails: {run.said()}"
            again = Counter(server.requests)
            page = again.pop("/", 0)
            in_flight = asked.keys() & missing
            assert page == (not is_bundle), f"kill {number}, {when}: {page} times the page"
            assert again.keys() == missing, f"kill {number}, {when}: {again.keys() ^ missing}"
            assert len(in_flight) <= PER_HOST, f"kill {number}, {when}: {in_flight}"
            assert not [path for path in again if again[path] > 1 + 2 * is_busy(path)], again
            assert (workdir / "clip.gif").read_bytes() == clip, f"kill {number}: another clip"
            assert not left(workdir), f"kill {number}, {when}: left {left(workdir)}"
            yield (
                f"kill {number}, {when}: {'the bundle was' if is_bundle else 'pictures were'} there"
                f"; {len(missing)} are fetched, {len(in_flight)} of them again; the clip is right"
            )


class Run:
    """A run of luigi-gif."""

    def __init__(self, server: Server, folder: Path, popen: Start) -> None:
        self._url = server.url("/")
        self._log = folder / "log"
        self._popen = popen
        self.code: int | None = None

    def whole(self) -> tuple[dict[str, int], float]:
        """How often what writes is called in a run without a kill, and its seconds."""
        begin = time.monotonic()
        self.start(self._log.with_name("whole"))
        self.wait()
        assert self.code == 0, self.said()
        return json.loads(self.said().splitlines()[-1]), time.monotonic() - begin

    def start(self, workdir: Path, method: str = "none", call: int = 0) -> None:
        """Start one that kills itself at a call of a method, or not."""
        flags = ["--download-per-host", str(PER_HOST), "--download-retry-delay", "0"]
        with self._log.open("wb") as file:
            self._process: Process = self._popen(
                [sys.executable, "-m", "support.killed", method, str(call), self._url,
                 "--workdir", str(workdir), *flags],
                env=os.environ | {"PYTHONPATH": f"{TESTS}:{ROOT}"},
                stdout=subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> None:
        self.code = self._process.wait(PATIENCE_S)

    def said(self) -> str:
        return self._log.read_text()


def offer(server: Server, pictures: int) -> None:
    """Have a page of so many pictures, and forget what was asked for."""
    server.requests.clear()
    names = [f"/{number}.png" for number in range(pictures)]
    for number, name in enumerate(names):
        answer = slowly(frame(number % KINDS), has_length=number % 5 > 0)
        server.pages[name] = in_turn(reply(503), reply(503), answer) if is_busy(name) else answer
    links = "".join(f"<a href={name}>x</a>" for name in names)
    server.pages["/"] = f"<!DOCTYPE html>{links}".encode()


def settle(server: Server) -> None:
    """Wait until it has noted what was asked by whoever is gone by now: it may lag behind."""
    with contextlib.suppress(HTTPError):
        urlopen(server.url("/nothing")).close()
    wait_until(lambda: not server.open_connections)


def is_busy(path: str) -> bool:
    """Whether a picture is refused twice: one of twenty."""
    return int(path[1:-4]) % 20 == 7


def slowly(data: bytes, *, has_length: bool) -> Answer:
    """A picture in two parts."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if has_length:
            handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        for part in (data[:100], data[100:]):
            time.sleep(PICTURE_S / 2)
            handler.wfile.write(part)
        handler.close_connection = not has_length

    return answer


def missing_pictures(server: Server, workdir: Path) -> set[str]:
    """Those that are not whole in the work directory."""
    folder = LocalFolder(workdir)
    missing = set()
    for path in server.pages.keys() - {"/"}:
        name = f"items/{url_digest(server.url(path))}"
        note = folder.read_json(f"{name}.json") or {}
        is_whole = note.get("size") and note["size"] == note["total"]
        if not is_whole or folder.sha256(name) != note["sha256"]:
            missing.add(path)
    return missing


def left(workdir: Path) -> list[Path]:
    """What is no part of a finished run."""
    of_ended_runs = re.compile(r".*\.luigi-gif-tmp|.*\.part(\.json)?|.*/items/.*")
    return [path for path in workdir.rglob("*") if of_ended_runs.fullmatch(str(path))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill runs that fetch the pictures of a page.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(options.pictures, options.kills, options.seed, Path(folder)):
            print(line, flush=True)
    print(f"{options.kills} kills, seed {options.seed}, {options.pictures} pictures: as promised")


if __name__ == "__main__":
    main()
