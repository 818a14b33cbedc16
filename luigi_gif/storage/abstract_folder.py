"""What a work directory can do, wherever it lies: read, publish whole, list, sweep.

Names inside a folder are relative, with forward slashes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import re
import secrets
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from luigi_gif.errors import LUIGI_LOGGER, PipelineError, StorageError
from luigi_gif.storage import process_owner
from luigi_gif.urls import public_text

if TYPE_CHECKING:
    from luigi_gif.storage.local_folder import LocalFolder

logger = logging.getLogger(f"{LUIGI_LOGGER}.storage")

TEMPORARY_SUFFIX = ".luigi-gif-tmp"
ASIDE_SUFFIX = ".altered"
COPY_BYTES = 1 << 20
LOCK_TIMEOUT_S = 3600.0
_JSON_HEAD = b'{"crc32": "'
_TEMPORARY = re.compile(r".+\.([0-9a-f]{16})" + re.escape(TEMPORARY_SUFFIX))
_PROBE, _PART = "shared", "part_"
SHARED_PREFIXES = (f"{_PROBE}.", _PART)
"""What the names of the probe file and of the parts of a clip begin with."""

_ADVICE = {
    errno.ENOSPC: "free some space (a run takes about three times its bundle) and run again",
    errno.EDQUOT: "free some space in your quota and run again",
    errno.EROFS: "name a --workdir on a disk that can be written",
    errno.EACCES: "give this user the right to it, or name another --workdir",
    errno.EPERM: "give this user the right to it, or name another --workdir",
    errno.ENOENT: "name a --workdir where folders can be made",
    errno.EEXIST: "move away the file that stands where a folder is needed",
    errno.ENOTDIR: "move away the file that stands where a folder is needed",
    errno.EISDIR: "move away the folder that stands where a file is needed",
}


class Entry(NamedTuple):
    """A file of a folder, its size in bytes."""

    name: str
    size: int


class FolderHandle(NamedTuple):
    """A folder as another process is told of it."""

    url: str
    token: str
    """Of the run: a file of this name lies there, by which the other sees that it is the same."""

    @property
    def probe_file(self) -> str:
        """The name of that file."""
        return temporary_name(_PROBE, self.token)

    def part_name(self, subfolder: str, index: int) -> str:
        """The name of a part of a clip, which no other run gives to its own."""
        return temporary_name(f"{subfolder}/{_PART}{index}", self.token)


class Folder(ABC):
    """A folder that holds the files of a run.

    Its methods raise FileNotFoundError where a file to be read is not there,
    ForeignFileError where something else stands in a file's place, and
    StorageError for all else that a disk or a store refuses.
    """

    url: str
    _refusals: type[Exception] = Exception
    """What the file system may raise."""

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
    def find(self, name: str, skip: str) -> list[str]:
        """The folders in here, however deep, that hold a file of this name.

        What lies in a folder ``skip`` beside such a file is not listed, and no link is followed.
        """

    @abstractmethod
    def write(self, name: str, data: bytes | memoryview, *, durable: bool = False) -> None:
        """Publish ``data`` whole under ``name``; if ``durable``, also where power is cut then."""

    @abstractmethod
    def writer(self) -> contextlib.AbstractContextManager[Callable[[str, bytes], None]]:
        """A function that publishes a file; all of them are there when the block ends well.

        To a store several are sent at a time.
        """

    @abstractmethod
    def atomic_writer(self, name: str) -> contextlib.AbstractContextManager[IO[bytes]]:
        """A file to write to, which appears under ``name``, whole and durable, at the end.

        If the block raises, nothing appears and nothing is left.
        """

    @abstractmethod
    def staging_dir(self) -> contextlib.AbstractContextManager[LocalFolder]:
        """A folder of this machine, for what is to be adopted; a store's ends with the block."""

    @abstractmethod
    def move_into_place(self, staging: LocalFolder, found: str, name: str) -> None:
        """Publish as ``name`` a file of :meth:`staging_dir` that is whole and on the disk."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    @abstractmethod
    def locked(self, timeout_s: float = LOCK_TIMEOUT_S) -> contextlib.AbstractContextManager[None]:
        """Keep other runs out while the block lasts, waiting for them so long at the most.

        An object store, and some file systems, have no such lock.
        """

    @abstractmethod
    def sweep(self, subfolder: str = "") -> None:
        """Remove the temporary files of dead runs; call it only when locked."""

    @abstractmethod
    def _move(self, name: str, other: str) -> None: ...

    @abstractmethod
    def _exists(self, name: str) -> bool:
        """Whether there is anything of this name, be it a file or not."""

    def sha256(self, name: str) -> str:
        """The SHA-256 of a file, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        with self.open(name) as file:
            while piece := file.read(COPY_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    def quarantine(self, name: str) -> str:
        """Give a file a name that nothing has, which is returned, as it may be the user's."""
        number, aside = 1, f"{name}{ASIDE_SUFFIX}"
        while self._exists(aside):
            number += 1
            aside = f"{name}{ASIDE_SUFFIX}-{number}"
        self._move(name, aside)
        return aside

    @contextlib.contextmanager
    def share(self) -> Iterator[FolderHandle]:
        """What other processes need to know to join in here while the block lasts."""
        shared = FolderHandle(self.url, new_token())
        self.write(shared.probe_file, process_owner.this_process().to_json())
        try:
            yield shared
        finally:
            self.remove(shared.probe_file)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON object, or None if the file is not there or is not as it was written."""
        try:
            value = json.loads(_checked(self.read(name)))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        del value["crc32"]
        return value

    def write_json(self, name: str, value: dict[str, Any], *, durable: bool = True) -> None:
        """Publish a JSON object that is not empty, and in it a checksum of its text.

        A file of this name that never had such a checksum is the user's: it is set aside.
        """
        self._spare_foreign_json(name)
        self.write(name, json_text(value), durable=durable)

    def overwrite_json(self, name: str, value: dict[str, Any]) -> None:
        """As :meth:`write_json`, but without a temporary file, for what comes last in a run.

        Where one is left by a run that was killed, the next has nothing to do, and sweeps nothing.
        """
        self.write_json(name, value, durable=False)

    def _spare_foreign_json(self, name: str) -> None:
        if self._is_foreign_json(name):
            aside = self.quarantine(name)
            logger.warning(
                "%s was not made by this pipeline: it is %s now", self.path(name), self.path(aside)
            )

    def _is_foreign_json(self, name: str) -> bool:
        try:
            head = self.read(name, 0, len(_JSON_HEAD))
        except FileNotFoundError:
            return False
        return bool(head) and head != _JSON_HEAD

    def _sweep_ended(self, subfolder: str, names: Iterable[str]) -> None:
        """Remove, of these probes and parts, those of runs that have surely ended.

        A run writes its probe before its parts, and removes it when it ends.
        """
        for name in names:
            found = _TEMPORARY.fullmatch(name)
            if found is None or not name.startswith(SHARED_PREFIXES):
                continue
            try:
                owner = process_owner.from_json(
                    self.read(FolderHandle(self.url, found[1]).probe_file)
                )
            except FileNotFoundError:
                owner = None
            if owner is None or owner.is_gone():
                self.remove(os.path.join(subfolder, name))

    def _explained(self, verb: str, name: str) -> _Explained:
        """Turn what the operating system or a store raises into a StorageError.

        Only calls to these stand in such a block: what a caller of ours raises is not of this
        file. A missing file passes as FileNotFoundError, as an answer, unless it was to be
        written.
        """
        return _Explained(self, verb, name)

    def _explain(self, verb: str, name: str, error: BaseException) -> None:
        if isinstance(error, PipelineError) or not isinstance(error, self._refusals):
            return
        if isinstance(error, FileNotFoundError) and verb != "write":
            return
        number = error.errno if isinstance(error, OSError) else None
        words = public_text(str(error).strip().partition("\n")[0])
        if isinstance(error, FileNotFoundError) and not number:
            words = "the bucket does not exist"
        raise StorageError(
            f"cannot {verb} a file",
            where=self.path(name),
            expected=f"to {verb} it",
            got=os.strerror(number) if number else words or type(error).__name__,
            next_step=self._advice(number),
        ) from None  # its own text may hold secrets

    def _advice(self, number: int | None) -> str:
        """What to do about an error of the operating system."""
        return _ADVICE.get(number or 0, "mend the cause and run again")


class _Explained:
    """The block of :meth:`Folder._explained`; as a class, for it is entered for each file."""

    __slots__ = ("_folder", "_name", "_verb")

    def __init__(self, folder: Folder, verb: str, name: str) -> None:
        self._folder, self._verb, self._name = folder, verb, name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            self._folder._explain(self._verb, self._name, error)


def new_token() -> str:
    """A text that no other run has."""
    return secrets.token_hex(8)


def temporary_name(name: str, token: str) -> str:
    """The name of a file until it is whole, or as long as a run lasts."""
    return f"{name}.{token}{TEMPORARY_SUFFIX}"


def is_temporary(name: str) -> bool:
    """Whether :func:`temporary_name` gave such a name."""
    return _TEMPORARY.fullmatch(name) is not None


def json_text(value: dict[str, Any]) -> bytes:
    """A JSON object with a checksum of the rest as its first entry, in one line."""
    rest = json.dumps(value).encode()[1:]
    return b'%s%08x", %s\n' % (_JSON_HEAD, zlib.crc32(rest), rest)


def _checked(text: bytes) -> bytes:
    """The text of a JSON file. Raises ValueError where its checksum is not that of the text."""
    found = re.match(rb'\{"crc32": "([0-9a-f]{8})", ', text)
    if found is None or int(found[1], 16) != zlib.crc32(text[found.end() :].rstrip()):
        raise ValueError("the checksum does not fit")
    return text
