"""Kill and freeze parts of a Dask cluster: a run ends well or with one clear error, never hangs.

usage: python tests/campaigns/cluster.py [--runs 50] [--seed 1] [--frames 270] [--fault NAME ...]

A scheduler and three workers of one thread are processes of their own; SIGKILL takes one away,
SIGSTOP freezes it. In each of the runs a worker is killed at a random instant, in turn while frames
are written, shortly after a frame was, and while workers make parts of the clip. The run ends well
all the same, the next one does nothing, and one that has a frame to mend leaves no temporary file.
Then come the faults; each says what it does. Whatever happens, no frame file is ever partial, what
was written stays untouched, and the clip is byte for byte that of a run without a cluster.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.warm import Process, Start  # noqa: E402

DELIMITER = b"\n" * 4
WORKERS = 3
STALL_TIMEOUT_S = 10
THAW_S = 3
NOISE_S = 10
"""What a busy machine may add to a time that is promised."""
PATIENCE_S = 600
"""After which a run that should go on is taken for one that hangs."""
DEATHS = 12
"""Of the workers that have a batch, after which it is given up: Dask's four, three times."""
FRAME = r"frame_[0-9]+\.gif"
start: Start = subprocess.Popen
"""Starts the commands and Dask's programs."""
PART = r"part_[0-9]+\.[0-9a-f]+\.luigi-gif-tmp"
LOSSLESS = ("--optimize", "lossless")
ERROR = re.compile(
    r"^ERROR: .+\n  where:    .+\n  expected: .+\n  got:      .+\n  next:     .+$", re.MULTILINE
)


def campaign(
    runs: int, seed: int, frames: int, folder: Path, faults: Iterable[Fault] | None = None
) -> Iterator[str]:
    """One line a kill and a fault: its instant, and what came of it.

    Raises AssertionError where something is not as promised.
    """
    lab = Lab(folder, frames, seed)
    if runs:
        with Cluster(folder) as cluster:
            for number in range(runs):
                yield f"kill {number}: {_kill(lab, cluster, number)}"
    for fault in FAULTS if faults is None else faults:
        yield f"{fault.__name__}: {fault(lab)}"


