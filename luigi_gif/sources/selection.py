"""Which items of a source become frames, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo
from fnmatch import fnmatchcase
from itertools import count
from typing import NamedTuple

from luigi_gif.sources.item import Item
from luigi_gif.sources.item_times import wall_seconds
from luigi_gif.sources.listing import Listing, sort_items
from luigi_gif.sources.natural_order import natural_key


class Selection(NamedTuple):
    """What the user wants of a source; these rules act in this order."""

    match: str = ""
    """A pattern for names, such as ``*.jpg``; one without a slash is for the last part."""
    since: float | None = None
    until: float | None = None
    """Seconds since 1970 UTC; both are included."""
    moves: bool = False
    """Whether one of them is an age, and so another time in each run."""
    sort: str = "auto"
    """``natural`` of names, ``time``, ``given``, or ``auto``: what the source says."""
    step_s: float = 0.0
    """Of each of these spans of time, in seconds, the first item is taken."""
    zone: tzinfo = UTC
    """By whose clocks such a span begins, and of the times in a URL."""
    every: int = 1
    first: int | None = None
    last: int | None = None
    time_of: Callable[[Item], float | None] = lambda item: item.time
    """When an item's picture was taken, in seconds since 1970 UTC."""
    time_format: str = ""
    """How names write it, where that is said."""


class LeftOut(NamedTuple):
    """An item that is not chosen, and the rule that leaves it out."""

    item: Item
    rule: str


NO_IMAGE = "no image"
"""The rule for items that are none; the others have the names of parameters."""


def choose(
    items: Iterable[Item],
    selection: Selection,
    is_image: Callable[[Item], bool] = lambda _: True,
    leave_out: Callable[[LeftOut], None] = lambda _: None,
) -> Iterator[Item]:
    """The items that a selection takes, in its order; the others go to ``leave_out``.

    What is no image is left out behind ``match``, and counts for no other rule. Items pass
    through one by one, and only a sort and ``last`` need all of them: in files, if they are many.
    """
    chosen: Iterator[Item] = (_with_time(item, selection.time_of(item)) for item in items)
    for rule, is_wanted in _rules_for_names_and_times(selection, is_image):
        chosen = _filtered(chosen, rule, is_wanted, leave_out)
    chosen = in_order(chosen, selection.sort)
    for rule, is_wanted in rules_for_places(selection):
        chosen = _filtered(chosen, rule, is_wanted, leave_out)
    return chosen if selection.last is None else _last(chosen, selection.last, leave_out)


def in_order(items: Iterable[Item], order: str) -> Iterator[Item]:
    """Items in natural order of their names, by their time, or as they are given."""
    if order == "given":
        return iter(items)
    if order == "time":
        return sort_items(items, _time_key)
    return sort_items(items, lambda item: natural_key(item.name))


def _time_key(item: Item) -> tuple[object, ...]:
    """Folders list files of one time in any order, but a clip has to be the same each time."""
    return item.time is None, item.time or 0.0, natural_key(item.name)


def _with_time(item: Item, time: float | None) -> Item:
    return item if time == item.time else item._replace(time=time)


def _filtered(
    items: Iterator[Item],
    rule: str,
    is_wanted: Callable[[Item], bool],
    leave_out: Callable[[LeftOut], None],
) -> Iterator[Item]:
    for item in items:
        if is_wanted(item):
            yield item
        else:
            leave_out(LeftOut(item, rule))


def _rules_for_names_and_times(
    selection: Selection, is_image: Callable[[Item], bool]
) -> Iterator[tuple[str, Callable[[Item], bool]]]:
    """Rules that look at one item alone."""
    since, until = selection.since, selection.until
    if selection.match:
        yield "match", lambda item: fits(selection.match, item.name)
    yield NO_IMAGE, is_image
    if since is not None:
        yield "since", lambda item: item.time is not None and item.time >= since
    if until is not None:
        yield "until", lambda item: item.time is not None and item.time <= until


def fits(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern; one without a slash is for the last part."""
    return fnmatchcase(name if "/" in pattern else name.rpartition("/")[2], pattern)


def rules_for_places(selection: Selection) -> Iterator[tuple[str, Callable[[Item], bool]]]:
    """Rules that ask which items were before; each is for one pass over items in order."""
    every, first = selection.every, selection.first
    if selection.step_s:
        yield "step", _FirstOfEachStep(selection.step_s, selection.zone)
    if every > 1:
        numbers = count()
        yield "every", lambda _: next(numbers) % every == 0
    if first is not None:
        places = count()
        yield "first", lambda _: next(places) < first


class _FirstOfEachStep:
    """Whether an item is the first in its span of time, or has no time."""

    def __init__(self, step_s: float, zone: tzinfo) -> None:
        self._step_s = step_s
        self._zone = zone
        self._span: float | None = None

    def __call__(self, item: Item) -> bool:
        if item.time is None:
            return True
        before, self._span = self._span, wall_seconds(item.time, self._zone) // self._step_s
        return self._span != before


def _last(
    items: Iterator[Item], number: int, leave_out: Callable[[LeftOut], None]
) -> Iterator[Item]:
    with Listing(Item, items) as listing:
        begin = len(listing) - number
        for place, item in enumerate(listing):
            if place >= begin:
                yield item
            else:
                leave_out(LeftOut(item, "last"))
