"""Temporary files of this machine: what goes to a store, and what memory is not to hold."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import IO

from luigi_gif.errors import StorageError
from luigi_gif.storage.error_translation import ErrorTranslation
from luigi_gif.storage.local_folder import LocalFolder

_ADVICE = "let TMPDIR name a folder that can be written and has room, and run again"
_SPOOL = "file"


class StagingFolder(LocalFolder):
    """A local folder whose errors tell of TMPDIR, not of --workdir."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._errors = ErrorTranslation(partial(os.path.join, self.url), OSError, _ADVICE)


@contextlib.contextmanager
def temporary_folder() -> Iterator[StagingFolder]:
    """A new one, which is gone when the block ends. Raises StorageError."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="luigi-gif-")
    except OSError as error:
        raise StorageError(
            "there is no folder for temporary files",
            where=os.environ.get("TMPDIR") or "TMPDIR is not set",
            expected="a folder that can be written, with room for the bundle or the clip",
            got=error.strerror or str(error),
            next_step="let TMPDIR name such a folder, and run again",
        ) from error
    with folder as path:
        yield StagingFolder(path)


@contextlib.contextmanager
def temporary_file() -> Iterator[IO[bytes]]:
    """A file to write and read, which nobody else sees, while the block lasts.

    Raises StorageError.
    """
    with contextlib.ExitStack() as stack:
        with temporary_folder() as folder:
            file = stack.enter_context(folder.update(_SPOOL, io.DEFAULT_BUFFER_SIZE))
        yield file  # without a name by now: nothing of it is left, however the run ends
