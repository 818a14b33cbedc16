"""What lies in a local folder: regular files, never what a link leads to."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice

from luigi_gif.storage.abstract_folder import Entry

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


def folders_that_hold(root: str, name: str, skip: str) -> list[str]:
    """The folders in ``root``, however deep, that hold a file of this name; sorted, relative.

    What lies in a folder ``skip`` beside such a file is passed over.
    """
    found = []
    for folder, subfolders, names in os.walk(root):
        path = os.path.join(folder, name)
        if name in names and stat.S_ISREG(os.lstat(path).st_mode):
            found.append(os.path.relpath(folder, root))
            subfolders[:] = [each for each in subfolders if each != skip]
    return sorted("" if folder == "." else folder for folder in found)
