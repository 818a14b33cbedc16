"""Temporary files of this machine: what goes to a store, and what memory is not to hold.

A process that is killed leaves its folder, which says whose it is; the next one removes it.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import IO

from luigi_gif.errors import StorageError
from luigi_gif.storage import process_owner
from luigi_gif.storage.error_translation import ErrorTranslation
from luigi_gif.storage.local_folder import LocalFolder

_ADVICE = "let TMPDIR name a folder that can be written and has room, and run again"
_SPOOL = "file"
_PREFIX = "luigi-gif-"
_OWNER = ".owner"


class StagingFolder(LocalFolder):
    """A local folder whose errors tell of TMPDIR, not of --workdir."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._errors = ErrorTranslation(partial(os.path.join, self.url), OSError, _ADVICE)


@contextlib.contextmanager
def temporary_folder() -> Iterator[StagingFolder]:
    """A new one, which is gone when the block ends. Raises StorageError."""
    try:
        _sweep_once()
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
    except OSError as error:
        raise StorageError(
            "there is no folder for temporary files",
            where=os.environ.get("TMPDIR") or "TMPDIR is not set",
            expected="a folder that can be written, with room for the bundle or the clip",
            got=error.strerror or str(error),
            next_step="let TMPDIR name such a folder, and run again",
        ) from error
    with folder as path:
        staging = StagingFolder(path)
        staging.write(_OWNER, process_owner.this_process().to_json())
        yield staging


@functools.cache
def _sweep_once() -> None:
    """Remove the folders of processes of this user that have surely ended."""
    with os.scandir(tempfile.gettempdir()) as listing:
        for each in listing:
            if each.name.startswith(_PREFIX) and _is_of_ended_process(each):
                shutil.rmtree(each.path, ignore_errors=True)


def _is_of_ended_process(found: os.DirEntry[str]) -> bool:
    try:
        if found.stat(follow_symlinks=False).st_uid != os.getuid():
            return False
        with open(os.path.join(found.path, _OWNER), "rb") as file:
            owner = process_owner.parse_owner(file.read())
    except OSError:  # no folder, or none that says whose it is
        return False
    return owner is not None and not found.is_symlink() and owner.is_gone()


@contextlib.contextmanager
def temporary_file() -> Iterator[IO[bytes]]:
    """A file to write and read, which nobody else sees, while the block lasts.

    Raises StorageError.
    """
    with contextlib.ExitStack() as stack:
        with temporary_folder() as folder:
            file = stack.enter_context(folder.update(_SPOOL, io.DEFAULT_BUFFER_SIZE))
        yield file  # without a name by now: nothing of it is left, however the run ends
