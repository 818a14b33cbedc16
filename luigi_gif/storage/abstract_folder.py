"""What a work directory can do, wherever it lies: read, publish whole, list, sweep.

Names inside a folder are relative, with forward slashes.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from luigi_gif.errors import LUIGI_LOGGER
from luigi_gif.storage import checksummed_json, process_owner
from luigi_gif.storage.folder_handle import FolderHandle
from luigi_gif.storage.layout import QUARANTINE_SUFFIX
from luigi_gif.storage.temporary_names import new_token

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject
    from luigi_gif.storage.error_translation import ErrorTranslation
    from luigi_gif.storage.http_headers import HttpHeaders
    from luigi_gif.storage.local_folder import LocalFolder

logger = logging.getLogger(f"{LUIGI_LOGGER}.storage")

COPY_BYTES = 1 << 20
LOCK_TIMEOUT_S = 3600.0


class Entry(NamedTuple):
    """A file of a folder, its size in bytes."""

    name: str
    size: int


class Listed(NamedTuple):
    """What a folder holds."""

    name: str
    is_folder: bool


class Folder(ABC):
    """A folder that holds the files of a run.

    Its methods raise FileNotFoundError where a file to be read is not there,
    ForeignFileError where something else stands in a file's place, and
    StorageError for all else that a disk or a store refuses.
    """

    url: str
    _errors: ErrorTranslation

    @abstractmethod
    def path(self, name: str) -> str:
        """The full path or URL of ``name``, as it may be shown."""

    @abstractmethod
    def size(self, name: str) -> int | None:
        """Size in bytes, or None if there is no such file."""

    @abstractmethod
    def version(self, name: str) -> str | None:
        """A text that changes whenever the file does, or None if there is no such file."""

    @abstractmethod
    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """Bytes ``start`` to ``end`` of a file; a negative start counts from its end."""

    @abstractmethod
    def read_uncached(self, name: str, start: int, end: int) -> bytes:
        """Like :meth:`read`, of bytes that are there, and that nobody will read again soon."""

    @abstractmethod
    def read_many(self, names: Iterable[str], typical_bytes: int) -> Iterator[bytes | None]:
        """The files of these names, in order; None for one that is not there.

        From a store several are fetched at a time, by how large a typical one is.
        """

    @abstractmethod
    def open(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        """A file to read from, from its beginning to its end."""

    @abstractmethod
    def entries(self, subfolder: str, prefixes: Iterable[str] = ("",)) -> Iterator[Entry]:
        """The files of a subfolder, in any order; none if there is no such subfolder.

        ``prefixes`` are what the names begin with that matter, none the beginning of
        another: as what a store lists is held in memory, it is asked for one at a time.
        """

    @abstractmethod
    def scan(self, subfolder: str) -> Iterator[Listed]:
        """The files and folders in a subfolder, in any order; none where that is not there.

        Links are neither, nor is what may not be listed there.
        """

    @abstractmethod
    def is_file(self, name: str) -> bool:
        """Whether a file of this name is there that no link leads to."""

    @abstractmethod
    def modified(self, name: str) -> float | None:
        """When a file was written last, in seconds since 1970 UTC, or None if it is not there."""

    @abstractmethod
    def user(self) -> str:
        """Who works in it now, in words for people; empty where that is nobody, or not known.

        An object store tells only of runs that write frames. Nothing is changed.
        """

    @abstractmethod
    def write(self, name: str, data: bytes | memoryview, *, durable: bool = False) -> None:
        """Publish ``data`` whole under ``name``; if ``durable``, it survives a power cut."""

    @abstractmethod
    def writer(self) -> contextlib.AbstractContextManager[Callable[[str, bytes], None]]:
        """A function that publishes a file; all of them are there when the block ends well.

        To a store several are sent at a time.
        """

    @abstractmethod
    def atomic_writer(
        self,
        name: str,
        *,
        durable: bool = True,
        headers: HttpHeaders | None = None,
        token: str = "",
    ) -> contextlib.AbstractContextManager[IO[bytes]]:
        """A file to write to, which appears whole under ``name`` at the end of the block.

        If ``durable``, it survives a power cut. If the block raises, nothing appears and
        nothing is left. ``headers`` are for a store that serves it over http. ``token``, 16
        hexadecimal digits, is of one writer at a time: what it left when it was killed goes first.
        """

    @abstractmethod
    def staging_dir(self) -> contextlib.AbstractContextManager[LocalFolder]:
        """A folder of this machine for files that :meth:`move_into_place` takes.

        A store's is temporary: it is removed when the block ends.
        """

    @abstractmethod
    def move_into_place(self, staged: LocalFolder, staged_name: str, name: str) -> None:
        """Publish ``staged_name`` of :meth:`staging_dir`, whole and on the disk, as ``name``."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    @abstractmethod
    def remove_many(self, names: Iterable[str]) -> None:
        """Remove files, as far as they are there; on a store several at a time."""

    @abstractmethod
    def remove_folder(self, subfolder: str) -> None:
        """Remove a subfolder if it is there and empty; the folder itself has an empty name.

        A store has no folders but for the names of its objects.
        """

    @abstractmethod
    def locked(self, timeout_s: float = LOCK_TIMEOUT_S) -> contextlib.AbstractContextManager[None]:
        """Keep other runs out while the block lasts; wait for them at most ``timeout_s``.

        An object store, and some file systems, have no such lock.
        """

    @abstractmethod
    def sweep(self, subfolder: str = "") -> None:
        """Remove the temporary files of dead runs; call it only when locked."""

    @abstractmethod
    def move(self, name: str, other: str) -> None:
        """Rename a file; one that has the other name is replaced."""

    @abstractmethod
    def renamer(self) -> contextlib.AbstractContextManager[Callable[[str, str, bytes], None]]:
        """A function that gives a file another name; all have theirs when the block ends well.

        It is given the name, the new name, and the bytes of the file. What had the new name is
        replaced. A store has no such call: it is sent the bytes, several at a time, and what has
        the old name stays.
        """

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is anything of this name, be it a file or not."""

    @abstractmethod
    def is_folder(self, name: str) -> bool:
        """Whether there is a folder of this name."""

    def find(self, names: Collection[str], skip: Collection[str]) -> list[str]:
        """The folders in here, however deep, that hold a file of one of these names; sorted.

        What lies in a folder of a name in ``skip`` beside such a file is not listed, and no link
        is followed.
        """
        found, waiting = [], [""]
        while waiting:
            folder = waiting.pop()
            holds_one, folders = False, []
            for each in self.scan(folder):
                if each.is_folder:
                    folders.append(each.name)
                else:
                    holds_one |= each.name in names
            if holds_one:
                found.append(folder)
                folders = [name for name in folders if name not in skip]
            waiting += [posixpath.join(folder, name) for name in folders]
        return sorted(found)

    def sha256(self, name: str) -> str:
        """The SHA-256 of a file, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        with self.open(name) as file:
            while piece := file.read(COPY_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    def quarantine(self, name: str) -> str:
        """Rename a file that may be the user's to a name that is free; return that name."""
        number, new_name = 1, f"{name}{QUARANTINE_SUFFIX}"
        while self.exists(new_name):
            number += 1
            new_name = f"{name}{QUARANTINE_SUFFIX}-{number}"
        self.move(name, new_name)
        return new_name

    @contextlib.contextmanager
    def share(self) -> Iterator[FolderHandle]:
        """Let other processes attach to this folder, by the handle, while the block lasts."""
        handle = FolderHandle(self.url, new_token())
        self.write(handle.probe_file, process_owner.this_process().to_json())
        try:
            yield handle
        finally:
            self.remove(handle.probe_file)

    def read_json(self, name: str) -> JsonObject | None:
        """A JSON object, or None if the file is not there or is not as it was written."""
        try:
            text = self.read(name)
        except FileNotFoundError:
            return None
        return checksummed_json.from_text(text)

    def write_json(self, name: str, value: Mapping[str, object], *, durable: bool = True) -> None:
        """Publish a JSON object that is not empty, and in it a checksum of its text.

        A file of this name that never had such a checksum is the user's: it is set aside.
        """
        self._spare_foreign_json(name)
        self.write(name, checksummed_json.to_text(value), durable=durable)

    def write_json_rows(self, name: str, key: str, rows: Iterable[object]) -> None:
        """Publish a JSON object with one list, which need not fit into memory."""
        self._spare_foreign_json(name)
        with self.atomic_writer(name, durable=False) as file:
            checksummed_json.write_rows(file, key, rows)

    def read_json_rows(self, name: str) -> Iterator[Any]:
        """The rows of what :meth:`write_json_rows` published; none if the file is not there."""
        with contextlib.suppress(FileNotFoundError), self.open(name) as file:
            yield from checksummed_json.read_rows(file)

    def is_whole_json(self, name: str) -> bool:
        """Whether a file is a JSON object that was published here, as it was written."""
        try:
            with self.open(name) as file:
                return checksummed_json.is_whole(file)
        except FileNotFoundError:
            return False

    def json_checksum(self, name: str) -> str | None:
        """The checksum that a JSON object begins with, or None if the file is not there."""
        try:
            return checksummed_json.checksum_in(self.read(name, 0, checksummed_json.HEAD_BYTES))
        except FileNotFoundError:
            return None

    def overwrite_json(self, name: str, value: Mapping[str, object]) -> None:
        """As :meth:`write_json`, but without a temporary file, for what comes last in a run.

        Where one is left by a run that was killed, the next has nothing to do, and sweeps nothing.
        """
        self.write_json(name, value, durable=False)

    def _spare_foreign_json(self, name: str) -> None:
        if self._is_foreign_json(name):
            new_name = self.quarantine(name)
            logger.warning(
                "%s was not made by this pipeline: it is %s now",
                self.path(name),
                self.path(new_name),
            )

    def _is_foreign_json(self, name: str) -> bool:
        try:
            head = self.read(name, 0, len(checksummed_json.HEAD))
        except FileNotFoundError:
            return False
        return bool(head) and head != checksummed_json.HEAD
