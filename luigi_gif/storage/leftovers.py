"""What killed runs leave in a work directory, and when it may be removed without its lock.

Under the lock all of it may: see ``sweep()`` of the two folders. step_run.py says when they sweep.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from luigi_gif.storage import process_owner
from luigi_gif.storage.folder_handle import SHARED_PREFIXES, FolderHandle
from luigi_gif.storage.temporary_names import token_in

if TYPE_CHECKING:
    from luigi_gif.storage.abstract_folder import Folder


def remove_those_of_ended_runs(folder: Folder, subfolder: str, names: Iterable[str]) -> None:
    """Remove, of these probe and block files, those of runs that have surely ended.

    A run writes its probe file before its block files, and removes it when it ends.
    """
    for name in names:
        token = token_in(name)
        if token is None or not name.startswith(SHARED_PREFIXES):
            continue
        try:
            probe = folder.read(FolderHandle(folder.url, token).probe_file)
        except FileNotFoundError:
            owner = None
        else:
            owner = process_owner.parse_owner(probe)
        if owner is None or owner.is_gone():
            folder.remove(os.path.join(subfolder, name))
