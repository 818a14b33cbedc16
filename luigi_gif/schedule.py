"""Many clips: one for every night, every hour, or every line of a file."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from luigi_gif import default_workdir, sources, storage
from luigi_gif.also_parameters import AlsoParameters
from luigi_gif.caption_parameters import CaptionParameters
from luigi_gif.clip_parameters import ClipParameters
from luigi_gif.dated_urls import (
    DatedFolderParameter,
    DatedPlaceParameter,
    DatedSourceParameter,
    DayParameter,
    HourlyFolderParameter,
    HourlyPlaceParameter,
    HourParameter,
    with_date,
    with_hour,
)
from luigi_gif.errors import ForeignFileError, ParameterError, PipelineError
from luigi_gif.json_object import number_of
from luigi_gif.parameters import TextParameter
from luigi_gif.publish import PublishGif
from luigi_gif.refresh_parameters import RefreshParameters
from luigi_gif.render_parameters import RenderParameters
from luigi_gif.selection_parameters import SelectionParameters, times_as_of, zone_of
from luigi_gif.source_at_scheduling import (
    SourceAtSchedulingWrapper,
    ignore_changes_since_scheduling,
)
from luigi_gif.source_task import EXAMPLE_URL
from luigi_gif.tasks import CombineGif
from luigi_gif.unwanted_parameters import UnwantedParameters
from luigi_gif.url_parameters import FolderParameter

_ENCODINGS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""By the byte order mark that editors begin a text with."""


class UrlsFileParameter(TextParameter):
    """The path of a text file with a URL a line. Raises ParameterError for any other."""

    expected = "a text file in UTF-8 with a path or URL a line"

    def checked(self, value: object) -> str:
        text = super().checked(os.fspath(value) if isinstance(value, os.PathLike) else value)
        path = os.path.expanduser(text)
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


class _Clips(
    RefreshParameters,
    SelectionParameters,
    RenderParameters,
    CaptionParameters,
    UnwantedParameters,
    ClipParameters,
    AlsoParameters,
    SourceAtSchedulingWrapper,
):
    """What the clips have in common: all parameters of CombineGif but their places."""

    needs = CombineGif

    data_file = CombineGif.data_file
    gif_file = CombineGif.gif_file
    on_bad_frame = CombineGif.on_bad_frame


