"""What can be read of a folder on a file system of this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import IO

from luigi_gif.errors import StorageError
from luigi_gif.storage import folder_lock, local_listing, raw_files, regular_files
from luigi_gif.storage.error_translation import WORKDIR, ErrorTranslation
from luigi_gif.storage.layout import LOCK
from luigi_gif.storage.readable_folder import Entry, Listed, ReadableFolder

_SMALL_BYTES = 1 << 26
"""A file of so many stays in memory in any case: the next run with --refresh reads it again."""


class ReadableLocalFolder(ReadableFolder):
    """A folder of this machine, or of a file system that it shares with others."""

    def __init__(self, path: str | os.PathLike[str], called: str = WORKDIR) -> None:
        self.url = _absolute(path)
        self._errors = ErrorTranslation(partial(os.path.join, self.url), OSError, called=called)

    def path(self, name: str) -> str:
        return os.path.join(self.url, name)

    def size(self, name: str) -> int | None:
        status = self._status(name)
        return None if status is None else status.st_size

    def version(self, name: str) -> str | None:
        status = self._status(name)
        return None if status is None else regular_files.version_of(status)

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        with self._errors.during("read", name):
            descriptor, size = regular_files.open_with_size(self.path(name))
            try:
                start = max(0, size + start) if start < 0 else start
                end = size if end is None else min(end, size)
                return regular_files.pread(descriptor, start, end)
            finally:
                os.close(descriptor)

    def read_range(self, name: str, start: int, end: int, *, keep: bool = True) -> bytes:
        with (
            self._errors.during("read", name),
            regular_files.open_regular_file(self.path(name)) as descriptor,
        ):
            data = regular_files.pread(descriptor, start, end)
            if not keep and os.fstat(descriptor).st_size > _SMALL_BYTES:
                # The kernel then has room for what is written next.
                raw_files.drop_pages(descriptor, start, end - start)
            return data

    def read_many(self, names: Iterable[str], typical_bytes: int) -> Iterator[bytes | None]:
        for name in names:
            try:
                yield self.read(name)
            except FileNotFoundError:
                yield None

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with self._errors.during("read", name):
            descriptor = regular_files.open_descriptor(self.path(name))
        try:
            with raw_files.TranslatedFile(descriptor, "rb", self._translated(name)) as file:
                yield file
        finally:
            os.close(descriptor)

    def entries(self, subfolder: str, prefixes: Iterable[str] = ("",)) -> Iterator[Entry]:
        return local_listing.list_files(self.path(subfolder), self._listing(subfolder))

    def scan(self, subfolder: str) -> Iterator[Listed]:
        return local_listing.scan(self.path(subfolder), self._listing(subfolder))

    def is_file(self, name: str) -> bool:
        with self._errors.during("look at", name):
            return regular_files.is_own_file(self.url, name)

    def modified(self, name: str) -> float | None:
        status = self._status(name)
        return None if status is None else status.st_mtime

    def user(self) -> str:
        with self._errors.during("read", LOCK):
            return folder_lock.holder(self.path(LOCK))

    def _status(self, name: str) -> os.stat_result | None:
        with self._errors.during("look at", name):
            return regular_files.status(self.path(name))

    def exists(self, name: str) -> bool:
        return os.path.lexists(self.path(name))

    def is_folder(self, name: str) -> bool:
        return os.path.isdir(self.path(name))

    def _listing(self, subfolder: str) -> Callable[[], contextlib.AbstractContextManager[None]]:
        return partial(self._errors.during, "list", subfolder)

    def _translated(self, name: str) -> raw_files.Translated:
        return lambda verb: self._errors.during(verb, name)


def _absolute(path: str | os.PathLike[str]) -> str:
    try:
        return os.path.abspath(path)
    except OSError as error:  # of the current folder
        raise StorageError(
            "the current folder is not there any more",
            where=os.fspath(path),
            expected="the folder that this relative path begins in",
            got=os.strerror(error.errno or 0),
            next_step="change to a folder that is there, or name an absolute --workdir",
        ) from error
