"""True-colour frames to a GIF: time, bytes and likeness, ours against what one would use instead.

usage: python benchmarks/quality.py [--frames 300] [--runs 3] [--only NAME ...]

The frames are PNGs of 640x360 that ffmpeg draws: a zoom into the Mandelbrot set, and its moving
test pattern. Whole processes take turns; seconds are medians. PSNR and SSIM are what ffmpeg's
filters of these names say of the clip against the PNGs, in RGB, over all frames. What is not
installed is left out. Contestants:

    fast, best       luigi --module luigi_gif CombineGif --url BUNDLE --quality fast | best
    fast, lossless   the same with --optimize lossless
    ffmpeg           palettegen=stats_mode=single and paletteuse=new=1: a palette for each frame
    gifski           its defaults
    libvips          gifsave with effort=7, through pyvips
    imageio          mimsave, with Pillow below
    ImageMagick      convert, its defaults
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from compare import DELIMITER, combine_gif, measure

SOURCES = {"Mandelbrot zoom": "mandelbrot", "test pattern": "testsrc2"}
VIPS = """
import sys
import pyvips
*files, clip = sys.argv[1:]
frames = [pyvips.Image.new_from_file(file, access="sequential") for file in files]
film = pyvips.Image.arrayjoin(frames, across=1).copy()
film.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
film.set_type(pyvips.GValue.array_int_type, "delay", [100] * len(frames))
film.gifsave(clip, effort=7)
"""
IMAGEIO = """
import sys
import imageio
*files, clip = sys.argv[1:]
imageio.mimsave(clip, [imageio.imread(file) for file in files], duration=100)
"""

Command = Callable[[Path, Path], list[str]]
"""Of the folder with the frames, and the clip to make, in a folder of its own."""


def ours(*flags: str) -> Command:
    def command(frames: Path, clip: Path) -> list[str]:
        return [*combine_gif(str(frames / "bundle.img"), clip.parent), *flags]

    return command


def script(text: str) -> Command:
    return lambda frames, clip: [sys.executable, "-c", text, *_files(frames), str(clip)]


def ffmpeg(frames: Path, clip: Path) -> list[str]:
    filters = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1"
    source = ["-framerate", "10", "-i", str(frames / "%04d.png")]
    return ["ffmpeg", "-v", "error", "-y", *source, "-lavfi", filters, str(clip)]


CONTESTANTS: dict[str, tuple[str, Command]] = {
    "fast": ("luigi", ours()),
    "best": ("luigi", ours("--quality", "best")),
    "fast, lossless": ("luigi", ours("--optimize", "lossless")),
    "ffmpeg": ("ffmpeg", ffmpeg),
    "gifski": (
        "gifski",
        lambda frames, clip: ["gifski", "--fps", "10", "-o", str(clip), *_files(frames)],
    ),
    "libvips": ("pyvips", script(VIPS)),
    "imageio": ("imageio", script(IMAGEIO)),
    "ImageMagick": (
        "convert",
        lambda frames, clip: ["convert", "-delay", "10", *_files(frames), str(clip)],
    ),
}
"""What has to be installed, program or module, and the command."""


def _files(frames: Path) -> list[str]:
    return [str(path) for path in sorted(frames.glob("*.png"))]


def draw(source: str, count: int, folder: Path) -> None:
    """The frames, and a bundle of them."""
    folder.mkdir()
    picture = ["-f", "lavfi", "-i", f"{source}=size=640x360:rate=25"]
    frames = ["-frames:v", str(count), "-pix_fmt", "rgb24", str(folder / "%04d.png")]
    subprocess.run(["ffmpeg", "-v", "error", *picture, *frames], check=True)
    with open(folder / "bundle.img", "wb") as bundle:
        for file in _files(folder):
            bundle.write(Path(file).read_bytes() + DELIMITER)


def likeness(clip: Path, frames: Path) -> tuple[float, float]:
    """PSNR in dB and SSIM, over all frames."""
    same_time = "setpts=N/10/TB,format=gbrp"
    filters = f"[0:v]{same_time},split[a][c];[1:v]{same_time},split[b][d];[a][b]psnr;[c][d]ssim"
    inputs = ["-i", str(clip), "-i", str(frames / "%04d.png")]
    result = subprocess.run(
        ["ffmpeg", *inputs, "-lavfi", filters, "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    psnr = re.search(r"average:([\d.]+|inf)", result.stderr)
    ssim = re.search(r"SSIM .*All:([\d.]+)", result.stderr)
    assert psnr
    assert ssim
    return float(psnr[1]), float(ssim[1])


def contest(names: list[str], frames: Path, folder: Path, runs: int) -> None:
    """Print the table of one source."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    clips = {}
    for turn in range(runs):
        for number, name in enumerate(names):
            clips[name] = folder / f"{number}-{turn}" / "clip.gif"
            clips[name].parent.mkdir()
            command = CONTESTANTS[name][1](frames, clips[name])
            seconds[name].append(measure(command).seconds)
    first = statistics.median(seconds[names[0]])
    print("| | seconds | times the first | MB | PSNR | SSIM |\n|---|---:|---:|---:|---:|---:|")
    for name in names:
        median = statistics.median(seconds[name])
        size = clips[name].stat().st_size / 1e6
        psnr, ssim = likeness(clips[name], frames)
        print(f"| {name} | {median:.2f} | {median / first:.2f} | {size:.2f} ", end="")
        print(f"| {psnr:.2f} | {ssim:.5f} |", flush=True)


def installed(name: str) -> bool:
    return bool(shutil.which(name) or importlib.util.find_spec(name))


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare time, size and likeness of clips.")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    options = parser.parse_args()
    names = [name for name in options.only if installed(CONTESTANTS[name][0])]
    with tempfile.TemporaryDirectory() as temporary:
        for title, source in SOURCES.items():
            frames, folder = Path(temporary, source), Path(temporary, f"{source}-clips")
            draw(source, options.frames, frames)
            folder.mkdir()
            print(f"\n{title}, {options.frames} frames\n")
            contest(names, frames, folder, options.runs)


if __name__ == "__main__":
    main()
