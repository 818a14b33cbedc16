"""--also webp beside Pillow's save_all and ffmpeg's libwebp_anim, and its memory.

usage: python benchmarks/also.py [--frames 300] [--size 1280x720] [--runs 3] [--quality 80]
                                 [--only "still, PNG"]

Frames are a picture that is panned, the landscape of landscape.py, discs of one color each, and a
picture that stands still, with a spot that moves. All encode them at method 4, the others at
--quality. Ours is a run of luigi-gif whose clip is there already, from start to end; its pictures
have quality 80, those that need more for 36 dB get it, and drawings that are smaller without loss
have none. Theirs are processes that only decode and encode. "Faster" is the median of the ratios of
pairs of runs, each made right after the other. "Memory" is the largest of a run, for so many panned
PNGs and for ten times as many.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import landscape
import numpy as np
from PIL import Image, ImageDraw

_PILLOW = """
import sys
from pathlib import Path
from PIL import Image
pictures = [Image.open(path) for path in sorted(Path(sys.argv[1]).iterdir())]
pictures[0].save(sys.argv[2], save_all=True, append_images=pictures[1:], duration=100,
                 quality=int(sys.argv[3]), method=4)
"""


class Clip(NamedTuple):
    """What is encoded."""

    name: str
    suffix: str
    pictures: Callable[[tuple[int, int], int], Iterator[Image.Image]]
    """Of a size, so many."""


def panned(pan: int, size: tuple[int, int], frames: int) -> Iterator[Image.Image]:
    """A picture of smooth colors and some grain, by so many pixels a frame, and a spot."""
    random = np.random.default_rng(3)
    wide = size[0] + pan * frames
    small = random.integers(0, 256, (size[1] // 40, wide // 40, 3), np.uint8)
    ground = np.asarray(Image.fromarray(small).resize((wide, size[1]), Image.Resampling.BICUBIC))
    grain = random.normal(0, 3, ground.shape[:2])[..., None]
    ground = np.clip(ground + grain, 0, 255).astype(np.uint8)
    for number in range(frames):
        left = pan * number
        picture = ground[:, left : left + size[0]].copy()
        left = 7 * number % (size[0] - 40)
        picture[30:70, left : left + 40] = (250, 200, 40)
        yield Image.fromarray(picture)


def flight(size: tuple[int, int], frames: int) -> Iterator[Image.Image]:
    """Over a landscape below clouds."""
    for number in range(frames):
        picture = landscape.picture(number)
        yield picture if picture.size == size else picture.resize(size)


def discs(size: tuple[int, int], frames: int) -> Iterator[Image.Image]:
    """Which move."""
    for number in range(frames):
        picture = Image.new("RGB", size, (20, 30, 60))
        for disc in range(30):
            left, top = (97 * disc + 7 * number) % size[0], (53 * disc + 3 * number) % size[1]
            color = 40 * disc % 256, 90 * disc % 256, (20 * disc + number) % 256
            ImageDraw.Draw(picture).ellipse((left, top, left + 120, top + 120), color)
        yield picture


CLIPS = (
    Clip("panned, JPEG", "jpg", partial(panned, 3)),
    Clip("panned, PNG", "png", partial(panned, 3)),
    Clip("landscape, JPEG", "jpg", flight),
    Clip("landscape, PNG", "png", flight),
    Clip("discs, PNG", "png", discs),
    Clip("still, PNG", "png", partial(panned, 0)),
)


def draw(folder: Path, size: tuple[int, int], frames: int, clip: Clip) -> None:
    """Write the pictures of a clip."""
    folder.mkdir()
    for number, picture in enumerate(clip.pictures(size, frames)):
        path = folder / f"{number:05}.{clip.suffix}"
        picture.save(path, quality=92, compress_level=1)


def ours(frames: Path, workdir: Path, *options: str) -> Path:
    command = [sys.executable, "-m", "luigi_gif.cli", str(frames), "--workdir", str(workdir)]
    run([*command, "--fps", "10", *options])
    return workdir / "clip.webp"


def pillow(quality: int, frames: Path, workdir: Path) -> Path:
    made = str(workdir / "pillow.webp")
    run([sys.executable, "-c", _PILLOW, str(frames), made, str(quality)])
    return workdir / "pillow.webp"


def ffmpeg(quality: int, frames: Path, workdir: Path) -> Path:
    options = ["-c:v", "libwebp_anim", "-quality", str(quality)]
    options += ["-compression_level", "4", "-loop", "0"]
    pattern = f"%05d{next(frames.iterdir()).suffix}"
    command = ["ffmpeg", "-y", "-v", "error", "-framerate", "10", "-i", str(frames / pattern)]
    run([*command, *options, str(workdir / "ffmpeg.webp")])
    return workdir / "ffmpeg.webp"


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def timed(make: Callable[..., Path], *arguments: object) -> tuple[float, float, Path]:
    """Seconds, seconds of the processor, and what was made."""
    begin, cpu = time.monotonic(), cpu_seconds()
    made = make(*arguments)
    return time.monotonic() - begin, cpu_seconds() - cpu, made


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compare(
    folder: Path, size: tuple[int, int], frames: int, runs: int, quality: int, clip: Clip
) -> None:
    pictures, workdir = folder / clip.name, folder / f"work of {clip.name}"
    draw(pictures, size, frames, clip)
    ours(pictures, workdir)
    print(f"| {clip.name} | s | CPU s | MB | faster | less CPU |\n|---|---:|---:|---:|---:|---:|")
    for name, other in (("Pillow", pillow), ("ffmpeg", ffmpeg)):
        pairs = []
        for _ in range(runs):
            (workdir / "clip.webp").unlink(missing_ok=True)
            here = timed(ours, pictures, workdir, "--also", "webp")
            pairs.append((here, timed(other, quality, pictures, workdir)))
        for label, index in (("ours", 0), (name, 1)):
            seconds, cpu, made = pairs[0][index]
            row = f"| {label} | {seconds:.1f} | {cpu:.1f} | {made.stat().st_size / 1e6:.2f} |"
            if index:
                faster = statistics.median(theirs[0] / mine[0] for mine, theirs in pairs)
                less = statistics.median(theirs[1] / mine[1] for mine, theirs in pairs)
                row += f" {faster:.2f} | {less:.2f} |"
            print(row, flush=True)


def memory_mib(folder: Path, frames: int) -> int:
    """The largest of a run that makes a WebP of so many frames of 320x180."""
    pictures, workdir = folder / f"memory-{frames}", folder / f"work-{frames}"
    draw(pictures, (320, 180), frames, CLIPS[1])
    ours(pictures, workdir)
    # What getrusage() tells counts what had the process that began it.
    code = (
        "import re, sys; from luigi_gif.cli import main; main(sys.argv[1:]); "
        r"peak_kib = re.search(r'VmHWM:\s+(\d+)', open('/proc/self/status').read())[1]; "
        "print(int(peak_kib) >> 10, file=sys.stderr)"
    )
    options = ["--workdir", str(workdir), "--fps", "10", "--also", "webp"]
    command = [sys.executable, "-c", code, str(pictures), *options]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return int(said.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure --also webp.")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quality", type=int, default=80)
    parser.add_argument("--only", nargs="+", choices=[clip.name for clip in CLIPS])
    options = parser.parse_args()
    if not shutil.which("ffmpeg"):
        parser.error("ffmpeg is not installed")
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        for clip in CLIPS:
            if clip.name in (options.only or [clip.name]):
                counts = options.frames, options.runs, options.quality
                compare(Path(folder), (width, height), *counts, clip)
        if options.only:
            return
        few, many = (memory_mib(Path(folder), each * options.frames) for each in (1, 10))
    print(f"memory: {few} MiB for {options.frames} frames, {many} MiB for ten times as many")


if __name__ == "__main__":
    main()
