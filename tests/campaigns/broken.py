"""Break a download again and again, over several runs: what has arrived is not fetched twice.

usage: python tests/campaigns/broken.py [--breaks 20] [--seed 1] [--mb 200]

A server on loopback that honours ranges breaks off at places that are drawn, by FIN or by RST (what
is on its way is then lost). A run tries three times; then the next one goes on. In the end the
bundle must be byte for byte the server's, and at most 1.1 times its size must have been sent.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.faults import Responder, fault_server, serves  # noqa: E402
from support.warm import Start  # noqa: E402

DELIMITER = b"\n" * 4
MAX_SENT_RATIO = 1.1
TASK_FAILED = 30


def campaign(
    bundle: bytes, breaks: int, seed: int, folder: Path, *, popen: Start = subprocess.Popen
) -> Iterator[str]:
    """One line a run. Raises AssertionError where something is not as promised."""
    draw = random.Random(seed)
    places = sorted(draw.uniform(0, 1) for _ in range(breaks))
    lengths = [end - begin for begin, end in zip([0.0, *places], places, strict=False)]
    answers = [_broken(bundle, length, draw.random() < 0.5) for length in lengths]
    with fault_server(*answers, serves(bundle)) as server:
        runs, code = 0, TASK_FAILED
        while code == TASK_FAILED:
            assert runs < breaks, "no run ends well"
            code = _run(server.url(), folder, popen)
            runs += 1
            requests = len(server.requests)
            yield f"run {runs}: exit code {code}, {requests} requests, {server.sent:,} bytes"
        assert code == 0
        assert len(server.requests) == breaks + 1
    arrived = hashlib.sha256((folder / "work" / "image-data.img").read_bytes()).digest()
    assert arrived == hashlib.sha256(bundle).digest(), "another bundle"
    ratio = server.sent / len(bundle)
    assert ratio <= MAX_SENT_RATIO, f"{ratio:.3f} times its size was sent"
    yield f"{breaks} breaks, {runs} runs: byte for byte the same, {ratio:.3f} times its size sent"


def _broken(bundle: bytes, share: float, reset: bool) -> Responder:
    return serves(bundle, stop_after=int(share * len(bundle)), reset=reset)


def _run(url: str, folder: Path, popen: Start) -> int:
    return popen(
        [sys.executable, "-m", "luigi", "--module", "luigi_gif", "DownloadData",
         "--url", url, "--workdir", "work", "--download-retry-delay", "0"],
        cwd=folder,
        env=os.environ | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ).wait()  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Break a download again and again.")
    parser.add_argument("--breaks", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mb", type=int, default=200)
    options = parser.parse_args()
    sample = (ROOT / "examples" / "sample.img").read_bytes()
    bundle = DELIMITER.join([sample] * (options.mb * 10**6 // len(sample) + 1))
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(bundle, options.breaks, options.seed, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
