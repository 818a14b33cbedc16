"""A work directory on a file system of this machine: atomic rename, fsync, flock."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING

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
from luigi_gif.storage.abstract_folder import LOCK_TIMEOUT_S, Folder, Move
from luigi_gif.storage.error_translation import WORKDIR
from luigi_gif.storage.layout import LOCK
from luigi_gif.storage.readable_folder import COPY_BYTES
from luigi_gif.storage.readable_local_folder import ReadableLocalFolder
from luigi_gif.storage.temporary_names import new_token, temporary_name, token_in

if TYPE_CHECKING:
    from luigi_gif.storage.http_headers import HttpHeaders


class LocalFolder(ReadableLocalFolder, Folder):
    """A folder of this machine, or of a file system that it shares with others.

    A file in it may be read through a link, but none is written through one.
    """

    def __init__(self, path: str | os.PathLike[str], called: str = WORKDIR) -> None:
        super().__init__(path, called)
        self._is_locked = False

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

    def rename_many(self, moves: Iterable[Move], typical_bytes: int) -> int:
        count = 0
        for move in moves:
            with self._errors.during("rename", move.new_name):
                regular_files.check_path(self.url, move.name)
                regular_files.check_path(self.url, move.new_name)
                found = regular_files.status(self.path(move.name))
                if found and found.st_size == move.size_bytes:
                    os.rename(self.path(move.name), self.path(move.new_name))
                    count += 1
        return count

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

    def move(self, name: str, other: str) -> None:
        with self._errors.during("rename", name):
            regular_files.check_path(self.url, name)
            os.rename(self.path(name), self.path(other))
