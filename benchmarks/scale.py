"""How time and memory grow: with the frames, with how small they are, and with the workers.

usage: python benchmarks/scale.py linear|small|folder|simulation|workers [--frames N ...] [--runs 3]

linear      Whole processes, luigi --module luigi_gif CombineGif --url URL, on a bundle's frames,
            repeated, fetched over loopback from a server in a process of its own. The floor is
            cp -r, from memory, of all that a run leaves: bundle, frame files, clip. A further
            frame costs what a run takes longer than one of the size before, for each frame that
            it has more. Each run and each cp leave three times the bundle's bytes on the disk.
small       The same on GIFs of 2 KB, no two of them alike.
folder      The same GIFs, each a file of a folder: whole processes, and their seconds of processor.
simulation  What SplitFrames and WriteFrames do on GIFs of 2 KB that do not exist: a file system of
            ours computes the bundle where it is read, forgets the frame files, and keeps the rest
            in memory. Dask is threads of the driver's process, then a scheduler and two worker
            processes, started anew for each size. Memory is the resident set, looked at every
            10 ms from when all is imported.
workers     PNGs of 640x360 with thousands of colors, on one worker process of one thread and on
            two: whole processes, and the writing of the frames alone, as seen within such a one.

Seconds are medians of the runs. Contestants take turns, and what the run before left to be written
is on the disk before one begins. The memory of linear, small and folder is that of all processes of
a run (PSS), in one run more. Files go to TMPDIR, and are removed at the end, as a file system that
has just deleted many is slow at making new ones.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import numpy as np
from compare import DELIMITER, ROOT, combine_gif, measure
from distributed import Client
from fsspec.spec import AbstractFileSystem
from PIL import Image
from psutil import Process

from luigi_gif import WriteFrames, settings, storage
from luigi_gif.bundles import bundle_frames
from luigi_gif.frames import manifest as manifests
from luigi_gif.frames import render_options, write_frames
from luigi_gif.imaging import Look
from luigi_gif.integrations import progress

BUNDLE = "image-data.img"  # as the pipeline calls it
Trial = Callable[[Path], float]  # of a path where it may make something; its seconds


def small_gifs(count: int) -> Iterator[bytes]:
    """One picture of noise, its first color the number of the frame."""
    file = io.BytesIO()
    Image.frombytes("L", (29, 29), random.Random(0).randbytes(29 * 29)).save(file, "GIF")
    screen, rest = file.getvalue()[:13], file.getvalue()[16:]
    for number in range(1, count + 1):
        yield screen + number.to_bytes(3, "big") + rest


FRAME = next(small_gifs(1)) + DELIMITER


class SyntheticFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """synthetic://N is a work directory with a bundle of N frames, in whatever process."""

    protocol = "synthetic"
    kept: ClassVar[dict[str, bytes]] = {}

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        folder, _, name = self._strip_protocol(path).partition("/")
        if name == BUNDLE:
            return {"name": path, "type": "file", "size": int(folder) * len(FRAME)}
        if name.endswith(storage.TEMPORARY_SUFFIX):  # by it a worker knows the driver's folder
            return {"name": path, "type": "file", "size": 1}
        raise FileNotFoundError(path)

    def ls(self, path: str, **_: Any) -> list[Any]:
        return []

    def cat_file(self, path: str, start: int, end: int, **_: Any) -> bytes:
        begin, (whole, rest) = start % len(FRAME), divmod(end - start, len(FRAME))
        turned = FRAME[begin:] + FRAME[:begin]
        return b"".join([turned] * whole + [turned[:rest]])

    def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
        if not path.endswith(".gif"):
            self.kept[path] = value

    def rm_file(self, path: str) -> None:
        self.kept.pop(path, None)


fsspec.register_implementation("synthetic", SyntheticFileSystem, clobber=True)


def grow(options: argparse.Namespace, folder: Path) -> None:
    source = [frame for frame in options.bundle.read_bytes().split(DELIMITER) if frame]
    rows = []
    last, min_mib = (0, math.nan, math.nan), math.inf
    for count in sorted(options.frames):
        at = folder / str(count)
        images = small_gifs(count) if options.part == "small" else islice(cycle(source), count)
        write_bundle(at / BUNDLE, images)
        seconds, floor, peak_mib = whole(at, options.runs)
        further, min_mib = (seconds - last[1]) / (count - last[0]), min(min_mib, peak_mib)
        rows.append(
            f"{count:,} | {seconds:.2f} | {1000 * further:.3f} | {further / last[2]:.2f} "
            f"| {floor:.2f} | {seconds / floor:.1f} | {peak_mib:.0f} | {peak_mib / min_mib:.2f}"
        )
        last = count, seconds, further
    heads = "frames | seconds | ms a further frame | times the last | cp, seconds | times cp"
    table("From URL to clip", f"{heads} | peak MiB | times the least", rows)


