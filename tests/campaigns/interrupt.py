"""Interrupt runs at random instants: each ends in order, and the next completes.

usage: python tests/campaigns/interrupt.py [--times 10] [--seed 1] [--frames 60] [-- FLAGS]

By turns SIGINT goes to the process group of a run, as Ctrl-C does, and SIGTERM to its first
process, as a service manager sends it. The run must end within 5 s with an exit code that is not 0
(or 0 where its work was done by then), at most three lines of message behind its log, no
traceback, no process and no temporary file left; the clip of the run that follows must be byte for
byte that of a run without interrupts.
FLAGS are handed on to the command, such as --dask-cluster distributed.LocalCluster.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.warm import Process, Start  # noqa: E402

DELIMITER = b"\n" * 4
END_S = 5.0
"""Within which a run ends, on a machine that has nothing else to do."""
LOG = ("INFO: ", "WARNING: ", "DEBUG: ")


def campaign(
    times: int,
    seed: int,
    frames: int,
    folder: Path,
    *flags: str,
    within_s: float = END_S,
    popen: Start = subprocess.Popen,
) -> list[str]:
    """One line an interrupt. Raises AssertionError where something is not as promised."""
    instants = random.Random(seed)
    folder.joinpath("bundle.img").write_bytes(DELIMITER.join(map(_picture, range(frames))))
    begin = time.monotonic()
    assert _start(folder, "whole", flags, popen).wait() == 0
    whole_s = time.monotonic() - begin
    clip = (folder / "whole" / "clip.gif").read_bytes()
    lines = []
    for number in range(times):
        name = f"run-{number}"
        run = _start(folder, name, flags, popen)
        _wait_for_a_task(folder / f"{name}.log", run)
        time.sleep(instants.uniform(0, 0.9) * max(0.1, whole_s - 0.7))
        lines.append(_interrupt(number, run, folder, name, within_s))
        assert _start(folder, name, flags, popen).wait() == 0, f"{name}: the run that follows fails"
        assert (folder / name / "clip.gif").read_bytes() == clip, f"{name}: another clip"
    return lines


def _interrupt(number: int, run: Process, folder: Path, name: str, within_s: float) -> str:
    if run.poll() is not None:
        return f"{name}: had ended before"
    family = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
    begin = time.monotonic()
    if number % 2:
        os.kill(run.pid, signal.SIGTERM)
    else:
        os.killpg(run.pid, signal.SIGINT)
    code = run.wait(within_s + 30)
    seconds = time.monotonic() - begin
    log = (folder / f"{name}.log").read_text()
    before, summary, _ = log.partition("===== Luigi Execution Summary")
    is_done = bool(summary)  # the signal came while the process was ending by itself
    said = [line for line in before.splitlines() if line and not line.startswith(LOG)]
    _, left = psutil.wait_procs(family, timeout=max(0.0, within_s - seconds))
    alive = [process for process in left if process.status() != psutil.STATUS_ZOMBIE]
    assert not alive, f"{name}: left {alive}"
    assert seconds < within_s, f"{name}: took {seconds:.1f} s"
    assert code != 0 or is_done, f"{name}: exit code 0 after\n{log}"
    assert "Traceback" not in log, f"{name}: {log}"
    assert len(said) <= 3, f"{name}: {log}"
    temporary = list((folder / name).rglob("*.luigi-gif-tmp"))
    assert not temporary, f"{name}: left {temporary}\n{log}"
    frames = len(list((folder / name).glob("frames/frame_*.gif")))
    return f"{name}: exit code {code} after {seconds:.1f} s, {frames} frames, {said}"


def _wait_for_a_task(log: Path, run: Process) -> None:
    while run.poll() is None and "DownloadData runs" not in log.read_text():
        time.sleep(0.005)


def _start(folder: Path, name: str, flags: tuple[str, ...], popen: Start) -> Process:
    with open(folder / f"{name}.log", "wb") as log:
        return popen(
            [sys.executable, "-m", "luigi", "--module", "luigi_gif", "CombineGif",
             "--url", "bundle.img", "--workdir", name, "--quality", "best",
             "--optimize", "lossless", *flags],
            cwd=folder,
            env=os.environ | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")},
            stderr=log,
            start_new_session=True,
        )  # fmt: skip


def _picture(number: int) -> bytes:
    gradient = Image.radial_gradient("L").resize((320, 240))
    bands = [gradient.rotate(7 * number + 70 * band) for band in range(3)]
    file = io.BytesIO()
    Image.merge("RGB", bands).save(file, "PNG", compress_level=1)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Interrupt runs at random instants.")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("flags", nargs="*", help="for the luigi command")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        lines = campaign(options.times, options.seed, options.frames, Path(name), *options.flags)
    print("\n".join(lines))
    print(f"{len(lines)} interrupts, seed {options.seed}: all as promised")


if __name__ == "__main__":
    main()
