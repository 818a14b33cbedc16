"""Which item of its source a frame was made of."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice

from luigi_gif import storage

_SUFFIX = ".items.json"
"""Of the file beside a bundle that names the items it was made of."""


def note_items(
    folder: storage.Folder, data_file: str, items: Iterable[tuple[int, str, float | None]]
) -> None:
    """Note of which items a bundle was made; nothing where there are none.

    Of each item: the number of its first frame, its name, and its time.
    """
    name = f"{data_file}{_SUFFIX}"
    waiting = iter(items)
    first = list(islice(waiting, 1))
    if first:
        folder.write_json_rows(name, "items", chain(first, waiting))
    elif next(folder.read_json_rows(name), None):
        folder.remove(name)


def item_name(folder: storage.Folder, data_file: str, number: int) -> str | None:
    """The name of the item of a frame; None where the bundle was not made of items."""
    found = None
    for first_frame, name, _ in folder.read_json_rows(f"{data_file}{_SUFFIX}"):
        if first_frame > number:
            break
        found = str(name)
    return found