def whole(folder: Path, runs: int) -> tuple[float, float, float]:
    """Of the bundle in the folder: our seconds, those of cp, and our peak MiB."""
    server = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"]
    with started(*server, "--directory", str(folder)) as process:
        assert process.stdout
        port = process.stdout.readline().split()[5].decode()
        command = partial(combine_gif, f"http://127.0.0.1:{port}/{BUNDLE}")

        def copy(at: Path) -> float:
            source = str(folder / "ours-0")
            measure(["find", source, "-type", "f", "-exec", "cat", "{}", "+"])  # into memory
            return measure(["cp", "-r", source, str(at)]).seconds

        trials = {"ours": lambda at: measure(command(at)).seconds, "cp": copy}
        seconds = medians(trials, folder, runs)
        peak_mib = measure(command(folder / "memory"), memory=True).peak_mib
    return seconds["ours"], seconds["cp"], peak_mib


def files(options: argparse.Namespace, folder: Path) -> None:
    rows = []
    for count in sorted(options.frames):
        pictures = folder / f"pictures-{count}"
        pictures.mkdir()
        for number, image in enumerate(small_gifs(count)):
            (pictures / f"frame_{number}.gif").write_bytes(image)
        command = partial(combine_gif, str(pictures))
        begin = processor_seconds()
        trials = {f"{count}": lambda at, run=command: measure(run(at)).seconds}
        seconds = medians(trials, folder, options.runs)[f"{count}"]
        processor = (processor_seconds() - begin) / options.runs
        peak_mib = measure(command(folder / f"memory-{count}"), memory=True).peak_mib
        rows.append(f"{count:,} | {seconds:.1f} | {processor:.1f} | {peak_mib:.0f}")
    table("From a folder to a clip", "files | seconds | of processor | peak MiB", rows)


