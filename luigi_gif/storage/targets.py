"""A file of a work directory as Luigi knows files: a FileSystemTarget, on a disk or a store."""

from __future__ import annotations

import io
import os
from contextlib import AbstractContextManager
from typing import IO, Any

from luigi.format import UTF8, Format
from luigi.target import FileSystem, FileSystemException, FileSystemTarget

from luigi_gif.storage.abstract_folder import Folder
from luigi_gif.storage.local_folder import LocalFolder


class FolderFileSystem(FileSystem):
    """What Luigi asks of a file system, of the files of one folder by their full paths.

    Raises FileSystemException for a path outside the folder, and StorageError.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def exists(self, path: str | os.PathLike[str]) -> bool:
        return self._folder.exists(self._name(path))

    def remove(
        self, path: str | os.PathLike[str], recursive: bool = False, skip_trash: bool = True
    ) -> None:
        """Remove a file, if it is there; folders stay."""
        self._folder.remove(self._name(path))

    def _name(self, path: str | os.PathLike[str]) -> str:
        root = self._folder.path("")
        name = os.fspath(path).removeprefix(root)
        if name == os.fspath(path) or not name:
            raise FileSystemException(f"{os.fspath(path)} is not in {root}")
        return name


class FileTarget(FileSystemTarget):
    """A file of a folder, which the pipeline writes and anyone may read.

    Parameters
    ----------
    folder : Folder
        The work directory, from :func:`open_folder`.
    name : str or path
        The file's name in it, with forward slashes.
    format : luigi.format.Format
        What ``open("r")`` reads through, as in Luigi; by default text in UTF-8.

    Attributes
    ----------
    path : str
        The full path, or the URL as it may be shown.
    """

    def __init__(
        self,
        folder: Folder,
        name: str | os.PathLike[str],
        format: Format = UTF8,  # noqa: A002  # as Luigi's targets name it
    ) -> None:
        self.folder = folder
        self.name = os.fspath(name)
        self.format = format
        super().__init__(folder.path(self.name))

    @property
    def fs(self) -> FolderFileSystem:
        """The files of the folder."""
        return FolderFileSystem(self.folder)

    def exists(self) -> bool:
        # Not by fs: a path may hold what Luigi takes for wildcards, and warns of.
        return self.folder.size(self.name) is not None

    def open(self, mode: str = "rb") -> IO[Any]:
        """Open the file to read it.

        Parameters
        ----------
        mode : str
            ``rb`` for its bytes, ``r`` for what ``format`` makes of them.

        Raises
        ------
        io.UnsupportedOperation
            For any other mode.
        FileNotFoundError
            Where there is no such file.
        StorageError, ForeignFileError
            Where it cannot be read.
        """
        if mode not in ("r", "rb"):
            raise io.UnsupportedOperation("only the pipeline writes its files")
        file = _OpenFile(self.folder.open(self.name))
        opened: IO[Any] = file if mode == "rb" else self.format.pipe_reader(file)
        return opened

    def __fspath__(self) -> str:
        """The path of a local file. Raises TypeError for an object of a store."""
        if not isinstance(self.folder, LocalFolder):
            raise TypeError(f"{self.path} is no file of this machine: use open()")
        return str(self.path)


class _OpenFile(io.BufferedReader):
    """A file that may be closed by a with statement or by hand, as Luigi's users do."""

    def __init__(self, block: AbstractContextManager[IO[bytes]]) -> None:
        self._block = block
        super().__init__(block.__enter__())  # type: ignore[arg-type]  # it reads into buffers

    def close(self) -> None:
        if not self.closed:
            try:
                super().close()
            finally:
                self._block.__exit__(None, None, None)
