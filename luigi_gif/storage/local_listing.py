"""What lies in a local folder: regular files, never what a link leads to."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from luigi_gif.storage.abstract_folder import Entry


def list_files(
    path: str, translating: Callable[[], AbstractContextManager[None]]
) -> Iterator[Entry]:
    """The files of a folder, in any order; none if there is no such folder.

    Each call to the system is made in a block of ``translating()``.
    """
    with translating():
        try:
            listing = os.scandir(path)
        except FileNotFoundError:
            return
    with listing:
        while True:
            with translating():
                entry = next(listing, None)
                if entry is None:
                    return
                try:
                    found = entry.is_file(follow_symlinks=False)
                    size = entry.stat(follow_symlinks=False).st_size if found else 0
                except FileNotFoundError:  # removed meanwhile
                    continue
            if found:
                yield Entry(entry.name, size)


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
