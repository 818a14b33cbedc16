"""A file that is open, as a source of one item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from luigi_gif.sources.item import Item, Items


class OpenFileItem(Items):
    """One item: the whole of a file."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._name = name
        self._file = file

    def items(self) -> Iterator[Item]:
        """The only one."""
        yield Item(self._name, "")

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of the file."""
        self._file.seek(0)
        return self._file.read(size)
