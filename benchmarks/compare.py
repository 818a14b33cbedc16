"""Whole processes, ours against what one would use instead: time as ratios, and peak memory.

usage: python benchmarks/compare.py [--frames 27 2700] [--runs 5] [--bundle FILE]
                                    [--original "PYTHON SCRIPT"]

The bundle's frames are repeated until there are as many as asked, served over HTTP on loopback,
and fetched by each contestant anew. They take turns, so that a machine that changes its speed
treats them alike; figures are medians. What is not installed is left out. Contestants:

    luigi_gif   luigi --module luigi_gif CombineGif --url URL
    original    the flow of "ETL Pipelines with Prefect" as a script that takes URL OUTDIR WORKERS,
                where --original names an interpreter and the script
    imageio     a loop in one process: requests, split, write the frames, imageio.mimsave

On the frame files that are then there, CombineGif alone runs against gifsicle --merge, and with
--optimize lossless against gifsicle -O2, as does the whole job from the URL. Last, a run that has
nothing to do and the import of the package are held against the import of Luigi.

Memory is the proportional share (PSS) of all processes of a contestant, sampled in one run more,
or in the only one, as often as every 20 ms, but at the most for a twentieth of the time.
Run directories are removed at the end only: a file system that has just deleted thousands of
files is slow at making new ones.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

ROOT = Path(__file__).parents[1]
DELIMITER = b"\n" * 4
IMAGEIO = """
import io, os, sys
import imageio, requests
url, folder = sys.argv[1:]
os.makedirs(folder)
data = requests.get(url).content
frames = [frame for frame in data.split(b"\\n" * 4) if frame]
for number, frame in enumerate(frames):
    with open(f"{folder}/frame_{number:02d}.gif", "wb") as file:
        file.write(frame)
imageio.mimsave(f"{folder}/clip.gif", [imageio.imread(io.BytesIO(frame)) for frame in frames])
"""


class Figures(NamedTuple):
    """Of one run of a whole process with its children."""

    seconds: float
    peak_mib: float


class Contestant(NamedTuple):
    name: str
    command: Callable[[Path], list[str]]
    """Of the folder that a run may fill."""
    runs: int


def measure(command: list[str], *, memory: bool = False) -> Figures:
    """Run the command to its end. Raises CalledProcessError where it fails.

    Without ``memory`` its peak is not a number; looking for it takes time.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=os.environ | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak_mib = math.nan
    if memory:
        peak_mib = 0.0
        while process.poll() is None:
            looked = time.perf_counter()
            peak_mib = max(peak_mib, _memory_mib(process.pid))
            time.sleep(max(0.02, 20 * (time.perf_counter() - looked)))
    code = process.wait()
    seconds = time.perf_counter() - begin
    if code:
        raise subprocess.CalledProcessError(code, command)
    return Figures(seconds, peak_mib)


def _memory_mib(pid: int) -> float:
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_full_info().pss
    return total / 2**20


def contest(contestants: list[Contestant], folder: Path) -> dict[str, Figures]:
    """The median time and the peak memory of each contestant, by its name; they take turns."""
    seen: dict[str, list[Figures]] = {contestant.name: [] for contestant in contestants}
    for turn in range(max(contestant.runs for contestant in contestants) + 1):
        for number, contestant in enumerate(contestants):
            memory = turn == (contestant.runs if contestant.runs > 1 else 0)
            if turn < contestant.runs or memory:
                command = contestant.command(folder / f"{number}-{turn}")
                seen[contestant.name].append(measure(command, memory=memory))
    return {
        name: Figures(
            statistics.median(run.seconds for run in runs if len(runs) == 1 or run != runs[-1]),
            runs[-1].peak_mib,
        )
        for name, runs in seen.items()
    }


def show(title: str, figures: dict[str, Figures]) -> None:
    """A table, each against the first."""
    ours = next(iter(figures.values()))
    print(f"\n{title}\n")
    print("| | seconds | times the first | peak MiB |\n|---|---:|---:|---:|")
    for name, (seconds, peak_mib) in figures.items():
        print(f"| {name} | {seconds:.2f} | {seconds / ours.seconds:.2f} | {peak_mib:.0f} |")


def combine_gif(url: str, workdir: Path) -> list[str]:
    luigi = [sys.executable, "-m", "luigi", "--module", "luigi_gif", "CombineGif"]
    return [*luigi, "--url", url, "--workdir", str(workdir)]


