"""What one of many small clips costs, and what a second worker gains.

usage: python benchmarks/batch.py [--clips 300] [--bundle FILE] [--runs 3]

GifBatch, then luigi-gif run and Loops with a file of loops, make a clip of each of so many copies
of a bundle: whole processes, with one worker of Luigi's and with two, in turn, each time in a fresh
folder. Figures are medians; the ratio is that of runs that followed each other.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from compare import ROOT, measure

COMMANDS = {
    "GifBatch": [
        *("luigi", "--module", "luigi_gif", "GifBatch"),
        *("--urls-file", "URLS", "--workdir", "WORKDIR"),
    ],
    "luigi-gif run": ["luigi_gif.cli", "run", "LOOPS"],
    "Loops": ["luigi", "--module", "luigi_gif", "Loops", "--file", "LOOPS"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure many clips with one worker and with two.")
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--bundle", type=Path, default=ROOT / "examples" / "sample.img")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundles = [folder / f"bundle-{number}.img" for number in range(options.clips)]
        for bundle in bundles:
            shutil.copyfile(options.bundle, bundle)
        (folder / "urls.txt").write_text("\n".join(map(str, bundles)))
        for name, command in COMMANDS.items():
            pairs = [
                [seconds(folder, bundles, command, workers) for workers in (1, 2)]
                for _ in range(options.runs)
            ]
            one = statistics.median(pair[0] for pair in pairs)
            gain = statistics.median(first / second for first, second in pairs)
            print(f"{name}, {options.clips} clips, one worker: {one / options.clips:.3f} s each")
            print(f"{name}, two workers: {gain:.2f} times as fast")


def seconds(folder: Path, bundles: list[Path], command: list[str], workers: int) -> float:
    """Of a run in a fresh folder."""
    workdir = Path(tempfile.mkdtemp(dir=folder))
    loops = [f'[[loop]]\nname = "{each.stem}"\nurl = "{each}"\n' for each in bundles]
    (workdir / "loops.toml").write_text("\n".join(loops))
    names = {"URLS": folder / "urls.txt", "WORKDIR": workdir, "LOOPS": workdir / "loops.toml"}
    filled = [str(names.get(word, word)) for word in command]
    return measure([sys.executable, "-m", *filled, "--workers", str(workers)]).seconds


if __name__ == "__main__":
    main()
