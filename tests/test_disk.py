"""Disks that are full, read-only, or gone: a clear error, nothing partial, then a right run."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from luigi.task_register import Register
from support import warm
from support.commands import luigi_command, luigi_environment
from support.faults import chunks, fault_server
from support.images import DELIMITER
from support.page_server import Server
from support.paths import SAMPLE

import luigi_gif
from luigi_gif import gif as gif_
from luigi_gif.errors import PipelineError

pytestmark = pytest.mark.slow

STEPS = ("DownloadData", "SplitFrames", "WriteFrames", "CombineGif")
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Even root then has only the rights that files give."""


class Disk:
    """A disk of 20 MB, a work directory on it, and runs there."""

    def __init__(self, path: Path, url: str) -> None:
        self.workdir = path / "work"
        self.path = path
        self.url = url
        self._filler = path / "filler"

    def run(self, last: str = STEPS[-1], workdir: Path | None = None) -> tuple[str, str] | None:
        """Run all steps to this one; the one that failed, with what it said."""
        Register.clear_instance_cache()
        step: Any = luigi_gif.CombineGif(url=self.url, workdir=str(workdir or self.workdir))
        steps = [step]
        while deps := step.deps():
            (step,) = deps
            steps.insert(0, step)
        for step in steps[: STEPS.index(last) + 1]:
            try:
                step.run()
            except PipelineError as error:
                return step.task_family, str(error)
        return None

    def fill(self, leave: int) -> None:
        """Leave so many bytes free."""
        status = os.statvfs(self.path)
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - leave)

    def free(self) -> None:
        self._filler.unlink()

    def remount(self, *options: str) -> None:
        subprocess.run(["mount", "-o", ",".join(["remount", *options]), self.path], check=True)

    def clip(self, workdir: Path | None = None) -> bytes:
        """Without its comment, which depends on the URL."""
        data = ((workdir or self.workdir) / "clip.gif").read_bytes()
        return data.replace(gif_.read_first_comment(data) or b"", b"")

    def check(self, bundle: bytes, workdir: Path | None = None) -> None:
        """Whatever has its final name is whole, and nothing else is there."""
        frames = [frame for frame in bundle.split(DELIMITER) if frame]
        for path in (workdir or self.workdir).rglob("*"):
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
    """Some 1 MB."""
    return DELIMITER.join([SAMPLE.read_bytes()] * 3)


@pytest.fixture(scope="module")
def clip(bundle: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What becomes of it."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "bundle.img").write_bytes(bundle)
    disk = Disk(folder, str(folder / "bundle.img"))
    assert disk.run() is None
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


def refused(outcome: tuple[str, str] | None, step: str, *words: str) -> None:
    """The step failed, and said why and what to do about it."""
    assert outcome is not None
    failed, said = outcome
    assert failed == step
    for word in ("where:", "expected:", "got:", "next:", *words):
        assert word in said, said


def prepare(disk: Disk, step: str, workdir: Path | None = None) -> None:
    """Run all that comes before a step."""
    if step != STEPS[0]:
        assert disk.run(STEPS[STEPS.index(step) - 1], workdir) is None


@pytest.mark.external
@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_is_named(disk: Disk, bundle: bytes, clip: bytes, step: str) -> None:
    """At each stage; when there is room again, the next run completes."""
    prepare(disk, step)
    disk.fill(leave=0 if step == "SplitFrames" else len(bundle) // 2)
    expected = "bytes free" if step == "DownloadData" else "No space left on device"
    refused(disk.run(), step, expected, "free some space")
    disk.check(bundle)
    disk.free()
    assert disk.run() is None
    assert disk.clip() == clip


@pytest.mark.external
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
        refused(disk.run(), "DownloadData", "No space left on device")
        disk.check(bundle)
        disk.free()
        assert disk.run() is None
        assert disk.clip() == clip


@pytest.mark.external
def test_a_disk_that_cannot_be_written_is_named(disk: Disk, bundle: bytes, clip: bytes) -> None:
    """As it is read-only, and as its folders are another's; at each stage, of a clip each."""
    urls_file = disk.path / "urls.txt"
    urls_file.write_text("\n".join(f"{disk.url}?{step}" for step in STEPS))
    batch = luigi_gif.GifBatch(urls_file=urls_file, workdir=disk.path / "work")
    workdirs = [Path(each.workdir) for each in batch.requires()]
    for step, workdir in zip(STEPS, workdirs, strict=True):
        disk.url, _, _ = disk.url.partition("?")
        disk.url += f"?{step}"
        workdir.mkdir(parents=True)
        prepare(disk, step, workdir)
    command = luigi_command(
        "GifBatch", "--urls-file", str(urls_file), "--workdir", str(disk.workdir)
    )

    def run(*before: str) -> tuple[int, str]:
        environment = luigi_environment()
        if not before:
            result = warm.run(command, env=environment)
        else:
            result = subprocess.run(
                [*before, *command], env=environment, capture_output=True, text=True, check=False
            )
        assert "Traceback" not in result.stderr
        return result.returncode, result.stderr

    def all_refused(outcome: tuple[int, str], *words: str) -> None:
        code, said = outcome
        assert code == 30, said
        errors = re.findall(r"^ERROR: .+\n(?:  \w+: .+\n){4}", said, re.MULTILINE)
        assert len(errors) == len(STEPS), said
        for word in ("where:", "expected:", "got:", "next:", *words):
            assert all(word in error for error in errors), said
        for workdir in workdirs:
            assert any(str(workdir) in error for error in errors), said

    disk.remount("ro")
    all_refused(run(), "Read-only file system", "on a disk that can be written")
    disk.remount("rw")
    folders = [path for each in workdirs for path in (each, each / "frames") if path.exists()]
    for path in folders:
        path.chmod(0o555)
    all_refused(run(*WITHOUT_RIGHTS), "Permission denied", "give this user the right")
    for path in folders:
        path.chmod(0o755)
    for workdir in workdirs:
        disk.check(bundle, workdir)
    code, said = run(*WITHOUT_RIGHTS)
    assert code == 0, said
    for workdir in workdirs:
        assert disk.clip(workdir) == clip


@pytest.mark.parametrize("seen", ["image-data.img.part", "image-data.img", "frames/frame_20.gif"])
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
    outcome = disk.run()
    ended.set()
    remover.join()
    if outcome is not None:
        refused(outcome, outcome[0])
    assert disk.run() is None
    assert disk.clip() == clip