def whole(count: int, url: str, folder: Path, options: argparse.Namespace) -> Path:
    """The whole job; returns a work directory of ours that is done."""
    slow_runs = 1 if count > 500 else options.runs
    contestants = [Contestant("luigi_gif", lambda at: combine_gif(url, at), options.runs)]
    if options.original:
        original = options.original.split()
        contestants.append(
            Contestant("original flow", lambda at: [*original, url, str(at), "2"], slow_runs)
        )
    contestants.append(
        Contestant(
            "imageio loop", lambda at: [sys.executable, "-c", IMAGEIO, url, str(at)], slow_runs
        )
    )
    show(f"{count:,} frames, from URL to clip", contest(contestants, folder))
    return folder / "0-0"


def last_step(
    count: int, url: str, workdir: Path, folder: Path, options: argparse.Namespace, optimize: str
) -> None:
    """The last step alone, on frame files that are there."""
    if not shutil.which("gifsicle"):
        return
    folder.mkdir()
    peer = {"none": "--merge", "lossless": "-O2"}[optimize]
    frames = sorted(str(path) for path in (workdir / "frames").glob("frame_*.gif"))

    def again(at: Path) -> list[str]:
        """Another --plays each time, so that only CombineGif runs."""
        plays = str(hash(at.name) % 60_000 + 2)
        return [*combine_gif(url, workdir), "--plays", plays, "--optimize", optimize]

    contestants = [
        Contestant("CombineGif, whole process", again, options.runs),
        Contestant(
            f"gifsicle {peer}",
            lambda at: ["gifsicle", peer, *frames, "-o", f"{at}.gif"],
            1 if count > 500 else options.runs,
        ),
    ]
    whole_job = "CombineGif and all before it, from the URL"
    if optimize == "lossless":
        contestants.append(
            Contestant(
                whole_job,
                lambda at: [*combine_gif(url, at), "--optimize", optimize],
                options.runs,
            )
        )
    figures = contest(contestants, folder)
    start = statistics.median(
        measure([sys.executable, "-c", "import luigi.cmdline, luigi_gif"]).seconds
        for _ in range(options.runs)
    )
    own = figures["CombineGif, whole process"].seconds - start
    show(f"{count:,} frame files to a clip, --optimize {optimize}", figures)
    times = figures[f"gifsicle {peer}"].seconds / own
    ours, theirs = (workdir / "clip.gif").stat().st_size, next(folder.glob("*.gif")).stat().st_size
    print(f"\nCombineGif's own work, without the start of Luigi ({start:.2f} s): {own:.2f} s;")
    print(f"gifsicle {peer} takes {times:.1f} times as long. Bytes: {ours:,} and {theirs:,}.")
    if whole_job in figures:
        times = figures[f"gifsicle {peer}"].seconds / figures[whole_job].seconds
        print(f"It takes {times:.1f} times as long as the whole job.")


def starts(url: str, workdir: Path, folder: Path) -> None:
    """What a start costs, against that of Luigi alone."""

    def importing(module: str) -> Callable[[Path], list[str]]:
        return lambda _: [sys.executable, "-c", f"import {module}"]

    contestants = [
        Contestant("python -c 'import luigi'", importing("luigi"), 10),
        Contestant("python -c 'import luigi_gif'", importing("luigi_gif"), 10),
        Contestant("CombineGif with nothing to do", lambda _: combine_gif(url, workdir), 10),
    ]
    show("Starts", contest(contestants, folder))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure whole processes against each other.")
    parser.add_argument("--frames", type=int, nargs="+", default=[27, 2700])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--bundle", type=Path, default=ROOT / "examples" / "sample.img")
    parser.add_argument("--original", help="interpreter and script of the original flow")
    options = parser.parse_args()
    source = [frame for frame in options.bundle.read_bytes().split(DELIMITER) if frame]
    with tempfile.TemporaryDirectory() as name:
        handler = functools.partial(_Quiet, directory=name)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for count in options.frames:
            folder = Path(name, str(count))
            folder.mkdir()
            with open(folder / "bundle.img", "wb") as file:
                for number in range(count):
                    file.write(source[number % len(source)] + DELIMITER)
            url = f"http://127.0.0.1:{server.server_port}/{count}/bundle.img"
            workdir = whole(count, url, folder, options)
            for optimize in ("none", "lossless"):
                last_step(count, url, workdir, folder / optimize, options, optimize)
        measure(combine_gif(url, workdir))
        starts(url, workdir, folder)
        server.shutdown()


if __name__ == "__main__":
    main()
