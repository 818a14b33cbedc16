"""A still ground with noise and a moving spot: one palette for the clip, ours and ffmpeg's.

usage: python benchmarks/still.py [--frames 100] [--runs 3] [--sizes 640x360 1280x720]

The noise of the ground is the same in each frame ("still noise"), or new in each, as a camera has
it ("new noise", with a standard deviation of 2 levels). Whole processes take turns; seconds are
medians. PSNR is that of the clip against the PNGs, in RGB: of all frames, and of the worst one.
"Flicker" is how much of the ground, which the spot never touches, is not as it was in the frame
before, in percent; in the PNGs of still noise nothing is. Contestants:

    clip             luigi --module luigi_gif CombineGif --palette clip --optimize lossless
    clip, 160        the same with --colors 160
    clip, ordered    the same as the first with --dither ordered
    frame            the same as the first with --palette frame
    ffmpeg           palettegen=stats_mode=full and paletteuse=dither=none
    ffmpeg, bayer    the same with dither=bayer
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from compare import DELIMITER, combine_gif, measure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageSequence

NOISES = {"still noise": False, "new noise": True}
Pixels = NDArray[np.uint8]
Command = Callable[[Path, Path], list[str]]
"""Of the folder with the frames, and the clip to make, in a folder of its own."""


def ours(*flags: str) -> Command:
    def command(frames: Path, clip: Path) -> list[str]:
        luigi = combine_gif(str(frames / "bundle.img"), clip.parent)
        return [*luigi, "--optimize", "lossless", *flags]

    return command


def ffmpeg(dither: str) -> Command:
    def command(frames: Path, clip: Path) -> list[str]:
        use = f"split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither={dither}"
        source = ["-framerate", "10", "-i", str(frames / "%04d.png")]
        return ["ffmpeg", "-v", "error", "-y", *source, "-lavfi", use, str(clip)]

    return command


CONTESTANTS = {
    "clip": ours("--palette", "clip"),
    "clip, 160": ours("--palette", "clip", "--colors", "160"),
    "clip, ordered": ours("--palette", "clip", "--dither", "ordered"),
    "frame": ours("--palette", "frame"),
    "ffmpeg": ffmpeg("none"),
    "ffmpeg, bayer": ffmpeg("bayer"),
}


def ground(size: tuple[int, int]) -> NDArray[np.float64]:
    """An evening sky above hills: shades of many colors, without noise."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    sky = np.stack((70 + 150 * y, 90 + 90 * y, 170 - 40 * y), axis=2)
    hill = y > 0.7 + 0.06 * np.sin(9 * x) + 0.03 * np.sin(31 * x)
    sky[hill] = np.stack((40 + 60 * x, 70 + 50 * y, 40 + 20 * x), axis=2)[hill]
    return sky


def draw(size: tuple[int, int], count: int, folder: Path, *, new_noise: bool) -> None:
    """The frames, and a bundle of them."""
    folder.mkdir()
    still = ground(size)
    with open(folder / "bundle.img", "wb") as bundle:
        for number in range(count):
            noise = np.random.default_rng(number if new_noise else 0).normal(0, 2, still.shape)
            picture = Image.fromarray(np.rint(still + noise).clip(0, 255).astype(np.uint8))
            left, top, side = spot(size, number / count)
            color = tuple(round(127 + 120 * math.sin(number / 9 + each)) for each in range(3))
            ImageDraw.Draw(picture).ellipse([left, top, left + side, top + side], fill=color)
            file = folder / f"{number:04d}.png"
            picture.save(file, compress_level=1)
            bundle.write(file.read_bytes() + DELIMITER)


def spot(size: tuple[int, int], progress: float) -> tuple[int, int, int]:
    """Left, top and side of the spot, in pixels: it goes from left to right."""
    side = size[1] // 9
    return round(progress * (size[0] - side)), size[1] // 3, side


def pictures(file: Path) -> Iterator[Pixels]:
    with Image.open(file) as image:
        for frame in ImageSequence.Iterator(image):
            yield np.asarray(frame.convert("RGB"))


def likeness(clip: Path, frames: Path) -> tuple[float, float]:
    """PSNR in dB, over all frames and of the worst one."""
    files = sorted(frames.glob("*.png"))
    errors = [
        float(((shown.astype(np.float32) - np.asarray(Image.open(file))) ** 2).mean())
        for shown, file in zip(pictures(clip), files, strict=True)
    ]
    return _psnr(statistics.fmean(errors)), _psnr(max(errors))


def _psnr(error: float) -> float:
    return 10 * math.log10(255**2 / error)


def flicker(clip: Path, size: tuple[int, int]) -> float:
    """How much of the ground changes from frame to frame, in percent."""
    _, top, side = spot(size, 0)
    touched = slice(top, top + side + 1)
    grounds = (np.delete(shown, touched, axis=0) for shown in pictures(clip))
    return 100 * statistics.fmean(
        float((before != after).any(axis=2).mean()) for before, after in pairwise(grounds)
    )


def contest(size: tuple[int, int], frames: Path, folder: Path, options: argparse.Namespace) -> None:
    """Print the table of one source."""
    seconds: dict[str, list[float]] = {name: [] for name in options.only}
    clips = {}
    for turn in range(options.runs):
        for number, name in enumerate(options.only):
            clips[name] = folder / f"{number}-{turn}" / "clip.gif"
            clips[name].parent.mkdir(parents=True)
            command = CONTESTANTS[name](frames, clips[name])
            seconds[name].append(measure(command).seconds)
    first = statistics.median(seconds[options.only[0]])
    print("| | seconds | times the first | MB | PSNR | of the worst | flicker |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in options.only:
        median = statistics.median(seconds[name])
        megabytes = clips[name].stat().st_size / 1e6
        psnr, worst = likeness(clips[name], frames)
        print(f"| {name} | {median:.2f} | {median / first:.2f} | {megabytes:.2f} ", end="")
        print(f"| {psnr:.2f} | {worst:.2f} | {flicker(clips[name], size):.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare clips of a still ground.")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", nargs="+", default=["640x360", "1280x720"])
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for text in options.sizes:
            width, height = map(int, text.split("x"))
            for title, new_noise in NOISES.items():
                folder = Path(temporary, f"{text}-{new_noise}")
                draw((width, height), options.frames, folder, new_noise=new_noise)
                print(f"\n{text}, {title}, {options.frames} frames\n")
                contest((width, height), folder, Path(f"{folder}-clips"), options)


if __name__ == "__main__":
    main()
