"""Disks that are full, read-only, or gone: a clear error, nothing partial, then a right run."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import warm
from conftest import DELIMITER, PATIENCE_S, SAMPLE, Server, luigi_command, luigi_environment
from faults import chunks, fault_server

from luigi_gif import gif

STEPS = ("DownloadData", "SplitFrames", "WriteFrames", "CombineGif")
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Even root then has only the rights that files give."""


class Disk:
    """A disk of 20 MB, a work directory on it, and runs there."""

    def __init__(self, path: Path, url: str) -> None:
        self.workdir = path / "work"
        self._filler = path / "filler"
        self._path = path
        self._url = url

    def run(self, step: str, *before: str) -> subprocess.CompletedProcess[str]:
        command = luigi_command(step, "--url", self._url, "--workdir", str(self.workdir))
        if not before:
            return warm.run(command, env=luigi_environment())
        return subprocess.run(
            [*before, *command],
            env=luigi_environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def fill(self, leave: int) -> None:
        """Leave so many bytes free."""
        status = os.statvfs(self._path)
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - leave)

    def free(self) -> None:
        self._filler.unlink()

    def remount(self, *options: str) -> None:
        subprocess.run(["mount", "-o", ",".join(["remount", *options]), self._path], check=True)

    def clip(self) -> bytes:
        """Without its comment, which depends on the URL."""
        data = (self.workdir / "clip.gif").read_bytes()
        return data.replace(gif.first_comment(data) or b"", b"")

    def check(self, bundle: bytes) -> None:
        """Whatever has its final name is whole, and nothing else is there."""
        frames = [frame for frame in bundle.split(DELIMITER) if frame]
        for path in self.workdir.rglob("*"):
            if path.name == "image-data.img":
                assert path.read_bytes() == bundle
            elif path.suffix == ".gif":
                assert path.read_bytes() == frames[int(path.stem.removeprefix("frame_"))]
            elif path.suffix == ".json":
                json.loads(path.read_bytes())
            else:
                assert path.is_dir() or path.name == ".lock"


@pytest.fixture(scope="module")
def bundle() -> bytes:
    """Some 4 MB."""
    return DELIMITER.join([SAMPLE.read_bytes()] * 11)


@pytest.fixture(scope="module")
def clip(bundle: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What becomes of it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "bundle.img").write_bytes(bundle)
    disk = Disk(folder, str(folder / "bundle.img"))
    assert disk.run("CombineGif").returncode == 0
    return disk.clip()


@contextlib.contextmanager
def small_disk(path: Path, url: str) -> Iterator[Disk]:
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(path)]
    if (
        not shutil.which("mount")
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("a disk cannot be mounted here")
    try:
        yield Disk(path, url)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
def disk(tmp_path: Path, server: Server, bundle: bytes) -> Iterator[Disk]:
    server.pages["/bundle"] = bundle
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", server.url("/bundle")) as disk:
        yield disk


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """The run failed, and said why and what to do about it."""
    assert result.returncode == 30, result.stderr
    for word in ("where:", "expected:", "got:", "next:", *words):
        assert word in result.stderr, result.stderr
    assert "Traceback" not in result.stderr


def prepare(disk: Disk, step: str) -> None:
    """Run all that comes before a step."""
    if step != STEPS[0]:
        assert disk.run(STEPS[STEPS.index(step) - 1]).returncode == 0


@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_is_named(disk: Disk, bundle: bytes, clip: bytes, step: str) -> None:
    """At each stage; when there is room again, the next run completes."""
    prepare(disk, step)
    disk.fill(leave=0 if step == "SplitFrames" else len(bundle) // 2)
    room = "bytes free" if step == "DownloadData" else "No space left on device"
    refused(disk.run("CombineGif"), f"{step} runs", room, "free some space")
    disk.check(bundle)
    disk.free()
    assert disk.run("CombineGif").returncode == 0
    assert disk.clip() == clip


def test_a_disk_that_fills_up_while_a_bundle_arrives_is_named(
    tmp_path: Path, bundle: bytes, clip: bytes
) -> None:
    """Where its length is not known before."""
    (tmp_path / "disk").mkdir()
    with (
        fault_server(chunks(bundle, 'ETag: "one"', size=100_000)) as server,
        small_disk(tmp_path / "disk", server.url()) as disk,
    ):
        disk.fill(leave=len(bundle) // 2)
        refused(disk.run("CombineGif"), "No space left on device")
        disk.check(bundle)
        disk.free()
        assert disk.run("CombineGif").returncode == 0
        assert disk.clip() == clip


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_cannot_be_written_is_named(
    disk: Disk, bundle: bytes, clip: bytes, step: str
) -> None:
    """As it is read-only, and as its folders are another's; at each stage."""
    prepare(disk, step)
    disk.workdir.mkdir(exist_ok=True)
    disk.remount("ro")
    refused(disk.run("CombineGif"), "Read-only file system", "on a disk that can be written")
    disk.remount("rw")
    closed = [path for path in (disk.workdir, disk.workdir / "frames") if path.exists()]
    for path in closed:
        path.chmod(0o555)
    refused(
        disk.run("CombineGif", *WITHOUT_RIGHTS), "Permission denied", "give this user the right"
    )
    for path in closed:
        path.chmod(0o755)
    disk.check(bundle)
    assert disk.run("CombineGif", *WITHOUT_RIGHTS).returncode == 0
    assert disk.clip() == clip


@pytest.mark.parametrize("seen", ["image-data.img.part", "image-data.img", "frames/frame_100.gif"])
def test_a_folder_that_vanishes_is_named(
    tmp_path: Path, bundle: bytes, clip: bytes, server: Server, seen: str
) -> None:
    """Removed as soon as that file is there; a run that is quicker is right."""
    server.pages["/bundle"] = bundle
    disk = Disk(tmp_path, server.url("/bundle"))
    ended = threading.Event()

    def remove() -> None:
        while not ended.is_set() and not (disk.workdir / seen).exists():
            time.sleep(0.001)
        shutil.rmtree(disk.workdir, ignore_errors=True)

    remover = threading.Thread(target=remove)
    remover.start()
    result = disk.run("CombineGif")
    ended.set()
    remover.join()
    if result.returncode:
        refused(result)
    assert disk.run("CombineGif").returncode == 0
    assert disk.clip() == clip