class _ClipsOfRange(_Clips):
    """What those have in common of which RangeDaily and RangeHourly make what is missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._range_asked: float | None = None
        """When a range asked for it, which asks once more behind all of its runs."""

    @classmethod
    def bulk_complete(cls, parameter_tuples: Iterable[Any]) -> list[Any]:
        """Those of some parameters that are complete, before a range has any run."""
        complete = []
        for each in parameter_tuples:
            task = cls(*each) if isinstance(each, list | tuple) else cls(each)
            task._range_asked = None
            if task.complete():
                complete.append(each)
            task._range_asked = time.time()
        return complete

    def complete(self) -> bool:
        """Whether the clip is complete; if its source was asked for the range, by its files."""
        if self._range_asked is not None and self._asked_its_source_since(self._range_asked):
            ignore_changes_since_scheduling([self])
        return super().complete()

    def _asked_its_source_since(self, moment: float) -> bool:
        with contextlib.suppress(PipelineError):  # which the question for completeness tells of
            receipt = self.requires().bundle.receipt() or {}
            return bool((number_of(receipt.get("asked")) or 0.0) >= moment)
        return False


class NightlyGif(_ClipsOfRange):
    """One clip a day, in a folder of its own.

    ``url`` and ``workdir`` may hold the fields of a date that strftime knows,
    such as %Y-%m-%d; %% is a percent sign. ``RangeDaily --of NightlyGif`` makes
    those of past days that are missing.

    Ages count from midnight, when the day begins in ``timezone``, and ``since`` an age takes
    nothing that is later: so a day of the past gets the clip that its night would have made.
    With ``since`` and ``step``, the fields in ``url`` are those of each picture.

    Parameters
    ----------
    date : datetime.date or str
        The day.
    url, workdir : str or path
        As those of :class:`CombineGif`, with the fields of a date.
    to : str or path
        Where the clip is published, with the fields of a date; see :class:`PublishGif`.
    **options
        All other parameters of :class:`CombineGif`, but ``sha256``.

    Raises
    ------
    ParameterError
        When it is made, for a value that cannot be used, or where two days share a folder.
    """

    date = DayParameter(description="the day, such as 2026-11-23")
    url = DatedSourceParameter(
        default=EXAMPLE_URL,
        description="where the pictures are, with the fields of a date, if it is dated",
    )
    workdir = DatedFolderParameter(
        default="data/%Y-%m-%d", description="where the files of a day live, with the day in it"
    )
    to = DatedPlaceParameter(
        default="", description="where the clip of a day is published, with the day in it"
    )

    def requires(self) -> Any:
        """The task that makes the clip, or else the one that publishes it."""
        url = self.url if _is_of_each_picture(self) else with_date(self.url, self.date)
        midnight = datetime.combine(self.date, datetime.min.time(), zone_of(self.timezone))
        times = times_as_of(self, midnight.astimezone(UTC))
        clip = self.clone(CombineGif, url=url, workdir=with_date(self.workdir, self.date), **times)
        return _published(clip, with_date(self.to, self.date))


class HourlyGif(_ClipsOfRange):
    """One clip an hour, in a folder of its own.

    ``url`` and ``workdir`` may hold the fields of a date and an hour that strftime knows,
    such as %Y-%m-%dT%H; %% is a percent sign. ``RangeHourly --of HourlyGif`` makes
    those of past hours that are missing.

    The hour is one of UTC, as those of RangeHourly are, and so are the fields in ``workdir``: no
    hour comes twice there, and none is left out. The fields in ``url`` are those that clocks in
    ``timezone`` show when the hour begins.

    Ages count from the beginning of the hour, and ``since`` an age takes nothing that is later:
    so an hour of the past gets the clip that it would have made.
    With ``since`` and ``step``, the fields in ``url`` are those of each picture.

    Parameters
    ----------
    hour : datetime.datetime or str
        The hour of UTC; a time without a zone is one of UTC.
    url, workdir : str or path
        As those of :class:`CombineGif`, with the fields of a date and an hour.
    to : str or path
        Where the clip is published, with these fields of UTC; see :class:`PublishGif`.
    **options
        All other parameters of :class:`CombineGif`, but ``sha256``.

    Raises
    ------
    ParameterError
        When it is made, for a value that cannot be used, or where two hours share a folder.
    """

    hour = HourParameter(description="the hour of UTC, such as 2026-11-23T18")
    url = DatedSourceParameter(
        default=EXAMPLE_URL,
        description="where the pictures are, with the fields of a date and an hour, if it is dated",
    )
    workdir = HourlyFolderParameter(
        default="data/%Y-%m-%dT%H",
        description="where the files of an hour live, with the hour of UTC in it",
    )
    to = HourlyPlaceParameter(
        default="",
        description="where the clip of an hour is published, with the hour of UTC in it",
    )

    def requires(self) -> Any:
        """The task that makes the clip, or else the one that publishes it."""
        begin = self.hour.replace(tzinfo=UTC)
        local = begin.astimezone(zone_of(self.timezone))
        url = self.url if _is_of_each_picture(self) else with_hour(self.url, local)
        times = times_as_of(self, begin)
        clip = self.clone(CombineGif, url=url, workdir=with_hour(self.workdir, begin), **times)
        return _published(clip, with_hour(self.to, begin))


class GifBatch(_Clips):
    """One clip for each URL of a file, each in a folder of its own.

    Empty lines and those that begin with # do not count. One failed clip does not
    block the others.

    Parameters
    ----------
    urls_file : str or path
        The path of a text file in UTF-8, with a path or URL a line.
    workdir : str or path
        Where the folders of the clips are, each named after its URL.
    **options
        All other parameters of :class:`CombineGif`, but ``url`` and ``sha256``.

    Raises
    ------
    ParameterError
        When it is made, for a value or a line that cannot be used.
    """

    urls_file = UrlsFileParameter(description="a text file with a URL a line")
    workdir = FolderParameter(default="data", description="where the folders of the clips are")

    def requires(self) -> list[CombineGif]:
        """A clip for each URL."""
        return self._clips

    @cached_property
    def _clips(self) -> list[CombineGif]:
        return list(self._new_clips())

    def _new_clips(self) -> Iterator[CombineGif]:
        for url in dict.fromkeys(CombineGif.url.normalize(url) for _, url in _urls(self.urls_file)):
            workdir = f"{self.workdir.rstrip('/')}/{default_workdir.name_from_url(url)}"
            clip = self.clone(CombineGif, url=url, workdir=workdir)
            # Luigi looks at all of its tasks before it runs each.
            clip.alone = True
            yield clip


def _published(clip: CombineGif, place: str) -> CombineGif | PublishGif:
    """The task that publishes a clip, if there is a place for it."""
    return clip.clone(PublishGif, to=place) if place else clip


def _is_of_each_picture(task: NightlyGif | HourlyGif) -> bool:
    """Whether the fields in the URL of a task are not those of its own time."""
    return bool(task.since and task.step and sources.is_dated(task.url))


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
