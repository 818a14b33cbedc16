"""A few pictures of four colors, which a GIF holds as they are, and whether a clip shows them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from support.animations import CLEAR, RESTORE, Part
from support.decoders import Pixels
from support.images import saved

SIZE = (10, 8)
COLORS = [(0, 0, 0), (200, 30, 30), (30, 200, 30), (30, 30, 200)]
NUMBERS = range(7, 13)
"""Those that their names have: as texts, ten comes before nine."""
DELAYS_MS = [50, 70, 200, 100, 30, 90]
"""Of what has delays of its own."""
NO_DELAYS_MS = [100] * len(NUMBERS)
"""Of all else."""
EXECUTORS: dict[str, Callable[[str], list[str]]] = {
    "serial": lambda _: ["--dask-workers", "0"],
    "threads": lambda _: [],
    "cluster": lambda address: ["--dask-address", address],
}
"""The options that choose who writes the frames, by the address of a scheduler."""


def _drawn() -> Iterator[Pixels]:
    """Each differs from the one before in a part of it."""
    draw = random.Random(14)
    pixels = np.zeros((SIZE[1], SIZE[0], 4), np.uint8)
    left, top, right, bottom = 0, 0, *SIZE
    for _ in NUMBERS:
        for y in range(top, bottom):
            for x in range(left, right):
                pixels[y, x] = *draw.choice(COLORS), 255
        yield pixels.copy()
        left, top = draw.randrange(SIZE[0] - 3), draw.randrange(SIZE[1] - 3)
        right, bottom = left + 3, top + 3


PIXELS = list(_drawn())
"""Of each picture; all of them are opaque."""
PICTURES = {
    f"frame_{number}.png": saved(Image.fromarray(pixels).convert("RGB"), "PNG")
    for number, pixels in zip(NUMBERS, PIXELS, strict=True)
}


def parts(disposals: Sequence[int]) -> Iterator[Part]:
    """Parts of an animation of the pictures: each holds only what the one before has not left."""
    canvas = np.zeros_like(PIXELS[0])
    for wanted, disposal, delay_ms in zip(PIXELS, disposals, DELAYS_MS, strict=True):
        differs = (canvas != wanted).any(axis=2)
        rows, columns = np.nonzero(differs)
        left, top = (int(min(places)) & ~1 for places in (columns, rows))  # a WebP has even ones
        area = slice(top, int(max(rows)) + 1), slice(left, int(max(columns)) + 1)
        picture = Image.fromarray(np.where(differs[..., None], wanted, 0)[area].astype(np.uint8))
        yield Part(picture, (left, top), disposal, delay_ms)
        if disposal == RESTORE:
            continue
        canvas = wanted.copy()
        if disposal == CLEAR:
            canvas[area] = 0


def paletted(part: Part) -> Part:
    """The same with a picture as a GIF has it: of four colors, and a transparent one."""
    pixels = np.asarray(part.picture)
    indexes = np.full(pixels.shape[:2], len(COLORS), np.uint8)
    for index, color in enumerate(COLORS):
        indexes[(pixels == (*color, 255)).all(axis=2)] = index
    picture = Image.fromarray(indexes, "P")
    picture.putpalette([band for color in COLORS for band in color])
    picture.info["transparency"] = len(COLORS)
    return part._replace(picture=picture)


def same_clips(
    luigi_gif: Callable[..., int], folder: Path, arguments: Iterable[str], cluster: str
) -> Path:
    """The clip of a command, which is the same whoever writes its frames."""
    clips = {}
    for name, options in EXECUTORS.items():
        assert luigi_gif(*arguments, "--workdir", str(folder / name), *options(cluster)) == 0
        clips[name] = (folder / name / "clip.gif").read_bytes()
    assert clips == dict.fromkeys(clips, clips["serial"])
    return folder / "serial" / "clip.gif"


def shown_frames(clip: Path) -> tuple[list[object], list[int]]:
    """The pixels of a clip's frames, and their delays in milliseconds."""
    with Image.open(clip) as image:
        frames = [
            (np.asarray(frame.convert("RGBA")).tolist(), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]
    return [pixels for pixels, _ in frames], [delay_ms for _, delay_ms in frames]
