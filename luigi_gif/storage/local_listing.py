"""What lies in a local folder: regular files, never what a link leads to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice

from luigi_gif.storage.readable_folder import Entry, Listed

_AT_ONCE = 100


def list_files(
    path: str,
    translating: Callable[[], AbstractContextManager[None]],
    is_wanted: Callable[[str], object] = lambda _: True,
) -> Iterator[Entry]:
    """The files of a folder whose names are wanted, in any order; none if there is no such folder.

    The calls to the system are made in blocks of ``translating()``.
    """
    with translating():
        try:
            listing = os.scandir(path)
        except FileNotFoundError:
            return
    with listing:
        while True:
            with translating():
                found = list(islice(listing, _AT_ONCE))
                entries = [_entry(each) for each in found if is_wanted(each.name)]
            yield from filter(None, entries)
            if not found:
                return


def _entry(found: os.DirEntry[str]) -> Entry | None:
    """None for what is no file, or was removed meanwhile."""
    try:
        if found.is_file(follow_symlinks=False):
            return Entry(found.name, found.stat(follow_symlinks=False).st_size)
    except FileNotFoundError:
        pass
    return None


def scan(path: str, translating: Callable[[], AbstractContextManager[None]]) -> Iterator[Listed]:
    """The regular files and the folders in a folder, but for links; none if it cannot be listed.

    The calls to the system are made in blocks of ``translating()``.
    """
    with translating():
        try:
            listing = os.scandir(path)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return
    with listing:
        while True:
            with translating():
                found = list(islice(listing, _AT_ONCE))
                folders = [each.is_dir(follow_symlinks=False) for each in found]
                files = [each.is_file(follow_symlinks=False) for each in found]
            for each, is_folder, is_file in zip(found, folders, files, strict=True):
                if is_folder or is_file:
                    yield Listed(each.name, is_folder)
            if not found:
                return
