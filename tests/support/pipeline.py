"""Runs of the pipeline in this process, over a small bundle from a server on loopback."""

from __future__ import annotations

import functools
import logging
import random
from pathlib import Path
from typing import Any

import luigi
import pytest
from luigi.task_register import Register
from PIL import Image

import luigi_gif
from luigi_gif import storage
from luigi_gif.errors import LUIGI_LOGGER
from support.images import DELIMITER, saved, true_color
from support.page_server import Server

STEPS = ["DownloadData", "SplitFrames", "WriteFrames", "CombineGif"]


class Pipeline:
    """Runs of CombineGif in this process, and what each of them did."""

    def __init__(self, server: Server, workdir: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.server = server
        self.workdir = workdir
        self._caplog = caplog

    def run(self, **parameters: Any) -> list[str]:
        """The steps that ran; in self.log what was said."""
        parameters = {"url": self.server.url("/bundle"), "workdir": str(self.workdir), **parameters}
        Register.clear_instance_cache()
        self._caplog.clear()
        with self._caplog.at_level(logging.INFO, LUIGI_LOGGER):
            self.result = luigi.build(
                [luigi_gif.CombineGif(**parameters)], local_scheduler=True, detailed_summary=True
            )
        self.log = [record.getMessage() for record in self._caplog.records]
        errors = [record.exc_info[1] for record in self._caplog.records if record.exc_info]
        self.log += map(str, errors)  # which a command shows in place of a traceback
        return [
            step for step in STEPS if any(line.startswith(f"{step} runs: ") for line in self.log)
        ]

    @property
    def ok(self) -> bool:
        return bool(self.result.scheduling_succeeded)

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Contents and time of the last change of every file but those that hold times."""
        return {
            str(path.relative_to(self.workdir)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.workdir.rglob("*")
            if path.is_file() and path.name not in ("run.json", storage.LOCK)
        }

    def clip(self) -> bytes:
        return (self.workdir / "clip.gif").read_bytes()


FRAMES = 12
SIZE = (16, 12)


def frame(number: int) -> bytes:
    """A small GIF that no other is like."""
    image = Image.new("P", SIZE)
    image.putdata(random.Random(number).choices(range(4), k=SIZE[0] * SIZE[1]))
    image.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30, 30, 30, 200])
    return saved(image, "GIF", optimize=False)


BUNDLE = DELIMITER.join(frame(number) for number in range(FRAMES))


@functools.cache
def mixed() -> bytes:
    """A picture in each format, of thousands of colors and two sizes, two with a hole."""
    return DELIMITER.join(true_color(number) for number in range(6))


def waypoints_every(monkeypatch: pytest.MonkeyPatch, frames: int) -> None:
    """Beside what a frame is said to cost, its bytes do not count; all is done in this thread."""
    monkeypatch.setattr(luigi_gif.settings.dask.workers, "_default", 0)
    monkeypatch.setattr("luigi_gif.bundles.bundle_frames.COPIED_FRAME_WORK", 1 << 40)
    monkeypatch.setattr("luigi_gif.bundles.WAYPOINT_WORK", frames << 40)
    monkeypatch.setattr("luigi_gif.bundles.bundle_frames.WAYPOINT_WORK", frames << 40)
