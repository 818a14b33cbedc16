"""--max-size: how near the limit a clip is, and how good, ours against what one would use instead.

usage: python benchmarks/ceiling.py [--clips NAME ...] [--sizes 8 4 2 1] [--bundle FILE]
                                    [--gifski PROGRAM]

The clips: the real bundle (its file by --bundle, else the sample), a zoom into the Mandelbrot set
and ffmpeg's moving test pattern (300 frames of 640x360 each), a still ground with the noise of a
camera and a moving spot (100 frames of 640x360), and a flight over a landscape (300 frames of
1280x720). For each limit in millions of bytes that a clip of ours does not keep by itself:

    ours      luigi-gif FRAMES --max-size LIMIT
    gifski    the highest --quality whose clip is no larger than ours
    gifsicle  -O3 with the lowest --lossy whose clip is no larger than ours, of a GIF that ours made
              with --optimize lossless

All three show the same frames in the same size: gifski and gifsicle get the frames that our clip
shows, scaled to its size by Pillow's Lanczos filter. SSIM is what ffmpeg's filter of this name says
of a clip against these frames, in RGB, over all of them. "in full" is that of our clip scaled up
against the frames as they were, by Lanczos. "part" is the part of the limit that our clip takes.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import landscape
import numpy as np
from PIL import Image

from luigi_gif import bundles

ROOT = Path(__file__).parents[1]
SIZE = (640, 360)
MAX_LOSS = 1000
"""Of gifsicle: more changes little."""


class Row(NamedTuple):
    """A clip of ours and the two others."""

    cells: list[str]
    wins: bool
    """Whether the SSIM of ours is no lower than that of both."""


def bundle(file: Path, folder: Path) -> None:
    data = file.read_bytes()
    for number, frame in enumerate(bundles.frames_in(data, offset=0, stop=len(data))):
        path = folder / f"{number:04d}.gif"
        path.write_bytes(frame.data)
        Image.open(path).convert("RGB").save(path.with_suffix(".png"), compress_level=1)
        path.unlink()


def lavfi(source: str, folder: Path) -> None:
    picture = ["-f", "lavfi", "-i", f"{source}=size={SIZE[0]}x{SIZE[1]}:rate=25"]
    frames = ["-frames:v", "300", "-pix_fmt", "rgb24", str(folder / "%04d.png")]
    subprocess.run(["ffmpeg", "-v", "error", *picture, *frames], check=True)


def still(folder: Path) -> None:
    """Smooth ground, new noise in each frame, and a spot on its way over it."""
    down, right = np.mgrid[: SIZE[1], : SIZE[0]]
    waves = [np.sin(right / 90 + down / 70), np.cos(right / 60), np.sin(down / 50)]
    ground = 128 + 60 * np.stack(waves, axis=2)
    for number in range(100):
        noise = np.random.default_rng((15, number)).normal(0, 2, ground.shape)
        frame = np.clip(ground + noise, 0, 255)
        center = 60 + 5 * number, 180 + 90 * np.sin(number / 12)
        frame[np.hypot(right - center[0], down - center[1]) < 24] = (230, 60, 40)
        Image.fromarray(frame.astype(np.uint8)).save(folder / f"{number:04d}.png")


CLIPS: dict[str, Callable[[Path, Path], None]] = {
    "bundle": bundle,
    "mandelbrot": lambda _, folder: lavfi("mandelbrot", folder),
    "testsrc2": lambda _, folder: lavfi("testsrc2", folder),
    "still": lambda _, folder: still(folder),
    "landscape": lambda _, folder: landscape.draw(300, folder),
}
"""Each draws its frames into a folder; the first argument is the file of the bundle."""


def run(*command: object) -> str:
    texts = list(map(str, command))
    return subprocess.run(texts, check=True, capture_output=True, text=True).stderr


def ours(frames: Path, workdir: Path, *options: object) -> Path:
    workdir.mkdir(exist_ok=True)
    run(sys.executable, "-m", "luigi_gif.cli", frames, "--workdir", workdir, *options)
    return workdir / "clip.gif"


def noted(clip: Path) -> dict[str, object]:
    clips: dict[str, dict[str, object]] = json.loads((clip.parent / "run.json").read_text())[
        "clips"
    ]
    return clips[clip.name]


def scaled(frames: Path, every: int, size: tuple[int, int], folder: Path) -> None:
    """The frames that a clip shows, in its size."""
    folder.mkdir()
    for number, path in enumerate(_shown(frames, every)):
        picture = Image.open(path).convert("RGB").resize(size, Image.Resampling.LANCZOS)
        picture.save(folder / f"{number:04d}.png", compress_level=1)


def ssim(clip: Path, frames: Path, size: tuple[int, int]) -> float:
    same = f"setpts=N/10/TB,format=gbrp,scale={size[0]}:{size[1]}:flags=lanczos"
    inputs = ["-i", clip, "-start_number", "0", "-i", frames / "%04d.png"]
    filters = f"[0:v]{same}[a];[1:v]{same}[b];[a][b]ssim"
    found = re.search(
        r"SSIM .*All:([\d.]+)", run("ffmpeg", *inputs, "-lavfi", filters, "-f", "null", "-")
    )
    assert found
    return float(found[1])


def best_below(limit: int, low: int, high: int, make: Callable[[int], Path]) -> Path | None:
    """The clip of the largest number from ``low`` to ``high`` that is no larger than the limit."""
    best = None
    while low <= high:
        middle = (low + high) // 2
        clip = make(middle)
        if clip.stat().st_size <= limit:
            best = clip.rename(clip.with_name("best.gif"))
            low = middle + 1
        else:
            high = middle - 1
    return best


def gifski(program: str, frames: Path, folder: Path, quality: int) -> Path:
    clip = folder / f"{quality}.gif"
    size = Image.open(_files(frames)[0]).size
    sides = ["--width", size[0], "--height", size[1]]
    run(program, "--fps", 10, "--quality", quality, *sides, "-o", clip, *_files(frames))
    return clip


def gifsicle(original: Path, folder: Path, gain: int) -> Path:
    clip = folder / f"{gain}.gif"
    run("gifsicle", "-O3", f"--lossy={MAX_LOSS - gain}", original, "-o", clip)
    return clip


def compared(frames: Path, clip: Path, folder: Path, program: str | None) -> Row:
    """What the three made of the frames, for as many bytes."""
    about = noted(clip)
    size, limit = Image.open(clip).size, clip.stat().st_size
    pictures = folder / "scaled"
    skipping = re.search(r"one of (\d+) frames", str(about["gave_up"]))
    every = int(skipping[1]) if skipping else 1
    scaled(frames, every, size, pictures)
    likeness = [f"{ssim(clip, pictures, size):.5f}"]
    original = ours(pictures, folder / "good", "--optimize", "lossless")
    others: list[Callable[[int], Path]] = [partial(gifsicle, original, folder)]
    ranges = [(0, MAX_LOSS)]
    if program:
        others.insert(0, partial(gifski, program, pictures, folder))
        ranges.insert(0, (1, 100))
    for make, (low, high) in zip(others, ranges, strict=True):
        best = best_below(limit, low, high, make)
        likeness.append(f"{ssim(best, pictures, size):.5f}" if best else "larger")
    first = _files(frames)[0]
    full = f"{ssim(clip, _numbered(frames, every, folder), Image.open(first).size):.5f}"
    wins = all(other == "larger" or float(other) <= float(likeness[0]) for other in likeness[1:])
    return Row([str(about["gave_up"]), *likeness, full], wins)


def contest(name: str, frames: Path, sizes: list[float], folder: Path, program: str | None) -> None:
    """Print the rows of one clip."""
    whole = ours(frames, folder / "work", "--optimize", "lossless").stat().st_size
    for size in sizes:
        limit = int(size * 1e6)
        if whole <= limit:
            print(f"| {name} | {size:g} | | | fits: {whole:,} bytes |", flush=True)
            continue
        clip = ours(frames, folder / "work", "--max-size", limit)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            row = compared(frames, clip, Path(temporary), program)
        part = f"{clip.stat().st_size / limit:.3f}"
        encodings = noted(clip).get("encodings")
        cells = [name, f"{size:g}", part, str(encodings), *row.cells, "yes" if row.wins else "no"]
        print(f"| {' | '.join(cells)} |", flush=True)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.*"), key=lambda path: int(re.sub(r"\D", "", path.stem)))


def _shown(frames: Path, every: int) -> list[Path]:
    """The first, and of every so many one, the last of all among them."""
    files = _files(frames)
    return [files[0], *files[(len(files) - 1) % every or every :: every]]


def _numbered(frames: Path, every: int, folder: Path) -> Path:
    """The frames that a clip shows under names that ffmpeg reads in order."""
    numbered = folder / "numbered"
    numbered.mkdir()
    for number, path in enumerate(_shown(frames, every)):
        Image.open(path).convert("RGB").save(numbered / f"{number:04d}.png", compress_level=1)
    return numbered


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold --max-size against gifski and gifsicle.")
    parser.add_argument("--clips", nargs="+", choices=CLIPS, default=list(CLIPS))
    parser.add_argument("--sizes", nargs="+", type=float, default=[8, 4, 2, 1])
    parser.add_argument("--bundle", type=Path, default=ROOT / "examples" / "sample.img")
    parser.add_argument("--gifski", default=shutil.which("gifski"))
    options = parser.parse_args()
    print("| clip | MB | part | encodings | gave up | ours | gifski | gifsicle | in full | wins |")
    print("|---|---:|---:|---:|---|---:|---:|---:|---:|---|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.clips:
            folder, frames = Path(temporary, name), Path(temporary, name, "frames")
            frames.mkdir(parents=True)
            CLIPS[name](options.bundle, frames)
            contest(name, frames, options.sizes, folder, options.gifski)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
