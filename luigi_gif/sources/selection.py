"""Which items of a source become frames, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from typing import NamedTuple

from luigi_gif.sources.item import Item
from luigi_gif.sources.natural_order import natural_key


class Selection(NamedTuple):
    """What the user wants of a source; these rules act in this order."""

    match: str = ""
    """A pattern for names, such as ``*.jpg``; one without a slash is for the last part."""
    since: float | None = None
    until: float | None = None
    """Seconds since 1970 UTC; both are included."""
    sort: str = "auto"
    """``natural`` of names, ``time``, ``given``, or ``auto``: what the source says."""
    step_s: float = 0.0
    """Of each of these spans of time, in seconds, the first item is taken."""
    every: int = 1
    first: int | None = None
    last: int | None = None
    time_of: Callable[[Item], float | None] = lambda item: item.time
    """When an item's picture was taken, in seconds since 1970 UTC."""


class LeftOut(NamedTuple):
    """An item that is not chosen, and the rule that leaves it out."""

    item: Item
    rule: str


def choose(
    items: Iterable[Item],
    selection: Selection,
    is_image: Callable[[Item], bool] = lambda _: True,
    left_out: Callable[[LeftOut], None] = lambda _: None,
) -> list[Item]:
    """The items that a selection takes, in its order; the others go to ``left_out``.

    What is no image is left out behind ``match``, and counts for no other rule.
    """
    chosen = [item._replace(time=selection.time_of(item)) for item in items]
    for rule, chooser in _CHOOSERS.items():
        taken = list(chooser(chosen, selection))
        if rule == "match":
            taken = [item for item in taken if is_image(item)]
        if len(taken) < len(chosen):
            names = {id(item) for item in taken}
            for item in chosen:
                if id(item) not in names:
                    left_out(LeftOut(item, rule))
        chosen = taken
    return chosen


def _match(items: list[Item], selection: Selection) -> Iterable[Item]:
    pattern = selection.match
    if not pattern:
        return items
    whole = "/" in pattern
    return (
        item
        for item in items
        if fnmatchcase(item.name if whole else item.name.rpartition("/")[2], pattern)
    )


def _since(items: list[Item], selection: Selection) -> Iterable[Item]:
    if selection.since is None:
        return items
    return (item for item in items if item.time is not None and item.time >= selection.since)


def _until(items: list[Item], selection: Selection) -> Iterable[Item]:
    if selection.until is None:
        return items
    return (item for item in items if item.time is not None and item.time <= selection.until)


def _sort(items: list[Item], selection: Selection) -> Iterable[Item]:
    return in_order(items, selection.sort)


def in_order(items: Iterable[Item], order: str) -> Iterable[Item]:
    """Items in natural order of their names, by their time, or as they are given."""
    if order == "given":
        return items
    if order == "time":
        return sorted(items, key=lambda item: (item.time is None, item.time or 0.0))
    return sorted(items, key=lambda item: natural_key(item.name))


def _step(items: list[Item], selection: Selection) -> Iterator[Item]:
    previous = None
    for item in items:
        if not selection.step_s or item.time is None:
            yield item
            continue
        span = item.time // selection.step_s
        if span != previous:
            yield item
        previous = span


def _every(items: list[Item], selection: Selection) -> Iterable[Item]:
    return islice(items, None, None, selection.every)


def _first(items: list[Item], selection: Selection) -> Iterable[Item]:
    return items[: selection.first]


def _last(items: list[Item], selection: Selection) -> Iterable[Item]:
    return items if selection.last is None else items[max(0, len(items) - selection.last) :]


_CHOOSERS: dict[str, Callable[[list[Item], Selection], Iterable[Item]]] = {
    "match": _match,
    "since": _since,
    "until": _until,
    "sort": _sort,
    "step": _step,
    "every": _every,
    "first": _first,
    "last": _last,
}
