"""What a work directory can do, wherever it lies: read, publish whole, list, sweep.

Names inside a folder are relative, with forward slashes.
"""

from __future__ import annotations

import contextlib
import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, NamedTuple

from luigi_gif.errors import LUIGI_LOGGER, StorageError
from luigi_gif.storage import checksummed_json, process_owner
from luigi_gif.storage.folder_handle import FolderHandle
from luigi_gif.storage.layout import QUARANTINE_SUFFIX
from luigi_gif.storage.readable_folder import ReadableFolder
from luigi_gif.storage.temporary_names import new_token

if TYPE_CHECKING:
    from luigi_gif.storage.http_headers import HttpHeaders
    from luigi_gif.storage.local_folder import LocalFolder

logger = logging.getLogger(f"{LUIGI_LOGGER}.storage")

LOCK_TIMEOUT_S = 3600.0


class Move(NamedTuple):
    """A file that is to have another name."""

    name: str
    new_name: str
    size_bytes: int


class Folder(ReadableFolder):
    """A folder that holds the files of a run.

    Its methods raise FileNotFoundError where a file to be read is not there,
    ForeignFileError where something else stands in a file's place, and
    StorageError for all else that a disk or a store refuses.
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
    def rename_many(self, moves: Iterable[Move], typical_bytes: int) -> int:
        """Give files other names, one after another, and return how many.

        A file that is not there, or has another size, keeps its name. What had the new name is
        replaced. A store has no such call: it is sent the bytes, several at a time, and what has
        the old name stays. ``typical_bytes`` is as that of :meth:`read_many`.
        """

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
        try:
            self.write(handle.probe_file, process_owner.this_process().to_json())
        except BaseException:
            with contextlib.suppress(StorageError):  # the error in writing it says enough
                self.remove(handle.probe_file)
            raise
        try:
            yield handle
        finally:
            self.remove(handle.probe_file)

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
