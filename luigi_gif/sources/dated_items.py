"""A URL with the fields of a time in it: one item for each step of time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlsplit

from luigi_gif.errors import ParameterError
from luigi_gif.redaction import public_url
from luigi_gif.sources.http_urls import name_in_url
from luigi_gif.sources.item import Item
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
    seen, latest = "", datetime.min
    for number in range(steps):
        time = since + number * step_s
        local = datetime.fromtimestamp(time, UTC).astimezone(zone).replace(tzinfo=None)
        place = _with_time(url, local)
        # Steps may be smaller than what the URL tells, and clocks are set back in autumn.
        if place != seen and local > latest:
            yield Item(_name(place), place, time=time)
        seen, latest = place, max(local, latest)


def _name(place: str) -> str:
    """The last part of its path; what stands behind that may be secret."""
    is_http = scheme_of(place) in HTTP_SCHEMES
    path = name_in_url(urlsplit(place).path) if is_http else place
    return path.rstrip("/").rpartition("/")[2]


def _with_time(url: str, time: datetime) -> str:
    return _FIELD.sub(lambda field: "%" if field[1] == "%" else time.strftime(field[0]), url)
