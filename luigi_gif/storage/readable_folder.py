"""What can be read of a work directory, wherever it lies.

Names inside a folder are relative, with forward slashes.
"""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from luigi_gif.storage import checksummed_json

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject
    from luigi_gif.storage.error_translation import ErrorTranslation

COPY_BYTES = 1 << 20


class Entry(NamedTuple):
    """A file of a folder, its size in bytes."""

    name: str
    size: int


class Listed(NamedTuple):
    """What a folder holds."""

    name: str
    is_folder: bool


class ReadableFolder(ABC):
    """A folder whose files can be read.

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
    def read_range(self, name: str, start: int, end: int, *, keep: bool = True) -> bytes:
        """Like :meth:`read`, of bytes that are there.

        Unless the system is to ``keep`` them in memory, nobody will read them again soon.
        """

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
    def exists(self, name: str) -> bool:
        """Whether there is anything of this name, be it a file or not."""

    @abstractmethod
    def is_folder(self, name: str) -> bool:
        """Whether there is a folder of this name."""

    @abstractmethod
    def user(self) -> str:
        """Who works in it now, in words for people; empty where that is nobody, or not known.

        An object store tells only of runs that write frames. Nothing is changed.
        """

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

    def read_json(self, name: str) -> JsonObject | None:
        """A JSON object, or None if the file is not there or is not as it was written."""
        try:
            text = self.read(name)
        except FileNotFoundError:
            return None
        return checksummed_json.from_text(text)

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
