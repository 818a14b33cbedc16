"""What the look of frames costs: whole runs with each option beside runs without.

usage: python benchmarks/looks.py [--pictures 1000] [--size 1280x720] [--runs 5] [--only crop]
                                  [--folder FOLDER]

The pictures are JPEGs of benchmarks/landscape.py in this size, 100 of them again and again, in
FOLDER (by default data/benchmark in this repository). Runs without and with an option take turns;
seconds are medians, and so are the ratios of neighbouring runs, also of all cores together.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import landscape
from compare import ROOT, combine_gif
from folder import timed

DRAWN = 100


def looks(width: int, height: int) -> dict[str, list[str]]:
    """The options of each row. They leave nearly as many pixels as there are."""
    return {
        "crop": ["--crop", f"{width - 4}x{height - 4}+2+2"],
        "background": ["--background", "#202020"],
        "caption": ["--caption", "{number:04} {time:%d %b %H:%M:%S %Z}"],
    }


def draw(count: int, size: tuple[int, int], folder: Path) -> None:
    """Write those pictures that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"picture_{number}.jpg"
        if path.exists():
            continue
        if number < DRAWN:
            unfinished = folder.parent / "unfinished.jpg"
            landscape.picture(number).resize(size).save(unfinished, quality=landscape.QUALITY)
            os.replace(unfinished, path)
        else:
            os.link(folder / f"picture_{number % DRAWN}.jpg", path)


def contest(rows: dict[str, list[str]], pictures: Path, runs: int, folder: Path) -> None:
    """Print the table."""
    print("| | seconds without | with | ratio | of CPU seconds |")
    print("|---|---:|---:|---:|---:|")
    for name, options in rows.items():
        pairs = []
        for turn in range(runs):
            plain = combine_gif(str(pictures), folder / f"{name}-{turn}-without")
            changed = combine_gif(str(pictures), folder / f"{name}-{turn}-with")
            pairs.append((timed(plain), timed([*changed, *options])))
        without, with_ = (
            statistics.median(run.seconds for run in each) for each in zip(*pairs, strict=True)
        )
        ratio = statistics.median(after.seconds / before.seconds for before, after in pairs)
        cpu = statistics.median(after.cpu_seconds / before.cpu_seconds for before, after in pairs)
        print(
            f"| `{options[0]}` | {without:.1f} | {with_:.1f} | {ratio:.3f} | {cpu:.3f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the look of frames costs.")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--folder", type=Path, default=ROOT / "data" / "benchmark")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    rows = looks(width, height)
    pictures = options.folder / f"looks-{options.size}"
    draw(options.pictures, (width, height), pictures)
    print(f"{options.pictures:,} JPEGs of {options.size}, {options.runs} pairs of runs\n")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        chosen = {each: rows[each] for each in options.only or rows}
        contest(chosen, pictures, options.runs, Path(name))


if __name__ == "__main__":
    main()
