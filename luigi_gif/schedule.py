"""Many clips: one for every night, one for every line of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import luigi
from luigi.task import MixinNaiveBulkComplete

from luigi_gif import urls
from luigi_gif.errors import ParameterError
from luigi_gif.settings import bad_parameter
from luigi_gif.tasks import CombineGif, UrlParameter

_FIELD = re.compile("%([aAbBdGjmuUVwWyY%])")


class _Clips(MixinNaiveBulkComplete, luigi.WrapperTask):
    """What the clips have in common: all parameters of CombineGif but their places."""

    data_file = CombineGif.data_file
    gif_file = CombineGif.gif_file
    frame_duration_ms = CombineGif.frame_duration_ms
    plays = CombineGif.plays
    optimize = CombineGif.optimize
    on_bad_frame = CombineGif.on_bad_frame
    size = CombineGif.size
    quality = CombineGif.quality
    max_megapixels = CombineGif.max_megapixels


class NightlyGif(_Clips):
    """One clip a day, in a folder of its own.

    ``url`` and ``workdir`` may hold the fields of a date that strftime knows,
    such as %Y-%m-%d; %% is a percent sign. ``RangeDaily --of NightlyGif`` makes
    those of past days that are missing.

    Raises ParameterError where two days would share a folder.
    """

    date = luigi.DateParameter(description="the day, such as 2026-11-23")
    url = CombineGif.url
    workdir = UrlParameter(
        default="data/%Y-%m-%d", description="where the files of a day live, with the day in it"
    )

    def requires(self) -> CombineGif:
        workdir = dated(self.workdir, self.date)
        if workdir == dated(self.workdir, date(1, 1, 1)):
            expected = "a folder for each day, such as data/%Y-%m-%d"
            raise bad_parameter("--workdir", expected, self.workdir)
        return self.clone(CombineGif, url=dated(self.url, self.date), workdir=workdir)


class GifBatch(_Clips):
    """One clip for each URL of a file, each in a folder of its own.

    Empty lines and those that begin with # do not count. What fails does not
    keep the others.

    Raises ParameterError where the file cannot be read or names no URL.
    """

    urls_file = luigi.Parameter(positional=False, description="a text file with a URL a line")
    workdir = UrlParameter(default="data", description="where the folders of the clips are")

    def requires(self) -> Iterator[CombineGif]:
        for url in self._urls():
            workdir = f"{self.workdir.rstrip('/')}/{urls.name_from_url(url)}"
            yield self.clone(CombineGif, url=url, workdir=workdir)

    def _urls(self) -> list[str]:
        try:
            with open(self.urls_file, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(
                "a text file", getattr(error, "strerror", "") or "other bytes"
            ) from None
        found = list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
        if not found:
            raise self._error("a URL a line", "none")
        return found

    def _error(self, expected: str, got: str) -> ParameterError:
        return bad_parameter("--urls-file", expected, f"{self.urls_file}: {got}")


def dated(text: str, day: date) -> str:
    """The text with the day in place of its fields."""
    return _FIELD.sub(lambda field: "%" if field[1] == "%" else day.strftime(field[0]), text)
