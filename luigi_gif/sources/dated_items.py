"""A URL with the fields of a time in it: one item for each step of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from luigi_gif.sources.item import Item

MAX_ITEMS = 1_000_000
_FIELD = re.compile("%([YymdHMSjbBaAeGVuUwWpI%])")
_SURE_FIELD = re.compile("%[YyHMjGV]")
"""Which no percent-encoding has: these letters are no hexadecimal digits."""


def is_dated(url: str) -> bool:
    """Whether a path or URL has the fields of a time, as strftime knows them; %% is a percent."""
    return _SURE_FIELD.search(url) is not None


def dated_items(
    url: str, since: float, until: float, step_s: float, zone: tzinfo
) -> Iterator[Item]:
    """An item for each step of time, from ``since`` to ``until``, both included.

    Parameters
    ----------
    url : str
        With fields such as %Y, %m, %d, %H and %M.
    since, until : float
        Seconds since 1970 UTC.
    step_s : float
        Seconds between two items.
    zone : tzinfo
        Of the times in the URL.
    """
    seen = ""
    for number in range(MAX_ITEMS):
        time = since + number * step_s
        if time > until:
            return
        place = _with_time(url, datetime.fromtimestamp(time, UTC).astimezone(zone))
        if place != seen:  # steps may be smaller than what the URL tells
            yield Item(place.rstrip("/").rpartition("/")[2], place, time=time)
        seen = place


def _with_time(url: str, time: datetime) -> str:
    return _FIELD.sub(lambda field: "%" if field[1] == "%" else time.strftime(field[0]), url)
