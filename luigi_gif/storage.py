"""Files and objects: read, publish whole, list, sweep; Luigi targets on top.

Every access to a work directory goes through :class:`Folder`. A local folder
uses the operating system's own calls (atomic rename, fsync, flock); any other
URL is served by fsspec, where an object appears whole when it is put.

Names inside a folder are relative, with forward slashes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import logging
import os
import re
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, Any, NamedTuple

import luigi

from luigi_gif import store
from luigi_gif.errors import LUIGI_LOGGER, ParameterError, PipelineError, StorageError
from luigi_gif.urls import is_local, local_path, normal_url, public_text, public_url

logger = logging.getLogger(f"{LUIGI_LOGGER}.storage")

TEMPORARY_SUFFIX = ".luigi-gif-tmp"
ASIDE_SUFFIX = ".altered"
LOCK = ".lock"
COPY_BYTES = 1 << 20
_WRITEBACK_BYTES = 8 << 20

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


class Shared(NamedTuple):
    """A folder as another process is told of it."""

    url: str
    proof: str
    """Name of a file that lies there, by which the other sees that it is the same folder."""


class Folder:
    """A folder on any fsspec file system.

    Its methods raise FileNotFoundError where a file to be read is not there,
    and StorageError for all else that a disk or a store refuses.

    Raises ParameterError for a URL that fsspec cannot serve.
    """

    _refusals: type[Exception] = Exception
    """What the file system may raise."""

    def __init__(self, url: str, run: str = "") -> None:
        self.url = url.rstrip("/")
        try:
            self._store = store.Store(self.url, run)
        except Exception as error:
            raise ParameterError(
                "the work directory cannot be used",
                where=public_url(self.url),
                expected="a local path, or the URL of a store that fsspec knows",
                got=public_text(str(error)),
                next_step="correct --workdir, or install what the store needs "
                "(pip install 'luigi_gif[s3]', [gcs] or [azure])",
            ) from error

    def path(self, name: str) -> str:
        """The full path or URL of ``name``, as it may be shown."""
        return f"{public_url(self.url)}/{name}"

    def size(self, name: str) -> int | None:
        """Size in bytes, or None if there is no such file."""
        with self._explained("look at", name):
            try:
                return int(self._store.ask("info", self._key(name))["size"])
            except FileNotFoundError:
                return None

    def version(self, name: str) -> str | None:
        """A text that changes whenever the file does, or None if there is no such file."""
        with self._explained("look at", name):
            try:
                info = self._store.ask("info", self._key(name))
            except FileNotFoundError:
                return None
        return store.version(info) or f"{info['size']}"

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """Bytes ``start`` to ``end`` of a file; a negative start counts from its end."""
        with self._explained("read", name):
            key = self._key(name)
            if not start and end is None:
                return bytes(self._store.ask("cat_file", key))
            # Not every store knows ranges that count from the end, or end behind it.
            size = int(self._store.ask("info", key)["size"])
            start = max(0, size + start) if start < 0 else start
            end = size if end is None else min(end, size)
            return (
                bytes(self._store.ask("cat_file", key, start=start, end=end))
                if start < end
                else b""
            )

    def read_once(self, name: str, start: int, end: int) -> bytes:
        """Like :meth:`read`, of bytes that are there, and that nobody will read again soon."""
        with self._explained("read", name):
            return bytes(self._store.ask("cat_file", self._key(name), start=start, end=end))

    def read_each(self, names: Iterable[str], typical_bytes: int) -> Iterator[bytes | None]:
        """The files of these names, in order; None for one that is not there.

        From a store several are fetched at a time, by how large a typical one is.
        """
        waiting = iter(names)
        at_once = max(1, min(store.AT_ONCE, store.AT_ONCE_BYTES // max(1, typical_bytes)))
        while group := list(islice(waiting, at_once)):
            with self._explained("read", group[0]):
                keys = [self._key(name) for name in group]
                contents = self._store.ask("cat_ranges", keys, 0, None, on_error="return")
            for name, content in zip(group, contents, strict=True):
                if isinstance(content, FileNotFoundError):
                    yield None
                    continue
                with self._explained("read", name):
                    if isinstance(content, Exception):
                        raise content
                yield bytes(content)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A file to read from, from its beginning to its end."""
        with (
            self._explained("read", name),
            self._store.open(self._key(name)) as file,
        ):
            yield file

    def sha256(self, name: str) -> str:
        """The SHA-256 of a file, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        with self.open(name) as file, self._explained("read", name):
            while piece := file.read(COPY_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    def entries(self, subfolder: str, prefixes: Iterable[str] = ("",)) -> Iterator[Entry]:
        """The files of a subfolder, in any order; none if there is no such subfolder.

        ``prefixes`` are what the names begin with that matter, none the beginning of
        another: as what a store lists is held in memory, it is asked for one at a time.
        """
        for prefix in prefixes:
            with self._explained("list", subfolder):
                listing = self._listing(self._key(subfolder), prefix)
            for info in listing:
                name = PurePosixPath(info["name"]).name
                if info["type"] == "file" and name.startswith(prefix):
                    yield Entry(name, info["size"])

    def find(self, name: str) -> list[str]:
        """The folders in here, however deep, that hold a file of this name."""
        with self._explained("list", ""):
            found = self._store.ask("find", self._store.root)
            self._store.forget()
        inside = (key.removeprefix(f"{self._store.root}/") for key in found)
        return sorted(os.path.dirname(key) for key in inside if os.path.basename(key) == name)

    def write(self, name: str, data: bytes | memoryview, *, lasting: bool = False) -> None:
        """Publish ``data`` whole under ``name``; ``lasting`` outlives a power cut."""
        with self._explained("write", name):
            self._store.ask("pipe_file", self._key(name), bytes(data))

    @contextlib.contextmanager
    def writer(self) -> Iterator[Callable[[str, bytes], None]]:
        """A function that publishes a file; all of them are there when the block ends well.

        To a store several are sent at a time.
        """
        waiting: dict[str, bytes] = {}

        def send() -> None:
            if waiting:
                with self._explained("write", next(iter(waiting))):
                    self._store.ask(
                        "pipe", {self._key(name): data for name, data in waiting.items()}
                    )
                waiting.clear()

        def write(name: str, data: bytes) -> None:
            waiting[name] = data
            if (
                len(waiting) >= store.AT_ONCE
                or sum(map(len, waiting.values())) >= store.AT_ONCE_BYTES
            ):
                send()

        yield write
        send()

    @contextlib.contextmanager
    def publish(self, name: str) -> Iterator[IO[bytes]]:
        """A file to write to, which appears under ``name``, whole and lasting, at the end.

        If the block raises, nothing appears and nothing is left.
        """
        import tempfile

        with tempfile.NamedTemporaryFile(suffix=TEMPORARY_SUFFIX) as spool:
            yield spool
            spool.flush()
            with self._explained("write", name):
                self._store.ask(
                    "put_file", spool.name, self._key(name), size=os.fstat(spool.fileno()).st_size
                )

    @contextlib.contextmanager
    def nearby(self) -> Iterator[LocalFolder]:
        """A folder of this machine, for what is to be adopted; a store's ends with the block."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="luigi-gif-") as path:
            yield LocalFolder(path)

    def adopt(self, nearby: LocalFolder, found: str, name: str) -> None:
        """Publish as ``name`` a file of :meth:`nearby` that is whole and on the disk."""
        path = nearby.path(found)
        with self._explained("write", name):
            self._store.ask("put_file", path, self._key(name), size=os.path.getsize(path))

    def set_aside(self, name: str) -> str:
        """Give a file another name, which is returned."""
        aside = f"{name}{ASIDE_SUFFIX}"
        with self._explained("rename", name):
            self._store.ask("mv", self._key(name), self._key(aside))
        return aside

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._explained("remove", name), contextlib.suppress(FileNotFoundError):
            self._store.ask("rm_file", self._key(name))

    @contextlib.contextmanager
    def shared(self) -> Iterator[Shared]:
        """What other processes need to know to :func:`join` in here while the block lasts."""
        proof = f"shared.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}"
        self.write(proof, b"\n")
        try:
            yield Shared(self.url, proof)
        finally:
            self.remove(proof)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs of this machine out; an object store has no such lock."""
        yield

    def sweep(self, subfolder: str = "") -> None:
        """Remove the temporary files of dead runs; call it only when locked."""

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON object, or None if the file is not there or is not as it was written."""
        try:
            value = json.loads(_checked(self.read(name)))
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(value, dict):
            return None
        del value["crc32"]
        return value

    def write_json(self, name: str, value: dict[str, Any], *, lasting: bool = True) -> None:
        """Publish a JSON object that is not empty, and in it a checksum of its text."""
        rest = json.dumps(value).encode()[1:]
        self.write(name, b'{"crc32": "%08x", %s\n' % (zlib.crc32(rest), rest), lasting=lasting)

    def _listing(self, key: str, prefix: str) -> Iterable[dict[str, Any]]:
        try:
            if prefix:
                found: dict[str, Any] = self._store.ask("find", key, prefix=prefix, detail=True)
                return found.values()
            return list(self._store.ask("ls", key, detail=True))
        except FileNotFoundError:
            return ()
        finally:
            self._store.forget()

    def _key(self, name: str) -> str:
        return f"{self._store.root}/{name}"

    @contextlib.contextmanager
    def _explained(self, verb: str, name: str) -> Iterator[None]:
        """Turn what the operating system or a store raises into a StorageError.

        A missing file passes as FileNotFoundError, as an answer, unless it was to be written.
        """
        try:
            yield
        except PipelineError:
            raise
        except self._refusals as error:
            if isinstance(error, FileNotFoundError) and verb != "write":
                raise
            number = error.errno if isinstance(error, OSError) else None
            words = public_text(str(error).strip().partition("\n")[0])
            if isinstance(error, FileNotFoundError) and not number:
                words = "the bucket does not exist"
            raise StorageError(
                f"cannot {verb} a file",
                where=self.path(name),
                expected=f"to {verb} it",
                got=os.strerror(number) if number else words or type(error).__name__,
                next_step=_ADVICE.get(number or 0, "mend the cause and run again"),
            ) from error


