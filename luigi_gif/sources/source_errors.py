"""What the user is told of a source, or an item of one, that cannot be used."""

from __future__ import annotations

from luigi_gif import redaction
from luigi_gif.errors import SourceError, StorageError
from luigi_gif.sources.item import Item, ItemError, SourceUnusable


def unusable_source_error(url: str, error: SourceUnusable) -> SourceError:
    """What to tell the user of a source that cannot be used as a whole."""
    return SourceError(
        "the source cannot be used",
        where=redaction.public_url(url),
        expected=error.expected,
        got=error.got,
        next_step=error.next_step or "mend it, or correct the URL",
    )


def leading_page_error(url: str, target: str) -> SourceError:
    """What to tell the user of a page without pictures that sends its reader on to another."""
    return SourceError(
        "the source cannot be used",
        where=redaction.public_url(url),
        expected="a page that links to pictures",
        got="one that only leads to another page",
        next_step=f"give {redaction.public_url(target)} as the URL",
    )


def bad_item_error(url: str, item: Item, error: ItemError) -> SourceError:
    """What to tell the user of an item that cannot be used."""
    return SourceError(
        f"{item.name} is not usable",
        where=redaction.public_url(url),
        expected=error.expected,
        got=error.got,
        next_step=f"{error.next_step or 'mend it at its source'}, or leave such items out with "
        "--on-bad-frame skip",
    )


def machine_error(path: str, error: OSError) -> StorageError:
    """What to tell the user where a file cannot be read for a reason that is not its own."""
    return StorageError(
        "this machine lacks what it takes to read a file",
        where=path,
        expected="to read it",
        got=error.strerror or str(error),
        next_step="mend the cause (see ulimit -n and the memory), and run again",
    )
