"""Kill runs at random instants: whatever is left, the next run completes and is right.

usage: python tests/campaigns/kill.py [--kills 200] [--seed 1] [--frames 270] [--bundle FILE]
                                      [--external]

Each kill is a SIGKILL of the whole process group of a fresh run, at an instant drawn over the time
that a stage takes: download, split, write and combine in turn. After it, no file under a final name
may be partial; after the run that follows, the clip is byte for byte that of a run without kills,
and no temporary file is left. With --external the frames are written by two workers of a Dask
scheduler, which live on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.faults import fault_server, serves  # noqa: E402
from support.services import dask_scheduler, dask_worker  # noqa: E402
from support.warm import Process, Start  # noqa: E402

DELIMITER = b"\n" * 4
STAGES = ("DownloadData", "SplitFrames", "WriteFrames", "CombineGif")
DOWNLOAD_S = 0.15
PATIENCE_S = 600.0


def campaign(
    bundle: bytes, kills: int, seed: int, folder: Path, *flags: str, popen: Start = subprocess.Popen
) -> Iterator[str]:
    """One line a kill: its instant, and what was there.

    Raises AssertionError where something is not as promised.
    """
    with fault_server(serves(bundle, seconds=DOWNLOAD_S)) as server:
        flags = ("--url", server.url(), *flags)
        instants = random.Random(seed)
        lasts = _seconds_of_stages(folder / "whole", flags, popen)
        clip = (folder / "whole" / "clip.gif").read_bytes()
        frames = [frame for frame in bundle.split(DELIMITER) if frame]
        for number in range(kills):
            workdir, stage = folder / f"kill-{number}", STAGES[number % len(STAGES)]
            log = folder / "log"
            run = _start(workdir, log, flags, popen)
            _wait_for(stage, log, run)
            instant = instants.uniform(0, lasts[stage])
            time.sleep(instant)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            there = _check_what_is_there(workdir, bundle, frames, clip)
            code = _start(workdir, log, flags, popen).wait(PATIENCE_S)
            assert code == 0, f"kill {number}: the run that follows fails: {log.read_text()}"
            assert (workdir / "clip.gif").read_bytes() == clip, f"kill {number}: another clip"
            left = [path for path in workdir.rglob("*") if path.suffix in _TEMPORARY]
            assert not left, f"kill {number}: left {left}"
            yield f"kill {number}: {stage} after {instant:.3f} s; {there}; the next run is right"


_TEMPORARY = (".luigi-gif-tmp", ".part")


def _seconds_of_stages(workdir: Path, flags: tuple[str, ...], popen: Start) -> dict[str, float]:
    log = workdir.with_name("log")
    run = _start(workdir, log, flags, popen)
    begins = []
    for stage in STAGES:
        _wait_for(stage, log, run)
        begins.append(time.monotonic())
    assert run.wait(PATIENCE_S) == 0, log.read_text()
    ends = [*begins[1:], time.monotonic()]
    return {stage: end - begin for stage, begin, end in zip(STAGES, begins, ends, strict=True)}


def _wait_for(stage: str, log: Path, run: Process) -> None:
    while run.poll() is None and f"{stage} runs" not in log.read_text():
        time.sleep(0.001)


def _start(workdir: Path, log: Path, flags: tuple[str, ...], popen: Start) -> Process:
    with log.open("wb") as file:
        return popen(
            [sys.executable, "-m", "luigi", "--module", "luigi_gif", "CombineGif",
             "--workdir", str(workdir), *flags],
            env=os.environ | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")},
            stderr=file,
            start_new_session=True,
        )  # fmt: skip


def _check_what_is_there(workdir: Path, bundle: bytes, frames: list[bytes], clip: bytes) -> str:
    """Every file under a final name is whole; says what is there."""
    written = list(workdir.glob("frames/frame_*.gif"))
    for path in written:
        number = int(path.stem.removeprefix("frame_"))
        assert path.read_bytes() == frames[number], f"{path} is partial"
    for name, data in (("image-data.img", bundle), ("clip.gif", clip)):
        path = workdir / name
        assert not path.exists() or path.read_bytes() == data, f"{path} is partial"
    for name in ("image-data.img.json", "frames.json", "frames/manifest.json"):
        if (workdir / name).exists():
            json.loads((workdir / name).read_bytes())
    temporary = len([path for path in workdir.rglob("*") if path.suffix in _TEMPORARY])
    there = [
        name for name in ("image-data.img", "frames.json", "clip.gif") if (workdir / name).exists()
    ]
    return f"{', '.join(there) or 'nothing'}, {len(written)} frames, {temporary} temporary files"


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill runs at random instants.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=270)
    parser.add_argument("--bundle", type=Path, default=ROOT / "examples" / "sample.img")
    parser.add_argument("--external", action="store_true")
    options = parser.parse_args()
    frames = [frame for frame in options.bundle.read_bytes().split(DELIMITER) if frame]
    bundle = DELIMITER.join(frames[number % len(frames)] for number in range(options.frames))
    with contextlib.ExitStack() as stack:
        flags: list[str] = []
        if options.external:
            scheduler = stack.enter_context(dask_scheduler())
            for _ in range(2):
                stack.enter_context(dask_worker(scheduler.address))
            flags = ["--dask-address", scheduler.address]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for line in campaign(bundle, options.kills, options.seed, folder, *flags):
            print(line, flush=True)
    print(f"{options.kills} kills, seed {options.seed}, {options.frames} frames: all as promised")


if __name__ == "__main__":
    main()
