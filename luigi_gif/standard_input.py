"""``-`` as a source: what comes on standard input, kept in a file while the command runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from luigi_gif.errors import ParameterError

NAME = "-"


@contextmanager
def file_for_input(sources: list[str]) -> Iterator[list[str]]:
    """The sources, with the path of a file in the place of ``-``.

    Its name is that of its content, so that the same input finds what is done. Raises
    ParameterError where there are two of them.
    """
    if NAME not in sources:
        yield sources
        return
    if sources.count(NAME) > 1:
        raise ParameterError(
            "standard input can be read once only",
            where="the command line",
            expected=f"one {NAME}",
            got=f"{sources.count(NAME)}",
            next_step="leave out the others",
        )
    with tempfile.TemporaryDirectory(prefix="luigi-gif-") as folder:
        path = _save(folder)
        try:
            yield [path if source == NAME else source for source in sources]
        finally:
            os.remove(path)


def _save(folder: str) -> str:
    """Write standard input to a file that is named after its content; its path."""
    whole = os.path.join(folder, "stdin")
    with open(whole, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    with open(whole, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path = os.path.join(os.path.dirname(folder), f"luigi-gif-stdin-{digest}")
    os.replace(whole, path)
    return path
