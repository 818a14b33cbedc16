"""Draw the pictures of docs/gallery.md, and run its commands on them.

usage: python examples/gallery.py [FOLDER] [--check]

Pictures and clips go to FOLDER, by default data/gallery. A clip of docs/gallery/ that is another
by now is replaced; with --check it stays, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import itertools
import math
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "gallery.md"
CLIPS = ROOT / "docs" / "gallery"

Color = tuple[int, int, int]
NIGHT: Color = (24, 22, 48)
YELLOW: Color = (255, 214, 92)
ORANGE: Color = (255, 160, 70)
RED: Color = (244, 98, 98)
PINK: Color = (203, 78, 163)
VIOLET: Color = (112, 96, 214)
SMOOTH = 3
"""Pictures with lines and curves are drawn so many times larger."""


def noise(seed: int, width: int, height: int, cell: int) -> NDArray[np.int32]:
    """Smooth noise, 0 to 255, whose hills are about ``cell`` pixels wide, with smaller ones."""
    total = np.zeros((height, width), np.int32)
    for octave in range(4):
        side = max(2, cell >> octave)
        grid = np.random.default_rng(seed + octave).integers(
            0, 256, (height // side + 2, width // side + 2), np.uint8
        )
        # Pillow resizes in whole numbers: the same on every machine.
        hills = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(hills, np.int32) >> octave
    return total * 8 // 15


def mixed(first: Color, second: Color, share: float) -> Color:
    """A color between two; ``share`` is that of the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


# ---- radar: a folder of PNGs with a palette, whose names have their times

RADAR_SIDE = 300
RAIN: list[Color] = [(38, 94, 140), (44, 142, 160), (86, 184, 116), YELLOW, ORANGE, RED]
SEA: Color = (22, 26, 44)
LAND: Color = (38, 44, 62)
RING: Color = (66, 74, 98)


