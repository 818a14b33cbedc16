"""A URL with the fields of a time in it: one item for each step of time."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlsplit

from luigi_gif.errors import ParameterError
from luigi_gif.redaction import public_url
from luigi_gif.sources.http_urls import name_in_url
from luigi_gif.sources.item import Item
from luigi_gif.sources.item_times import wall_seconds
from luigi_gif.urls import HTTP_SCHEMES, is_local, local_path, scheme_of, split_sources

MAX_ITEMS = 1_000_000
_FIELD = re.compile("%([YymdHMSjbBaAeGVuUwWpI%])")
_SURE_FIELD = re.compile("%[YyHMjGV]")
"""Which no percent-encoding has: these letters are no hexadecimal digits."""


def is_dated(url: str) -> bool:
    """Whether a path or URL has the fields of a time, as strftime knows them; %% is a percent.

    What exists under the very name has none.
    """
    if _SURE_FIELD.search(url) is None or len(split_sources(url)) > 1:
        return False
    return not (is_local(url) and os.path.lexists(local_path(url)))


def dated_items(
    url: str, since: float, until: float, step_s: float, zone: tzinfo
) -> Iterator[Item]:
    """An item for each whole step of time, from ``since`` to ``until``, both included.

    Steps are those of the zone's clocks: a day begins at midnight there, also where clocks change.
    A time that they leave out has no item, one that comes twice has one.

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

    Raises
    ------
    ParameterError
        For more than MAX_ITEMS steps.
    """
    steps = int((until - since) // step_s) + 1
    if steps > MAX_ITEMS:
        raise ParameterError(
            "these are too many steps of time",
            where=public_url(url),
            expected=f"at most {MAX_ITEMS:,}",
            got=f"{steps:,}",
            next_step="give a later --since, or a longer --step",
        )
    seen = ""
    for local in _whole_steps(since, step_s, zone):
        time = local.replace(tzinfo=zone).timestamp()
        if time > until:
            return
        exists = datetime.fromtimestamp(time, zone).replace(tzinfo=None) == local
        place = _with_time(url, local)
        if exists and time >= since and place != seen:  # a step may be smaller than what it tells
            yield Item(_name(place), place, time=time)
            seen = place


def _whole_steps(since: float, step_s: float, zone: tzinfo) -> Iterator[datetime]:
    """What the clocks show at each whole step, such as every ten minutes at 18:20."""
    first = -(-wall_seconds(since, zone) // step_s)
    with contextlib.suppress(OverflowError):  # at the end of the calendar
        for number in itertools.count(int(first)):
            yield datetime(1970, 1, 1) + timedelta(seconds=number * step_s)


def _name(place: str) -> str:
    """The last part of its path; what stands behind that may be secret."""
    is_http = scheme_of(place) in HTTP_SCHEMES
    path = name_in_url(urlsplit(place).path) if is_http else place
    return path.rstrip("/").rpartition("/")[2]


def _with_time(url: str, time: datetime) -> str:
    return _FIELD.sub(lambda field: "%" if field[1] == "%" else time.strftime(field[0]), url)
