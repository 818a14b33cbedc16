"""Pictures of which some are damaged, repeated, placeholders or blank: the right ones are shown.

usage: python tests/campaigns/healthy.py [--pictures 1000] [--seed 1] [--kills 4]

Of a thousand pictures 100 are damaged in four ways, 50 have the pixels of the one shown before in
another file, 10 are a known placeholder and 10 of one color, at places that are drawn. Each clip
shows exactly the others, each for as long as it has to; the manifest lists what is left out, and
why; without being asked, nothing is left out but what is damaged. The clip and the manifest are the
same from one thread, from threads and from a cluster, and from a run that was killed after a drawn
number of frames and went on.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageSequence

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.images import saved  # noqa: E402

from luigi_gif import frames, storage  # noqa: E402

SIZE = (24, 16)
COLORS = [(0, 0, 0), (200, 30, 30), (30, 200, 30), (30, 30, 200)]
GIF_DELAY_MS, OTHER_DELAY_MS = 50, 100
"""Of a picture that is a GIF, and of any other, which has none of its own."""
DAMAGED, REPEATED, PLACEHOLDER, BLANK = "damaged", "repeated", "placeholder", "blank"
SHARES = {DAMAGED: 0.1, REPEATED: 0.05, PLACEHOLDER: 0.01, BLANK: 0.01}
PLACEHOLDER_FILE = saved(Image.linear_gradient("L").resize(SIZE), "PNG")
IGNORED = hashlib.sha256(PLACEHOLDER_FILE).hexdigest()
OPTIONS = [
    [],
    ["--duplicates", "merge"],
    ["--duplicates", "drop"],
    ["--duplicates", "merge", "--ignore-sha256", IGNORED, "--drop-blank"],
]
EXECUTORS = {
    "serial": ["--dask-workers", "0"],
    "threads": [],
    "cluster": ["--dask-cluster", "distributed.LocalCluster"],
}
Command = Callable[..., int]


class Picture(NamedTuple):
    """One of a folder."""

    kind: str
    file: bytes
    pixels: tuple[str, int]
    """What it shows: the same for the same pixels."""

    @property
    def delay_ms(self) -> int:
        return GIF_DELAY_MS if self.file.startswith(b"GIF") else OTHER_DELAY_MS


class Expected(NamedTuple):
    """What is to become of the pictures."""

    shown: list[tuple[int, int]]
    """Number and milliseconds of each that the clip shows."""
    left_out: dict[int, str]
    """Why each of the others is not shown, by number."""


def campaign(
    count: int,
    seed: int,
    folder: Path,
    run: Command,
    executors: Mapping[str, list[str]],
    sets: Iterable[list[str]] = OPTIONS,
) -> Iterator[str]:
    """One line for each set of options. Raises AssertionError where something is not right."""
    pictures = draw_pictures(count, seed)
    offer(pictures, folder / "pictures")
    for options in sets:
        made = {}
        for name, executor in executors.items():
            workdir = folder / "-".join([name, *options])
            assert run(*command(folder, workdir, *options, *executor)) == 0
            made[name] = outputs(workdir)
        assert made == dict.fromkeys(made, made["serial"]), f"{options}: not the same from all"
        expected = expected_of(pictures, options)
        workdir = folder / "-".join(["serial", *options])
        check_clip(pictures, expected.shown, workdir / "clip.gif")
        assert listed(workdir) == expected.left_out
        yield f"{told(options)}: {len(expected.shown)} shown, {counted(expected)}"
    assert counted(expected) == wanted_counts(count), "not all of them are found"


def resumed(folder: Path, kills: int, seed: int) -> Iterator[str]:
    """One line a kill. Raises AssertionError where the next run makes something else."""
    draw = random.Random(seed)
    whole = folder / "-".join(["serial", *OPTIONS[-1]])
    frame_count = len(list(whole.glob("frames/*.gif")))
    for number in range(kills):
        workdir = folder / f"kill-{number}"
        process = started(folder, workdir)
        wanted = draw.randrange(frame_count)
        while process.poll() is None and len(list(workdir.glob("frames/*.gif"))) <= wanted:
            time.sleep(0.005)
        with contextlib.suppress(ProcessLookupError):  # it may have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        written = len(list(workdir.glob("frames/*.gif")))
        assert started(folder, workdir).wait() == 0
        assert outputs(workdir) == outputs(whole), f"kill {number}: another clip or manifest"
        yield f"kill {number} with {written} of {frame_count} frames: goes on to the same"


def draw_pictures(count: int, seed: int) -> list[Picture]:
    """Pictures of all kinds in an order that is drawn; the first is a good one."""
    draw = random.Random(seed)
    kinds = [kind for kind, number in wanted_counts(count).items() for _ in range(number)]
    kinds += ["good"] * (count - 1 - len(kinds))
    draw.shuffle(kinds)
    pictures: list[Picture] = []
    good = 0
    for number, kind in enumerate(["good", *kinds]):
        if kind == PLACEHOLDER:
            pictures.append(Picture(kind, PLACEHOLDER_FILE, (kind, 0)))
            continue
        if kind == BLANK:
            blank = Image.new("RGB", SIZE, (number % 256, 90, 20))
            pictures.append(Picture(kind, saved(blank, "PNG"), (kind, number % 256)))
            continue
        good = number if kind == "good" else good
        file = file_of(number if kind == DAMAGED else good, draw)
        if kind == DAMAGED:
            file = damaged(file, draw)
        pictures.append(Picture(kind, file, ("good", good)))
    return pictures


def wanted_counts(count: int) -> dict[str, int]:
    """How many there are of each kind but good ones."""
    return {kind: round(share * count) for kind, share in SHARES.items()}


def file_of(number: int, draw: random.Random) -> bytes:
    """A picture of four colors in a file of a drawn kind."""
    format_ = draw.choice(["PNG", "GIF", "BMP"])
    picture = Image.fromarray(indexes_of(number))
    picture.putpalette([band for color in COLORS for band in color])
    if format_ == "GIF":
        return saved(picture, format_, optimize=False, duration=GIF_DELAY_MS)
    options = {"compress_level": draw.randint(1, 9)} if format_ == "PNG" else {}
    return saved(picture.convert("RGB"), format_, **options)


def indexes_of(number: int) -> np.ndarray:
    """The colors of a picture that no other has, height x width."""
    return np.random.default_rng(number).integers(0, 4, SIZE[::-1], np.uint8)


def damaged(file: bytes, draw: random.Random) -> bytes:
    """What cannot be shown."""
    return draw.choice([file[: len(file) // 2], file[:8] + bytes(40), b"<html>busy</html>", b""])


def offer(pictures: list[Picture], folder: Path) -> None:
    """Put them into a folder."""
    folder.mkdir()
    for number, picture in enumerate(pictures):
        (folder / f"{number:04}.png").write_bytes(picture.file)


def expected_of(pictures: list[Picture], options: list[str]) -> Expected:
    """What is to become of the pictures with these options of luigi-gif."""
    shown: list[tuple[int, int]] = []
    left_out: dict[int, str] = {}
    for number, picture in enumerate(pictures):
        is_unwanted = (picture.kind == PLACEHOLDER and IGNORED in options) or (
            picture.kind == BLANK and "--drop-blank" in options
        )
        is_repeated = bool(shown) and pictures[shown[-1][0]].pixels == picture.pixels
        if picture.kind == DAMAGED or is_unwanted:
            left_out[number] = picture.kind
        elif is_repeated and "--duplicates" in options:
            before, delay_ms = shown[-1]
            left_out[number] = f"{REPEATED} {before}"
            shown[-1] = before, delay_ms + picture.delay_ms * ("merge" in options)
        else:
            shown.append((number, picture.delay_ms))
    return Expected(shown, left_out)


def check_clip(pictures: list[Picture], shown: list[tuple[int, int]], clip: Path) -> None:
    """Raise AssertionError unless a clip shows these, each so long."""
    with Image.open(clip) as image:
        found = [
            (np.asarray(frame.convert("RGB")), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]
    assert [delay_ms for _, delay_ms in found] == [delay_ms for _, delay_ms in shown]
    for (number, _), (pixels, _) in zip(shown, found, strict=True):
        assert (pixels == pixels_of(pictures[number])).all(), f"frame {number} is another"


def pixels_of(picture: Picture) -> np.ndarray:
    """What a picture shows, height x width x 3."""
    kind, number = picture.pixels
    if kind == "good":
        return np.array(COLORS, np.uint8)[indexes_of(number)]
    with Image.open(io.BytesIO(picture.file)) as image:
        return np.asarray(image.convert("RGB"))


def listed(workdir: Path) -> dict[int, str]:
    """Why frames are not shown, as the manifest says, by number."""
    manifest = frames.load_manifest(storage.open_folder(str(workdir)))
    assert manifest is not None
    kinds = {"ignore-sha256": PLACEHOLDER, "drop-blank": BLANK}
    found = {frame.number: DAMAGED for frame in manifest.skipped}
    found |= {frame.number: kinds[frame.option] for frame in manifest.unwanted}
    return found | {
        frame.number: f"{REPEATED} {frame.shown_number}" for frame in manifest.duplicates
    }


def counted(expected: Expected) -> dict[str, int]:
    """How many are left out for each reason."""
    return dict(Counter(reason.split()[0] for reason in expected.left_out.values()))


def command(folder: Path, workdir: Path, *options: str) -> list[str]:
    """The arguments of luigi-gif."""
    source = str(folder / "pictures")
    return [source, "--workdir", str(workdir), "--on-bad-frame", "skip", *options]


def outputs(workdir: Path) -> dict[str, bytes]:
    """The clip, and what is noted of its frames."""
    names = ("clip.gif", "frames/manifest.json")
    return {name: (workdir / name).read_bytes() for name in names}


def told(options: list[str]) -> str:
    return " ".join(options).replace(IGNORED, "...") or "nothing asked"


def started(folder: Path, workdir: Path) -> subprocess.Popen[bytes]:
    """A run of luigi-gif with all options, in a group of processes of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "luigi_gif.cli", *command(folder, workdir, *OPTIONS[-1])],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def run_command(*arguments: str) -> int:
    """Run luigi-gif; its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "luigi_gif.cli", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description="Show exactly the right pictures of many.")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for line in campaign(options.pictures, options.seed, folder, run_command, EXECUTORS):
            print(line, flush=True)
        for line in resumed(folder, options.kills, options.seed):
            print(line, flush=True)
    print(f"{options.pictures} pictures, seed {options.seed}: as promised")


if __name__ == "__main__":
    main()
