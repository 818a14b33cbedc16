"""A Luigi pipeline around a clip: a task makes pictures, luigi_gif a clip of them, a task uses it.

PYTHONPATH=examples luigi --local-scheduler --module pipeline Report --day 2026-11-23
"""

from __future__ import annotations

import os
from typing import Any

import luigi
from PIL import Image

from luigi_gif import CombineGif


class Pictures(luigi.Task):
    """A folder of pictures, which appears whole. Yours may fetch or compute them."""

    day = luigi.DateParameter()

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"data/{self.day}/pictures")

    def run(self) -> None:
        with self.output().temporary_path() as folder:
            os.makedirs(folder)
            for hour in range(24):
                picture = Image.linear_gradient("L").rotate(15 * hour).resize((96, 96))
                picture.save(f"{folder}/hour_{hour}.png")


class DayGif(luigi.Task):
    """A clip of them, made anew whenever they change."""

    day = luigi.DateParameter()

    def requires(self) -> Pictures:
        return Pictures(self.day)

    def clip(self) -> CombineGif:
        return CombineGif(url=self.input().path, workdir=f"data/{self.day}/clip")

    def output(self) -> Any:
        return self.clip().output()

    def complete(self) -> bool:
        return self.requires().complete() and self.clip().complete()

    def run(self) -> Any:
        yield self.clip()


class Report(luigi.Task):
    """A task that uses the clip, as it would any other file."""

    day = luigi.DateParameter()

    def requires(self) -> DayGif:
        return DayGif(self.day)

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"data/{self.day}/report.txt")

    def run(self) -> None:
        with self.input().open() as clip, Image.open(clip) as image:
            text = f"{self.input().path}: {getattr(image, 'n_frames', 1)} frames\n"
        with self.output().open("w") as report:
            report.write(text)
