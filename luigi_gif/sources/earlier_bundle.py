"""What an earlier run made of a source: its bundle, and where each item is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import fetching, frames
from luigi_gif.sources.item import Item, Items, place_digest

if TYPE_CHECKING:
    from luigi_gif.sources.selection import Selection


class EarlierBundle(NamedTuple):
    """A bundle of the same source that is whole."""

    file_sha256: object
    """The SHA-256 of the file that it was fetched as, or was made of; None where there is none."""
    validators: fetching.Validators
    """Of that file, if the bundle is right for as long as that does not change."""
    is_of_links: bool
    """Whether it was made of what a page links to."""
    is_of_same_recipe: bool
    """Whether it was made by the parameters that this run has."""
    noted: Callable[[], Iterator[frames.ItemSource]]
    """The items that it was made of, in order."""
    read: Callable[[int, int], bytes]
    """Its bytes from an offset to another, or to its end."""

    def known_version(self, selection: Selection) -> fetching.Validators:
        """What its file is asked by: without any, all of it is fetched."""
        if self.is_of_same_recipe and not selection.moves:
            return self.validators
        return fetching.Validators()

    def is_of_file(self, sha256: object) -> bool:
        """Whether the same bundle would be made of a file with this SHA-256."""
        return self.is_of_same_recipe and sha256 == self.file_sha256

    def is_of_items(self, source: Items, items: Iterable[Item]) -> bool:
        """Whether the same bundle would be made of these items, in this order."""
        return all(
            item is not None
            and noted is not None
            and (item.name, item.time) == (noted.name, noted.time)
            and bool(noted.sha256)
            and key_of(source, item) == key_of_noted(noted)
            for item, noted in zip_longest(items, self.noted())
        )


def key_of(source: Items, item: Item) -> str | None:
    """What an item and what was noted of it have in common, as long as its bytes are the same.

    None for an item that may be another one at each time.
    """
    source, item = source.source_of(item)
    if not (item.version or source.keeps_names):
        return None
    return f"{place_digest(item.place)} {item.version}"


def key_of_noted(noted: frames.ItemSource) -> str:
    """The same of what was noted."""
    return f"{noted.place} {noted.version}"
