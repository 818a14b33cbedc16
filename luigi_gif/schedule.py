"""Many clips: one for every night, one for every line of a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import luigi
from luigi.interface import core
from luigi.task import MixinNaiveBulkComplete, flatten

from luigi_gif import default_workdir, redaction, storage, urls
from luigi_gif.errors import ForeignFileError, ParameterError
from luigi_gif.parameters import DayParameter, NamedParameter
from luigi_gif.pipeline_task import EXAMPLE_URL
from luigi_gif.source_at_scheduling import SourceAtSchedulingTask, ignore_changes_since_scheduling
from luigi_gif.tasks import CombineGif
from luigi_gif.url_parameters import FolderParameter, UrlParameter

_FIELD = re.compile("%([aAbBdGjmuUVwWyY%])")
_ENCODINGS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""By the byte order mark that editors begin a text with."""


class DatedUrlParameter(UrlParameter):
    """A path or URL with the fields of a date in it."""

    def absolute(self, path: str) -> str:
        path = urls.local_path(path)
        if not os.path.isabs(path):  # the folder's own percent signs are no fields
            path = f"{os.getcwd().replace('%', '%%')}/{path}"
        return os.path.abspath(path)


class DatedFolderParameter(DatedUrlParameter, FolderParameter):
    """A path or URL with a day in it. Raises ParameterError where two days would share it."""

    expected = "a folder for each day, such as data/%Y-%m-%d"

    def checked(self, value: Any) -> str:
        pattern = super().checked(value)
        shared = _days_that_share(tuple(sorted(set(_FIELD.findall(_path_of(pattern))))))
        if shared:
            days = " and ".join(map(str, shared))
            raise self.error(f"{redaction.public_url(pattern)}, which is the same on {days}")
        return pattern


class UrlsFileParameter(NamedParameter[str]):
    """The path of a text file with a URL a line. Raises ParameterError for any other."""

    expected = "a text file in UTF-8 with a path or URL a line"

    def checked(self, value: Any) -> str:
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        path = os.path.expanduser(super().checked(value))
        try:
            path = os.path.abspath(path)
            found = _urls(path)
        except (OSError, ValueError) as error:
            got = getattr(error, "strerror", None) or "no text in UTF-8"
            raise self.error(f"{path}: {got}") from None
        except ForeignFileError:
            raise self.error(f"{path}: no regular file") from None
        if not found:
            raise self.error(f"{path}: no URL")
        for number, url in found:
            try:
                CombineGif.url.normalize(url)
            except ParameterError as error:
                raise self.error(f"{path}, line {number}: {error.got}") from None
        return path


class _Clips(MixinNaiveBulkComplete, SourceAtSchedulingTask, luigi.WrapperTask):
    """What the clips have in common: all parameters of CombineGif but their places."""

    needs = CombineGif
    _has_run = False

    data_file = CombineGif.data_file
    gif_file = CombineGif.gif_file
    frame_duration_ms = CombineGif.frame_duration_ms
    plays = CombineGif.plays
    optimize = CombineGif.optimize
    on_bad_frame = CombineGif.on_bad_frame
    size = CombineGif.size
    quality = CombineGif.quality
    palette = CombineGif.palette
    max_megapixels = CombineGif.max_megapixels

    def run(self) -> None:
        """Luigi has made the clips."""
        self._has_run = True

    def complete(self) -> bool:
        """Whether each clip is current."""
        clips = flatten(self.requires())
        if self._has_run or self._ignores_source:
            ignore_changes_since_scheduling(clips)
        else:
            self._scheduled = False
        self._has_run = self._ignores_source = False
        return all(clip.complete() for clip in clips)


class NightlyGif(_Clips):
    """One clip a day, in a folder of its own.

    ``url`` and ``workdir`` may hold the fields of a date that strftime knows,
    such as %Y-%m-%d; %% is a percent sign. ``RangeDaily --of NightlyGif`` makes
    those of past days that are missing.

    Parameters
    ----------
    date
        The day.
    url, workdir
        As those of CombineGif, with the fields of a date.
    **options
        All other parameters of CombineGif, but ``sha256``.
    """

    date = DayParameter(description="the day, such as 2026-11-23")
    url = DatedUrlParameter(
        default=EXAMPLE_URL, description="the bundle, with the fields of a date, if it is dated"
    )
    workdir = DatedFolderParameter(
        default="data/%Y-%m-%d", description="where the files of a day live, with the day in it"
    )

    def requires(self) -> CombineGif:
        url, workdir = dated(self.url, self.date), dated(self.workdir, self.date)
        return self.clone(CombineGif, url=url, workdir=workdir)


class GifBatch(_Clips):
    """One clip for each URL of a file, each in a folder of its own.

    Empty lines and those that begin with # do not count. One failed clip does not
    block the others.

    Parameters
    ----------
    urls_file
        The path of a text file in UTF-8, with a path or URL a line.
    workdir
        Where the folders of the clips are, each named after its URL.
    **options
        All other parameters of CombineGif, but ``url`` and ``sha256``.
    """

    urls_file = UrlsFileParameter(description="a text file with a URL a line")
    workdir = FolderParameter(default="data", description="where the folders of the clips are")

    def deps(self) -> list[Any]:
        """As Luigi has it, which with more than one worker forks for each clip."""
        if core().workers > 1:
            from luigi_gif import imaging  # noqa: F401  # so that not each of them loads NumPy
        return super().deps()

    def requires(self) -> Iterator[CombineGif]:
        """A clip for each URL."""
        for url in dict.fromkeys(CombineGif.url.normalize(url) for _, url in _urls(self.urls_file)):
            workdir = f"{self.workdir.rstrip('/')}/{default_workdir.name_from_url(url)}"
            clip = self.clone(CombineGif, url=url, workdir=workdir)
            # Luigi looks at all of its tasks before it runs each, and may fork for each.
            clip.alone = True
            yield clip


def dated(text: str, day: date) -> str:
    """The text with the day in place of its fields."""
    return _FIELD.sub(lambda field: "%" if field[1] == "%" else day.strftime(field[0]), text)


def _urls(path: str) -> list[tuple[int, str]]:
    """The URLs of a file, each with the number of its line."""
    with (
        storage.open_regular_file(path) as descriptor,
        open(descriptor, "rb", closefd=False) as file,
    ):
        data = file.read()
    encodings = (name for mark, name in _ENCODINGS.items() if data.startswith(mark))
    lines = enumerate(data.decode(next(encodings, "utf-8")).splitlines(), 1)
    return [(number, line.strip()) for number, line in lines if not _is_comment(line.strip())]


def _is_comment(line: str) -> bool:
    return not line or line.startswith("#")


def _path_of(pattern: str) -> str:
    """What of a pattern names a folder: dots that lead back out of one do not."""
    return pattern if urls.is_local(pattern) else re.split("[?#]", redaction.public_url(pattern))[0]


@lru_cache
def _days_that_share(fields: tuple[str, ...]) -> tuple[date, date] | None:
    """Two days that are the same in these fields of a date, or None.

    28 years hold each kind of year: leap or not, whatever day of the week it begins with.
    Years of two digits are told apart for a hundred.
    """
    if "Y" in fields and ("j" in fields or {"m", "d"} <= set(fields)):
        return None  # the usual ones, without looking at each day
    pattern = " ".join(f"%{field}" for field in fields)
    seen: dict[str, date] = {}
    for number in range(28 * 366):
        day = date(2001, 1, 1) + timedelta(number)
        text = day.strftime(pattern)
        if text in seen:
            return seen[text], day
        seen[text] = day
    return None