class Lab:
    """A folder with a bundle, and what a run without a cluster makes of it."""

    def __init__(
        self, folder: Path, frames: int, seed: int, size: tuple[int, int] = (64, 48)
    ) -> None:
        self.folder = folder
        self.frames = frames
        self.random = random.Random(seed)
        self.whole = folder / "whole"
        self._clips: dict[bool, bytes] = {}
        self._runs = 0
        folder.mkdir(exist_ok=True)
        pictures = (_picture(number, size) for number in range(frames))
        (folder / "bundle.img").write_bytes(DELIMITER.join(pictures))
        self.clip(lossless=False)
        manifest = json.loads((self.whole / "frames" / "manifest.json").read_bytes())
        self.chunk_count = len(manifest["stretches"])

    def clip(self, *, lossless: bool) -> bytes:
        """What a run without a cluster makes."""
        path = self.whole / "clip.gif"
        if lossless not in self._clips:
            path.unlink(missing_ok=True)
            with Run(self, "whole", ("--dask-workers", "0"), LOSSLESS if lossless else ()) as run:
                run.succeeds()
            self._clips[lossless] = path.read_bytes()
        return self._clips[lossless]

    def run(self, cluster: Cluster, *flags: str, goes_on: Run | None = None) -> Run:
        """A run in a fresh work directory, or in one where another left off."""
        self._runs += 1
        name = goes_on.workdir.name if goes_on else f"run-{self._runs}"
        if goes_on:  # with time enough on any machine
            flags = tuple(flag for flag in goes_on.flags if flag not in STALLS)
        return Run(self, name, ("--dask-address", cluster.address), flags)

    def drawn(self) -> int:
        """How many frames there are to be before something happens."""
        return self.random.randint(1, self.frames * 3 // 4)


class Run:
    """The luigi command; it is killed where it has not ended when the block does."""

    def __init__(self, lab: Lab, name: str, who: tuple[str, str], flags: tuple[str, ...]) -> None:
        self.workdir = lab.folder / name
        self.flags = flags
        self._lab = lab
        self._log = lab.folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = start(
                [sys.executable, "-m", "luigi", "--module", "luigi_gif", "CombineGif",
                 "--url", str(lab.folder / "bundle.img"), "--workdir", str(self.workdir),
                 *who, *flags],
                env=_environment(LUIGI_CONFIG_PATH=str(ROOT / "luigi.cfg"), PYTHONFAULTHANDLER="1"),
                stderr=log,
            )  # fmt: skip

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def running(self) -> bool:
        return self._process.poll() is None

    def comes_to(self, count: int, pattern: str = FRAME) -> None:
        """Wait until there are so many files of such names, or until it ends."""
        deadline = time.monotonic() + PATIENCE_S
        while self.running() and len(self._files(pattern)) < count:
            assert time.monotonic() < deadline, f"hangs before file {count}:\n{self._said()}"
            time.sleep(0.002)

    def succeeds(self) -> None:
        code = self._exit_code(PATIENCE_S)
        assert code == 0, f"exit code {code}:\n{self._said()}"

    def ends(self) -> None:
        """Well, and with the same clip as ever."""
        self.succeeds()
        clip = self._lab.clip(lossless="lossless" in self.flags)
        assert (self.workdir / "clip.gif").read_bytes() == clip, "another clip"
        self._check_frames()

    def fails(self, within_s: float, *words: str) -> str:
        """With one clear error that has one of these words; says which, and after how long."""
        begin = time.monotonic()
        code = self._exit_code(within_s + NOISE_S)
        seconds = time.monotonic() - begin
        said = self._said()
        assert code == 30, f"exit code {code}:\n{said}"
        errors = ERROR.findall(said)
        assert len(errors) == said.count("ERROR") == 1, f"not one clear error:\n{said}"
        assert "Traceback" not in said, said
        assert any(word in errors[0] for word in words), errors[0]
        self._check_frames()
        return f"{errors[0].splitlines()[0]!r} after {seconds:.1f} s"

    def does_nothing(self) -> None:
        """What it finds is done."""
        before = self.files()
        self.ends()
        assert self.files() == before, "a run that has nothing to do does something"
        assert self._said().count(" skipped: ") == 4, self._said()

    def files(self, pattern: str = ".*") -> dict[str, tuple[int, int]]:
        """Inode and time of the last change of each file whose name is such."""
        found = {}
        for path in self.workdir.rglob("*"):
            if path.is_file() and re.fullmatch(pattern, path.name):
                status = path.stat()
                found[path.name] = (status.st_ino, status.st_mtime_ns)
        return found

    def frames(self) -> dict[str, tuple[int, int]]:
        """Inode and time of the last change of each frame file."""
        return self.files(FRAME)

    def temporary(self) -> list[str]:
        return list(self.files(r".*\.luigi-gif-tmp"))

    def _said(self) -> str:
        return self._log.read_text()

    def _files(self, pattern: str) -> list[Path]:
        folder = self.workdir / "frames"
        with suppress(FileNotFoundError):
            return [folder / name for name in os.listdir(folder) if re.fullmatch(pattern, name)]
        return []

    def _exit_code(self, within_s: float) -> int:
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)  # faulthandler then says where it is
            self._process.wait()
            raise AssertionError(f"hangs for {within_s:g} s:\n{self._said()}") from None

    def _check_frames(self) -> None:
        """Whatever has the name of a frame has all of its bytes."""
        for path in self._files(FRAME):
            whole = self._lab.whole / "frames" / path.name
            assert path.read_bytes() == whole.read_bytes(), f"{path} is not as it should be"


class DaskProcess(NamedTuple):
    """A scheduler or a worker: a process that writes a log."""

    process: Process
    log: Path

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def said(self, pattern: str) -> str | None:
        """What it has said that matches."""
        match = re.search(pattern, self.log.read_text())
        return match and match[1]

    def says(self, pattern: str) -> str:
        """The same, as soon as it does."""
        deadline = time.monotonic() + PATIENCE_S
        while (words := self.said(pattern)) is None:
            assert self.process.poll() is None, f"ended too early:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"is not ready:\n{self.log.read_text()}"
            time.sleep(0.01)
        return words


