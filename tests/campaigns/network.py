"""Cut a host off in the middle of a run: the run completes, or fails soon and the next completes.

usage: python tests/campaigns/network.py [CASE ...] [--seed 1] [--frames 150]

The run, Dask's scheduler, two workers and the S3 server have a network namespace each, with an
address of its own. A host is cut off when as many frames are in the store as was drawn: what is
sent to it vanishes, and nobody is told. In the end the files are byte by byte those of a local run.
Needs root, ip, and moto; where they are missing, it says so and does nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from PIL import Image

from luigi_gif.storage import TEMPORARY_SUFFIX

ROOT = Path(__file__).parents[2]
_NAMES = ("run", "scheduler", "worker-1", "worker-2", "store")
HOSTS = {name: f"10.77.0.{number}" for number, name in enumerate(_NAMES, 1)}
_HARDWARE = {host: f"02:00:00:00:00:0{address[-1]}" for host, address in HOSTS.items()}
AWAY_S, STALL_TIMEOUT_S = 5, 20
CASES = {
    "nothing lost": 60, "run away": 60, "scheduler away": 60, "worker away": 60, "store away": 60,
    "worker lost": 60, "scheduler lost": STALL_TIMEOUT_S + 30, "store lost": 150,
}  # fmt: skip
"""Who is cut off, for AWAY_S or for good, and how many seconds later the run has ended."""
DASK = f"tcp://{HOSTS['scheduler']}:8786"
URL, WORKDIR = "s3://clips/bundle.img", "s3://clips/work"
_LUIGI = ("-m", "luigi", "--module", "luigi_gif", "CombineGif", "--url", URL, "--workdir")
OF_ITS_PLACE = ("image-data.img.json", "frames.json", "run.json", ".lock")
"""Files that differ from folder to folder."""
ERROR = re.compile(r"^ERROR: .+(?:\n  (?:where|expected|got|next): +.+){4}$", re.MULTILINE)
_S3 = "import fsspec, sys; s3 = fsspec.filesystem('s3'); "


def campaign(cases: Iterable[str], frames: int, seed: int) -> Iterator[str]:
    """One line a case. Raises AssertionError where something is not as promised."""
    bundle = (b"\n" * 4).join(_picture(number) for number in range(frames))
    draw = random.Random(seed)
    for case in cases:
        with tempfile.TemporaryDirectory() as folder, closing(Site(Path(folder))) as site:
            site.serve(bundle)
            yield f"{case}: {_try(case, site, draw, frames)}; all files are right"


def why_not() -> str | None:
    """What this machine lacks for it, or None."""
    if not (importlib.util.find_spec("moto") and importlib.util.find_spec("s3fs")):
        return "moto and s3fs are not both installed"
    try:
        with closing(Site(Path())) as site:
            site.build()
        return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespace: {getattr(error, 'stderr', error)}".strip()


class Site:
    """Hosts on one switch, each in a namespace of its own, and what runs on them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = f"luigi-gif-{os.getpid()}-"
        self._started: list[subprocess.Popen[bytes]] = []
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._env = {key: value for key, value in os.environ.items() if key[:5] != "DASK_"} | {
            "LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg"),
            "AWS_ENDPOINT_URL": f"http://{HOSTS['store']}:5000",
            "AWS_ACCESS_KEY_ID": "anybody",
            "AWS_SECRET_ACCESS_KEY": "anything",
        }

    def close(self) -> None:
        for name in ("switch", *HOSTS):
            with suppress(subprocess.CalledProcessError, FileNotFoundError):
                while processes := _ip("netns", "pids", self._prefix + name).split():
                    for process in processes:
                        with suppress(ProcessLookupError):
                            os.kill(int(process), signal.SIGKILL)
                _ip("netns", "del", self._prefix + name)
        for started in self._started:
            started.wait()

    def build(self) -> None:
        for name in ("switch", *HOSTS):
            _ip("netns", "add", self._prefix + name)
        self._on("switch", "link", "add", "bridge", "up", "type", "bridge")
        for host in HOSTS:
            there = ("name", "eth0", "address", _HARDWARE[host], "netns", self._prefix + host)
            self._on("switch", "link", "add", host, "type", "veth", "peer", *there)
            self._on("switch", "link", "set", host, "master", "bridge", "up")
            self._on(host, "address", "add", f"{HOSTS[host]}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                self._on(host, "link", "set", device, "up")
            for other in HOSTS.keys() - {host}:  # who had to ask would learn who is not there
                hardware = ("lladdr", _HARDWARE[other], "dev", "eth0", "nud", "permanent")
                self._on(host, "neighbor", "add", HOSTS[other], *hardware)

    def serve(self, bundle: bytes) -> None:
        """Start Dask and the store, with the bundle in it, and run once without both."""
        self.build()
        self._start("scheduler", "-m", "dask", "scheduler", "--no-dashboard")
        self.start_workers()
        self._start("store", "-m", "moto.server", "-H", HOSTS["store"])
        self._wait_for("store", "Running on")
        (self._folder / "bundle.img").write_bytes(bundle)
        self._must("-c", _S3 + "s3.mkdir('clips'); s3.put(*sys.argv[1:])", "bundle.img", URL)
        self._must(*_LUIGI, "local", "--dask-workers", "0")
        for host in self._workers:
            self._wait_for(host, "Registered to")

    def start_workers(self) -> None:
        """Anew, as whatever watches over them would: without a scheduler they end themselves."""
        flags = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        for host in ("worker-1", "worker-2"):
            if host in self._workers:
                self._workers[host].kill()
            self._workers[host] = self._start(host, "-m", "dask", "worker", DASK, *flags)

    def run(self) -> subprocess.Popen[bytes]:
        """A run on Dask, and in the store."""
        stall = ("--dask-stall-timeout", str(STALL_TIMEOUT_S))
        return self._start("run", *_LUIGI, WORKDIR, "--dask-address", DASK, *stall)

    def turn(self, host: str, up_or_down: str) -> None:
        self._on("switch", "link", "set", host, up_or_down)

    def log(self, host: str) -> str:
        return (self._folder / host).read_text()

    def wrong_files(self) -> list[str]:
        """The names of those in the store that are not as in a local folder.

        What a dead run could not remove there is not among them.
        """
        self._must("-c", _S3 + "s3.get(*sys.argv[1:], recursive=True)", WORKDIR, "stored")
        local, stored = _files(self._folder / "local"), _files(self._folder / "stored")
        return [name for name in local | stored if local.get(name) != stored.get(name)]

    def _start(self, host: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Python on a host; what it says is that host's log from now on."""
        command = ["ip", "netns", "exec", self._prefix + host, sys.executable, "-P", *arguments]
        with (self._folder / host).open("wb") as log:
            self._started.append(
                subprocess.Popen(command, cwd=self._folder, env=self._env, stdout=log, stderr=log)
            )
        return self._started[-1]

    def _must(self, *arguments: str) -> None:
        assert self._start("run", *arguments).wait(60) == 0, self.log("run")

    def _wait_for(self, host: str, words: str) -> None:
        deadline = time.monotonic() + 60
        while words not in self.log(host):
            assert time.monotonic() < deadline, self.log(host)
            time.sleep(0.02)

    def _on(self, name: str, *command: str) -> None:
        _ip("-netns", self._prefix + name, *command)


def _ip(*command: str) -> str:
    return subprocess.run(["ip", *command], capture_output=True, text=True, check=True).stdout


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in OF_ITS_PLACE and path.suffix != TEMPORARY_SUFFIX
    }


def _try(case: str, site: Site, draw: random.Random, frames: int) -> str:
    role, how = case.split()
    fatal = how == "lost" and role in ("scheduler", "store")
    begin, said = time.monotonic(), "nobody is cut off"
    run = site.run()
    if role != "nothing":
        host = draw.choice([host for host in HOSTS if host.startswith(role)])
        count = draw.randint(1, frames // 2)
        while run.poll() is None and site.log("store").count("PUT /clips/work/frames/f") < count:
            time.sleep(0.01)
        site.turn(host, "down")
        assert run.poll() is None, f"{case}: the run ended before:\n{site.log('run')}"
        said = f"{host} is cut off after {time.monotonic() - begin:.1f} s and {count} frames"
        begin = time.monotonic()
        if how == "away":
            time.sleep(AWAY_S)
            site.turn(host, "up")
    with suppress(subprocess.TimeoutExpired):
        run.wait(begin + CASES[case] - time.monotonic())
    said += f"; the run ends {time.monotonic() - begin:.1f} s later"
    said += "".join(f" ({error.splitlines()[0]})" for error in ERROR.findall(site.log("run")))
    _check_end(case, run.poll(), site.log("run"), fails=fatal)
    if fatal:
        site.turn(host, "up")
        if role == "scheduler":
            site.start_workers()
        begin = time.monotonic()
        _check_end(f"{case}, next run", site.run().wait(60), site.log("run"), fails=False)
        said += f", the next takes {time.monotonic() - begin:.1f} s"
    wrong = site.wrong_files()
    assert not wrong, f"{case}: {said}; wrong are {', '.join(wrong)}"
    return said


def _check_end(case: str, code: int | None, log: str, *, fails: bool) -> None:
    """Done, or failed with one error in our form, and no traceback."""
    found = [len(ERROR.findall(log)), log.count("ERROR"), log.count("Traceback")]
    as_promised = code == (30 if fails else 0) and found == [fails, fails, 0]
    assert as_promised, f"{case}: exit code {code}:\n{log}"


def _picture(number: int) -> bytes:
    """Of many colors, so that it takes a moment to decode."""
    gradient = Image.radial_gradient("L").resize((320, 240))
    bands = [gradient.rotate(5 * number + 70 * band) for band in range(3)]
    file = io.BytesIO()
    Image.merge("RGB", bands).save(file, ("PNG", "JPEG", "WebP")[number % 3])
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Cut a host off in the middle of a run.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=150)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # namespaces outlive their processes
    if reason := why_not():
        print(f"skipped: {reason}")
        return
    for line in campaign(options.cases or CASES, options.frames, options.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
