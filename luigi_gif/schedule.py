"""Many clips: one for every night, one for every line of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import luigi
from luigi.task import MixinNaiveBulkComplete

from luigi_gif import urls
from luigi_gif.errors import ParameterError
from luigi_gif.settings import NamedParameter, bad_parameter
from luigi_gif.tasks import CombineGif, UrlParameter

_FIELD = re.compile("%([aAbBdGjmuUVwWyY%])")


class DatedFolderParameter(UrlParameter):
    """A path or URL with a day in it. Raises ParameterError where two days would share it."""

    def normalize(self, x: str) -> str:
        if dated(x, date(1, 1, 1)) == dated(x, date(2, 2, 2)):
            raise bad_parameter("--workdir", "a folder for each day, such as data/%Y-%m-%d", x)
        return super().normalize(x)


class UrlsFileParameter(NamedParameter[str]):
    """The path of a text file with a URL a line. Raises ParameterError for any other."""

    def normalize(self, x: str) -> str:
        try:
            found = _urls(x)
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(x, getattr(error, "strerror", None) or "no text in UTF-8") from None
        if not found:
            raise self._error(x, "no URL")
        return x

    def _error(self, path: str, got: str) -> ParameterError:
        return bad_parameter("--urls-file", "a text file with a URL a line", f"{path}: {got}")


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
    """

    date = luigi.DateParameter(description="the day, such as 2026-11-23")
    url = CombineGif.url
    workdir = DatedFolderParameter(
        default="data/%Y-%m-%d", description="where the files of a day live, with the day in it"
    )

    def requires(self) -> CombineGif:
        url, workdir = dated(self.url, self.date), dated(self.workdir, self.date)
        return self.clone(CombineGif, url=url, workdir=workdir)


class GifBatch(_Clips):
    """One clip for each URL of a file, each in a folder of its own.

    Empty lines and those that begin with # do not count. What fails does not
    keep the others.
    """

    urls_file = UrlsFileParameter(description="a text file with a URL a line")
    workdir = UrlParameter(default="data", description="where the folders of the clips are")

    def requires(self) -> Iterator[CombineGif]:
        for url in _urls(self.urls_file):
            workdir = f"{self.workdir.rstrip('/')}/{urls.name_from_url(url)}"
            yield self.clone(CombineGif, url=url, workdir=workdir)


def dated(text: str, day: date) -> str:
    """The text with the day in place of its fields."""
    return _FIELD.sub(lambda field: "%" if field[1] == "%" else day.strftime(field[0]), text)


def _urls(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
