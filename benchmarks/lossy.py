"""--optimize lossy beside gifsicle -O3 --lossy: how good the same frames are in as many bytes.

usage: python benchmarks/lossy.py [--clips NAME ...] [--losses 20 40 80 120] [--frames 48]
                                  [--bundle FILE]

The clips are those of ceiling.py, their first frames. gifsicle gets the clip that ours makes with
--optimize lossless. For each of its losses, ours is the clip of the smallest --tolerance that takes
no more bytes. SSIM and PSNR are what ffmpeg's filters of these names say of both against the
lossless clip, in RGB, over all frames. "CPU" is how many times the processor time of CombineGif
alone, without the start of Luigi, gifsicle takes.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from ceiling import CLIPS, ROOT, ours, run


class Clip(NamedTuple):
    file: Path
    seconds: float

    @property
    def size(self) -> int:
        return self.file.stat().st_size


def likeness(clip: Path, lossless: Path) -> list[str]:
    """Its SSIM and PSNR."""
    both = "[0:v]setpts=N/10/TB,format=gbrp[a];[1:v]setpts=N/10/TB,format=gbrp[b];[a][b]"
    words = []
    for name, shown in (("ssim", r"All:([\d.]+)"), ("psnr", r"average:([\d.inf]+)")):
        inputs = ["-i", clip, "-i", lossless]
        said = run("ffmpeg", *inputs, "-lavfi", both + name, "-f", "null", "-")
        found = re.search(shown, said)
        assert found
        words.append(found[1])
    return words


def cpu_seconds() -> float:
    """Of all processes that were run."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(*command: object) -> float:
    begin = cpu_seconds()
    run(*command)
    return cpu_seconds() - begin


class Tolerances:
    """Our clips of some frames, each made once."""

    def __init__(self, frames: Path, workdir: Path, start: float) -> None:
        self._frames = frames
        self._workdir = workdir
        self._start = start
        self._made: dict[int, Clip] = {}

    def clip(self, tolerance: int) -> Clip:
        if tolerance not in self._made:
            begin = cpu_seconds()
            options = ("--optimize", "lossy", "--tolerance", tolerance)
            clip = ours(self._frames, self._workdir, *options)
            seconds = cpu_seconds() - begin - self._start
            kept = self._workdir.with_name(f"ours-{tolerance}.gif")
            self._made[tolerance] = Clip(clip.replace(kept), seconds)
        return self._made[tolerance]

    def best_below(self, size: int) -> tuple[int, Clip]:
        """The clip of the smallest tolerance that takes no more bytes, or the smallest clip."""
        low, high = 1, 255
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.clip(middle).size <= size else (middle + 1, high)
        return low, self.clip(low)


def compare(name: str, folder: Path, losses: list[int], count: int, bundle: Path) -> None:
    frames, workdir = folder / "frames", folder / "work"
    frames.mkdir(parents=True)
    CLIPS[name](bundle, frames)
    for extra in sorted(frames.iterdir())[count:]:
        extra.unlink()
    lossless = ours(frames, workdir, "--optimize", "lossless").replace(folder / "lossless.gif")
    start = statistics.median(
        timed(sys.executable, "-c", "import luigi.cmdline, luigi_gif") for _ in range(3)
    )
    tolerances = Tolerances(frames, workdir, start)
    print(f"| **{name}** | | {lossless.stat().st_size:,} | | | | | | | |", flush=True)
    for loss in losses:
        file = folder / "theirs.gif"
        seconds = timed("gifsicle", "-O3", f"--lossy={loss}", lossless, "-o", file)
        theirs = Clip(file, seconds)
        tolerance, clip = tolerances.best_below(theirs.size)
        cells = [loss, f"{theirs.size:,}", *likeness(file, lossless), tolerance, f"{clip.size:,}"]
        cells += [*likeness(clip.file, lossless), f"{theirs.seconds / clip.seconds:.1f}"]
        print("| |", " | ".join(map(str, cells)), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure --optimize lossy beside gifsicle.")
    parser.add_argument("--clips", nargs="+", choices=CLIPS, default=list(CLIPS))
    parser.add_argument("--losses", type=int, nargs="+", default=[20, 40, 80, 120])
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--bundle", type=Path, default=ROOT / "examples" / "sample.img")
    options = parser.parse_args()
    if not shutil.which("gifsicle"):
        parser.error("gifsicle is not installed")
    print("| clip | loss | bytes | SSIM | PSNR | tolerance | bytes | SSIM | PSNR | CPU |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.clips:
            compare(
                name, Path(folder, name), options.losses, options.frames, options.bundle.resolve()
            )


if __name__ == "__main__":
    main()
