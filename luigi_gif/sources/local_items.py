"""A folder of this machine, or a pattern of paths: each image there is an item."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase

from luigi_gif import storage
from luigi_gif.sources.item import Item, ItemError, Items, SourceUnusable
from luigi_gif.sources.left_out import is_hidden
from luigi_gif.sources.source_errors import machine_error

_OF_THE_MACHINE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors that say nothing of a file."""


class LocalItems(Items):
    """A file, those of a folder, or those whose paths fit a pattern.

    Parameters
    ----------
    path : str
        An absolute path: of a file, of a folder, whose own files are meant, or with ``*``,
        ``?``, ``[...]`` or ``**`` for any folders, as in Python's glob.
    """

    is_ordered = False

    def __init__(self, path: str) -> None:
        self._path = path
        self._base = path if os.path.isdir(path) else folder_before_pattern(path)

    def items(self) -> Iterator[Item]:
        """Regular files that are not hidden, in no order."""
        for path in self._paths():
            name = path[len(self._base) :].lstrip("/")
            is_only_one = path == self._path
            if is_hidden(name) and not is_only_one:
                continue
            try:
                status = storage.settled_status(path)
                is_file = stat.S_ISREG(status.st_mode)
                version = _version(path, status) if is_file else ""
            except OSError:  # a broken link, or it was removed meanwhile
                is_file = False
            if is_file:
                yield Item(name, path, status.st_size, status.st_mtime, version)
            elif is_only_one:
                raise SourceUnusable("a file or a folder", f"{path}, which is none")

    def is_named_by_user(self, item: Item) -> bool:
        """If it is the only one."""
        return item.place == self._path

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of a file that is as it was listed.

        Raises ItemError, and StorageError where the machine lacks something.
        """
        try:
            # Without waiting, where a FIFO has taken the place of a file.
            descriptor = os.open(item.place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                end = size if item.size is None else min(size, item.size)
                data = storage.pread(descriptor, 0, end)
                status = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno in _OF_THE_MACHINE:
                raise machine_error(item.place, error) from None
            raise ItemError("a file that can be read", error.strerror or str(error)) from None
        # A link to it, or other rights, are no change. If it was one that kept the time of the
        # file, the next run sees another version.
        if not item.version.startswith(f"{_file_of(status)} "):
            raise ItemError("the file that was listed", "one that has changed since")
        return data

    def _paths(self) -> Iterator[str]:
        """Raises SourceUnusable where there is none."""
        if os.path.isdir(self._path):
            try:
                with os.scandir(self._path) as entries:
                    yield from (entry.path for entry in entries)
            except OSError as error:
                got = error.strerror or str(error)
                raise SourceUnusable("a folder that can be listed", got) from None
        elif os.path.lexists(self._path):
            yield self._path
        else:
            paths = _fitting_paths(self._path)
            first = next(paths, None)
            if first is None:
                expected = f"a file or folder {self._path}, or files that fit it"
                if "[" in self._path:
                    expected += " ([[] stands for a bracket in a name)"
                raise SourceUnusable(expected, "none")
            yield first
            yield from paths


def _fitting_paths(pattern: str) -> Iterator[str]:
    """Paths that fit, each once. Raises SourceUnusable.

    glob.iglob holds all names of a folder in memory, and follows links that lead round in circles.
    """
    folder = folder_before_pattern(pattern)
    parts = [part for part in pattern.removeprefix(folder).split("/") if part]
    parts = [part for part, before in zip(parts, ["", *parts], strict=False)
             if not part == before == "**"]  # fmt: skip
    paths = _paths_below(folder, parts)
    return paths if parts.count("**") < 2 else iter(dict.fromkeys(paths))


def _paths_below(folder: str, parts: list[str]) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _paths_below(folder, rest or ["*"])
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False):
                yield from _paths_below(entry.path, parts)
    elif not glob.has_magic(part):
        path = os.path.join(folder, part)
        if rest:
            yield from _paths_below(path, rest)
        elif os.path.lexists(path):
            yield path
    else:
        for entry in _entries(folder):
            if fnmatchcase(entry.name, part):
                yield from _paths_below(entry.path, rest) if rest else (entry.path,)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """Those of a folder; none where it is none, or may not be read. Raises SourceUnusable."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except OSError as error:
        got = f"{folder}: {error.strerror or error}"
        raise SourceUnusable("a folder that can be listed", got) from None


def is_pattern(path: str) -> bool:
    """Whether a path names many files, as no file or folder has this very name."""
    return glob.has_magic(path) and not os.path.lexists(path)


def folder_before_pattern(path: str) -> str:
    """The folder that everything which fits a pattern is in."""
    folder = os.path.dirname(path)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder


def _version(path: str, status: os.stat_result) -> str:
    """Raises OSError."""
    content = storage.content_of_unnumbered(path, status)
    return f"{_file_of(status)} {status.st_ctime_ns} {content}".rstrip()


def _file_of(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
