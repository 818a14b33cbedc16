"""One source on its way to a bundle."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import storage
from luigi_gif.sources import assembling
from luigi_gif.sources.chosen_items import Source
from luigi_gif.sources.item import SourceUnusable
from luigi_gif.sources.source_errors import bad_item_error, unusable_source_error

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import ProgressReporter
    from luigi_gif.sources.earlier_bundle import EarlierBundle


class Job(NamedTuple):
    """One source on its way to a bundle."""

    source: Source
    staging: storage.LocalFolder
    name: str
    """What its files in the staging folder begin with."""
    config: settings.download
    reporter: ProgressReporter
    earlier: EarlierBundle | None = None
    """What an earlier run made of it, if the source is asked whether it has changed."""


@contextlib.contextmanager
def translated(source: Source) -> Iterator[None]:
    """Name the source and the item of what cannot be used."""
    try:
        yield
    except assembling.BadItemError as error:
        raise bad_item_error(source.url, error.item, error.error) from None
    except SourceUnusable as error:
        raise unusable_source_error(source.url, error) from None
