"""A prefix of a store, or a pattern of its objects: each image there is an item."""

from __future__ import annotations

import functools
import glob
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from luigi_gif import fetching, settings, storage, urls
from luigi_gif.errors import DownloadError, TransientDownloadError
from luigi_gif.redaction import escaped, public_text, public_url
from luigi_gif.sources.item import Item, ItemError, Items, ReadResult, SourceUnusable
from luigi_gif.sources.left_out import is_hidden

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

AT_ONCE = 8
AT_ONCE_BYTES = 1 << 28
"""So many objects, and so many bytes unless one has more, are read at a time."""


class StoreItems(Items):
    """The objects below a prefix, its own ones only, or those whose names fit a pattern.

    Parameters
    ----------
    url : str
        An fsspec URL that ends in a slash, or has ``*``, ``?`` or ``[...]`` in its path.
    """

    is_ordered = False
    peeks = False

    def __init__(self, url: str) -> None:
        self._url = url

    @functools.cached_property
    def _store(self) -> storage.Store:
        return storage.Store(self._url)

    def items(self) -> Iterator[Item]:
        """Objects that are not hidden, in no order."""
        try:
            with fetching.translating_errors(
                self._url, "the source cannot be listed", "a prefix of a store that can be listed"
            ):
                root = self._store.root
                method = "glob" if glob.has_magic(root) else "ls"
                self._store.invalidate_cache()
                found = self._store.call(method, root, detail=True)
        except DownloadError as error:
            if error.is_missing:
                got = "none, or no such bucket"
                raise SourceUnusable("objects below this prefix", got) from None
            raise
        base = _folder_before_pattern(root)
        for info in found.values() if isinstance(found, dict) else found:
            name = info["name"].removeprefix(base).lstrip("/")
            if info.get("type") != "directory" and name and not is_hidden(name):
                yield Item(
                    name,
                    info["name"],
                    info.get("size"),
                    storage.object_time(info),
                    _version_of(info),
                )

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of an object that is as it was listed.

        Raises ItemError where it is not, and DownloadError where the store does not tell.
        """
        return self._read_in_attempts(item, size, threading.Event())

    def read_each(self, items: Iterable[Item], size: int) -> Iterator[tuple[Item, ReadResult]]:
        """Those of some items are read before it is their turn."""
        waiting: deque[tuple[Item, Future[ReadResult]]] = deque()
        stopped = threading.Event()
        held = 0
        with ThreadPoolExecutor(AT_ONCE, "item") as pool:
            try:
                for item in items:
                    more = _bytes_of(item, size)
                    while waiting and (len(waiting) == AT_ONCE or held + more > AT_ONCE_BYTES):
                        first, future = waiting.popleft()
                        held -= _bytes_of(first, size)
                        yield first, future.result()
                    held += more
                    waiting.append((item, pool.submit(self._result, item, size, stopped)))
                while waiting:
                    first, future = waiting.popleft()
                    yield first, future.result()
            finally:
                stopped.set()
                pool.shutdown(cancel_futures=True)

    def _result(self, item: Item, size: int, stopped: threading.Event) -> ReadResult:
        try:
            return self._read_in_attempts(item, size, stopped)
        except ItemError as error:
            return error

    def _read_in_attempts(self, item: Item, size: int, stopped: threading.Event) -> bytes:
        attempts = fetching.new_attempts(settings.download(), stopped)
        data: bytes = attempts(self._read_once, item, _bytes_of(item, size))
        return data

    def _read_once(self, item: Item, size: int) -> bytes:
        try:
            data: bytes = self._store.call("cat_file", item.place, start=0, end=size, size=size)
            self._store.invalidate_cache()
            info = self._store.call("info", item.place)
        except FileNotFoundError:
            raise ItemError("the object that was listed", "none any more") from None
        except Exception as error:  # a store may raise anything
            is_final = isinstance(error, PermissionError | ImportError)
            kind = DownloadError if is_final else TransientDownloadError
            raise kind(
                "an object cannot be read",
                where=f"{escaped(item.name)} of {public_url(self._url)}",
                expected="an answer of the store",
                got=public_text(str(error), self._url) or type(error).__name__,
                next_step="mend what stands in the way, and run again",
            ) from None
        if _version_of(info) != item.version:
            raise ItemError("the object that was listed", "one that has changed since")
        return data


def names_many_objects(url: str) -> bool:
    """Whether a URL of a store names a prefix or a pattern, not one object."""
    scheme = urls.scheme_of(url)
    if urls.is_local(url) or scheme in urls.HTTP_SCHEMES or "::" in url:
        return False
    return url.endswith("/") or (scheme in urls.NAMES_WITH_MARKS and glob.has_magic(url))


def _bytes_of(item: Item, size: int) -> int:
    """How many are read of an item, if ``size`` is the most."""
    return size if item.size is None else min(size, item.size)


def _folder_before_pattern(root: str) -> str:
    while glob.has_magic(root):
        root = root.rpartition("/")[0]
    return root


def _version_of(info: JsonObject) -> str:
    """The same of a listing and of the object alone, which may tell times in other ways."""
    return storage.object_version({key: _timestamp(value) for key, value in info.items()}) or ""


def _timestamp(value: object) -> object:
    return value.timestamp() if isinstance(value, datetime) else value
