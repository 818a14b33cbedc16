"""What can be read of a folder on a store that fsspec serves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, Any

from luigi_gif.errors import ParameterError
from luigi_gif.redaction import public_text, public_url
from luigi_gif.storage import leftovers, store_calls
from luigi_gif.storage.error_translation import WORKDIR, ErrorTranslation
from luigi_gif.storage.folder_handle import PROBE_PREFIX
from luigi_gif.storage.readable_folder import Entry, Listed, ReadableFolder


class ReadableObjectFolder(ReadableFolder):
    """A folder on any fsspec file system, for the run of that name.

    Raises ParameterError for a URL that fsspec cannot serve.
    """

    def __init__(self, url: str, run: str = "", called: str = WORKDIR) -> None:
        self.url = url.rstrip("/")
        self._errors = ErrorTranslation(partial(_shown_path, self.url), Exception, called=called)
        try:
            self._store = store_calls.Store(self.url, run)
        except Exception as error:
            raise ParameterError(
                "the folder cannot be used",
                where=public_url(self.url),
                expected="a local path, or the URL of a store that fsspec knows",
                got=public_text(str(error)),
                next_step=f"correct {called}, or install what the store needs "
                "(pip install 'luigi_gif[s3]', [gcs] or [azure])",
            ) from None  # its own text may hold secrets

    def path(self, name: str) -> str:
        return _shown_path(self.url, name)

    def size(self, name: str) -> int | None:
        info = self._info(name)
        return None if info is None else int(info["size"])

    def version(self, name: str) -> str | None:
        info = self._info(name)
        return None if info is None else store_calls.object_version(info) or f"{info['size']}"

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        with self._errors.during("read", name):
            key = self._key(name)
            if not start and end is None:
                return bytes(self._store.call("cat_file", key))
            # Not every store knows ranges that count from the end, or end behind it.
            size = int(self._store.call("info", key)["size"])
            start = max(0, size + start) if start < 0 else start
            end = size if end is None else min(end, size)
            if start >= end:
                return b""
            return bytes(self._store.call("cat_file", key, start=start, end=end))

    def read_range(self, name: str, start: int, end: int, *, keep: bool = True) -> bytes:
        with self._errors.during("read", name):
            return bytes(self._store.call("cat_file", self._key(name), start=start, end=end))

    def read_many(self, names: Iterable[str], typical_bytes: int) -> Iterator[bytes | None]:
        waiting = iter(names)
        fitting = store_calls.AT_ONCE_BYTES // max(1, typical_bytes)
        at_once = max(1, min(store_calls.AT_ONCE, fitting))
        while group := list(islice(waiting, at_once)):
            with self._errors.during("read", group[0]):
                keys = [self._key(name) for name in group]
                contents = self._store.call("cat_ranges", keys, 0, None, on_error="return")
            for name, content in zip(group, contents, strict=True):
                if isinstance(content, FileNotFoundError):
                    yield None
                    continue
                with self._errors.during("read", name):
                    if isinstance(content, Exception):
                        raise content
                yield bytes(content)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with self._errors.during("read", name):
            reading = partial(self._errors.during, "read", name)
            file = self._store.open(self._key(name), translated=reading)
        with file:
            yield file

    def entries(self, subfolder: str, prefixes: Iterable[str] = ("",)) -> Iterator[Entry]:
        for prefix in prefixes:
            with self._errors.during("list", subfolder):
                listing = self._listing(self._key(subfolder), prefix)
            for info in listing:
                name = PurePosixPath(info["name"]).name
                if info["type"] == "file" and name.startswith(prefix):
                    yield Entry(name, info["size"])

    def scan(self, subfolder: str) -> Iterator[Listed]:
        key = self._key(subfolder) if subfolder else self._store.root
        with self._errors.during("list", subfolder):
            listing = self._listing(key, "")
        for info in listing:
            name = PurePosixPath(info["name"]).name
            if name and info["type"] in ("file", "directory"):
                yield Listed(name, info["type"] == "directory")

    def is_file(self, name: str) -> bool:
        info = self._info(name)
        return info is not None and info.get("type") != "directory"

    def modified(self, name: str) -> float | None:
        info = self._info(name)
        return None if info is None else store_calls.object_time(info)

    def user(self) -> str:
        names = [name for name, _ in self.entries("", (PROBE_PREFIX,))]
        return next(leftovers.living_owners(self, names), "")

    def _info(self, name: str) -> dict[str, Any] | None:
        with self._errors.during("look at", name):
            try:
                info: dict[str, Any] = self._store.call("info", self._key(name))
            except FileNotFoundError:
                return None
        return info

    def exists(self, name: str) -> bool:
        return self._info(name) is not None

    def is_folder(self, name: str) -> bool:
        info = self._info(name)
        return info is not None and info["type"] == "directory"

    def _listing(self, key: str, prefix: str) -> Iterable[dict[str, Any]]:
        try:
            if prefix:
                found: dict[str, Any] = self._store.call("find", key, prefix=prefix, detail=True)
                return found.values()
            return list(self._store.call("ls", key, detail=True))
        except FileNotFoundError:
            return ()
        finally:
            self._store.invalidate_cache()

    def _key(self, name: str) -> str:
        return f"{self._store.root}/{name}"


def _shown_path(url: str, name: str) -> str:
    return f"{public_url(url)}/{name}"
