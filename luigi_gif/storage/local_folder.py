"""A work directory on a file system of this machine: atomic rename, fsync, flock."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import IO, TYPE_CHECKING

from luigi_gif.errors import StorageError
from luigi_gif.storage import (
    atomic_file,
    checksummed_json,
    folder_lock,
    leftovers,
    local_listing,
    process_owner,
    raw_files,
    regular_files,
)
from luigi_gif.storage.abstract_folder import COPY_BYTES, LOCK_TIMEOUT_S, Entry, Folder, Listed
from luigi_gif.storage.error_translation import WORKDIR, ErrorTranslation
from luigi_gif.storage.layout import LOCK
from luigi_gif.storage.temporary_names import new_token, temporary_name, token_in

if TYPE_CHECKING:
    from luigi_gif.storage.http_headers import HttpHeaders


class LocalFolder(Folder):
    """A folder of this machine, or of a file system that it shares with others.

    A file in it may be read through a link, but none is written through one.
    """

    def __init__(self, path: str | os.PathLike[str], called: str = WORKDIR) -> None:
        self._is_locked = False
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

    def read_uncached(self, name: str, start: int, end: int) -> bytes:
        with (
            self._errors.during("read", name),
            regular_files.open_regular_file(self.path(name)) as descriptor,
        ):
            data = regular_files.pread(descriptor, start, end)
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

    def write(self, name: str, data: bytes | memoryview, *, durable: bool = False) -> None:
        with self._errors.during("write", name):
            regular_files.check_subfolders(self.url, name)
        atomic_file.write_whole(self.url, name, data, new_token(), self._errors, durable=durable)

    @contextlib.contextmanager
    def writer(self) -> Iterator[Callable[[str, bytes], None]]:
        # Threads that write small files wait for each other at each call of the kernel.
        token = new_token()
        checked: set[str] = set()

        def write(name: str, data: bytes) -> None:
            subfolder = name.rpartition("/")[0]
            if subfolder not in checked:
                with self._errors.during("write", name):
                    regular_files.check_subfolders(self.url, name)
                checked.add(subfolder)
            atomic_file.write_whole(self.url, name, data, token, self._errors, durable=False)

        yield write

    @contextlib.contextmanager
    def renamer(self) -> Iterator[Callable[[str, str, bytes], None]]:
        def rename(name: str, new_name: str, _: bytes) -> None:
            with self._errors.during("rename", new_name):
                regular_files.check_path(self.url, new_name)
            self.move(name, new_name)

        yield rename

    @contextlib.contextmanager
    def atomic_writer(
        self,
        name: str,
        *,
        durable: bool = True,
        headers: HttpHeaders | None = None,
        token: str = "",
    ) -> Iterator[IO[bytes]]:
        translated = self._translated(name)
        with translated("write"):
            regular_files.check_subfolders(self.url, name)
        if token:
            self.remove(temporary_name(name, token))
        with atomic_file.replacing(
            self.url, name, token or new_token(), self._errors, durable=durable
        ) as descriptor:
            raw = raw_files.EarlyWriteback(descriptor, translated, keep=False)
            with io.BufferedRandom(raw, COPY_BYTES) as file:
                yield file
        if not durable:
            return
        with translated("write"):  # the user is told that it is there: its name has to last, too
            regular_files.sync_folder(os.path.dirname(self.path(name)))

    @contextlib.contextmanager
    def update(self, name: str, buffer_bytes: int = COPY_BYTES) -> Iterator[IO[bytes]]:
        """A file to read and write in place, made where there is none.

        Its bytes stay in memory where there is room, for whoever reads them next.
        """
        translated = self._translated(name)
        with translated("write"):
            regular_files.check_path(self.url, name)
            descriptor = regular_files.open_to_update(self.path(name))
        try:
            raw = raw_files.EarlyWriteback(descriptor, translated, keep=True)
            with io.BufferedRandom(raw, buffer_bytes) as file:
                yield file
        finally:
            with translated("write"):
                os.close(descriptor)

    def overwrite_json(self, name: str, value: Mapping[str, object]) -> None:
        self._spare_foreign_json(name)
        with self.update(name) as file:
            # In one piece, and never shorter: a run that is killed leaves the old one or this.
            file.write(checksummed_json.to_text(value).ljust(os.fstat(file.fileno()).st_size))

    def sync(self, name: str, file: IO[bytes]) -> None:
        """Let what was written to a file of :meth:`update` outlive a power cut."""
        file.flush()
        with self._errors.during("write", name):
            regular_files.sync_file(file.fileno())

    def free_bytes(self) -> int | None:
        """Bytes that this user can still write there; None where the file system does not say."""
        with self._errors.during("write", ""):
            os.makedirs(self.url, exist_ok=True)
            try:
                status = os.statvfs(self.url)
            except OSError:
                return None
        # Many FUSE file systems say 0 of 0.
        return status.f_bavail * status.f_frsize if status.f_blocks else None

    @contextlib.contextmanager
    def staging_dir(self) -> Iterator[LocalFolder]:
        yield self

    def move_into_place(self, staged: LocalFolder, staged_name: str, name: str) -> None:
        with self._errors.during("write", name):
            regular_files.check_path(self.url, name)
            os.replace(staged.path(staged_name), self.path(name))

    def remove(self, name: str) -> None:
        with self._errors.during("remove", name), contextlib.suppress(FileNotFoundError):
            regular_files.check_path(self.url, name)
            os.unlink(self.path(name))

    def remove_many(self, names: Iterable[str]) -> None:
        for name in names:
            self.remove(name)

    def remove_folder(self, subfolder: str) -> None:
        with self._errors.during("remove", subfolder), contextlib.suppress(FileNotFoundError):
            regular_files.check_subfolders(self.url, f"{subfolder}/")
            regular_files.remove_empty_folder(self.path(subfolder))

    @contextlib.contextmanager
    def locked(self, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
        is_new = not os.path.isdir(self.url)
        with self._errors.during("write", LOCK):
            lock = folder_lock.acquire(self.url, timeout_s)
        try:
            self._is_locked = lock.is_held
            yield
        finally:
            self._is_locked = False
            if is_new and lock.is_held:
                folder_lock.remove_if_empty(self.url)
            lock.release()

    def sweep(self, subfolder: str = "") -> None:
        listed = local_listing.list_files(self.path(subfolder), self._listing(subfolder), token_in)
        found = [name for name, _ in listed]
        if not self._is_locked:  # another run may be at work
            leftovers.remove_those_of_ended_runs(self, subfolder, found)
            found = [name for name in found if self._is_old(os.path.join(subfolder, name))]
        for name in found:
            self.remove(os.path.join(subfolder, name))

    def _is_old(self, name: str) -> bool:
        status = self._status(name)
        return status is not None and time.time() - status.st_mtime > process_owner.MAX_AGE_S

    def _status(self, name: str) -> os.stat_result | None:
        with self._errors.during("look at", name):
            return regular_files.status(self.path(name))

    def move(self, name: str, other: str) -> None:
        with self._errors.during("rename", name):
            regular_files.check_path(self.url, name)
            os.rename(self.path(name), self.path(other))

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
