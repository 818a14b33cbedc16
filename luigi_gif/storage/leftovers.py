"""What killed runs leave in a work directory, and when it may be removed without its lock.

Under the lock all of it may: see ``sweep()`` of the two folders. step_run.py says when they sweep.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from luigi_gif.storage import process_owner
from luigi_gif.storage.folder_handle import SHARED_PREFIXES, FolderHandle
from luigi_gif.storage.temporary_names import token_in

if TYPE_CHECKING:
    from luigi_gif.storage.abstract_folder import Folder
    from luigi_gif.storage.readable_folder import ReadableFolder


def temporary_files(folder: Folder, subfolder: str) -> list[str]:
    """The names of all files of runs, ended or not, that are there only as long as a run lasts."""
    found = [name for name, _ in folder.entries(subfolder, SHARED_PREFIXES) if token_in(name)]
    return [os.path.join(subfolder, name) for name in sorted(found)]


def remove_those_of_ended_runs(folder: Folder, subfolder: str, names: Iterable[str]) -> None:
    """Remove, of these probe and block files, those of runs that have surely ended.

    A run writes its probe file before its block files, and removes it when it ends.
    """
    for name in names:
        token = token_in(name)
        if token is None or not name.startswith(SHARED_PREFIXES):
            continue
        owner = _owner_of(folder, token)
        if owner is None or owner.is_gone():
            folder.remove(os.path.join(subfolder, name))


def living_owners(folder: ReadableFolder, names: Iterable[str]) -> Iterator[str]:
    """The runs whose probe files are among these names, but for those that have surely ended."""
    for name in names:
        token = token_in(name)
        owner = _owner_of(folder, token) if token else None
        if owner is not None and not owner.is_gone():
            yield str(owner)


def _owner_of(folder: ReadableFolder, token: str) -> process_owner.Owner | None:
    """The run with this token, if its probe file is there and says who it is."""
    try:
        return process_owner.parse_owner(folder.read(FolderHandle(folder.url, token).probe_file))
    except FileNotFoundError:
        return None
