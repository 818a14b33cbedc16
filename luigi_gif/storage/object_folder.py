"""A folder on a store that fsspec serves: an object appears whole when it is put."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, tee
from typing import IO, TYPE_CHECKING, ClassVar

from luigi_gif.storage import leftovers, staging, store_calls
from luigi_gif.storage.abstract_folder import LOCK_TIMEOUT_S, Folder, Move
from luigi_gif.storage.error_translation import WORKDIR
from luigi_gif.storage.folder_handle import SHARED_PREFIXES
from luigi_gif.storage.grouped_upload import GroupedUpload
from luigi_gif.storage.local_folder import LocalFolder
from luigi_gif.storage.readable_object_folder import ReadableObjectFolder
from luigi_gif.storage.temporary_names import new_token, temporary_name
from luigi_gif.urls import scheme_of

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject
    from luigi_gif.storage.http_headers import HttpHeaders

_SPOOL = "file"
_RENAMING = frozenset({"sftp", "ssh", "ftp"})
"""Servers of files: what is put there can be seen while it is written, and a rename replaces."""
_REMOVED_AT_ONCE = 16


class ObjectFolder(ReadableObjectFolder, Folder):
    """A folder on any fsspec file system, for the run of that name.

    Raises ParameterError for a URL that fsspec cannot serve.
    """

    # Of this process, not of an object: tasks open their folder anew each time, and to look at a
    # file costs a request.
    _own_json_files: ClassVar[set[tuple[str, str]]] = set()
    """URL and name of each JSON file that this process has seen to be the pipeline's."""

    def __init__(self, url: str, run: str = "", called: str = WORKDIR) -> None:
        super().__init__(url, run, called)
        self._swept: set[str] = set()

    def write(self, name: str, data: bytes | memoryview, *, durable: bool = False) -> None:
        with self._errors.during("write", name):
            self._store.call("pipe_file", self._key(name), bytes(data), size=len(data))

    @contextlib.contextmanager
    def writer(self) -> Iterator[Callable[[str, bytes], None]]:
        upload = GroupedUpload(self._write_all)
        yield upload.add
        upload.flush()

    def rename_many(self, moves: Iterable[Move], typical_bytes: int) -> int:
        count = 0
        ahead, moves = tee(moves)
        contents = self.read_many((move.name for move in ahead), typical_bytes)
        with self.writer() as write:
            for move, content in zip(moves, contents, strict=True):
                if content is not None and len(content) == move.size_bytes:
                    write(move.new_name, content)
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
