"""What has no path, such as standard input, as a source: a file that lasts as long as the run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from luigi_gif.errors import StorageError


@contextmanager
def temporary_source(kind: str, write: Callable[[IO[bytes]], None]) -> Iterator[str]:
    """The path of a file that ``write`` fills; nobody else may read it.

    Its name is that of its content, so that the same content finds what is done. Raises
    StorageError.
    """
    try:
        path = _written(kind, write)
        own = os.stat(path).st_ino
    except OSError as error:
        raise StorageError(
            "a temporary file cannot be written",
            where=f"the folder for temporary files, for {kind}",
            expected="to write it",
            got=error.strerror or str(error),
            next_step="free some space, or name another folder by TMPDIR",
        ) from None
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            if os.stat(path).st_ino == own:  # else it is that of another run, of the same content
                os.remove(path)


def _written(kind: str, write: Callable[[IO[bytes]], None]) -> str:
    descriptor, path = tempfile.mkstemp(prefix="luigi-gif-")
    try:
        with open(descriptor, "w+b") as file:
            write(file)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        # Not that of another user, who may have the same content.
        name = f"luigi-gif-{kind}-{os.getuid()}-{digest}"
        named = os.path.join(os.path.dirname(path), name)
        os.replace(path, named)
    except BaseException:
        os.remove(path)
        raise
    return named
