"""The listing of a bucket that is in several parts: each names the next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from luigi_gif import fetching, storage
from luigi_gif.sources.bucket_listing import is_bucket_listing
from luigi_gif.sources.item import Item, SourceUnusable
from luigi_gif.sources.page_links import PageLinks, image_links

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import Progress, ProgressReporter

MAX_PARTS = 100_000
"""A part has a thousand objects, as a rule."""


def items_of_parts(
    first: PageLinks,
    url: str,
    staging: storage.LocalFolder,
    config: settings.download,
    reporter: ProgressReporter,
    max_bytes: int,
) -> Iterator[Item]:
    """The pictures of all parts of a listing, of which the first was found at ``url``.

    Raises SourceUnusable where a part is none, DownloadError where one cannot be had or is larger
    than ``max_bytes``, or all are larger than what is allowed, and StorageError.
    """
    links, count, size = first, 0, 0
    with reporter.track("objects", None, 0) as progress:
        for _ in range(MAX_PARTS):
            yield from links.items
            if links.rest is None:
                return
            page = _fetch(links.rest, url, staging, config, max_bytes)
            if not is_bucket_listing(page):
                raise SourceUnusable("the rest of a bucket's listing", "another page")
            part = image_links(page, url, None)
            if part.rest == links.rest:
                raise SourceUnusable("the rest of a bucket's listing", "the same part again")
            count, size = count + len(links.items) + links.left_out, size + len(page)
            fetching.check_size(size, config, url)
            progress(count, size)
            links = part
    raise SourceUnusable(f"a listing of at most {MAX_PARTS:,} parts", "more")


def _fetch(
    place: str,
    source: str,
    staging: storage.LocalFolder,
    config: settings.download,
    max_bytes: int,
) -> bytes:
    """A part as it is now.

    What a run that broke off has left may be an older one.
    """
    fetching.discard_item(staging, place)
    with contextlib.closing(
        fetching.fetch_items([Item("", place)], staging, config, _Silent(), source, max_bytes)
    ) as fetched:
        part = next(fetched)
        if part.error is not None:
            raise part.error
        page: bytes = staging.read(part.name)
    fetching.discard_item(staging, place)
    return page


class _Silent:
    """Takes the place of a reporter: there is one line of progress at a time."""

    @contextlib.contextmanager
    def track(self, unit: str, total: int | None, begin: int) -> Iterator[Progress]:
        yield lambda done, size: None
