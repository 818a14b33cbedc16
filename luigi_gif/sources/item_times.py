"""When the picture of an item was taken: what its name says, else when it was last changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from luigi_gif.sources.item import Item

_HOUR = r"(?P<hour>[01]\d|2[0-3])"
_CLOCK = rf"{_HOUR}(?P<gap>[.:_h-]?)(?P<minute>[0-5]\d)(?:(?:(?P=gap)|m)(?P<second>[0-5]\d))?"
_YEAR = r"(?<!\d)(?P<year>19\d\d|20\d\d)"
_DATE = rf"{_YEAR}(?P<mark>[-_.]?)(?P<month>0[1-9]|1[0-2])(?P=mark)(?P<day>0[1-9]|[12]\d|3[01])"
_Z = "Z(?![A-Za-z])"
# -0700 may as well be the number of a picture.
_ZONE = rf"(?:(?P<utc>{_Z})|(?P<offset>(?:\+[01]\d:?|-[01]\d:)[0-5]\d)(?!\d))?"
_FORMAT_IN_UTC = re.compile(f"%[HMSf]{_Z}")
_DAY_OF_YEAR = rf"{_YEAR}(?P<day_of_year>[0-3]\d\d)"
# "2026-11-20 at 1.05.03 PM", as macOS and WhatsApp write it: "um", "kl." in other languages.
_SPOKEN = (
    rf"{_DATE} [^\W\d_]{{1,3}}\.? (?P<hour>[01]?\d|2[0-3])[.:](?P<minute>[0-5]\d)"
    r"(?:[.:](?P<second>[0-5]\d))?(?!\d)(?:\s?(?P<half>[AaPp])\.?[Mm])?"
)
# The first that fits counts. Day 329 of a year is what satellites' names have.
_IN_NAMES = tuple(
    re.compile(text)
    for text in (
        rf"{_DATE}[-_. T]?{_CLOCK}{_ZONE}",
        rf"{_DAY_OF_YEAR}[-_T]?{_CLOCK}{_ZONE}",
        _SPOKEN,
        rf"{_DATE}T?{_HOUR}(?!\d){_ZONE}",
        rf"{_DATE}(?!\d)",
    )
)
_NO_NUMBERS = frozenset({"mark", "gap", "utc", "offset", "half"})
_DIGITS = {
    **dict.fromkeys("mdHIMSyUWVuw", r"\d{1,2}"),
    **{"Y": r"\d{4}", "G": r"\d{4}", "j": r"\d{3}", "f": r"\d{1,6}"},
}
_WORD = r"[^\W\d_]"
_FIELDS = _DIGITS | {
    **dict.fromkeys("bBaA", rf"{_WORD}+"),
    **{"p": rf"{_WORD}{{2}}", "Z": "[A-Za-z]+", "z": r"Z|[+-]\d\d:?\d\d", "%": "%"},
}
"""What the fields of strptime look like inside a name."""
_EPOCH = "%s"
_EPOCH_PATTERN = re.compile(r"(?<!\d)\d{1,11}(?!\d)")
_ANY_TIME = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def time_reader(time_format: str, zone: tzinfo) -> Callable[[Item], float | None]:
    """A function that says when an item's picture was taken, in seconds since 1970 UTC.

    Parameters
    ----------
    time_format : str
        How names write a time, as for strptime, or %s for seconds since 1970; empty to find it
        by itself. Raises ValueError for another text.
    zone : tzinfo
        Of the times in names, unless Z or an offset such as +0200 stands behind them.
    """
    if not time_format:
        return lambda item: _or_changed(item, _time_in(item.name, zone))
    if time_format == _EPOCH:
        return lambda item: _or_changed(item, _epoch_in(item.name))
    pattern = _pattern_of(time_format)
    zone = UTC if _FORMAT_IN_UTC.search(time_format) else zone

    def read(item: Item) -> float | None:
        last = item.name if "/" in time_format else item.name.rpartition("/")[2]
        found = _search(pattern, last, time_format) or _search(pattern, item.name, time_format)
        return _or_changed(item, _timestamp(found, zone) if found else None)

    return read


def parse_age(text: str) -> timedelta | None:
    """How long ``30m``, ``24h`` or ``7d`` is; None for any other text."""
    found = _AGE.fullmatch(text.strip())
    try:
        return timedelta(seconds=float(found[1]) * _SECONDS[found[2]]) if found else None
    except OverflowError:
        return None


def parse_when(text: str, now: datetime, zone: tzinfo) -> float:
    """The time that an ISO date, with a clock or not, or an age before ``now`` names.

    Seconds since 1970 UTC. Raises ValueError.
    """
    age = parse_age(text)
    time = now - age if age is not None else datetime.fromisoformat(text.strip())
    timestamp = _timestamp(time, zone)
    if timestamp is None:
        raise ValueError("a time that no clock shows")
    return timestamp


def _or_changed(item: Item, time: float | None) -> float | None:
    return item.time if time is None else time


def _time_in(name: str, zone: tzinfo) -> float | None:
    for pattern in _IN_NAMES:
        if found := pattern.search(name.rpartition("/")[2]) or pattern.search(name):
            parts = {key: int(text) for key, text in found.groupdict().items()
                     if text and key not in _NO_NUMBERS}  # fmt: skip
            if half := found.groupdict().get("half"):
                parts["hour"] = parts["hour"] % 12 + 12 * (half in "Pp")
            own_zone = _zone_in(found) or zone
            day = parts.pop("day_of_year", None)
            try:
                if day is not None:
                    first = datetime(month=1, day=1, **parts)  # type: ignore[arg-type]
                    return _timestamp(first + timedelta(days=day - 1), own_zone)
                return _timestamp(datetime(**parts), own_zone)  # type: ignore[arg-type]
            except ValueError:
                continue
    return None


def _zone_in(found: re.Match[str]) -> tzinfo | None:
    """That of a time in a name, where it stands behind it."""
    parts = found.groupdict()
    if parts.get("utc"):
        return UTC
    return datetime.strptime(parts["offset"], "%z").tzinfo if parts.get("offset") else None


def _timestamp(time: datetime, zone: tzinfo) -> float | None:
    """None for one at the ends of the calendar, which is in no year in UTC."""
    try:
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC).timestamp()
    except OverflowError:
        return None


def _epoch_in(name: str) -> float | None:
    """The seconds since 1970 that stand in a name, in its last part if they do there."""
    found = _EPOCH_PATTERN.search(name.rpartition("/")[2]) or _EPOCH_PATTERN.search(name)
    return float(found[0]) if found else None


def _search(pattern: re.Pattern[str], name: str, time_format: str) -> datetime | None:
    """The first time in a name; what looks like one need not be."""
    position = 0
    while found := pattern.search(name, position):
        try:
            return datetime.strptime(found[0], time_format)
        except ValueError:
            position = found.start() + 1
    return None


def _pattern_of(time_format: str) -> re.Pattern[str]:
    """What a time in this format looks like inside a name. Raises ValueError."""
    parts = re.split(r"%(.)", time_format, flags=re.DOTALL)
    fields = parts[1::2]
    if not set(fields) - {"%"} or not _FIELDS.keys() >= set(fields):
        raise ValueError("a format needs fields of strptime, or is %s")
    datetime.strptime(_ANY_TIME.strftime(time_format), time_format)
    return re.compile(
        "".join(
            f"(?:{_FIELDS[part]})" if place % 2 else re.escape(part)
            for place, part in enumerate(parts)
        )
    )


def wall_seconds(time: float, zone: tzinfo) -> float:
    """Seconds since 1970, UTC, as seconds since then that the clocks of a zone show."""
    try:
        offset = datetime.fromtimestamp(time, zone).utcoffset()
    except OverflowError:  # at the ends of the calendar
        offset = None
    return time + (offset.total_seconds() if offset else 0.0)