class LocalFolder(Folder):
    """A folder of this machine, or of a file system that it shares with others."""

    _refusals = OSError

    def __init__(self, path: str) -> None:
        self.url = os.path.abspath(path)

    def path(self, name: str) -> str:
        return os.path.join(self.url, name)

    def size(self, name: str) -> int | None:
        status = self._status(name)
        return None if status is None else status.st_size

    def version(self, name: str) -> str | None:
        status = self._status(name)
        return None if status is None else f"{status.st_size}-{status.st_mtime_ns}"

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        with self._explained("read", name), _opened(self.path(name)) as descriptor:
            size = os.fstat(descriptor).st_size
            start = max(0, size + start) if start < 0 else start
            return _pread(descriptor, start, size if end is None else min(end, size))

    def read_once(self, name: str, start: int, end: int) -> bytes:
        with self._explained("read", name), _opened(self.path(name)) as descriptor:
            data = _pread(descriptor, start, end)
            if hasattr(os, "posix_fadvise"):
                # The kernel then has room for what is written next.
                os.posix_fadvise(descriptor, start, end - start, os.POSIX_FADV_DONTNEED)
            return data

    def read_each(self, names: Iterable[str], typical_bytes: int) -> Iterator[bytes | None]:
        for name in names:
            try:
                yield self.read(name)
            except FileNotFoundError:
                yield None

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with self._explained("read", name), open(self.path(name), "rb", buffering=0) as file:
            yield file

    def entries(self, subfolder: str, prefixes: Iterable[str] = ("",)) -> Iterator[Entry]:
        with self._explained("list", subfolder):
            try:
                listing = os.scandir(self.path(subfolder))
            except FileNotFoundError:
                return
            with listing:
                for entry in listing:
                    with contextlib.suppress(FileNotFoundError):
                        if entry.is_file():
                            yield Entry(entry.name, entry.stat().st_size)

    def find(self, name: str) -> list[str]:
        folders = [
            os.path.relpath(folder, self.url)
            for folder, _, files in os.walk(self.url)
            if name in files
        ]
        return sorted("" if folder == "." else folder for folder in folders)

    def write(self, name: str, data: bytes | memoryview, *, lasting: bool = False) -> None:
        with self._explained("write", name), self._temporary(name, lasting) as descriptor:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    @contextlib.contextmanager
    def writer(self) -> Iterator[Callable[[str, bytes], None]]:
        yield self.write

    @contextlib.contextmanager
    def publish(self, name: str) -> Iterator[IO[bytes]]:
        with (
            self._explained("write", name),
            self._temporary(name, lasting=True) as descriptor,
            io.BufferedRandom(_EarlyWriteback(descriptor, keep=False), COPY_BYTES) as file,
        ):
            yield file

    @contextlib.contextmanager
    def update(self, name: str) -> Iterator[IO[bytes]]:
        """A file to read and write in place, made where there is none.

        Its bytes stay in memory where there is room, for whoever reads them next.
        """
        with self._explained("write", name):
            descriptor = _create(self.path(name), os.O_RDWR | os.O_CREAT)
            try:
                with io.BufferedRandom(_EarlyWriteback(descriptor, keep=True), COPY_BYTES) as file:
                    yield file
            finally:
                os.close(descriptor)

    def room(self) -> int:
        """Bytes that this user can still write there."""
        with self._explained("write", ""):
            os.makedirs(self.url, exist_ok=True)
            status = os.statvfs(self.url)
        return status.f_bavail * status.f_frsize

    @contextlib.contextmanager
    def nearby(self) -> Iterator[LocalFolder]:
        yield self

    def adopt(self, nearby: LocalFolder, found: str, name: str) -> None:
        with self._explained("write", name):
            os.replace(nearby.path(found), self.path(name))
            _make_lasting(os.path.dirname(self.path(name)))

    def set_aside(self, name: str) -> str:
        aside = f"{name}{ASIDE_SUFFIX}"
        with self._explained("rename", name):
            os.replace(self.path(name), self.path(aside))
        return aside

    def remove(self, name: str) -> None:
        with self._explained("remove", name), contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(name))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        import fcntl

        with contextlib.ExitStack() as stack:
            with self._explained("write", LOCK):
                os.makedirs(self.url, exist_ok=True)
                file = stack.enter_context(open(self.path(LOCK), "ab"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    logger.info("waiting for another run in %s", self.url)
                    fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def sweep(self, subfolder: str = "") -> None:
        with (
            self._explained("list", subfolder),
            contextlib.suppress(FileNotFoundError),
            os.scandir(self.path(subfolder)) as listing,
        ):
            for entry in listing:
                if entry.name.endswith(TEMPORARY_SUFFIX):
                    self.remove(os.path.join(subfolder, entry.name))

    def _status(self, name: str) -> os.stat_result | None:
        with self._explained("look at", name):
            try:
                return os.stat(self.path(name))
            except FileNotFoundError:
                return None

    @contextlib.contextmanager
    def _temporary(self, name: str, lasting: bool) -> Iterator[int]:
        """A descriptor of a file that is renamed to ``name``, or removed if the block raises."""
        path = self.path(name)
        temporary = f"{path}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}"
        try:
            descriptor = _create(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            try:
                yield descriptor
                if lasting:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if lasting:
            _make_lasting(os.path.dirname(path))


class _EarlyWriteback(io.FileIO):
    """A file whose pages go to the disk while it grows, not all at the fsync.

    Unless it is to keep them, the kernel drops those that have arrived there,
    and takes them for what is written next.
    """

    def __init__(self, descriptor: int, *, keep: bool) -> None:
        super().__init__(descriptor, "r+b", closefd=False)
        self._keep = keep
        self._begun = 0

    def write(self, data: Any, /) -> int:
        count = super().write(data)
        end = self.tell()
        if end - self._begun >= _WRITEBACK_BYTES and hasattr(os, "posix_fadvise"):
            start = self._begun if self._keep else 0
            # Starts the writeback of dirty pages, and drops clean ones.
            os.posix_fadvise(self.fileno(), start, end - start, os.POSIX_FADV_DONTNEED)
            self._begun = end
        return count

    def truncate(self, size: int | None = None, /) -> int:
        self._begun = 0
        return super().truncate(size)


class FileTarget(luigi.Target):
    """A file of a folder, as Luigi sees it."""

    def __init__(self, folder: Folder, name: str) -> None:
        self.folder = folder
        self.name = name

    @property
    def path(self) -> str:
        return self.folder.path(self.name)

    def exists(self) -> bool:
        return self.folder.size(self.name) is not None

    def open(self) -> contextlib.AbstractContextManager[IO[bytes]]:
        """The file, to read from."""
        return self.folder.open(self.name)

    def __str__(self) -> str:
        return self.path


def folder(url: str, run: str = "") -> Folder:
    """The folder at a path or URL, for one of the runs that this process works for."""
    if is_local(url):
        return LocalFolder(local_path(url))
    return Folder(normal_url(url), run)


def join(shared: Shared) -> Folder:
    """The folder that another process shares. Raises StorageError where it is not the same."""
    joined = folder(shared.url, shared.proof)
    if joined.size(shared.proof) is None:
        raise StorageError(
            "a worker does not see the work directory",
            where=joined.path(shared.proof),
            expected="this file, which the run has put there",
            got="no such file",
            next_step="let all see the same folder under the same path, or name a --workdir "
            "on an object store",
        )
    return joined


def _checked(text: bytes) -> bytes:
    """The text of a JSON file. Raises ValueError where its checksum is not that of the text."""
    found = re.match(rb'\{"crc32": "([0-9a-f]{8})", ', text)
    if found is None or int(found[1], 16) != zlib.crc32(text[found.end() :].removesuffix(b"\n")):
        raise ValueError("the checksum does not fit")
    return text


def _create(path: str, flags: int) -> int:
    flags |= os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def _make_lasting(folder: str) -> None:
    """Let the names in a folder outlive a power cut."""
    with _opened(folder) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _pread(descriptor: int, start: int, end: int) -> bytes:
    """Bytes ``start`` to ``end``, or fewer where the file ends before."""
    pieces = []
    while start < end and (piece := os.pread(descriptor, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
