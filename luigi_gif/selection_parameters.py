"""The parameters that choose items of a source: which pictures become frames."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from luigi_gif import sources
from luigi_gif.parameters import ChoiceParameter, NamedParameter, NumberParameter, TextParameter


class WhenParameter(NamedParameter[str]):
    """A time, or how long ago it was; the empty text stands for none."""

    expected = "a time such as 2026-11-23 or 2026-11-23T18:00Z, or an age such as 30m, 24h or 7d"
    metavar = "TIME"

    def checked(self, value: object) -> str:
        if not isinstance(value, str):
            raise self.error(value)
        try:
            return value if not value else self._checked_time(value)
        except (ValueError, OverflowError):
            raise self.error(value) from None

    def _checked_time(self, value: str) -> str:
        for hours in (-23, 23):  # it has to be one in every time zone
            sources.parse_when(value, datetime.now(UTC), timezone(timedelta(hours=hours)))
        return value


class AgeParameter(NamedParameter[str]):
    """A span of time; the empty text stands for none."""

    expected = "a span of time such as 90s, 30m, 6h or 1d"
    metavar = "SPAN"

    def checked(self, value: object) -> str:
        if not isinstance(value, str) or (value and not sources.parse_age(value)):
            raise self.error(value)
        return value


class TimeFormatParameter(NamedParameter[str]):
    """How names write a time; the empty text stands for finding it."""

    expected = "the fields of a time as in strptime, such as %Y%m%d_%H%M, or %s"
    metavar = "FORMAT"

    def checked(self, value: object) -> str:
        if not isinstance(value, str):
            raise self.error(value)
        try:
            sources.time_reader(value, UTC)
        except ValueError:
            raise self.error(value) from None
        return value


class ZoneParameter(NamedParameter[str]):
    """The name of a time zone, or None where that is the default."""

    expected = "a time zone such as UTC or Europe/Oslo"
    metavar = "ZONE"

    def checked(self, value: object) -> str:
        try:
            zone_of(value)
        except (ValueError, TypeError, OSError, LookupError):
            raise self.error(value) from None
        return str(value)


class SelectionParameters:
    """Which items of a source become frames; the rules act in this order."""

    match = TextParameter(
        default="", description="pattern of the names that are wanted, such as '*.jpg'"
    )
    since = WhenParameter(default="", description="first time that is wanted, or its age: 24h")
    until = WhenParameter(default="", description="last time that is wanted, or its age")
    sort = ChoiceParameter(
        default="auto",
        choices=("auto", "natural", "time", "given"),
        description="order of the frames: by number, by time, or as the source has them; auto: by "
        "number, but a list, several sources and dated URLs as they stand",
    )
    step = AgeParameter(default="", description="take one picture for each such span of time: 30m")
    every = NumberParameter(
        default=1, kind=int, min_value=1, max_value=10**9, description="take every Nth picture"
    )
    first = NumberParameter(
        default=None, kind=int, min_value=1, max_value=10**9, description="take only the first N"
    )
    last = NumberParameter(
        default=None, kind=int, min_value=1, max_value=10**9, description="take only the last N"
    )
    time_format = TimeFormatParameter(
        default="", description="how names write a time, as in strptime; by default it is found"
    )
    timezone = ZoneParameter(
        default="UTC", description="time zone of times without one, and of those in captions"
    )


NAMES = tuple(name for name in vars(SelectionParameters) if not name.startswith("_"))


def selection_recipe(task: Any) -> dict[str, Any]:
    """The parameters of a task that choose items, without those that have no effect."""
    shown = task.texts_of(NAMES)
    defaults = {name: getattr(type(task), name) for name in NAMES}
    if not (task.since or task.until or task.step or task.sort == "time"):
        del defaults["timezone"]  # it may still shape captions
    return {
        name: shown[name]
        for name, parameter in defaults.items()
        if shown[name] != parameter.serialize(parameter.default)
    }


def chooses_by_age(task: Any) -> bool:
    """Whether the times that a task's parameters choose are others in each run."""
    return any(sources.parse_age(text) is not None for text in (task.since, task.until))


def selection_of(task: Any) -> sources.Selection:
    """What a task's parameters choose, now."""
    zone, now = zone_of(task.timezone), datetime.now(UTC)
    since, until = (
        sources.parse_when(text, now, zone) if text else None for text in (task.since, task.until)
    )
    step = sources.parse_age(task.step)
    return sources.Selection(
        match=task.match,
        since=since,
        until=until,
        moves=chooses_by_age(task),
        sort=task.sort,
        step_s=step.total_seconds() if step else 0.0,
        zone=zone,
        every=task.every,
        first=task.first,
        last=task.last,
        time_of=sources.time_reader(task.time_format, zone),
        time_format=task.time_format,
    )


def times_as_of(task: Any, now: datetime) -> dict[str, str]:
    """A task's ``since`` and ``until`` with times in the place of ages, as they are at ``now``.

    What has an age at that time is not later.
    """
    until = task.until or ("0s" if sources.parse_age(task.since) is not None else "")
    return {
        name: text if sources.parse_age(text) is None else _time_of_age(text, now)
        for name, text in (("since", task.since), ("until", until))
    }


def _time_of_age(text: str, now: datetime) -> str:
    return datetime.fromtimestamp(sources.parse_when(text, now, UTC), UTC).isoformat()


def zone_of(name: Any) -> tzinfo:
    """Raises ValueError, TypeError, OSError or LookupError for what is no name of a zone."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
