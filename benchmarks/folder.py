"""A folder of 1,000 JPEGs of 1280x720 to a GIF: time and likeness, ours, ffmpeg's and gifski's.

usage: python benchmarks/folder.py [--pictures 1000] [--runs 3] [--folder FOLDER]

benchmarks/landscape.py draws the pictures, once: they stay in FOLDER (by default data/benchmark in
this repository), as a file system that has just deleted thousands of files is slow. Whole processes
take turns; seconds, also of all cores together, are medians, and so is the ratio to ours in the
same turn. PSNR is that of RGB, the mean of up to 50 frames and the worst of them, against the
pictures as ffmpeg decodes them. Contestants:

    luigi_gif    luigi --module luigi_gif CombineGif --url PICTURES
    ffmpeg       palettegen=stats_mode=single and paletteuse=new=1: a palette for each frame
    gifski       its defaults and --width 1280, as it would shrink them; it takes no JPEG, so it
                 gets PNG copies, which ffmpeg makes. It is the program that GIFSKI names, else
                 the one in PATH; if there is none, it is left out
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import landscape
import numpy as np
from compare import ROOT, combine_gif, measure
from numpy.typing import NDArray

WIDTH, HEIGHT = landscape.SIZE
JUDGED_FRAMES = 50
GIFSKI = os.environ.get("GIFSKI") or shutil.which("gifski")


class Contestant(NamedTuple):
    name: str
    command: Callable[[Path], list[str]]
    """Of the clip to make, in a folder of its own."""


class Run(NamedTuple):
    seconds: float
    cpu_seconds: float
    """Of all its processes and threads."""


def contestants(pictures: Path, copies: Path) -> list[Contestant]:
    """Those that are installed, ours first."""

    def ours(clip: Path) -> list[str]:
        return combine_gif(str(pictures), clip.parent)

    def ffmpeg(clip: Path) -> list[str]:
        filters = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1"
        return ["ffmpeg", "-v", "error", *_numbered(pictures), "-lavfi", filters, str(clip)]

    def gifski(clip: Path) -> list[str]:
        files = [str(path) for path in sorted(copies.iterdir())]
        options = ["--quiet", "--fps", "10", "--width", str(WIDTH), "-o", str(clip)]
        return [str(GIFSKI), *options, *files]

    found = [Contestant("luigi_gif", ours), Contestant("ffmpeg", ffmpeg)]
    return [*found, Contestant("gifski", gifski)] if GIFSKI else found


def copy_as_png(pictures: Path, copies: Path) -> None:
    """Every copy or none is there."""
    if not copies.exists():
        unfinished = copies.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        target = ["-pix_fmt", "rgb24", str(unfinished / "%06d.png")]
        subprocess.run(["ffmpeg", "-v", "error", *_numbered(pictures), *target], check=True)
        unfinished.rename(copies)


def timed(command: list[str]) -> Run:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = measure(command).seconds
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, cpu)


def likeness(clip: Path, pictures: Path, count: int) -> list[float]:
    """The PSNR of some frames, in dB. Raises ValueError where one is missing."""
    step = -(-count // JUDGED_FRAMES)
    shown, wanted = _frames(["-i", str(clip)], step), _frames(_numbered(pictures), step)
    errors = [
        float(np.square(a.astype(np.int32) - b).mean()) for a, b in zip(shown, wanted, strict=True)
    ]
    return [float(10 * np.log10(255**2 / error)) for error in errors]


def _numbered(pictures: Path) -> list[str]:
    """The input of ffmpeg."""
    return ["-framerate", "10", "-start_number", "0", "-i", str(pictures / "picture_%d.jpg")]


def _frames(source: list[str], step: int) -> Iterator[NDArray[np.uint8]]:
    """Every ``step``-th frame that ffmpeg decodes, height x width x 3."""
    chosen = ["-vf", f"select=not(mod(n\\,{step}))", "-fps_mode", "passthrough"]
    raw = ["-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    size = WIDTH * HEIGHT * 3
    command = ["ffmpeg", "-v", "error", *source, *chosen, *raw]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        while data := process.stdout.read(size):
            yield np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 3)


def contest(found: list[Contestant], pictures: Path, count: int, runs: int, folder: Path) -> None:
    """Print the table."""
    seen: dict[str, list[Run]] = {each.name: [] for each in found}
    clips = {}
    for turn in range(runs):
        for each in found:
            clips[each.name] = folder / f"{each.name}-{turn}" / "clip.gif"
            clips[each.name].parent.mkdir()
            seen[each.name].append(timed(each.command(clips[each.name])))
    print("| | seconds | times ours | CPU seconds | MB | PSNR | worst frame |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, figures in seen.items():
        seconds, cpu = (statistics.median(each) for each in zip(*figures, strict=True))
        pairs = zip(figures, seen["luigi_gif"], strict=True)
        ratio = statistics.median(run.seconds / ours.seconds for run, ours in pairs)
        psnr = likeness(clips[name], pictures, count)
        print(f"| {name} | {seconds:.1f} | {ratio:.1f} | {cpu:.1f} ", end="")
        print(f"| {clips[name].stat().st_size / 1e6:.0f} ", end="")
        print(f"| {statistics.mean(psnr):.2f} | {min(psnr):.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a folder of JPEGs to a GIF.")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "benchmark")
    options = parser.parse_args()
    if not shutil.which("ffmpeg"):
        parser.error("it needs ffmpeg")
    pictures = options.folder / f"pictures-{options.pictures}"
    copies = options.folder / f"copies-{options.pictures}"
    landscape.draw(options.pictures, pictures)
    if GIFSKI:
        copy_as_png(pictures, copies)
    print(f"{options.pictures:,} JPEGs of {WIDTH}x{HEIGHT}, {options.runs} runs each\n")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        found = contestants(pictures, copies)
        contest(found, pictures, options.pictures, options.runs, Path(name))
    if not GIFSKI:
        print("\ngifski is left out: it is not in PATH, and GIFSKI names no program")


if __name__ == "__main__":
    main()