class Cluster:
    """A scheduler and its workers, each a process of its own; the block ends with them."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._logs = Path(tempfile.mkdtemp(prefix="cluster-", dir=folder))
        self._environment = environment
        self._started = 0
        self.workers: list[DaskProcess] = []
        self.scheduler = self._start("scheduler", "--port", "0")
        try:
            self.address = self.scheduler.says(r"Scheduler at:\s+(tcp://\S+)")
            self.tend()
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def tend(self, *, wait: bool = True) -> None:
        """Start workers for those that are dead, and wait until they are there."""
        self.workers = [worker for worker in self.workers if worker.process.poll() is None]
        flags = ("--nthreads", "1", "--no-nanny", "--local-directory", str(self._logs))
        while len(self.workers) < WORKERS:
            self.workers.append(self._start("worker", self.address, *flags))
        if wait:
            for worker in self.workers:
                worker.says("(Registered to)")

    def kill_workers(self) -> None:
        for worker in self.workers:
            worker.kill()

    def kill(self) -> None:
        self.scheduler.kill()
        self.kill_workers()

    @contextmanager
    def watched(self) -> Iterator[Callable[[], list[DaskProcess]]]:
        """A function that says which workers have a batch now."""
        from distributed import Client

        def busy() -> list[DaskProcess]:
            begun = {worker.said(r"Start worker at:\s+(\S+)"): worker for worker in self.workers}
            return [begun[address] for address, keys in client.processing().items() if keys]

        with Client(self.address, set_as_default=False) as client:
            yield busy

    def _start(self, part: str, *flags: str) -> DaskProcess:
        self._started += 1
        path = self._logs / f"{part}-{self._started}.log"
        with path.open("wb") as log:
            process = start(
                [sys.executable, "-P", "-m", "dask", part, *flags, "--host", "127.0.0.1",
                 "--no-dashboard", "--dashboard-address", "127.0.0.1:0"],
                env=_environment(**self._environment),
                stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        return DaskProcess(process, path)


def _environment(**more: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("DASK_")} | more


def _picture(number: int, size: tuple[int, int]) -> bytes:
    """A PNG of thousands of colors, for which a palette has to be found."""
    gradient = Image.radial_gradient("L").resize(size)
    picture = Image.merge("RGB", [gradient.rotate(7 * number + 70 * band) for band in range(3)])
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _kill(lab: Lab, cluster: Cluster, number: int) -> str:
    """Any of the three: all of them have something to do."""
    flags = LOSSLESS if number % 3 == 2 else ()
    with lab.run(cluster, *flags) as run:
        begin = time.monotonic()
        if number % 3 == 2:
            run.comes_to(lab.random.randint(1, lab.chunk_count * 3 // 4), PART)
        else:
            run.comes_to(lab.drawn())
            time.sleep(number % 3 * lab.random.uniform(0, 0.2))
        victim = lab.random.choice(cluster.workers)
        victim.process.kill()
        instant = time.monotonic() - begin
        come = f"{len(run.frames())} frames, {len(run.files(PART))} parts"
        run.ends()
        victim.kill()
    cluster.tend()
    left = len(run.temporary())
    with lab.run(cluster, goes_on=run) as idle:
        idle.does_nothing()
    _mend(lab, cluster, run)
    return (
        f"at {instant:.2f} s, with {come}; {left} temporary files are left until a frame is mended"
    )


def _mend(lab: Lab, cluster: Cluster, run: Run) -> None:
    """Delete a frame: the next run writes it alone, and tidies up."""
    lost = lab.random.choice(sorted(run.frames()))
    (run.workdir / "frames" / lost).unlink()
    (run.workdir / "clip.gif").unlink()
    before = run.frames()
    with lab.run(cluster, goes_on=run) as mended:
        mended.ends()
    after = mended.frames()
    assert after.pop(lost)
    assert after == before, "more was written than was missing"
    assert not mended.temporary(), f"left {mended.temporary()}"
    shutil.rmtree(run.workdir)


def _go_on(lab: Lab, cluster: Cluster, failed: Run) -> str:
    """The next run ends well, and writes only what is missing."""
    before = failed.frames()
    with lab.run(cluster, goes_on=failed) as run:
        run.ends()
    after = run.frames()
    assert {name: after[name] for name in before} == before, "what was there was written again"
    assert not run.temporary(), f"left {run.temporary()}"
    shutil.rmtree(run.workdir)
    return f"the next run writes the other {len(after) - len(before)} frames"


def a_worker_is_killed_again_and_again(lab: Lab) -> str:
    """Whoever has the only batch, a drawn number of times: the run bears it, or gives it up."""
    deaths = lab.random.randint(1, DEATHS + 2)
    slow = Lab(lab.folder / "slow", 1, 1, (1600, 1200))
    with Cluster(slow.folder) as cluster, cluster.watched() as busy, slow.run(cluster) as run:
        for death in range(min(deaths, DEATHS)):
            while not (victims := busy()):
                assert run.running(), f"it ends after {death} deaths already"
                time.sleep(0.02)
            victims[0].kill()
            cluster.tend(wait=False)
        if deaths < DEATHS:
            run.ends()
            return f"{deaths} times: the run ends well"
        said = run.fails(0, "lost a batch again and again")
        return f"{DEATHS} times: {said}; {_go_on(slow, cluster, run)}"


def all_workers_are_killed(lab: Lab) -> str:
    """One clear error after the stall timeout."""
    with Cluster(lab.folder) as cluster:
        with lab.run(cluster, *STALLS) as run:
            run.comes_to(lab.drawn())
            cluster.kill_workers()
            said = run.fails(STALL_TIMEOUT_S, "makes no progress")
        cluster.tend()
        return f"{said}; {_go_on(lab, cluster, run)}"


def the_scheduler_is_killed(lab: Lab) -> str:
    """One clear error within 30 s; another scheduler takes over."""
    with Cluster(lab.folder) as cluster, lab.run(cluster) as run:
        run.comes_to(lab.drawn())
        cluster.scheduler.kill()
        said = run.fails(30 - NOISE_S, "lost a batch", "is not there any more")
    with Cluster(lab.folder) as cluster:
        return f"{said}; {_go_on(lab, cluster, run)}"


def the_scheduler_freezes(lab: Lab) -> str:
    """One clear error, 20 s after the stall timeout at the latest; thawed, it can be used."""
    with Cluster(lab.folder) as cluster:
        with lab.run(cluster, *STALLS) as run:
            run.comes_to(lab.drawn())
            cluster.scheduler.signal(signal.SIGSTOP)
            said = run.fails(STALL_TIMEOUT_S + 20 - NOISE_S, "makes no progress", "not there")
            cluster.scheduler.signal(signal.SIGCONT)
        return f"{said}; {_go_on(lab, cluster, run)}"


def a_worker_freezes(lab: Lab) -> str:
    """Others do its batches; when it thaws, it damages nothing."""
    return _freeze(lab, 1)


def most_workers_freeze(lab: Lab) -> str:
    """The one that is left does it all."""
    return _freeze(lab, WORKERS - 1)


def a_worker_freezes_over_a_part(lab: Lab) -> str:
    """The same while workers make parts of the clip."""
    return _freeze(lab, 1, *LOSSLESS)


def _freeze(lab: Lab, count: int, *flags: str) -> str:
    with Cluster(lab.folder) as cluster:
        with lab.run(cluster, *flags) as run:
            if flags == LOSSLESS:
                run.comes_to(lab.random.randint(1, lab.chunk_count // 2), PART)
            else:
                run.comes_to(lab.drawn())
            begin = time.monotonic()
            frozen = lab.random.sample(cluster.workers, count)
            for worker in frozen:
                worker.signal(signal.SIGSTOP)
            run.ends()
            seconds = time.monotonic() - begin
        before = run.files(r"clip\.gif|manifest\.json")
        for worker in frozen:
            worker.signal(signal.SIGCONT)
        time.sleep(THAW_S)
        assert run.files(r"clip\.gif|manifest\.json") == before
        left = len(run.temporary())
        with lab.run(cluster, goes_on=run) as idle:
            idle.does_nothing()
        _mend(lab, cluster, run)
    return f"the run ends well after {seconds:.1f} s; {left} temporary files are left"


Fault = Callable[[Lab], str]
STALLS = ("--dask-stall-timeout", str(STALL_TIMEOUT_S))
FAULTS: tuple[Fault, ...] = (
    a_worker_is_killed_again_and_again,
    all_workers_are_killed,
    the_scheduler_is_killed,
    the_scheduler_freezes,
    a_worker_freezes,
    most_workers_freeze,
    a_worker_freezes_over_a_part,
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill and freeze parts of a Dask cluster.")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=270)
    names = [fault.__name__ for fault in FAULTS]
    parser.add_argument("--fault", nargs="*", choices=names, default=names)
    options = parser.parse_args()
    faults = [fault for fault in FAULTS if fault.__name__ in options.fault]
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lines = campaign(options.runs, options.seed, options.frames, Path(folder), faults)
        for line in lines:
            print(line, flush=True)
    print(
        f"{options.runs} kills and {len(faults)} faults, seed {options.seed}, {options.frames} "
        f"frames, {time.monotonic() - begin:.0f} s: all as promised"
    )


if __name__ == "__main__":
    main()
