"""Where each item of a bundle came from, and where its bytes are in it.

By this a later run knows which items it need not fetch, and which frames it need not make, again.
It is a file of its own beside the names of the items, which captions depend on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from luigi_gif import storage

SOURCES_SUFFIX = ".sources.json"


class ItemSource(NamedTuple):
    """What is noted of an item."""

    first_frame: int
    """The number of the first frame that was made of it; the next item has that behind its last."""
    name: str
    time: float | None
    """When its picture was taken, in seconds since 1970 UTC."""
    place: str
    """A digest of what its source opens it by, which may hold secrets."""
    version: str
    """What the source called its version; empty where it tells none."""
    sha256: str
    """Of its bytes as they were read, which may be more than those in the bundle.

    Empty where that is not known: of an item that cannot be used, of frames chosen from one file.
    """
    offset: int
    size: int
    """Of its images in the bundle, with the delimiters between them, in bytes."""
    crc32: int
    """Of these bytes."""
    format: str = ""
    """Of its only image, if that is whole; empty where there are more, or it is not sure."""


def note_item_sources(
    folder: storage.Folder, data_file: str, sha256: str, items: Iterable[ItemSource]
) -> None:
    """Note of which items the bundle with this SHA-256 was made; nothing where there are none."""
    name = f"{data_file}{SOURCES_SUFFIX}"
    waiting = iter(items)
    first = list(islice(waiting, 1))
    if first:
        folder.write_json_rows(name, "sources", chain([sha256], first, waiting))
    elif next(folder.read_json_rows(name), None):
        folder.remove(name)


def noted_item_sources(folder: storage.Folder, data_file: str, sha256: str) -> Iterator[ItemSource]:
    """The items of the bundle with this SHA-256, in order; none where they are not known."""
    rows = folder.read_json_rows(f"{data_file}{SOURCES_SUFFIX}")
    if next(rows, None) == sha256:
        for row in rows:  # a later version may note more
            yield ItemSource(*row[: len(ItemSource._fields)])


def items_of_frames(
    folder: storage.Folder, data_file: str, sha256: str, frame_count: int
) -> Iterator[str]:
    """For each frame of the bundle with this SHA-256, in order, a text of its item.

    It is the same for the same picture. Where items are not known, it is the frame's number.
    """
    number = 0
    found = noted_item_sources(folder, data_file, sha256)
    item = next(found, None)
    while item is not None:
        following = next(found, None)
        end = frame_count if following is None else following.first_frame
        for place in range(end - number):
            yield f"{item.crc32:x}-{item.size:x}-{place:x}"
        number, item = max(number, end), following
    yield from map(str, range(number, frame_count))
