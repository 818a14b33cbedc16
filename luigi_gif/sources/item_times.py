"""When the picture of an item was taken: what its name says, else when it was last changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from luigi_gif.sources.item import Item

_CLOCK = r"(?P<hour>[01]\d|2[0-3])[.:_h-]?(?P<minute>[0-5]\d)(?:[.:_m-]?(?P<second>[0-5]\d))?"
_YEAR = r"(?<!\d)(?P<year>19\d\d|20\d\d)"
_DATE = rf"{_YEAR}(?P<mark>[-_.]?)(?P<month>0[1-9]|1[0-2])(?P=mark)(?P<day>0[1-9]|[12]\d|3[01])"
_DAY_OF_YEAR = rf"{_YEAR}(?P<day_of_year>[0-3]\d\d)"
# The first that fits counts. Day 329 of a year is what satellites' names have.
_IN_NAMES = tuple(
    re.compile(text)
    for text in (
        rf"{_DATE}[-_. T]?{_CLOCK}",
        rf"{_DAY_OF_YEAR}[-_T]?{_CLOCK}",
        rf"{_DATE}(?!\d)",
    )
)
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def time_reader(time_format: str, zone: tzinfo) -> Callable[[Item], float | None]:
    """A function that says when an item's picture was taken, in seconds since 1970 UTC.

    Parameters
    ----------
    time_format : str
        How names write a time, as for strptime; empty to find it by itself.
    zone : tzinfo
        Of the times in names.
    """
    if not time_format:
        return lambda item: _or_changed(item, _time_in(item.name, zone))
    pattern = _pattern_of(time_format)

    def read(item: Item) -> float | None:
        found = pattern.search(item.name)
        try:
            time = datetime.strptime(found[0], time_format) if found else None
        except ValueError:
            time = None
        return _or_changed(item, _timestamp(time, zone))

    return read


def parse_age(text: str) -> timedelta | None:
    """How long ``30m``, ``24h`` or ``7d`` is; None for any other text."""
    found = _AGE.fullmatch(text.strip())
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]]) if found else None


def parse_when(text: str, now: datetime, zone: tzinfo) -> float:
    """The time that an ISO date, with a clock or not, or an age before ``now`` names.

    Seconds since 1970 UTC. Raises ValueError.
    """
    age = parse_age(text)
    time = now - age if age is not None else datetime.fromisoformat(text.strip())
    timestamp = _timestamp(time, zone)
    assert timestamp is not None
    return timestamp


def _or_changed(item: Item, time: float | None) -> float | None:
    return item.time if time is None else time


def _time_in(name: str, zone: tzinfo) -> float | None:
    for pattern in _IN_NAMES:
        if found := pattern.search(name.rpartition("/")[2]) or pattern.search(name):
            parts = {key: int(text) for key, text in found.groupdict().items()
                     if text and key != "mark"}  # fmt: skip
            day = parts.pop("day_of_year", None)
            try:
                if day is not None:
                    first = datetime(month=1, day=1, **parts)  # type: ignore[arg-type]
                    return _timestamp(first + timedelta(days=day - 1), zone)
                return _timestamp(datetime(**parts), zone)  # type: ignore[arg-type]
            except ValueError:
                continue
    return None


def _timestamp(time: datetime | None, zone: tzinfo) -> float | None:
    if time is None:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC).timestamp()


def _pattern_of(time_format: str) -> re.Pattern[str]:
    """What a time in this format looks like inside a name."""
    digits = {"Y": r"\d{4}", "j": r"\d{3}", "f": r"\d{1,6}", "s": r"\d{1,11}", "%": "%"}
    words = {"b": r"\w+?", "B": r"\w+?", "a": r"\w+?", "A": r"\w+?", "p": r"\w\w",
             "Z": r"[A-Za-z]+", "z": r"Z|[+-]\d\d:?\d\d"}  # fmt: skip
    known = digits | words
    parts = re.split(r"%(.)", time_format)
    return re.compile(
        "".join(
            f"(?:{known.get(part, r'[0-9]{1,2}')})" if place % 2 else re.escape(part)
            for place, part in enumerate(parts)
        )
    )