def draw_radar(folder: Path) -> None:
    """Showers that drift over a coast and change, every five minutes."""
    ground = noise(11, RADAR_SIDE, RADAR_SIDE, 160)
    base = np.where(ground + np.arange(RADAR_SIDE) // 3 > 180, 2, 1).astype(np.uint8)
    rings = Image.new("1", (RADAR_SIDE, RADAR_SIDE))
    lines, middle = ImageDraw.Draw(rings), RADAR_SIDE // 2
    for radius in (48, 96, 144):
        lines.circle((middle, middle), radius, outline=1)
    lines.line((middle, 0, middle, RADAR_SIDE), 1)
    lines.line((0, middle, RADAR_SIDE, middle), 1)
    base[np.asarray(rings)] = 3
    colors = [channel for color in (NIGHT, SEA, LAND, RING, *RAIN) for channel in color]
    far = noise(5, 700, 700, 90)
    near = noise(9, 700, 700, 44)
    y, x = np.mgrid[:RADAR_SIDE, :RADAR_SIDE] - middle
    for number in range(30):
        slow = far[5 * number :, 300 - 9 * number :][:RADAR_SIDE, :RADAR_SIDE]
        fast = near[7 * number :, 330 - 11 * number :][:RADAR_SIDE, :RADAR_SIDE]
        level = np.clip((2 * slow + fast - 400) // 22, 0, len(RAIN)).astype(np.uint8)
        shown = np.where(level > 0, level + 3, base)
        shown[x**2 + y**2 > 148**2] = 0
        picture = Image.fromarray(shown.astype(np.uint8)).convert("P")
        picture.putpalette(colors)
        time = datetime(2026, 11, 23, 16) + timedelta(minutes=5 * number)
        picture.save(folder / f"radar_{time:%Y%m%d_%H%M}Z.png")


# ---- webcam: JPEGs of a day, with a line of text that the camera writes below each

WEBCAM_SIZE = (400, 240)
SKY: list[tuple[float, Color, Color]] = [  # hour, color above, color at the horizon
    (0, (14, 16, 44), (34, 32, 74)),
    (4, (20, 22, 58), (60, 48, 98)),
    (6, (74, 72, 140), (250, 158, 110)),
    (8, (96, 158, 214), (250, 216, 170)),
    (13, (78, 156, 226), (190, 226, 246)),
    (18, (84, 130, 200), (250, 206, 140)),
    (20.5, (88, 62, 128), (246, 112, 92)),
    (22, (28, 26, 66), (76, 52, 104)),
    (24, (14, 16, 44), (34, 32, 74)),
]
HILLS: list[Color] = [(112, 132, 150), (72, 110, 108), (40, 78, 62)]


def sky_at(hour: float) -> tuple[Color, Color]:
    for (begin, *first), (end, *second) in itertools.pairwise(SKY):
        if hour <= end:
            share = (hour - begin) / (end - begin)
            return mixed(first[0], second[0], share), mixed(first[1], second[1], share)
    return SKY[-1][1:]


def draw_webcam(folder: Path) -> None:
    """Hills under the sky of a day in June, twice an hour."""
    width, height = (SMOOTH * side for side in WEBCAM_SIZE)
    x = np.arange(width + 1)
    slopes = [
        height * (0.58 + 0.13 * layer) + height * 0.05 * np.sin(x / width * (5 + 3 * layer) + layer)
        for layer in range(len(HILLS))
    ]
    places = np.random.default_rng(3).integers(0, (width, int(0.6 * height)), (70, 2))
    for number in range(48):
        hour = number / 2
        above, horizon = sky_at(hour)
        light = max(0.0, math.sin(math.pi * (hour - 4) / 18)) ** 0.5 if 4 < hour < 22 else 0.0
        picture = Image.new("RGB", (width, height))
        canvas = ImageDraw.Draw(picture)
        for band in range(24):
            top = band * height * 0.75 / 24
            canvas.rectangle((0, top, width, height), mixed(above, horizon, (band / 23) ** 1.3))
        if not light:
            for left, top in places:
                canvas.circle((left, top), 2.2, (255, 255, 240))
        along = (hour - 4.5) / 17
        sun = width * along, height * (0.72 - 0.6 * math.sin(math.pi * along))
        if 0 < along < 1:
            canvas.circle(sun, 62, mixed(above, (255, 226, 150), 0.45))
            canvas.circle(sun, 44, mixed((255, 150, 90), (255, 246, 214), light))
        for slope, color in zip(slopes, HILLS, strict=True):
            shade = mixed(mixed(color, horizon, 0.25), (18, 20, 46), 0.85 * (1 - light))
            outline = [(0, height), *zip(x.tolist(), slope.tolist(), strict=True), (width, height)]
            canvas.polygon(outline, shade)
        _house(canvas, width, height, light)
        picture = picture.reduce(SMOOTH)
        ImageDraw.Draw(picture).rectangle((0, 222, 400, 240), (0, 0, 0))
        ImageDraw.Draw(picture).text((8, 225), "LAKE CAM 2", (255, 255, 255))
        time = datetime(2026, 6, 21) + timedelta(hours=hour)
        picture.save(folder / f"cam_{time:%Y%m%d_%H%M}.jpg", quality=98, subsampling=0)


def _house(canvas: ImageDraw.ImageDraw, width: int, height: int, light: float) -> None:
    left, floor, side = 0.68 * width, 0.80 * height, 0.05 * width
    wall = mixed((52, 44, 66), (232, 224, 214), light)
    canvas.rectangle((left, floor - side, left + 1.5 * side, floor + side / 2), wall)
    roof = mixed((34, 28, 48), (178, 76, 66), light)
    eaves = floor - side
    canvas.polygon(
        [
            (left - 9, eaves),
            (left + 0.75 * side, eaves - 0.8 * side),
            (left + 1.5 * side + 9, eaves),
        ],
        roof,
    )
    lamp = mixed((255, 206, 96), (96, 118, 140), min(1.0, 2 * light))
    for window in (0.25, 0.9):
        begin = left + window * side
        canvas.rectangle((begin, floor - 0.6 * side, begin + 0.35 * side, floor - 0.1 * side), lamp)


# ---- plot: a zip of PNGs, as a simulation may write them

PLOT_SIZE = (400, 240)


def draw_plot(folder: Path) -> None:
    """Three pendulums that are damped, up to a later time in each picture."""
    width, height = (SMOOTH * side for side in PLOT_SIZE)
    left, top, right, bottom = 36, 36, width - 36, height - 36
    times = np.linspace(0, 1, 361)
    curves = [
        (VIOLET, np.exp(-1.2 * times) * np.cos(14 * times)),
        (PINK, np.exp(-2.2 * times) * np.cos(22 * times)),
        (ORANGE, np.exp(-0.6 * times) * np.cos(31 * times) * 0.45),
    ]
    with ZipFile(folder / "plot.zip", "w") as archive:
        for number in range(61):
            picture = Image.new("RGB", (width, height), (252, 252, 254))
            canvas = ImageDraw.Draw(picture)
            for step in range(9):
                down = top + (bottom - top) * step / 8
                across = left + (right - left) * step / 8
                color = (196, 196, 208) if step == 4 else (230, 230, 238)
                canvas.line((left, down, right, down), color, 3)
                canvas.line((across, top, across, bottom), (230, 230, 238), 3)
            until = 1 + 6 * number
            for color, curve in curves:
                across = (left + (right - left) * times[:until]).tolist()
                down = ((top + bottom - (bottom - top) * curve[:until]) / 2).tolist()
                points = list(zip(across, down, strict=True))
                canvas.line(points, color, 8, joint="curve")
                canvas.circle(points[-1], 14, color)
            with archive.open(f"step_{number}.png", "w") as file:
                picture.reduce(SMOOTH).save(file, "PNG")


# ---- firefly: one animated PNG in true color, of which little moves

MEADOW_SIZE = (300, 200)


def draw_firefly(folder: Path) -> None:
    """A light that wanders over a meadow at dusk, which has grain, but stands still."""
    width, height = MEADOW_SIZE
    ground = Image.new("RGB", MEADOW_SIZE)
    canvas = ImageDraw.Draw(ground)
    for row in range(height):
        canvas.line((0, row, width, row), mixed((20, 22, 56), (134, 70, 116), (row / height) ** 2))
    chance = np.random.default_rng(21)
    for depth in range(3):
        color = mixed((62, 40, 84), (14, 16, 34), depth / 2)
        for left in chance.integers(-10, width + 10, 150).tolist():
            root = height + 6
            tall = int(chance.integers(24, 62)) + 14 * (2 - depth)
            bend = int(chance.integers(-14, 15))
            canvas.polygon([(left - 2, root), (left + 2, root), (left + bend, root - tall)], color)
    grain = chance.integers(-5, 6, (height, width, 1))
    still = Image.fromarray(np.clip(np.asarray(ground, np.int16) + grain, 0, 255).astype(np.uint8))
    pictures = []
    for number in range(36):
        turn = 2 * math.pi * number / 36
        spot = width / 2 + 110 * math.sin(turn), height * 0.45 + 48 * math.sin(2 * turn + 0.6)
        glow = Image.new("RGB", MEADOW_SIZE)
        light = ImageDraw.Draw(glow)
        strength = 0.8 + 0.2 * math.sin(5 * turn)
        light.circle(spot, 12, mixed((0, 0, 0), (190, 160, 40), strength))
        light.circle(spot, 5, mixed((0, 0, 0), (255, 240, 170), strength))
        glow = glow.filter(ImageFilter.GaussianBlur(6))
        ImageDraw.Draw(glow).circle(spot, 2.5, (255, 250, 210))
        pictures.append(ImageChops.add(still, glow))
    pictures[0].save(
        folder / "firefly.png", save_all=True, append_images=pictures[1:], duration=70, loop=0
    )


# ---- flower: PNGs with transparency

FLOWER_SIDE = 180


def draw_flower(folder: Path) -> None:
    """A flower that opens, on nothing."""
    side = SMOOTH * FLOWER_SIDE
    middle = side / 2
    for number in range(20):
        opened = 0.5 - 0.5 * math.cos(math.pi * number / 19)
        picture = Image.new("RGBA", (side, side))
        for ring, (hue, count) in enumerate([(VIOLET, 12), (PINK, 10), (RED, 8), (ORANGE, 6)]):
            share = max(0.0, min(1.0, 1.6 * opened - 0.2 * ring))
            length = side * (0.14 + (0.30 - 0.055 * ring) * share)
            wide = side * (0.03 + (0.055 - 0.006 * ring) * share)
            begin = 0.5 * ring + 1.1 * (1 - share)
            canvas = ImageDraw.Draw(picture)
            for petal in range(count):
                angle = begin + 2 * math.pi * petal / count
                shade = mixed(hue, (255, 255, 255), 0.10 * (petal % 2))
                canvas.polygon(list(_petal(middle, angle, length, wide)), shade)
        ImageDraw.Draw(picture).circle((middle, middle), side * (0.05 + 0.03 * opened), YELLOW)
        picture.reduce(SMOOTH).save(folder / f"flower_{number}.png")


def _petal(
    middle: float, angle: float, length: float, wide: float
) -> Iterator[tuple[float, float]]:
    """The outline of a petal that points that way, from the middle and back."""
    for step in range(49):
        turn = 2 * math.pi * step / 48
        along = length * (0.5 - 0.5 * math.cos(turn))
        aside = 1.9 * wide * math.sin(turn) * (0.55 - 0.25 * math.cos(turn))
        yield (
            middle + along * math.cos(angle) - aside * math.sin(angle),
            middle + along * math.sin(angle) + aside * math.cos(angle),
        )


def draw_all(folder: Path) -> None:
    """The pictures of all clips, each in the place that its command names."""
    for name, draw in [("radar", draw_radar), ("webcam", draw_webcam), ("flower", draw_flower)]:
        (folder / name).mkdir(parents=True, exist_ok=True)
        draw(folder / name)
    draw_plot(folder)
    draw_firefly(folder)


def commands() -> list[list[str]]:
    """Those of the document that make a clip, each as words; the last one names it."""
    lines = re.findall("^    (luigi-gif .*)$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return [shlex.split(line) for line in lines]


def without_comment(clip: bytes) -> bytes:
    """A clip without its comment, in which the path of its source counts."""
    begin = clip.index(b"\x21\xfe")
    return clip[:begin] + clip[begin + 3 + clip[begin + 2] + 1 :]


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the clips of docs/gallery.md again.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "data" / "gallery")
    parser.add_argument("--check", action="store_true", help="replace no clip that is another")
    options = parser.parse_args()
    draw_all(options.folder)
    others = 0
    for words in commands():
        program = [sys.executable, "-m", "luigi_gif.cli", "--quiet", *words[1:]]
        subprocess.run(program, cwd=options.folder, check=True, stdout=subprocess.DEVNULL)
        made, shown = options.folder / words[-1], CLIPS / words[-1]
        is_same = shown.exists() and (
            without_comment(made.read_bytes()) == without_comment(shown.read_bytes())
        )
        others += not is_same
        if not is_same and not options.check:
            shutil.copyfile(made, shown)
        print(f"{words[-1]}: {made.stat().st_size:,} bytes, {'as shown' if is_same else 'another'}")
    return 1 if options.check and others else 0


if __name__ == "__main__":
    sys.exit(main())
