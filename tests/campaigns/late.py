"""Let a worker of a killed run wake up late: whatever it still writes, no clip is wrong.

usage: python tests/campaigns/late.py [--rounds 100] [--seed 1] [--frames 48]

A scheduler and three workers of one thread are processes of their own. In each round a run is
killed while they write its frames, or parts of its clip, and one of them is frozen in the middle.
Another run, of another bundle or with other flags, then uses the same work directory, and the
frozen worker wakes up at a random instant of it. A run that ends with 0 has the right clip; one
that does not has one clear error, and one of the next runs ends with 0.
"""

from __future__ import annotations

import argparse
import io
import itertools
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.warm import Process  # noqa: E402

from campaigns import cluster as cluster_campaign  # noqa: E402
from campaigns.cluster import ERROR, FRAME, PART, Cluster, DaskProcess, _environment  # noqa: E402

DELIMITER = b"\n" * 4
BUNDLES = ("a.img", "b.img")
FLAGS = (
    ("--optimize", "lossless"),
    ("--optimize", "lossless", "--frame-duration-ms", "500"),
    ("--optimize", "lossless", "--size", "96x72"),
    ("--frame-duration-ms", "500"),
    ("--size", "96x72"),
)
PATIENCE_S = 120.0
MAX_RUNS = 4
"""After so many runs one must have ended well: a worker is late with a few batches at the most."""

Recipe = tuple[str, tuple[str, ...]]


def campaign(rounds: int, seed: int, frames: int, folder: Path) -> Iterator[str]:
    """One line a round: what was killed, when the worker woke up, and how the runs ended.

    Raises AssertionError where a clip is wrong, or a run ends otherwise than promised.
    """
    rng = random.Random(seed)
    for number, name in enumerate(BUNDLES):
        (folder / name).write_bytes(DELIMITER.join(_pictures(frames, seed=number)))
    clips: dict[Recipe, bytes] = {}
    recipes = list(itertools.product(BUNDLES, FLAGS))
    with Cluster(folder) as cluster:
        for number in range(rounds):
            first, second = rng.sample(recipes, 2)
            if second not in clips:
                clips[second] = _whole_clip(folder, second)
            workdir = folder / f"round-{number}"
            told, frozen = _leave_a_worker_frozen(folder, workdir, cluster, first, frames, rng)
            clip = clips[second]
            ends = _runs_while_it_wakes_up(folder, workdir, cluster, frozen, second, clip, rng)
            yield f"round {number}: {told}; {ends}"


def _leave_a_worker_frozen(
    folder: Path, workdir: Path, cluster: Cluster, recipe: Recipe, frames: int, rng: random.Random
) -> tuple[str, DaskProcess]:
    """Kill a run in the middle, with a worker that is frozen."""
    parts = "lossless" in recipe[1] and rng.random() < 0.5
    count = rng.randint(1, 3) if parts else rng.randint(1, frames)
    run = _start(folder, workdir, recipe, "--dask-address", cluster.address)
    _wait_for_files(workdir / "frames", PART if parts else FRAME, count, run)
    frozen = rng.choice(cluster.workers)
    frozen.signal(signal.SIGSTOP)
    time.sleep(rng.uniform(0, 0.05))
    run.kill()
    run.wait()
    return f"killed at {count} {'parts' if parts else 'frames'} of {recipe}", frozen


def _runs_while_it_wakes_up(
    folder: Path,
    workdir: Path,
    cluster: Cluster,
    frozen: DaskProcess,
    recipe: Recipe,
    clip: bytes,
    rng: random.Random,
) -> str:
    run = _start(folder, workdir, recipe, "--dask-address", cluster.address)
    delay_s = rng.uniform(0, 3)
    time.sleep(delay_s)
    frozen.signal(signal.SIGCONT)
    codes: list[int] = []
    while not codes or codes[-1]:
        assert len(codes) < MAX_RUNS, f"no run ends well: {codes}, {_said(workdir)}"
        if codes:
            run = _start(folder, workdir, recipe, "--dask-address", cluster.address)
        codes.append(run.wait(PATIENCE_S))
        if codes[-1]:
            said = _said(workdir)
            assert codes[-1] == 30, said
            assert len(ERROR.findall(said)) == 1, said
            assert "Traceback" not in said, said
    assert (workdir / "clip.gif").read_bytes() == clip, f"another clip than that of {recipe}"
    return f"woken after {delay_s:.2f} s of {recipe}: {codes}"


def _whole_clip(folder: Path, recipe: Recipe) -> bytes:
    """What a run that nothing disturbs makes."""
    workdir = Path(tempfile.mkdtemp(prefix="whole-", dir=folder))
    assert _start(folder, workdir, recipe, "--dask-workers", "0").wait(PATIENCE_S) == 0
    return (workdir / "clip.gif").read_bytes()


def _start(folder: Path, workdir: Path, recipe: Recipe, *who: str) -> Process:
    bundle, flags = recipe
    with workdir.with_suffix(".log").open("wb") as log:
        return cluster_campaign.start(
            [sys.executable, "-m", "luigi", "--module", "luigi_gif", "CombineGif",
             "--url", str(folder / bundle), "--workdir", str(workdir), *who, *flags],
            env=_environment(LUIGI_CONFIG_PATH=str(ROOT / "luigi.cfg")),
            stderr=log,
        )  # fmt: skip


def _said(workdir: Path) -> str:
    return workdir.with_suffix(".log").read_text()


def _wait_for_files(folder: Path, pattern: str, count: int, run: Process) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while run.poll() is None:
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        if sum(re.fullmatch(pattern, name) is not None for name in names) >= count:
            return
        assert time.monotonic() < deadline, "no file appears"
        time.sleep(0.002)


def _pictures(count: int, seed: int) -> Iterator[bytes]:
    """GIFs of noise that changes in places: no two are alike, all are of one size."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (240, 320), np.uint8)
    for _ in range(count):
        top, left = rng.integers(0, 200), rng.integers(0, 280)
        noise[top : top + 40, left : left + 40] = rng.integers(0, 256, (40, 40), np.uint8)
        yield _gif(Image.fromarray(noise))


def _gif(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.convert("P").save(file, "GIF")
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=48)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(options.rounds, options.seed, options.frames, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
