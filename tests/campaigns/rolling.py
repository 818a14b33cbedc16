"""A folder of pictures that changes from run to run: its frames are those of a new work directory.

usage: python tests/campaigns/rolling.py [--runs 300] [--seed 1]

Pictures come and go, at the end, at the beginning and between others; they change places, are the
same as others, or are damaged. Options come and go too, and some runs are killed when they rename,
replace or remove a file. Each run that ends well leaves exactly the files that a new work directory
has, and makes no frame that the run before has made.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from luigi.task_register import Register

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.images import gif, true_color  # noqa: E402

import luigi_gif  # noqa: E402
from campaigns.changes import PLACEHOLDER, chunks_of  # noqa: E402
from luigi_gif import storage  # noqa: E402
from luigi_gif.frames import frame_to_gif  # noqa: E402
from luigi_gif.frames import manifest as manifests  # noqa: E402

Options = dict[str, Any]
Files = dict[str, bytes]
DAMAGED = b"<html>busy</html>"
IGNORED = gif(3, (30, 20))
_OPTIONS: dict[str, list[Any]] = {
    "duplicates": ["merge", "drop"],
    "drop_blank": [True],
    "ignore_sha256": [hashlib.sha256(IGNORED).hexdigest()],
    "caption": ["{name}", "{number}/{count}"],
    "size": ["24x"],
    "sort": ["time"],
    "last": [6],
    "every": [2],
}


class Frames(NamedTuple):
    """What a run leaves, and what it has done for it."""

    files: Files
    said: list[tuple[int, str]]
    """Of frames, by their numbers."""
    made: int
    """How many frames were made of pictures."""


def picture(number: int, draw: random.Random) -> bytes:
    """One of many pictures, now and then one that cannot be shown or is like others."""
    if draw.random() < 0.15:
        return draw.choice([PLACEHOLDER, DAMAGED, IGNORED, true_color(0), gif(2, (64, 48))])
    return gif(number % 200, (16, 12)) if draw.random() < 0.3 else true_color(number)


def change(folder: Path, number: int, draw: random.Random) -> None:
    """Change the pictures of a folder, which are shown in the order of their names."""
    names = sorted(os.listdir(folder))
    for step in range(draw.choice([1, 1, 2, 5])):
        what, name = draw.random(), f"cam_{number * 10 + step:07}.png"
        if what < 0.5 or len(names) < 4:
            (folder / name).write_bytes(picture(number * 10 + step, draw))
        if what < 0.3 and len(names) > 8:
            (folder / names.pop(0)).unlink()
        elif 0.5 <= what < 0.6 and names:
            between = f"{draw.choice(names)[:-4]}_{number}_{step}.png"
            (folder / between).write_bytes(picture(number * 10 + step, draw))
        elif 0.6 <= what < 0.75 and len(names) > 3:
            (folder / names.pop(draw.randrange(len(names)))).unlink()
        elif 0.75 <= what < 0.85 and len(names) > 1:
            one, other = (folder / each for each in draw.sample(names, 2))
            data = one.read_bytes()
            one.write_bytes(other.read_bytes())
            other.write_bytes(data)
        elif what >= 0.85 and names:
            (folder / draw.choice(names)).write_bytes(picture(number * 10 + step, draw))


def run(source: Path, workdir: Path, options: Options) -> Frames:
    """Run the pipeline: what lies in its folder of frames, and its clip."""
    Register.clear_instance_cache()
    with mock.patch.object(
        frame_to_gif, "render_frame", side_effect=frame_to_gif.render_frame
    ) as render:
        luigi_gif.make_gif(
            source,
            workdir.with_suffix(".gif"),
            workdir=workdir,
            on_bad_frame="skip",
            palette="frame",
            **options,
        )
    files = {
        path.name: path.read_bytes()
        for path in [workdir / "clip.gif", *(workdir / "frames").iterdir()]
        if path.name not in ("manifest.json", "records.json")
    }
    manifest = manifests.load_manifest(storage.open_folder(str(workdir)))
    assert manifest is not None
    return Frames(files, manifest.reasons + manifest.notes, render.call_count)


def run_killed(source: Path, workdir: Path, options: Options, call: int) -> None:
    """Run the pipeline in another process, which is killed at one of its calls of the system."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    left = [call]

    def fatal(real: Any) -> Any:
        def called(*arguments: Any, **keywords: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **keywords)

        return called

    for name in ("rename", "replace", "unlink"):
        setattr(os, name, fatal(getattr(os, name)))
    try:
        run(source, workdir, options)
    finally:
        os._exit(0)


def pictures(folder: Path) -> Counter[bytes]:
    """How often each picture is there."""
    return Counter(path.read_bytes() for path in folder.iterdir())


def campaign(runs: int, seed: int, folder: Path) -> Iterator[str]:
    """One line a run. Raises AssertionError where one leaves something else than it should."""
    draw = random.Random(seed)
    source, kept = folder / f"pictures-{seed}", folder / f"kept-{seed}"
    source.mkdir()
    for number in range(draw.choice([6, 97, 101]) if runs > 20 else 9):
        (source / f"cam_{number:07}.png").write_bytes(picture(number, draw))
    options: Options = {}
    before: tuple[Counter[bytes], Options] | None = None
    for number in range(1000, 1000 + runs):
        change(source, number, draw)
        if draw.random() < 0.3:
            name = draw.choice(list(_OPTIONS))
            options = {key: value for key, value in options.items() if key != name}
            if draw.random() < 0.6:
                options[name] = draw.choice(_OPTIONS[name])
        killed = draw.random() < 0.3
        with chunks_of(draw.choice([1, 2, 3, 50])):
            if killed:
                run_killed(source, kept, options, draw.randrange(40))
            made = run(source, kept, options)
        with tempfile.TemporaryDirectory(dir=folder) as name, chunks_of(100):
            fresh = run(source, Path(name) / "work", options)
        made_names, fresh_names = made.files.keys(), fresh.files.keys()
        assert made_names == fresh_names, f"run {number}: {made_names ^ fresh_names}"
        assert made.said == fresh.said, f"run {number} with {options}"
        for name in fresh_names:
            assert made.files[name] == fresh.files[name], f"run {number}: {name} with {options}"
        now = pictures(source)
        if before is not None and not killed and before[1] == options and not options:
            new = sum((now - before[0]).values())
            assert made.made <= new, f"run {number}: {made.made} frames made, not {new}"
        before = now, options
        yield f"{number}: {sum(now.values())} pictures, {options}: {made.made} made"


def main() -> None:
    parser = argparse.ArgumentParser(description="Change the pictures of a folder again and again.")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for line in campaign(arguments.runs, arguments.seed, Path(name)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
