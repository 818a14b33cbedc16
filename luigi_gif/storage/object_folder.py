"""A folder on a store that fsspec serves: an object appears whole when it is put."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, ClassVar

from luigi_gif.errors import ParameterError
from luigi_gif.redaction import public_text, public_url
from luigi_gif.storage import leftovers, staging, store_calls
from luigi_gif.storage.abstract_folder import LOCK_TIMEOUT_S, Entry, Folder, Listed
from luigi_gif.storage.error_translation import WORKDIR, ErrorTranslation
from luigi_gif.storage.folder_handle import PROBE_PREFIX, SHARED_PREFIXES
from luigi_gif.storage.grouped_upload import GroupedUpload
from luigi_gif.storage.local_folder import LocalFolder
from luigi_gif.storage.temporary_names import new_token, temporary_name
from luigi_gif.urls import scheme_of

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject
    from luigi_gif.storage.http_headers import HttpHeaders

_SPOOL = "file"
_RENAMING = frozenset({"sftp", "ssh", "ftp"})
"""Servers of files: what is put there can be seen while it is written, and a rename replaces."""
_REMOVED_AT_ONCE = 16


class ObjectFolder(Folder):
    """A folder on any fsspec file system, for the run of that name.

    Raises ParameterError for a URL that fsspec cannot serve.
    """

    # Of this process, not of an object: tasks open their folder anew each time, and to look at a
    # file costs a request.
    _own_json_files: ClassVar[set[tuple[str, str]]] = set()
    """URL and name of each JSON file that this process has seen to be the pipeline's."""

    def __init__(self, url: str, run: str = "", called: str = WORKDIR) -> None:
        self.url = url.rstrip("/")
        self._errors = ErrorTranslation(partial(_shown_path, self.url), Exception, called=called)
        self._swept: set[str] = set()
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

    def read_uncached(self, name: str, start: int, end: int) -> bytes:
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

    def write(self, name: str, data: bytes | memoryview, *, durable: bool = False) -> None:
        with self._errors.during("write", name):
            self._store.call("pipe_file", self._key(name), bytes(data), size=len(data))

    @contextlib.contextmanager
    def writer(self) -> Iterator[Callable[[str, bytes], None]]:
        upload = GroupedUpload(self._write_all)
        yield upload.add
        upload.flush()

    @contextlib.contextmanager
    def renamer(self) -> Iterator[Callable[[str, str, bytes], None]]:
        with self.writer() as write:
            yield lambda _, new_name, data: write(new_name, data)

    @contextlib.contextmanager
    def atomic_writer(
        self,
        name: str,
        *,
        durable: bool = True,
        headers: HttpHeaders | None = None,
        token: str = "",
    ) -> Iterator[IO[bytes]]:
        with staging.temporary_folder() as spool:
            with spool.update(_SPOOL) as file:
                yield file
            self._put(spool, _SPOOL, name, headers, token)

    def staging_dir(self) -> contextlib.AbstractContextManager[LocalFolder]:
        return staging.temporary_folder()

    def move_into_place(self, staged: LocalFolder, staged_name: str, name: str) -> None:
        self._put(staged, staged_name, name)

    def remove(self, name: str) -> None:
        with self._errors.during("remove", name), contextlib.suppress(FileNotFoundError):
            self._store.call("rm_file", self._key(name))

    def remove_many(self, names: Iterable[str]) -> None:
        waiting = iter(names)
        with ThreadPoolExecutor(_REMOVED_AT_ONCE, "remove") as pool:
            while group := list(islice(waiting, store_calls.AT_ONCE)):
                list(pool.map(self.remove, group))

    def remove_folder(self, subfolder: str) -> None:
        pass

    @contextlib.contextmanager
    def locked(self, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
        yield

    def sweep(self, subfolder: str = "") -> None:
        if subfolder not in self._swept:  # each costs a request
            self._swept.add(subfolder)
            names = [name for name, _ in self.entries(subfolder, SHARED_PREFIXES)]
            leftovers.remove_those_of_ended_runs(self, subfolder, names)

    def read_json(self, name: str) -> JsonObject | None:
        value = super().read_json(name)
        if value is not None:
            self._own_json_files.add((self.url, name))
        return value

    def write_json(self, name: str, value: Mapping[str, object], *, durable: bool = True) -> None:
        super().write_json(name, value, durable=durable)
        self._own_json_files.add((self.url, name))

    def _is_foreign_json(self, name: str) -> bool:
        return (self.url, name) not in self._own_json_files and super()._is_foreign_json(name)

    def _info(self, name: str) -> dict[str, Any] | None:
        with self._errors.during("look at", name):
            try:
                info: dict[str, Any] = self._store.call("info", self._key(name))
            except FileNotFoundError:
                return None
        return info

    def _write_all(self, contents: dict[str, bytes]) -> None:
        with self._errors.during("write", next(iter(contents))):
            objects = {self._key(name): data for name, data in contents.items()}
            self._store.call("pipe", objects, size=sum(map(len, contents.values())))

    def move(self, name: str, other: str) -> None:
        with self._errors.during("rename", name):
            # Not mv, which takes no time-out.
            size = int(self._store.call("info", self._key(name))["size"])
            self._store.call("cp_file", self._key(name), self._key(other), size=size)
            self._store.call("rm_file", self._key(name))

    def _put(
        self,
        staged: LocalFolder,
        staged_name: str,
        name: str,
        headers: HttpHeaders | None = None,
        token: str = "",
    ) -> None:
        path, size = staged.path(staged_name), staged.size(staged_name) or 0
        scheme, key = scheme_of(self.url), self._key(name)
        options = {} if headers is None else headers.put_options(scheme)
        with self._errors.during("write", name):
            if scheme not in _RENAMING:
                self._store.call("put_file", path, key, size=size, **options)
                return
            temporary = temporary_name(key, token or new_token())
            try:
                self._store.call("put_file", path, temporary, size=size)
                self._store.call("mv", temporary, key)
            except BaseException:
                with contextlib.suppress(Exception):
                    self._store.call("rm_file", temporary)
                raise

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
