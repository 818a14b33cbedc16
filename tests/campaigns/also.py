"""Kill runs while they make the files beside a clip: whatever is left, the next run is right.

usage: python tests/campaigns/also.py [--kills 30] [--seed 1] [--frames 60]
                                      [--also webp,apng,avif,mp4,webm,poster]

Each kill is a SIGKILL at an instant drawn over the time that CombineGif takes. After it no file
under a final name may be partial; after the run that follows, each is byte for byte that of a run
without kills, and no temporary file is left. A run with nothing to do removes none: where all files
were there, one is taken away, and the run follows once more.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.images import DELIMITER, true_color  # noqa: E402

import luigi_gif  # noqa: E402
from luigi_gif import settings, storage  # noqa: E402
from luigi_gif.parameters import Workers  # noqa: E402

TEMPORARY = storage.TEMPORARY_SUFFIX
FORMATS = "webp,apng,avif,mp4,webm,poster"


def campaign(kills: int, seed: int, frames: int, also: str, folder: Path) -> Iterator[str]:
    """One line a kill: its instant, and what was there.

    Raises AssertionError where something is not as promised.
    """
    instants = random.Random(seed)
    start = folder / "start"
    start.mkdir()
    bundle = DELIMITER.join(true_color(number) for number in range(frames))
    (start / "image-data.img").write_bytes(bundle)
    written = _task(start, also).requires()
    for step in (written.requires(), written):
        step.run()
    whole = shutil.copytree(start, folder / "whole")
    begin = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(_begin(whole, also), 0)[1]) == 0
    lasts_s = time.monotonic() - begin
    made = {path.name: path.read_bytes() for path in whole.glob("clip.*")}
    assert len(made) == 1 + len(also.split(","))
    for number in range(kills):
        workdir = shutil.copytree(start, folder / f"kill-{number}")
        run, instant = _begin(workdir, also), instants.uniform(0, lasts_s)
        time.sleep(instant)
        os.kill(run, signal.SIGKILL)
        os.waitpid(run, 0)
        there = sorted(path.name for path in workdir.glob("clip.*") if path.suffix != TEMPORARY)
        for name in there:
            assert (workdir / name).read_bytes() == made[name], f"kill {number}: {name} is partial"
        _check_next_run(workdir, also, made, f"kill {number}")
        if len(there) == len(made):
            (workdir / there[0]).unlink()
            _check_next_run(workdir, also, made, f"kill {number}, without {there[0]}")
        left = [path for path in workdir.rglob("*") if path.suffix == TEMPORARY]
        assert not left, f"kill {number}: left {left}"
        shutil.rmtree(workdir)
        yield f"kill {number}: after {instant:.3f} s; {', '.join(there) or 'nothing'} was there"


def _check_next_run(workdir: Path, also: str, made: dict[str, bytes], what: str) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(_begin(workdir, also), 0)[1])
    assert code == 0, f"{what}: the run that follows fails"
    found = {path.name: path.read_bytes() for path in workdir.glob("clip.*")}
    other = [name for name in made if found.get(name) != made[name]]
    assert not other, f"{what}: other {other}"


def _task(workdir: Path, also: str) -> luigi_gif.CombineGif:
    return luigi_gif.CombineGif(url="unused", workdir=str(workdir), also=also)


def _begin(workdir: Path, also: str) -> int:
    """A process that runs CombineGif in this work directory."""
    process = os.fork()
    if not process:
        code = 1
        try:
            config = settings.dask(workers=Workers(0, 0))
            settings.dask.current = classmethod(lambda _: config)  # type: ignore[method-assign, assignment]
            task = _task(workdir, also)
            task.alone = True
            task.run()
            code = 0
        finally:
            os._exit(code)
    return process


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill runs that make files beside a clip.")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--also", default=FORMATS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arguments = options.kills, options.seed, options.frames, options.also
        for line in campaign(*arguments, Path(folder)):
            print(line, flush=True)
    print(f"{options.kills} kills, seed {options.seed}: all as promised")


if __name__ == "__main__":
    main()
