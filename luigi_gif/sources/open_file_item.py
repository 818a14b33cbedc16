"""An image file or a bundle that is open, as a source of one item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from luigi_gif import bundles
from luigi_gif.sources import assembling
from luigi_gif.sources.frame_choice import chosen_frames
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


class OpenBundleItem(OpenFileItem):
    """The same of a bundle, each image of which is a frame without a time."""

    def read_each(self, items: Iterable[Item], size: int) -> Iterator[tuple[Item, ReadResult]]:
        """The item, and its frames, of any size."""
        for item in items:
            yield item, chosen_frames(self._frames, self._selection)

    def _frames(self) -> Iterator[bytes]:
        self._file.seek(0)
        for frame in bundles.iter_frames(self._file.read):
            yield frame.data
