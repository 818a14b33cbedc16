"""Read a published clip while it is replaced again and again, and kill runs that publish.

usage: python tests/campaigns/publish.py [--replacements 1000] [--kills 50] [--seed 1]
                                         [--store s3 | gcs | azure]

On a local disk, then on a store that runs on loopback. A process of its own reads the place in a
loop: each time it has to find one of the two clips, whole. A kill is a SIGKILL of a run of
PublishGif, at an instant drawn over the time that it takes: the old clip or the new one has to be
there, whole, and the next run has to publish the new one, and to leave nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import fsspec

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.images import DELIMITER  # noqa: E402
from support.stores import STORES  # noqa: E402

from luigi_gif import PublishGif  # noqa: E402

PATIENCE_S = 600.0
READER = "--reader"


def clip_tasks(folder: Path, place: str, sizes: Sequence[int]) -> list[PublishGif]:
    """Tasks that publish clips of so many frames at the same place; the clips are made."""
    sample = (ROOT / "examples" / "sample.img").read_bytes()
    frames = [frame for frame in sample.split(DELIMITER) if frame]
    tasks = []
    for number, size in enumerate(sizes):
        bundle = folder / f"{number}.img"
        chosen = (frames[(number + index) % len(frames)] for index in range(size))
        bundle.write_bytes(DELIMITER.join(chosen))
        task = PublishGif(url=str(bundle), workdir=str(folder / f"work-{number}"), to=place)
        task.alone = True
        tasks.append(task)
    return tasks


def publish(task: PublishGif) -> None:
    """As a run of Luigi does."""
    assert not task.complete()
    task.run()
    assert task.complete()
    task.forget_run()


def content(place: str) -> bytes:
    """What lies at a place, as anybody reads it. Raises FileNotFoundError."""
    system, path = fsspec.core.url_to_fs(place)
    return bytes(system.cat_file(path))


def beside(place: str) -> list[str]:
    """The names of all that lies in its folder."""
    system, path = fsspec.core.url_to_fs(place)
    system.invalidate_cache()
    return sorted(os.path.basename(each) for each in system.find(os.path.dirname(path)))


@contextlib.contextmanager
def reader(folder: Path, place: str, right: set[bytes]) -> Iterator[Callable[[], int]]:
    """A process that reads a place in a loop; the function ends it, and says how often it has.

    Raises AssertionError where it did not find one of the right clips each time.
    """
    end = folder / "end"
    end.unlink(missing_ok=True)
    digests = [hashlib.sha256(data).hexdigest() for data in right]
    command = [sys.executable, __file__, READER, place, str(end), *digests]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reads\n"

        def finish() -> int:
            end.touch()
            said = process.communicate(timeout=PATIENCE_S)[0]
            assert process.returncode == 0, said
            return int(said)

        try:
            yield finish
        finally:
            process.kill()


def read_again_and_again(place: str, end: str, *digests: str) -> None:
    """What that process does."""
    count = 0
    print("reads", flush=True)
    while not os.path.exists(end):
        data = content(place)
        if hashlib.sha256(data).hexdigest() not in digests:
            sys.exit(f"read {count} found {len(data)} bytes that are none of the clips")
        count += 1
    print(count)


def replacements(folder: Path, place: str, count: int, sizes: Sequence[int] = (20, 30)) -> int:
    """Replace a clip that is read in a loop so often; how often it was read.

    Raises AssertionError where a reader saw anything but one of the two clips.
    """
    tasks = clip_tasks(folder, place, sizes)
    right = set()
    for task in tasks:
        publish(task)
        right.add(content(place))
    assert len(right) == len(tasks)
    with reader(folder, place, right) as finish:
        for number in range(count):
            publish(tasks[number % len(tasks)])
        return finish()


def kills(folder: Path, place: str, count: int, seed: int) -> Iterator[str]:
    """One line for each run that is killed. Raises AssertionError where all is not as promised."""
    tasks = clip_tasks(folder, place, (400, 500))
    clips = []
    for task in tasks:
        publish(task)
        clips.append(content(place))
    instants = random.Random(seed)
    lasts = _seconds(tasks[0], folder)
    for number in range(count):
        new = (number + 1) % len(tasks)
        run = _start(tasks[new], folder)
        instant = _kill(run, folder, instants.uniform(0, lasts))
        found = content(place)
        assert found in clips, f"kill {number}: {len(found):,} bytes that are none of the clips"
        run = _start(tasks[new], folder)
        assert run.wait(PATIENCE_S) == 0, (folder / "log").read_text()
        assert content(place) == clips[new], f"kill {number}: the next run published another clip"
        assert beside(place) == [os.path.basename(place)], f"kill {number}: {beside(place)}"
        which = "the new" if found == clips[new] else "the old"
        yield f"kill {number} after {instant:.3f} s: {which} clip; the next run is right"


def _start(task: PublishGif, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "luigi", "--module", "luigi_gif", "PublishGif",
             "--url", task.url, "--workdir", task.workdir, "--to", task.to],
            env=os.environ | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")},
            stderr=log,
            start_new_session=True,
        )  # fmt: skip


def _seconds(task: PublishGif, folder: Path) -> float:
    """How long it takes from the beginning of its run to its end."""
    run = _start(task, folder)
    begin = _wait_for_run(run, folder)
    assert run.wait(PATIENCE_S) == 0, (folder / "log").read_text()
    return time.monotonic() - begin


def _kill(run: subprocess.Popen[bytes], folder: Path, instant: float) -> float:
    _wait_for_run(run, folder)
    time.sleep(instant)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    return instant


def _wait_for_run(run: subprocess.Popen[bytes], folder: Path) -> float:
    while run.poll() is None and "PublishGif runs" not in (folder / "log").read_text():
        time.sleep(0.001)
    return time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description="Read and kill while a clip is published.")
    parser.add_argument("--replacements", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=STORES, default="s3")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, STORES[options.store]() as store:
        os.environ.update(store.environment)
        for where in ("local", options.store):
            folder = Path(name) / where
            (folder / "site").mkdir(parents=True)
            site = str(folder / "site") if where == "local" else store.bucket()
            reads = replacements(folder, f"{site}/clip.gif", options.replacements)
            print(f"{where}: {options.replacements} replacements, {reads} reads", flush=True)
            (folder / "killed").mkdir()
            for line in kills(folder / "killed", f"{site}/clip.gif", options.kills, options.seed):
                print(f"{where}: {line}", flush=True)
    print(f"{options.replacements} replacements, {options.kills} kills, seed {options.seed}: "
          "all as promised")  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == [READER]:
        read_again_and_again(*sys.argv[2:])
    else:
        main()
