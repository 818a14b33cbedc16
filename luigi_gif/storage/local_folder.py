"""A work directory on a file system of this machine: atomic rename, fsync, flock."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from luigi_gif.errors import LUIGI_LOGGER, StorageError
from luigi_gif.storage import abstract_folder, folder_lock, process_owner, regular_files
from luigi_gif.storage.abstract_folder import COPY_BYTES, LOCK_TIMEOUT_S, Entry, Folder

logger = logging.getLogger(f"{LUIGI_LOGGER}.storage")

LOCK = ".lock"


class LocalFolder(Folder):
    """A folder of this machine, or of a file system that it shares with others.

    A file in it may be read through a link, but none is written through one.
    """

    _refusals = OSError

    def __init__(self, path: str) -> None:
        self._is_locked = False
        try:
            self.url = os.path.abspath(path)
        except OSError as error:  # of the current folder
            raise StorageError(
                "the current folder is not there any more",
                where=path,
                expected="the folder that this relative path begins in",
                got=os.strerror(error.errno or 0),
                next_step="change to a folder that is there, or name an absolute --workdir",
            ) from error

    def path(self, name: str) -> str:
        return os.path.join(self.url, name)

    def size(self, name: str) -> int | None:
        status = self._status(name)
        return None if status is None else status.st_size

    def version(self, name: str) -> str | None:
        status = self._status(name)
        if status is None:
            return None
        # The time of change alone is kept by cp -p, and by some file systems in steps of 2 s.
        times = f"{status.st_mtime_ns}-{status.st_ctime_ns}"
        return f"{status.st_size}-{times}-{status.st_ino}"

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        with self._explained("read", name), regular_files.opened(self.path(name)) as descriptor:
            size = os.fstat(descriptor).st_size
            start = max(0, size + start) if start < 0 else start
            return regular_files.pread(descriptor, start, size if end is None else min(end, size))

    def read_uncached(self, name: str, start: int, end: int) -> bytes:
        with self._explained("read", name), regular_files.opened(self.path(name)) as descriptor:
            data = regular_files.pread(descriptor, start, end)
            # The kernel then has room for what is written next.
            regular_files.drop_pages(descriptor, start, end - start)
            return data

    def read_many(self, names: Iterable[str], typical_bytes: int) -> Iterator[bytes | None]:
        for name in names:
            try:
                yield self.read(name)
            except FileNotFoundError:
                yield None

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with self._explained("read", name):
            descriptor = regular_files.open_regular(self.path(name))
        try:
            with regular_files.ExplainedFile(descriptor, "rb", self._explainer(name)) as file:
                yield file
        finally:
            os.close(descriptor)

    def entries(self, subfolder: str, prefixes: Iterable[str] = ("",)) -> Iterator[Entry]:
        with self._explained("list", subfolder):
            try:
                listing = os.scandir(self.path(subfolder))
            except FileNotFoundError:
                return
        with listing:
            while True:
                with self._explained("list", subfolder):
                    entry = next(listing, None)
                    if entry is None:
                        return
                    try:
                        found = entry.is_file(follow_symlinks=False)
                        size = entry.stat(follow_symlinks=False).st_size if found else 0
                    except FileNotFoundError:
                        continue
                if found:
                    yield Entry(entry.name, size)

    def find(self, name: str, skip: str) -> list[str]:
        found = []
        for folder, subfolders, names in os.walk(self.url):
            path = os.path.join(folder, name)
            if name in names and stat.S_ISREG(os.lstat(path).st_mode):
                found.append(os.path.relpath(folder, self.url))
                subfolders[:] = [each for each in subfolders if each != skip]
        return sorted("" if folder == "." else folder for folder in found)

    def write(self, name: str, data: bytes | memoryview, *, durable: bool = False) -> None:
        with self._explained("write", name):
            regular_files.check_subfolders(self.url, name)
        self._write(name, data, abstract_folder.new_token(), durable=durable)

    @contextlib.contextmanager
    def writer(self) -> Iterator[Callable[[str, bytes], None]]:
        # Threads that write small files wait for each other at each call of the kernel.
        token = abstract_folder.new_token()
        checked: set[str] = set()

        def write(name: str, data: bytes) -> None:
            subfolder = os.path.dirname(name)
            if subfolder not in checked:
                with self._explained("write", name):
                    regular_files.check_subfolders(self.url, name)
                checked.add(subfolder)
            self._write(name, data, token, durable=False)

        yield write

    @contextlib.contextmanager
    def atomic_writer(self, name: str) -> Iterator[IO[bytes]]:
        explain = self._explainer(name)
        with explain("write"):
            regular_files.check_subfolders(self.url, name)
        with (
            self._temporary(name, abstract_folder.new_token(), durable=True) as descriptor,
            io.BufferedRandom(
                regular_files.EarlyWriteback(descriptor, explain, keep=False), COPY_BYTES
            ) as file,
        ):
            yield file
        with explain("write"):  # the user is told that it is there: its name has to last, too
            regular_files.sync_folder(os.path.dirname(self.path(name)))

    @contextlib.contextmanager
    def update(self, name: str) -> Iterator[IO[bytes]]:
        """A file to read and write in place, made where there is none.

        Its bytes stay in memory where there is room, for whoever reads them next.
        """
        explain = self._explainer(name)
        with explain("write"):
            regular_files.check_place(self.url, name)
            descriptor = regular_files.create(self.path(name), 0)
            if os.fstat(descriptor).st_nlink > 1:  # a backup may hold it under another name
                os.close(descriptor)
                os.unlink(self.path(name))
                descriptor = regular_files.create(self.path(name), os.O_EXCL)
        try:
            raw = regular_files.EarlyWriteback(descriptor, explain, keep=True)
            with io.BufferedRandom(raw, COPY_BYTES) as file:
                yield file
        finally:
            with explain("write"):
                os.close(descriptor)

    def overwrite_json(self, name: str, value: dict[str, Any]) -> None:
        self._spare_foreign_json(name)
        with self.update(name) as file:
            # In one piece, and never shorter: a run that is killed leaves the old one or this.
            file.write(abstract_folder.json_text(value).ljust(os.fstat(file.fileno()).st_size))

    def sync(self, name: str, file: IO[bytes]) -> None:
        """Let what was written to a file of :meth:`update` outlive a power cut."""
        file.flush()
        with self._explained("write", name):
            regular_files.sync(file.fileno())

    def free_bytes(self) -> int | None:
        """Bytes that this user can still write there; None where the file system does not say."""
        with self._explained("write", ""):
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

    def move_into_place(self, staging: LocalFolder, found: str, name: str) -> None:
        with self._explained("write", name):
            regular_files.check_place(self.url, name)
            os.replace(staging.path(found), self.path(name))

    def remove(self, name: str) -> None:
        with self._explained("remove", name), contextlib.suppress(FileNotFoundError):
            regular_files.check_place(self.url, name)
            os.unlink(self.path(name))

    @contextlib.contextmanager
    def locked(self, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
        is_new = not os.path.isdir(self.url)
        with self._explained("write", LOCK):
            lock = self._lock(timeout_s)
        try:
            self._is_locked = lock.is_held
            yield
        finally:
            self._is_locked = False
            if is_new and lock.is_held:
                self._remove_if_empty()
            lock.release()

    def _lock(self, timeout_s: float) -> folder_lock.Lock:
        while True:
            os.makedirs(self.url, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # removed by another run just now
                lock = folder_lock.Lock(self.path(LOCK), timeout_s)
                if lock.is_of(self.path(LOCK)):
                    return lock
                lock.release()

    def _remove_if_empty(self) -> None:
        """Leave no folder behind that holds nothing but the lock, which goes while it is held."""
        with contextlib.suppress(OSError):
            if os.listdir(self.url) == [LOCK]:
                os.unlink(self.path(LOCK))
                os.rmdir(self.url)

    def sweep(self, subfolder: str = "") -> None:
        found = [name for name, _ in self.entries(subfolder) if abstract_folder.is_temporary(name)]
        if not self._is_locked:  # another run may be at work
            self._sweep_ended(subfolder, found)
            found = [name for name in found if self._is_old(os.path.join(subfolder, name))]
        for name in found:
            self.remove(os.path.join(subfolder, name))

    def _is_old(self, name: str) -> bool:
        status = self._status(name)
        return status is not None and time.time() - status.st_mtime > process_owner.MAX_AGE_S

    def _status(self, name: str) -> os.stat_result | None:
        path = self.path(name)
        with self._explained("look at", name):
            try:
                status = os.stat(path)
            except FileNotFoundError:
                if os.path.islink(path):  # to nothing
                    regular_files.check_regular(path, os.lstat(path).st_mode)
                return None
            regular_files.check_regular(path, status.st_mode)
        return status

    def _move(self, name: str, other: str) -> None:
        with self._explained("rename", name):
            regular_files.check_place(self.url, name)
            os.rename(self.path(name), self.path(other))

    def _exists(self, name: str) -> bool:
        return os.path.lexists(self.path(name))

    def _explainer(self, name: str) -> regular_files.Explain:
        return lambda verb: self._explained(verb, name)

    def _write(self, name: str, data: bytes | memoryview, token: str, *, durable: bool) -> None:
        with (
            self._explained("write", name),
            self._temporary(name, token, durable=durable) as descriptor,
        ):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    @contextlib.contextmanager
    def _temporary(self, name: str, token: str, *, durable: bool) -> Iterator[int]:
        """A descriptor of a file that is renamed to ``name``, or removed if the block raises."""
        path = self.path(name)
        temporary = abstract_folder.temporary_name(path, token)
        with self._explained("write", name):
            regular_files.check_file(path)
            descriptor = regular_files.create(temporary, os.O_EXCL)
        try:
            try:
                yield descriptor
                if durable:
                    with self._explained("write", name):
                        regular_files.sync(descriptor)
            finally:
                with self._explained("write", name):  # NFS tells of a full disk only here
                    os.close(descriptor)
            with self._explained("write", name):
                if durable:  # for which much time may have passed
                    regular_files.check_place(self.url, name)
                os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


class StagingFolder(LocalFolder):
    """A folder for temporary files of this machine, where what goes to a store is collected."""

    def _advice(self, number: int | None) -> str:
        return "let TMPDIR name a folder that can be written and has room, and run again"


@contextlib.contextmanager
def staging_folder() -> Iterator[StagingFolder]:
    """A new one, which is gone when the block ends. Raises StorageError."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="luigi-gif-")
    except OSError as error:
        raise StorageError(
            "there is no folder for temporary files",
            where=os.environ.get("TMPDIR") or "TMPDIR is not set",
            expected="a folder that can be written, with room for the bundle or the clip",
            got=error.strerror or str(error),
            next_step="let TMPDIR name such a folder, and run again",
        ) from error
    with folder as path:
        yield StagingFolder(path)
