"""A day or an hour, and paths and URLs with its fields in them, such as %Y-%m-%d."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import luigi

from luigi_gif import redaction, urls
from luigi_gif.errors import ParameterError
from luigi_gif.parameters import bad_parameter
from luigi_gif.publish_parameters import PlaceParameter
from luigi_gif.url_parameters import FolderParameter, SourceParameter, UrlParameter

_FIELD = re.compile("%([aAbBdGjmuUVwWyY%])")
_HOUR_FIELD = re.compile("%([aAbBdGHIjmMpuUVwWyY%])")


class DayParameter(luigi.DateParameter):
    """A day, such as 2026-11-23."""

    def parse(self, s: object) -> object:
        if not isinstance(s, str):
            return s
        try:
            return date.fromisoformat(s)
        except ValueError:
            raise self._error(s) from None

    def normalize(self, value: object) -> date:
        value = self.parse(value)
        if isinstance(value, datetime):
            value = value.date()
        if not isinstance(value, date):
            raise self._error(value)
        return value

    def serialize(self, dt: date) -> str:
        return dt.isoformat()

    def _error(self, got: object) -> ParameterError:
        return bad_parameter("--date", "a day, such as 2026-11-23", got)


class HourParameter(luigi.DateHourParameter):
    """An hour of UTC, such as 2026-11-23T18, as a time without a zone: so RangeHourly has them."""

    def parse(self, s: object) -> object:
        if not isinstance(s, str):
            return s
        try:
            return datetime.strptime(s, self.date_format)
        except ValueError:
            raise self._error(s) from None

    def normalize(self, value: object) -> datetime:
        value = self.parse(value)
        if not isinstance(value, datetime):
            raise self._error(value)
        if value.tzinfo is not None:
            value = value.astimezone(UTC)
        return value.replace(minute=0, second=0, microsecond=0, tzinfo=None, fold=0)

    def serialize(self, dt: datetime) -> str:
        return dt.isoformat(timespec="hours")

    def _error(self, got: object) -> ParameterError:
        return bad_parameter("--hour", "an hour of UTC, such as 2026-11-23T18", got)


class DatedUrlParameter(UrlParameter):
    """A path or URL with the fields of a date in it."""

    def absolute(self, path: str) -> str:
        path = urls.local_path(path)
        if not os.path.isabs(path):  # the folder's own percent signs are no fields
            path = f"{os.getcwd().replace('%', '%%')}/{path}"
        return os.path.abspath(path)


class DatedSourceParameter(DatedUrlParameter, SourceParameter):
    """One or more paths and URLs that frames come from, with the fields of a date in them."""


class _OneADay(DatedUrlParameter):
    """A path or URL with a day in it. Raises ParameterError where two days would share it."""

    def checked(self, value: object) -> str:
        pattern = super().checked(value)
        shared = _days_that_share(tuple(sorted(set(_FIELD.findall(_path_of(pattern))))))
        if shared:
            days = " and ".join(map(str, shared))
            raise self.error(f"{redaction.public_url(pattern)}, which is the same on {days}")
        return pattern


class _OneAnHour(DatedUrlParameter):
    """A path or URL with an hour in it. Raises ParameterError where two hours would share it."""

    def checked(self, value: object) -> str:
        pattern = super().checked(value)
        shared = _hours_that_share(tuple(sorted(set(_HOUR_FIELD.findall(_path_of(pattern))))))
        if shared:
            hours = " and ".join(each.isoformat(timespec="hours") for each in shared)
            raise self.error(f"{redaction.public_url(pattern)}, which is the same on {hours}")
        return pattern


class DatedFolderParameter(_OneADay, FolderParameter):
    """A folder for each day."""

    expected = "a folder for each day, such as data/%Y-%m-%d"


class HourlyFolderParameter(_OneAnHour, FolderParameter):
    """A folder for each hour."""

    expected = "a folder for each hour, such as data/%Y-%m-%dT%H"


class DatedPlaceParameter(_OneADay, PlaceParameter):
    """Where the clip of each day is published; empty for nowhere."""

    expected = "a place for each day, such as site/%Y-%m-%d.gif"

    def checked(self, value: object) -> str:
        return "" if value == "" else super().checked(value)


class HourlyPlaceParameter(_OneAnHour, PlaceParameter):
    """Where the clip of each hour is published; empty for nowhere."""

    expected = "a place for each hour, such as site/%Y-%m-%dT%H.gif"

    def checked(self, value: object) -> str:
        return "" if value == "" else super().checked(value)


def with_hour(text: str, hour: datetime) -> str:
    """The text with the hour in place of its fields, which may also be those of its minutes."""
    return _HOUR_FIELD.sub(lambda field: "%" if field[1] == "%" else hour.strftime(field[0]), text)


def with_date(text: str, day: date) -> str:
    """The text with the day in place of its fields."""
    return _FIELD.sub(lambda field: "%" if field[1] == "%" else day.strftime(field[0]), text)


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


@lru_cache
def _hours_that_share(fields: tuple[str, ...]) -> tuple[datetime, datetime] | None:
    """Two hours that are the same in these fields, or None: of one day, else of two days."""
    pattern = " ".join(f"%{field}" for field in fields)
    seen: dict[str, datetime] = {}
    for number in range(24):
        hour = datetime(2001, 1, 1, number)
        text = hour.strftime(pattern)
        if text in seen:
            return seen[text], hour
        seen[text] = hour
    days = _days_that_share(tuple(field for field in fields if _FIELD.fullmatch(f"%{field}")))
    return days and (datetime(*days[0].timetuple()[:3]), datetime(*days[1].timetuple()[:3]))
