"""Items that are fetched into the work directory: those of a page, a list or dated URLs."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from luigi_gif import bundles, fetching, storage, urls
from luigi_gif.errors import LUIGI_LOGGER, TransientDownloadError
from luigi_gif.sources.frames_in_image import may_hold_frames
from luigi_gif.sources.item import Item, ItemError, Items, ReadResult

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import ProgressReporter

_NO_HOST = "none://"
"""A URL that has none."""
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e]{16}|[\t\n\r\x20-\x7e]+$")

logger = logging.getLogger(f"{LUIGI_LOGGER}.sources")


class WebItems(Items):
    """Items that are listed already.

    Parameters
    ----------
    items : iterable of Item
        Their places are paths and URLs. It is gone through once.
    source : str
        The URL whose host sees the headers of the settings. For a list of this machine that is the
        host of its URLs, if there is only one.
    order : str
        That of the frames, if the user asks for none.
    gaps : bool
        Whether one that does not exist is left out, and is no fault.
    keeps_names : bool
        Whether one without a version is the same as long as its URL is.
    """

    peeks = False
    tells_progress = True
    is_told_by_file = True
    """Whether they are others only if the file that lists them is."""
    are_links = False
    """Whether a page links to them."""

    def __init__(
        self,
        items: Iterable[Item],
        staging: storage.LocalFolder,
        config: settings.download,
        reporter: ProgressReporter,
        source: str,
        *,
        order: str = "natural",
        gaps: bool = False,
        keeps_names: bool = True,
    ) -> None:
        self.keeps_names = keeps_names
        self.order = order
        self._items = items
        self._staging = staging
        self._config = config
        self._reporter = reporter
        self._source = source
        self._gaps = gaps

    def is_named_by_user(self, item: Item) -> bool:
        """Those of a page are not."""
        return self.order == "given"

    def items(self) -> Iterator[Item]:
        """Those that are listed; to be gone through to the end before any of them is read."""
        if not urls.is_local(self._source):
            yield from self._items
            return
        places: dict[str, str] = {}
        """A URL of each of the first two hosts."""
        for item in self._items:
            if len(places) < 2 and urls.scheme_of(item.place) in urls.HTTP_SCHEMES:
                places[urls.host_of(item.place)] = item.place
            yield item
        self._source = url_of_only_host(list(places.values()), self._config)

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of an item. Raises ItemError."""
        for _, result in self.read_each([item], size):
            if isinstance(result, ItemError):
                raise result
            assert isinstance(result, bytes)
            return result
        raise ItemError("an item", "none")

    def read_each(self, items: Iterable[Item], size: int) -> Iterator[tuple[Item, ReadResult]]:
        """Each is fetched whole before it is given; gaps are not given."""
        count = missing = 0
        with contextlib.closing(
            fetching.fetch_items(
                items, self._staging, self._config, self._reporter, self._source, size - 1
            )
        ) as fetched:
            for each in fetched:
                count += 1
                error = each.error
                if error is None:
                    yield each.item, self._read_fetched(each, size)
                elif self._gaps and error.is_missing:
                    missing += 1
                else:
                    is_transient = isinstance(error, TransientDownloadError)
                    next_step = "run again later" if is_transient else ""
                    yield each.item, ItemError(error.expected, error.got, next_step)
        if missing:
            logger.warning(
                "%d of %d items are gaps: not there, or not to be had by this user", missing, count
            )

    def discard(self, item: Item) -> None:
        """Have it fetched anew by the next run: its server may have mended it."""
        fetching.discard_item(self._staging, item.place)

    def _read_fetched(self, fetched: fetching.FetchedItem[Item], size: int) -> ReadResult:
        data = self._staging.read(fetched.name, 0, size)
        is_image = bundles.begins_as_image(data)
        if not is_image and _TEXT.match(data):  # which is shown, and may hold secrets
            return fetching.public_beginning(data, fetched.item.place, self._config)
        if fetched.is_bounded or not is_image or may_hold_frames(data):
            return data
        cut = fetching.find_cut_end(io.BytesIO(data).read)
        if cut is None:
            return data
        self.discard(fetched.item)
        _, (expected, got) = cut
        return ItemError(f"{expected}, as the server does not say how long it is", got)


def url_of_only_host(urls_of_hosts: list[str], config: settings.download) -> str:
    """The URL whose host sees the headers of the settings: there must not be a second host."""
    if len(urls_of_hosts) == 1:
        return urls_of_hosts[0]
    if urls_of_hosts and config.headers:
        logger.warning("the URLs are of several hosts: none gets the headers of [download]")
    return _NO_HOST
