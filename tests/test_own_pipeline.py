"""Pipelines of the user's own: a task whose output is a source, and one that uses the clip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import luigi
import pytest
from PIL import Image
from support import warm
from support.commands import without_luigi_cfg
from support.images import DELIMITER
from support.numbered import picture, shown
from support.paths import ROOT

import luigi_gif


def run_example(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "luigi", "--local-scheduler", "--module", "pipeline", "Report"]
    environment = without_luigi_cfg() | {"PYTHONPATH": str(ROOT / "examples")}
    return warm.run([*command, "--day", "2026-11-23"], cwd=folder, env=environment)


@pytest.mark.slow
def test_the_example_runs_with_the_luigi_command(tmp_path: Path) -> None:
    """Its report tells of a clip of all pictures; what is there is not made again."""
    first = run_example(tmp_path)
    folder = tmp_path / "data" / "2026-11-23"
    clip = folder / "clip" / "clip.gif"
    assert (folder / "report.txt").read_text() == f"{clip}: 24 frames\n", first.stderr
    assert first.stderr.count(" 7 ran successfully") == 1
    (folder / "report.txt").unlink()
    made = clip.stat().st_mtime_ns
    second = run_example(tmp_path)
    assert second.stderr.count(" 1 ran successfully") == 1, second.stderr
    assert clip.stat().st_mtime_ns == made


class Pictures(luigi.Task):
    """Makes files; their path, or the paths of a list, are its output."""

    folder = luigi.Parameter()
    kind = luigi.ChoiceParameter(choices=("bundle", "folder", "files"))
    numbers = (1, 2, 3)

    def output(self) -> Any:
        if self.kind == "files":
            return [luigi.LocalTarget(f"{self.folder}/{place}.png") for place in range(3)]
        return luigi.LocalTarget(f"{self.folder}/{self.kind}")

    def run(self) -> None:
        pictures = [picture(number) for number in self.numbers]
        if self.kind == "bundle":
            Path(self.folder, "bundle").write_bytes(DELIMITER.join(pictures))
            return
        folder = Path(self.folder, "folder" if self.kind == "folder" else "")
        folder.mkdir(exist_ok=True)
        for place, data in enumerate(pictures):
            (folder / f"{place}.png").write_bytes(data)


class Film(luigi.Task):
    """A clip of them, as examples/pipeline.py has it."""

    folder = luigi.Parameter()
    kind = luigi.Parameter()

    def requires(self) -> Pictures:
        return Pictures(self.folder, self.kind)

    def clip(self) -> luigi_gif.CombineGif:
        found = self.input()
        url = [each.path for each in found] if isinstance(found, list) else found.path
        return luigi_gif.CombineGif(url=url, workdir=f"{self.folder}/work")

    def output(self) -> Any:
        return self.clip().output()

    def complete(self) -> bool:
        return self.requires().complete() and self.clip().complete()

    def run(self) -> Iterator[luigi_gif.CombineGif]:
        yield self.clip()


@pytest.fixture
def build(tmp_path: Path) -> Callable[[str], tuple[int, list[int]]]:
    """Make the film of pictures of a kind; how many tasks ran, and what it shows."""

    def run(kind: str) -> tuple[int, list[int]]:
        ran: list[luigi.Task] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(luigi.Task, "_event_callbacks", {})
            luigi.Task.event_handler(luigi.Event.SUCCESS)(ran.append)
            assert luigi.build([Film(str(tmp_path), kind)], local_scheduler=True, no_lock=True)
        return len(ran), shown(tmp_path / "work" / "clip.gif")

    return run


@pytest.mark.parametrize("kind", ["bundle", "folder", "files"])
def test_the_output_of_a_task_is_a_source(
    build: Callable[[str], tuple[int, list[int]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """One that is not there yet is made first; one that changes or is made anew is looked at."""
    assert build(kind) == (6, [1, 2, 3])
    assert build(kind) == (0, [1, 2, 3])
    monkeypatch.setattr(Pictures, "numbers", (4, 5, 6))
    Pictures(str(tmp_path), kind).run()  # by hand, behind Luigi's back
    assert build(kind) == (5, [4, 5, 6])
    monkeypatch.setattr(Pictures, "numbers", (7, 8, 9))
    for path in [tmp_path / "bundle", *tmp_path.glob("*.png")]:
        path.unlink(missing_ok=True)
    shutil.rmtree(tmp_path / "folder", ignore_errors=True)
    assert build(kind) == (6, [7, 8, 9])
    os.remove(tmp_path / "work" / "clip.gif")
    assert build(kind) == (2, [7, 8, 9])


class Uses(luigi.Task):
    """Requires a clip, and writes how many frames it has."""

    url = luigi.Parameter()
    workdir = luigi.Parameter()
    path = luigi.Parameter()

    def requires(self) -> luigi_gif.CombineGif:
        return luigi_gif.CombineGif(url=self.url, workdir=self.workdir)

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(self.path)

    def run(self) -> None:
        clip = self.input()
        assert clip.exists()
        with clip.open() as file, Image.open(file) as image, self.output().open("w") as text:
            text.write(f"{clip.path} {getattr(image, 'n_frames', 1)}")


@pytest.mark.parametrize("place", ["disk", "store"])
def test_a_task_requires_a_clip_as_any_target(tmp_path: Path, place: str) -> None:
    """It opens it wherever it lies."""
    workdir = f"{tmp_path}/work" if place == "disk" else f"memory://{uuid.uuid4()}/work"
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    task = Uses(url=f"{tmp_path}/*.png", workdir=workdir, path=str(tmp_path / "text"))
    assert luigi.build([task], local_scheduler=True, no_lock=True)
    assert (tmp_path / "text").read_text() == f"{workdir}/clip.gif 3"
