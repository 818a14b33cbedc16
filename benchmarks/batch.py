"""What one of many small clips costs, and what a second worker gains.

usage: python benchmarks/batch.py [--clips 300] [--bundle FILE] [--runs 3]

GifBatch makes a clip of each of so many copies of a bundle: whole processes, with one worker of
Luigi's and with two, in turn, each time in a fresh folder. Figures are medians; the ratio is that
of runs that followed each other.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from compare import ROOT, measure


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure GifBatch with one worker and with two.")
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
        pairs = [
            [seconds(folder, f"{turn}-{workers}", workers) for workers in (1, 2)]
            for turn in range(options.runs)
        ]
    one = statistics.median(pair[0] for pair in pairs)
    gain = statistics.median(first / second for first, second in pairs)
    print(f"{options.clips} clips, one worker: {one / options.clips:.3f} s each")
    print(f"two workers: {gain:.2f} times as fast")


def seconds(folder: Path, name: str, workers: int) -> float:
    """Of a run of GifBatch in a fresh folder."""
    luigi = [sys.executable, "-m", "luigi", "--module", "luigi_gif", "GifBatch"]
    files = ["--urls-file", str(folder / "urls.txt"), "--workdir", str(folder / name)]
    return measure([*luigi, *files, "--workers", str(workers)]).seconds


if __name__ == "__main__":
    main()
