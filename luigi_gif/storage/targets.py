"""Files and objects: the folder at a path or URL, and Luigi's targets in it.

Every access to a work directory goes through :class:`Folder`. A local folder
uses the operating system's own calls (atomic rename, fsync, flock); any other
URL is served by fsspec, where an object appears whole when it is put.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any

import luigi

from luigi_gif.errors import ParameterError, StorageError
from luigi_gif.storage.abstract_folder import (
    ASIDE_SUFFIX,
    COPY_BYTES,
    TEMPORARY_SUFFIX,
    Entry,
    Folder,
    FolderHandle,
)
from luigi_gif.storage.local_folder import LOCK, LocalFolder
from luigi_gif.storage.object_folder import ObjectFolder
from luigi_gif.urls import HTTP_SCHEMES, is_local, local_path, normal_url, public_url, scheme_of

__all__ = [
    "ASIDE_SUFFIX",
    "COPY_BYTES",
    "LOCK",
    "TEMPORARY_SUFFIX",
    "Entry",
    "FileTarget",
    "Folder",
    "FolderHandle",
    "LocalFolder",
    "ObjectFolder",
    "attach",
    "open_folder",
]


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

    def open(self, mode: str = "rb") -> AbstractContextManager[IO[Any]]:
        """The file, to read from: bytes, or with mode ``r`` the text in it, which is UTF-8.

        Raises io.UnsupportedOperation for any other mode.
        """
        if mode not in ("r", "rb"):
            raise io.UnsupportedOperation("only the pipeline writes its files")
        opened = self.folder.open(self.name)
        return opened if mode == "rb" else _text_of(opened)

    def __fspath__(self) -> str:
        """The path of a local file. Raises TypeError for an object of a store."""
        if not isinstance(self.folder, LocalFolder):
            raise TypeError(f"{self.path} is no file of this machine: use open()")
        return self.path

    def __str__(self) -> str:
        return self.path


@contextmanager
def _text_of(opened: AbstractContextManager[IO[bytes]]) -> Iterator[IO[str]]:
    with opened as file:
        yield io.StringIO(file.read().decode())


def open_folder(url: str, run: str = "") -> Folder:
    """The folder at a path or URL, for one of the runs that this process works for."""
    if is_local(url):
        return LocalFolder(local_path(url))
    if scheme_of(url) in HTTP_SCHEMES:
        raise ParameterError(
            "the work directory cannot be used",
            where=public_url(url),
            expected="a local path, or the URL of a store that can be written to",
            got="a URL of the web, which can only be read",
            next_step="correct --workdir",
        )
    return ObjectFolder(normal_url(url), run)


def attach(shared: FolderHandle) -> Folder:
    """The folder that another process shares. Raises StorageError where it is not the same."""
    joined = open_folder(shared.url, shared.probe_file)
    if joined.size(shared.probe_file) is None:
        raise StorageError(
            "a worker does not see the work directory",
            where=joined.path(shared.probe_file),
            expected="this file, which the run has put there",
            got="no such file",
            next_step="let all see the same folder under the same path, or name a --workdir "
            "on an object store",
        )
    return joined
