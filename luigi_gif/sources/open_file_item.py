"""An image file that is open, as a source of one item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from luigi_gif.sources import assembling
from luigi_gif.sources.item import Item, Items, ReadResult
from luigi_gif.sources.selection import Selection


class OpenFileItem(Items):
    """One item: the whole of a file, and of its frames those that are wanted."""

    def __init__(self, name: str, file: IO[bytes], selection: Selection) -> None:
        self._name = name
        self._file = file
        self._selection = selection

    def items(self) -> Iterator[Item]:
        """The only one."""
        yield Item(self._name, "")

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of the file."""
        self._file.seek(0)
        return self._file.read(size)

    def read_each(self, items: Iterable[Item], size: int) -> Iterator[tuple[Item, ReadResult]]:
        """The item, and its frames."""
        for item in items:
            yield item, assembling.images_of(self.read(item, size), self._selection)
