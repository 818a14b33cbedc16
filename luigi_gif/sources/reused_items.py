"""Items of a source whose images are in the earlier bundle: they are not fetched again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from isal import isal_zlib

from luigi_gif import frames, storage
from luigi_gif.sources.earlier_bundle import EarlierBundle, key_of, key_of_noted
from luigi_gif.sources.item import Item, Items, ReadResult, ReusedImages
from luigi_gif.sources.listing import Listing

_READ_BYTES = 1 << 22
"""So many are read of the bundle at a time, as most items stand in it as they did."""


class ReusedItems(Items):
    """The items of a source; those that are in an earlier bundle are read there."""

    def __init__(self, source: Items, earlier: EarlierBundle) -> None:
        self._source = source
        self._earlier = earlier
        self.tells_progress = source.tells_progress

    def items(self) -> Iterator[Item]:
        """Those of the source."""
        return self._source.items()

    def source_of(self, item: Item) -> tuple[Items, Item]:
        """As the source has it."""
        return self._source.source_of(item)

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of an item, from the source. Raises ItemError."""
        return self._source.read(item, size)

    def discard(self, item: Item) -> None:
        """As the source does."""
        self._source.discard(item)

    def read_each(self, items: Iterable[Item], size: int) -> Iterator[tuple[Item, ReadResult]]:
        """Each item; ``items`` is gone through twice, first to find those that are fetched."""
        with _NotedItems(self._earlier) as noted, Listing(Item) as new:
            for item in items:
                if noted.find(key_of(self._source, item)) is None:
                    new.append(item)
            fetched = iter(self._source.read_each(new, size) if new else ())
            following = next(fetched, None)
            for item in items:
                found = noted.find(key_of(self._source, item))
                if found is not None:
                    images = noted.images_of(found)
                    if images is None:  # the bundle was damaged
                        yield from self._source.read_each([item], size)
                    else:
                        yield item, images
                elif following is not None and following[0] == item:
                    yield following
                    following = next(fetched, None)


class _NotedItems:
    """What is noted of the items of an earlier bundle, by what each of them is known by.

    There may be more of them than fit into memory: they lie in a temporary database.
    """

    def __init__(self, earlier: EarlierBundle) -> None:
        self._read = earlier.read
        self._begin, self._data = 0, b""
        """What was read of the bundle last."""
        tables = "CREATE TABLE items (key TEXT PRIMARY KEY, noted TEXT)"
        self._database = storage.TemporaryDatabase(tables)
        rows = ((key_of_noted(each), json.dumps(each)) for each in earlier.noted() if each.sha256)
        self._database.insert("INSERT OR REPLACE INTO items VALUES (?, ?)", rows)

    def __enter__(self) -> _NotedItems:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def find(self, key: str | None) -> frames.ItemSource | None:
        """What is noted of an item; None for one that is not in the bundle."""
        if key is None:
            return None
        found = next(self._database.select("SELECT noted FROM items WHERE key = ?", [key]), None)
        return None if found is None else frames.ItemSource(*json.loads(found[0]))

    def images_of(self, noted: frames.ItemSource) -> ReusedImages | None:
        """The images of an item; None where the bundle does not hold them any more."""
        offset = noted.offset - self._begin
        if offset < 0 or offset + noted.size > len(self._data):
            self._begin, offset = noted.offset, 0
            self._data = self._read(noted.offset, noted.offset + max(noted.size, _READ_BYTES))
        data = self._data[offset : offset + noted.size]
        return ReusedImages(data, noted) if isal_zlib.crc32(data) == noted.crc32 else None