def processor_seconds() -> float:
    """Of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def simulation(options: argparse.Namespace, folder: Path) -> None:
    rows = []
    fewest: dict[str, float] = {}
    for workers in (0, 2):
        for count in sorted(options.frames):
            with ExitStack() as stack:
                where: tuple[Any, ...] = ("",)
                if workers:
                    where = stack.enter_context(cluster(workers, folder / f"{count}"))
                (split, write), memory = drive(f"synthetic://{count}", *where)
            for name, mib in zip(("driver", "scheduler"), memory, strict=False):
                who = f"{name}, {workers} workers" if workers else f"{name} with its threads"
                times = max(mib) / fewest.setdefault(who, max(mib))
                figures = f"{split:.2f} | {write:.2f} | {max(mib):.1f} | {max(mib) - mib[0]:.1f}"
                rows.append(f"{who} | {count:,} | {figures} | {times:.2f}")
    heads = "process | frames | split, seconds | write, seconds | peak MiB | growth, MiB"
    table("Frames that do not exist", f"{heads} | times that of the fewest", rows)


def workers(options: argparse.Namespace, folder: Path) -> None:
    (count,) = options.frames
    source = folder / BUNDLE
    write_bundle(source, map(painting, range(count)))

    def job(address: str, at: Path) -> float:
        return measure([*combine_gif(str(source), at), "--dask-address", address]).seconds

    def step(address: str, at: Path) -> float:
        at.mkdir()
        os.link(source, at / BUNDLE)
        return drive(str(at), address)[0][1]

    parts = {"whole process": job, "writing the frames": step}
    trials: dict[str, Trial] = {}
    with ExitStack() as stack:
        for n in (1, 2):
            address, _ = stack.enter_context(cluster(n, folder / f"{n}"))
            step(address, folder / f"warm-{n}")
            trials |= {f"{name}-{n}": partial(part, address) for name, part in parts.items()}
        seconds = medians(trials, folder, options.runs)
    pairs = [(name, seconds[f"{name}-1"], seconds[f"{name}-2"]) for name in parts]
    rows = [f"{name} | {one:.2f} | {two:.2f} | {one / two:.2f}" for name, one, two in pairs]
    heads = " | one worker, seconds | two workers, seconds | times as fast"
    table(f"{count:,} PNGs of 640x360 in true color", heads, rows)


def painting(number: int) -> bytes:
    y, x = np.mgrid[:360, :640]
    waves = (np.sin(x / 41 + number / 9), np.sin(y / 29 - number / 7), np.sin((x + y) / 53))
    pixels = np.stack([128 + 127 * wave for wave in waves], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


@contextmanager
def cluster(workers: int, home: Path) -> Iterator[tuple[str, Process]]:
    """The address of a scheduler with so many worker processes, and the scheduler."""
    note = home / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(note)]
    worker = [*dask, "worker", *common, "--no-nanny", "--nthreads", "1", "--preload", __file__]
    home.mkdir()
    with ExitStack() as stack:
        scheduler = stack.enter_context(started(*dask, "scheduler", "--port", "0", *common))
        for _ in range(workers):
            stack.enter_context(started(*worker, "--local-directory", str(home)))
        with Client(scheduler_file=str(note), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
            address = json.loads(note.read_text())["address"]
        yield address, Process(scheduler.pid)


def drive(url: str, address: str, *watched: Process) -> tuple[list[float], list[list[float]]]:
    """Seconds to split and to write in another process; resident MiB of it and the others."""
    with started(sys.executable, __file__, "drive", url, address) as driver:
        assert driver.stdout
        driver.stdout.readline()
        processes = [Process(driver.pid), *watched]
        seen: list[list[float]] = [[] for _ in processes]
        while driver.poll() is None:
            for mib, process in zip(seen, processes, strict=True):
                mib.append(process.memory_info().rss / 2**20)
            time.sleep(0.01)
        return json.loads(driver.stdout.read()), seen


def be_driven(url: str, address: str) -> None:
    """What :func:`drive` watches; it prints a line when it begins."""
    folder = storage.open_folder(url)
    print("ready", flush=True)
    begin = time.perf_counter()
    with folder.open(BUNDLE) as file:
        index = bundle_frames.index_bundle(file.read, strict=True)
    split = time.perf_counter()
    manifest = manifests.new_manifest({}, {"sha256": "", **index.to_json()})
    options = render_options.RenderOptions(Look(64 * 10**6), skip_bad=False)
    config = settings.dask(address=address)
    write_frames.write_missing_frames(
        folder, BUNDLE, manifest, {}, options, config, progress.ProgressReporter(WriteFrames())
    )
    print(json.dumps([split - begin, time.perf_counter() - split]))


def medians(trials: Mapping[str, Trial], folder: Path, runs: int) -> dict[str, float]:
    """Of the seconds of each; they take turns."""
    seen: dict[str, list[float]] = {name: [] for name in trials}
    for turn in range(runs):
        for name, trial in trials.items():
            os.sync()
            seen[name].append(trial(folder / f"{name}-{turn}"))
    return {name: statistics.median(seconds) for name, seconds in seen.items()}


def write_bundle(path: Path, images: Iterable[bytes]) -> None:
    path.parent.mkdir(exist_ok=True)
    with open(path, "wb") as file:
        file.writelines(image + DELIMITER for image in images)


@contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    with ExitStack() as stack:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        stack.callback(stack.enter_context(process).terminate)
        yield process


def table(title: str, heads: str, rows: list[str]) -> None:
    print(f"\n{title}\n\n| {heads} |\n|---|{'---:|' * heads.count('|')}")
    print(*(f"| {row} |".replace("nan", "") for row in rows), sep="\n")


def main() -> None:
    parts = {
        "linear": grow,
        "small": grow,
        "folder": files,
        "simulation": simulation,
        "workers": workers,
    }
    sizes = {"linear": [27, 270, 2700, 27_000], "small": [100_000], "workers": [300]}
    sizes["folder"] = [10_000, 100_000]
    parser = argparse.ArgumentParser(description="Measure how time and memory grow.")
    parser.add_argument("part", choices=parts)
    parser.add_argument("--frames", type=int, nargs="+")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--bundle", type=Path, default=ROOT / "examples" / "sample.img")
    options = parser.parse_args()
    options.frames = options.frames or sizes.get(options.part, [10_000, 1_000_000])
    with tempfile.TemporaryDirectory() as name:
        parts[options.part](options, Path(name))


if __name__ == "__main__":
    if sys.argv[1:2] == ["drive"]:
        be_driven(*sys.argv[2:])
    else:
        main()
