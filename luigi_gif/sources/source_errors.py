"""What the user is told of a source, or an item of one, that cannot be used."""

from __future__ import annotations

from luigi_gif import redaction
from luigi_gif.errors import SourceError
from luigi_gif.sources.item import Item, ItemError, SourceUnusable


def unusable_source_error(url: str, error: SourceUnusable) -> SourceError:
    """What to tell the user of a source that cannot be used as a whole."""
    return SourceError(
        "the source cannot be used",
        where=redaction.public_url(url),
        expected=error.expected,
        got=error.got,
        next_step="mend it, or correct --url",
    )


def bad_item_error(url: str, item: Item, error: ItemError) -> SourceError:
    """What to tell the user of an item that cannot be used."""
    return SourceError(
        f"{item.name} is not usable",
        where=redaction.public_url(url),
        expected=error.expected,
        got=error.got,
        next_step="mend it at its source, or leave such items out with --on-bad-frame skip",
    )
