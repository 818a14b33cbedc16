"""Several sources as one: the items of each, in the order in which they were given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from luigi_gif.sources.item import Item, Items, ReadResult
from luigi_gif.sources.selection import in_order


class SeveralItems(Items):
    """The items of several sources; the place of each begins with the number of its source."""

    order = "given"

    def __init__(self, sources: Sequence[Items]) -> None:
        self._sources = sources
        self.tells_progress = any(source.tells_progress for source in sources)

    def items(self) -> Iterator[Item]:
        """Those of the first source, then those of the second, and so on."""
        for number, source in enumerate(self._sources):
            for item in in_order(source.items(), source.order):
                yield _with_number(item, number)

    def source_of(self, item: Item) -> tuple[Items, Item]:
        """That of the several which has it."""
        number, _, place = item.place.partition(" ")
        return self._sources[int(number)], item._replace(place=place)

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of an item. Raises ItemError."""
        source, item = self.source_of(item)
        return source.read(item, size)

    def read_each(self, items: Iterable[Item], size: int) -> Iterator[tuple[Item, ReadResult]]:
        """As each source has it, for the items of it that stand one behind another."""
        for number, run in groupby(items, lambda item: int(item.place.partition(" ")[0])):
            of_source = (item._replace(place=item.place.partition(" ")[2]) for item in run)
            for item, read in self._sources[number].read_each(of_source, size):
                yield _with_number(item, number), read

    def discard(self, item: Item) -> None:
        """As the source does that has it."""
        source, item = self.source_of(item)
        source.discard(item)


def _with_number(item: Item, number: int) -> Item:
    return item._replace(place=f"{number} {item.place}")
