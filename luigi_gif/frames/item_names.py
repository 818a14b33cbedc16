"""Which item of its source a frame was made of."""

from __future__ import annotations

from bisect import bisect_right

from luigi_gif import storage

ITEMS_SUFFIX = ".items.json"
"""Of the file beside a bundle that names the items it was made of."""


def item_name(folder: storage.Folder, data_file: str, number: int) -> str | None:
    """The name of the item of a frame; None where the bundle was not made of items."""
    noted = (folder.read_json(f"{data_file}{ITEMS_SUFFIX}") or {}).get("items", [])
    index = bisect_right(noted, number, key=lambda item: item[0])
    return str(noted[index - 1][1]) if index else None
