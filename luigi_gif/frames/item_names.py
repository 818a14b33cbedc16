"""Which item of its source a frame was made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from luigi_gif import storage

NAMES_SUFFIX = ".items.json"
"""Of the file beside a bundle that names the items it was made of."""


class FrameItem(NamedTuple):
    """What is noted of an item."""

    first_frame: int
    """The number of the first frame that was made of it."""
    name: str
    time: float | None
    """When its picture was taken, in seconds since 1970 UTC."""


def note_items(
    folder: storage.Folder, data_file: str, items: Iterable[tuple[int, str, float | None]]
) -> None:
    """Note of which items a bundle was made; nothing where there are none.

    Of each item: the number of its first frame, its name, and its time.
    """
    name = f"{data_file}{NAMES_SUFFIX}"
    waiting = iter(items)
    first = list(islice(waiting, 1))
    if first:
        folder.write_json_rows(name, "items", chain(first, waiting))
    elif next(folder.read_json_rows(name), None):
        folder.remove(name)


def noted_items(folder: storage.Folder, data_file: str) -> Iterator[FrameItem]:
    """The items of a bundle, in order; none where it was not made of items."""
    for row in folder.read_json_rows(f"{data_file}{NAMES_SUFFIX}"):
        yield FrameItem(*row)


def items_checksum(folder: storage.Folder, data_file: str) -> str | None:
    """A text that changes whenever the items of a bundle do, or None where there are none."""
    return folder.json_checksum(f"{data_file}{NAMES_SUFFIX}")


def item_name(folder: storage.Folder, data_file: str, number: int) -> str | None:
    """The name of the item of a frame; None where the bundle was not made of items."""
    found = None
    for item in noted_items(folder, data_file):
        if item.first_frame > number:
            break
        found = item.name
    return found


class ItemsInOrder:
    """The items of one run of frames after another; no more than those of one are held.

    Parameters
    ----------
    items : iterable of FrameItem
        All of them, in order.
    """

    def __init__(self, items: Iterable[FrameItem]) -> None:
        self._waiting = iter(items)
        self._next = next(self._waiting, None)
        self._last: list[FrameItem] = []
        """The one before that, if any."""

    def of(self, numbers: range) -> list[FrameItem]:
        """Those of these frames, which stand behind the ones that were asked for before."""
        found = self._last
        while self._next is not None and self._next.first_frame < numbers.stop:
            if self._next.first_frame <= numbers.start:
                found.clear()
            found.append(self._next)
            self._next = next(self._waiting, None)
        self._last = found[-1:]
        return found


def with_item_names(
    folder: storage.Folder, data_file: str, reasons: Iterable[tuple[int, str]]
) -> Iterator[str]:
    """What is said of frames, by ascending number, each with the name of its item behind it."""
    items = ItemsInOrder(noted_items(folder, data_file))
    for number, reason in reasons:
        found = items.of(range(number, number + 1))
        name = f" ({found[-1].name})" if found else ""
        yield reason if reason.endswith(name) else f"{reason}{name}"
