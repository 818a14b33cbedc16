"""One file, object or member of a source, of which one or more frames are made."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from luigi_gif import bundles, frames, urls
from luigi_gif.sources.frames_in_image import may_hold_frames


class Item(NamedTuple):
    """What a source tells of an item before it is read."""

    name: str
    """For people and for patterns: with forward slashes, relative to the source."""
    place: str
    """What the source opens it by: a path, a URL or the name of a member."""
    size: int | None = None
    """In bytes."""
    time: float | None = None
    """Seconds since 1970 UTC."""
    version: str = ""
    """A text that changes whenever the item does; empty where the source tells none."""


def place_digest(place: str) -> str:
    """32 hexadecimal digits that tell places apart; a password of a URL does not count."""
    if "://" in place and "@" in place:
        return urls.url_digest(place)[:32]
    return hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:32]


class ItemError(Exception):
    """An item cannot be used, in words for people.

    Attributes
    ----------
    expected, got : str
        What was needed, and what was found.
    next_step : str
        What the user can do about it, if more is known than that it is to be mended.
    """

    def __init__(self, expected: str, got: str, next_step: str = "") -> None:
        super().__init__(expected, got, next_step)
        self.expected = expected
        self.got = got
        self.next_step = next_step


class SourceUnusable(ItemError):
    """A source cannot be used as a whole, such as a damaged archive."""


_BEGINNING_BYTES = 1 << 20
"""As many tell whether there may be an image."""


class ReusedImages(NamedTuple):
    """The images of an item as they are in an earlier bundle, and what is noted of it there."""

    data: bytes
    noted: frames.ItemSource


ReadResult: TypeAlias = bytes | Iterator[bytes] | ReusedImages | ItemError
"""The bytes of an item, or its frames as image files, or why it cannot be had."""


class Items(ABC):
    """The items of a source."""

    order = "natural"
    """Of its frames, if the user asks for none: ``natural`` or ``given``."""
    is_ordered = True
    """Whether they are given in an order that means something, the same each time."""
    peeks = True
    """Whether a look at the beginning of an item costs next to nothing."""
    keeps_names = False
    """Whether an item that has no version is taken to be the same as long as its name is."""
    tells_progress = False
    """Whether reading them tells by itself how far it has come."""

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """Each file that may be an image, in the order of the source.

        Raises SourceUnusable where the source cannot be listed.
        """

    def is_named_by_user(self, item: Item) -> bool:
        """Whether the user named it, and not only where it lies: then it is meant to be one."""
        return False

    def source_of(self, item: Item) -> tuple[Items, Item]:
        """The source that has an item, and the item as that one knows it."""
        return self, item

    @abstractmethod
    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of an item, ``size`` at most. Raises ItemError."""

    def read_each(self, items: Iterable[Item], size: int) -> Iterator[tuple[Item, ReadResult]]:
        """The first bytes of each item, or its frames, or why they cannot be had."""
        for item in items:
            yield item, self._read(item, size)

    def discard(self, item: Item) -> None:  # noqa: B027  # most keep nothing
        """Forget what was read of an item that cannot be used: the next run reads it anew."""

    def _read(self, item: Item, size: int) -> ReadResult:
        """The first bytes, and of what is surely no image less: it may unpack to very many."""
        try:
            if item.size is not None and item.size >= size:
                raise ItemError(f"at most {size - 1:,} bytes of an image", f"{item.size:,}")
            if self.peeks and (item.size is None or item.size > _BEGINNING_BYTES):
                beginning = self.read(item, _BEGINNING_BYTES)
                if not (bundles.begins_as_image(beginning) or may_hold_frames(beginning)):
                    return beginning
            return self.read(item, size)
        except ItemError as error:
            return error
