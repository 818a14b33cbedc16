"""Options that change from run to run: each clip is that of a new work directory.

usage: python tests/campaigns/changes.py [--runs 300] [--seed 1]

Each run of one work directory has other options than the one before: some are given, some are left
out again. Each makes exactly the clip, or fails with the very error, that the same options make in
a new work directory, whose frames lie in other chunks; and each does only the steps that depend on
what has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from luigi.task_register import Register
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.images import DELIMITER, gif, saved, true_color  # noqa: E402
from support.pipeline import STEPS  # noqa: E402

import luigi_gif  # noqa: E402
from luigi_gif.errors import LUIGI_LOGGER, PipelineError  # noqa: E402

Options = dict[str, Any]
PLACEHOLDER = saved(Image.linear_gradient("L").resize((40, 30)), "PNG")
IGNORED = hashlib.sha256(PLACEHOLDER).hexdigest()
PICTURES = [
    true_color(0),
    true_color(1),
    true_color(1),
    gif(2, (64, 48)),
    PLACEHOLDER,
    b"<html>busy</html>",
    gif(1, (20, 50), transparency=1),
    true_color(2),
    true_color(3),
    true_color(5),
]
"""Of several formats and sizes, with one that comes twice, one of one color, and a damaged one."""
_SOURCE: dict[str, list[Any]] = {
    "every": [2],
    "first": [1, 4],
    "last": [2, 5],
    "match": ["*[0-7].*"],
    "timezone": ["Europe/Oslo"],
    "sort": ["time"],
}
_FRAMES: dict[str, list[Any]] = {
    "size": ["24x", "x20", "30x30"],
    "crop": ["20x20+0+0", "50%x50%+25%+25%", "60x48+0+0"],
    "fit": ["contain", "cover"],
    "background": ["#203040"],
    "quality": ["best"],
    "palette": ["frame", "clip"],
    "colors": [2, 16],
    "dither": ["ordered"],
    "caption": ["{number}/{count}", "{name}", "{time:%H:%M %Z}"],
    "caption_position": ["top-left"],
    "caption_size": [9],
    "caption_color": ["#ff0000"],
    "caption_box": ["none", "#00ff00"],
    "caption_timezone": ["Asia/Tokyo"],
    "duplicates": ["merge", "drop"],
    "ignore_sha256": [IGNORED],
    "drop_blank": [True],
}
_CLIP: dict[str, list[Any]] = {
    "fps": [12, 29.97],
    "frame_duration_ms": [40],
    "hold_first_ms": [500],
    "hold_last_ms": [30, 1500],
    "bounce": [True],
    "plays": [1, 3],
    "optimize": ["lossless", "lossy"],
    "tolerance": [30],
    "max_size": [4_000, "8kB", "email"],
    "min_frames": [4],
}
_ALL = _SOURCE | _FRAMES | _CLIP


class Made(NamedTuple):
    """What came of a run."""

    clip: bytes | None
    """None if it failed."""
    words: str
    """What the run said of it: the error, or what was left out and given up."""
    steps: list[str]
    """Those that ran."""


class _Said(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def offer(folder: Path) -> list[str]:
    """Two sources, a folder and a bundle, of the same pictures."""
    pictures = folder / "pictures"
    pictures.mkdir()
    for number, data in enumerate(PICTURES):
        (pictures / f"cam_20261025T00{5 * number:02}Z_{number}.png").write_bytes(data)
    bundle = folder / "pictures.img"
    bundle.write_bytes(DELIMITER.join(PICTURES))
    return [str(pictures), str(bundle)]


@contextmanager
def chunks_of(frames: int) -> Iterator[None]:
    """Frames are parted into chunks of so many, which one thread writes."""
    with (
        mock.patch.object(luigi_gif.settings.dask.workers, "_default", 0),
        mock.patch("luigi_gif.bundles.bundle_frames.COPIED_FRAME_WORK", 1 << 40),
        mock.patch("luigi_gif.bundles.WAYPOINT_WORK", frames << 40),
        mock.patch("luigi_gif.bundles.bundle_frames.WAYPOINT_WORK", frames << 40),
    ):
        yield


def made_in(workdir: Path, source: str, options: Options) -> Made:
    """What comes of a run in a work directory."""
    Register.clear_instance_cache()
    said, logger = _Said(), logging.getLogger(LUIGI_LOGGER)
    logger.addHandler(said)
    level = logger.level
    logger.setLevel(logging.INFO)
    output = workdir.with_suffix(".gif")
    try:
        result = luigi_gif.make_gif(source, output, workdir=workdir, on_bad_frame="skip", **options)
        clip, words = output.read_bytes(), repr(result._replace(path=""))
    except PipelineError as error:
        clip, words = None, str(error).replace(str(workdir), "WORKDIR")
    finally:
        logger.setLevel(level)
        logger.removeHandler(said)
    steps = [step for step in STEPS if any(line.startswith(f"{step} runs:") for line in said.lines)]
    return Made(clip, words, steps)


def changed(options: Options, draw: random.Random) -> Options:
    """Other options: some are given, some are left out again."""
    options = dict(options)
    for _ in range(draw.choice([0, 1, 1, 1, 2, 4])):
        if options and draw.random() < 0.45:
            del options[draw.choice(list(options))]
        else:
            name = draw.choice(list(draw.choice([_SOURCE, _FRAMES, _FRAMES, _CLIP, _CLIP])))
            options[name] = draw.choice(_ALL[name])
    return options


def usable(options: Options, source: str) -> Options:
    """Without those that other ones refuse, or a bundle."""
    options = dict(options)
    if source.endswith(".img"):
        options = {key: value for key, value in options.items() if key not in _SOURCE}
    if "caption" not in options:
        options = {key: value for key, value in options.items() if not key.startswith("caption")}
    if options.get("size") != "30x30":
        options.pop("fit", None)
    if options.get("optimize") != "lossy":
        options.pop("tolerance", None)
    if "fps" in options:
        options.pop("frame_duration_ms", None)
    return options


def expected_steps(before: Options | None, options: Options) -> list[str]:
    """Those that depend on what differs from the options before, which made all."""
    if before is None:
        return STEPS
    names = {name for name in before | options if before.get(name) != options.get(name)}
    times = {"time"} & {before.get("sort"), options.get("sort")}
    told = [each.get("caption", "") for each in (before, options)]
    if names & (_SOURCE.keys() - {"timezone"}) or ("timezone" in names and times):
        return STEPS
    if {before.get("duplicates"), options.get("duplicates")} == {"merge", "drop"}:
        names = names - {"duplicates"} | {"plays"}
    if "timezone" in names and not any("{time" in each for each in told):
        names -= {"timezone"}
    if names & (_FRAMES.keys() | {"timezone"}):
        return STEPS[2:]
    return STEPS[3:] if names else []


def campaign(source: str, runs: int, seed: int, folder: Path) -> Iterator[str]:
    """One line a run. Raises AssertionError where one makes something else than it should."""
    draw = random.Random(seed)
    fresh: dict[str, Made] = {}
    options: Options = {}
    before: Options | None = None
    kept = folder / f"kept-{Path(source).suffix}{seed}"
    for run in range(runs):
        options = usable(changed(options, draw), source)
        key = repr(sorted(options.items()))
        if key not in fresh:
            with tempfile.TemporaryDirectory(dir=folder) as name, chunks_of(100):
                fresh[key] = made_in(Path(name) / "work", source, options)
        with chunks_of(draw.choice([1, 2, 3])):
            made = made_in(kept, source, options)
        assert made.clip == fresh[key].clip, f"run {run}: another clip with {options}, {made.words}"
        # A clip of earlier runs may be current where a later one has failed over its frames.
        assert made.words == fresh[key].words or not made.steps, (
            f"run {run} with {options}: {made.words}, not {fresh[key].words}"
        )
        if made.clip is None:
            before = None
        else:
            if before is not None:
                expected = expected_steps(before, options)
                assert made.steps == expected, f"run {run} with {options}: {made.steps}"
            # After a failure, a clip of earlier runs may be current, but not its frames.
            before = options if made.steps or before is not None else None
        told = made.words.splitlines()[0] if made.clip is None else ""
        yield f"{run}: {options}: {' '.join(made.steps) or 'nothing'} {told}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Change options from run to run.")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for source in offer(Path(name)):
            for line in campaign(source, arguments.runs, arguments.seed, Path(name)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
