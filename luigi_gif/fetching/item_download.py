"""The items of a source to files of a folder: some at a time, each whole, each fetched once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import operator
import re
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from luigi_gif import storage, urls
from luigi_gif.errors import DownloadError
from luigi_gif.fetching.body_download import Body, Reporter
from luigi_gif.fetching.bundle_checks import check_size
from luigi_gif.fetching.host_threads import HostThreads
from luigi_gif.fetching.partial_file import open_partial, remove_checkpoint
from luigi_gif.fetching.retry_rule import new_attempts
from luigi_gif.fetching.source_opener import SourceOpener
from luigi_gif.redaction import public_url

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import Progress

AHEAD = 128
"""So many items, of any hosts, are under way or done before the one that is given next."""
_REPORT_S = 0.5
_OWN_NAME = re.compile(r"[0-9a-f]{64}(\.json)?")


class Place(Protocol):
    """What is fetched."""

    @property
    def place(self) -> str:
        """A URL or a path."""

    @property
    def version(self) -> str:
        """A text that changes whenever the item does; empty where the source tells none."""


PlaceT = TypeVar("PlaceT", bound=Place)


class FetchedItem(NamedTuple, Generic[PlaceT]):
    """An item whose bytes lie in the folder, unless it has an error."""

    item: PlaceT
    name: str
    """Of its file in the folder."""
    size: int = 0
    """In bytes."""
    sha256: str = ""
    """64 hexadecimal digits."""
    etag: str | None = None
    last_modified: str | None = None
    """As the server says it."""
    is_bounded: bool = True
    """Whether the source says how long it is; if not, only its structure can tell a break."""
    error: DownloadError | None = None


def fetch_items(
    items: Iterable[PlaceT],
    folder: storage.LocalFolder,
    config: settings.download,
    reporter: Reporter,
    source: str,
    max_item_bytes: int,
) -> Generator[FetchedItem[PlaceT], None, None]:
    """Fetch items, several at a time, and give them in their order.

    No host is asked for more than ``config.per_host`` at a time, nor over more connections. What
    lies in the folder already, of the same version, is not fetched again. Only the host of
    ``source``, a URL, sees the headers of the settings. Close the generator
    (contextlib.closing) where it is not used up: that ends what is under way.

    Raises StorageError where the folder cannot be written, and DownloadError where all items
    together are larger than ``config.max_bytes``. One that cannot be had, or is larger than
    ``max_item_bytes``, is given with an error.
    """
    with (
        reporter.track("items", operator.length_hint(items) or None, 0) as progress,
        SourceOpener(config, config.per_host, source) as opener,
        HostThreads(config.per_host) as threads,
    ):
        tally = _Tally(config, progress)
        fetcher = _Fetcher(folder, opener, tally, max_item_bytes)
        queue: _Queue[PlaceT] = _Queue(fetcher, threads, tally)
        try:
            for item in items:
                queue.add(item)
                if len(queue) == AHEAD:
                    yield queue.first()
            while len(queue):
                yield queue.first()
        finally:
            opener.stop()


def discard_item(folder: storage.LocalFolder, place: str) -> None:
    """Remove what was fetched of an item and cannot be used: the next run fetches it again."""
    name = _file_name(place)
    folder.remove(name)
    remove_checkpoint(folder, name)


def discard_items(folder: storage.LocalFolder) -> None:
    """Remove all that was fetched of items, once it is not needed any more."""
    for name, _ in list(folder.entries(storage.ITEMS)):
        if _OWN_NAME.fullmatch(name):
            folder.remove(f"{storage.ITEMS}/{name}")


def _file_name(place: str) -> str:
    """Of an item; beside it lies a note of what is there of it."""
    return f"{storage.ITEMS}/{urls.url_digest(place)}"


class _Queue(Generic[PlaceT]):
    """Items that are fetched ahead of when they are needed, in their order."""

    def __init__(self, fetcher: _Fetcher, threads: HostThreads, tally: _Tally) -> None:
        self._fetcher = fetcher
        self._threads = threads
        self._tally = tally
        self._items: deque[tuple[PlaceT, str, Future[FetchedItem[PlaceT]]]] = deque()
        self._by_name: dict[str, Future[FetchedItem[PlaceT]]] = {}
        """By the name of their file, which two threads must not write at once."""

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: PlaceT) -> None:
        """Have an item fetched; one that is in the queue already is fetched once."""
        name = _file_name(item.place)
        future = self._by_name.get(name)
        if future is None:
            future = self._threads.submit(item.place, partial(self._fetcher.fetch, item, name))
            self._by_name[name] = future
        self._items.append((item, name, future))

    def first(self) -> FetchedItem[PlaceT]:
        """The first item, once it is there."""
        item, name, future = self._items.popleft()
        while not concurrent.futures.wait([future], _REPORT_S).done:
            self._tally.report(0)
        self._tally.report(1)
        if self._by_name.pop(name, None) is not None:
            self._threads.finish(item.place)
        return future.result()._replace(item=item)


class _Fetcher:
    """Fetches an item, in any thread."""

    def __init__(
        self, folder: storage.LocalFolder, opener: SourceOpener, tally: _Tally, max_bytes: int
    ) -> None:
        self._folder = folder
        self._opener = opener
        self._tally = tally
        self._max_bytes = max_bytes

    def fetch(self, item: PlaceT, name: str) -> FetchedItem[PlaceT]:
        """The item, whole, or with an error. Raises StorageError and Stopped."""
        share = _Share(self._tally, item.place, self._max_bytes)
        body = Body(item.place, self._folder, self._opener, share, partial(_check, item.place))
        try:
            with open_partial(self._folder, name, item.place, item.version, durable=False) as file:
                if not file.state.is_whole:
                    body.fetch(file, new_attempts(self._opener.config, self._opener.stopped))
                    file.note_whole()
                fetched = FetchedItem(
                    item,
                    name,
                    file.state.size,
                    file.sha256(),
                    file.about["etag"],
                    file.about["last_modified"],
                    file.is_bounded,
                )
            share(fetched.size, fetched.size)
            return fetched
        except DownloadError as error:
            share(0, 0)
            # The frames that it has been through hold what has arrived.
            error.__context__ = error.__traceback__ = None
            return FetchedItem(item, name, error=error)


def _check(url: str, beginning: bytes) -> None:
    if not beginning:
        raise DownloadError(
            "the item is empty",
            where=public_url(url),
            expected="an image",
            got="0 bytes",
            next_step="correct the URL, or ask the server's keeper",
        )


class _Tally:
    """How far all items have come, and whether they are too large."""

    def __init__(self, config: settings.download, progress: Progress) -> None:
        self._config = config
        self._progress = progress
        self._lock = threading.Lock()
        self._done = 0
        self._size = 0
        self._error: DownloadError | None = None

    def change_size(self, by: int, url: str) -> None:
        """Count some bytes more, or less. Raises DownloadError where there are too many."""
        with self._lock:
            self._size += by
            if by > 0:
                try:
                    check_size(self._size, self._config, url)
                except DownloadError as error:
                    self._error = error
                    raise

    def report(self, items: int) -> None:
        """So many more are done. Raises DownloadError once there were too many bytes."""
        if self._error is not None:
            raise self._error
        self._done += items
        self._progress(self._done, self._size)


class _Share:
    """What an item adds to the tally; takes the place of a reporter, and of its progress."""

    def __init__(self, tally: _Tally, url: str, max_bytes: int) -> None:
        self._tally = tally
        self._url = url
        self._max_bytes = max_bytes
        self._size = 0

    @contextlib.contextmanager
    def track(self, unit: str, total: int | None, begin: int) -> Iterator[Progress]:
        self._check(total or 0)
        self(begin, begin)
        yield self

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise DownloadError(
                "the item is too large",
                where=public_url(self._url),
                expected=f"at most {self._max_bytes:,} bytes",
                got=f"{size:,} bytes or more",
                next_step="correct the URL, or ask the server's keeper",
            )

    def __call__(self, done: int, size: int) -> None:
        self._check(size)
        by, self._size = size - self._size, size
        self._tally.change_size(by, self._url)
