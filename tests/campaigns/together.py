"""Start the same run many times at once: one right clip, and no error but "already running".

usage: python tests/campaigns/together.py [--rounds 20] [--runs 8] [--frames 270]

Every other run does not wait: it has Luigi's own lock, [core] no_lock = false, and may end with
exit code 10. The others wait for one another, and end with 0.
"""

from __future__ import annotations

import argparse
import collections
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.warm import Process, Start  # noqa: E402

DELIMITER = b"\n" * 4
ALREADY_RUNNING = 10


def campaign(
    bundle: bytes, rounds: int, runs: int, folder: Path, *, popen: Start = subprocess.Popen
) -> Iterator[str]:
    """One line a round. Raises AssertionError where something is not as promised."""
    (folder / "bundle.img").write_bytes(bundle)
    patient = (ROOT / "luigi.cfg").read_text()
    (folder / "patient.cfg").write_text(patient)
    (folder / "impatient.cfg").write_text(patient.replace("no_lock = true", "no_lock = false"))
    assert _start(folder, "alone", "patient", popen).wait() == 0
    clip = (folder / "alone" / "clip.gif").read_bytes()
    for number in range(rounds):
        name = f"round-{number}"
        kinds = [("patient", "impatient")[run % 2] for run in range(runs)]
        started = [_start(folder, name, kind, popen) for kind in kinds]
        codes = [run.wait(timeout=600) for run in started]
        for kind, code in zip(kinds, codes, strict=True):
            allowed = (0,) if kind == "patient" else (0, ALREADY_RUNNING)
            assert code in allowed, f"{name}: {kind}: exit code {code}"
        assert (folder / name / "clip.gif").read_bytes() == clip, f"{name}: another clip"
        left = [path.name for path in (folder / name).rglob("*") if path.suffix in _TEMPORARY]
        assert not left, f"{name}: left {left}"
        counted = sorted(collections.Counter(codes).items())
        yield f"{name}: " + ", ".join(f"exit code {code}: {count}" for code, count in counted)


_TEMPORARY = (".luigi-gif-tmp", ".part")


def _start(folder: Path, workdir: str, kind: str, popen: Start) -> Process:
    return popen(
        [sys.executable, "-m", "luigi", "--module", "luigi_gif", "CombineGif",
         "--url", "bundle.img", "--workdir", workdir],
        cwd=folder,
        env=os.environ | {"LUIGI_CONFIG_PATH": f"{kind}.cfg"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Start the same run many times at once.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--frames", type=int, default=270)
    parser.add_argument("--bundle", type=Path, default=ROOT / "examples" / "sample.img")
    options = parser.parse_args()
    frames = [frame for frame in options.bundle.read_bytes().split(DELIMITER) if frame]
    bundle = DELIMITER.join(frames[number % len(frames)] for number in range(options.frames))
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(bundle, options.rounds, options.runs, Path(folder)):
            print(line, flush=True)
    print(f"{options.rounds} rounds of {options.runs} runs: all as promised")


if __name__ == "__main__":
    main()
