"""``-`` as a source: what comes on standard input."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from luigi_gif import sources, storage
from luigi_gif.errors import ParameterError
from luigi_gif.temporary_source import temporary_source

NAME = "-"
_BEGINNING_BYTES = 1 << 20
"""As many tell a list."""


@contextmanager
def file_for_input(given: list[str]) -> Iterator[list[str]]:
    """The sources, with the path of a file in the place of ``-``.

    Raises ParameterError where there are two of them, and StorageError.
    """
    if NAME not in given:
        yield given
        return
    if given.count(NAME) > 1:
        raise ParameterError(
            "standard input can be read once only",
            where="the command line",
            expected=f"one {NAME}",
            got=f"{given.count(NAME)}",
            next_step="leave out the others",
        )
    with temporary_source("stdin", _copy_input) as path:
        yield [path if source == NAME else source for source in given]


def _copy_input(file: IO[bytes]) -> None:
    """Copy standard input; where that is a list, its paths begin in the current folder.

    Raises ParameterError where there is nothing.
    """
    shutil.copyfileobj(sys.stdin.buffer, file)
    if not file.tell():
        raise ParameterError(
            "standard input is empty",
            where="the command line",
            expected="a picture, a bundle, an archive, or a list of paths and URLs, one a line",
            got="nothing",
            next_step="look at what the command before it finds",
        )
    file.seek(0)
    if not sources.looks_like_link_list(file.read(_BEGINNING_BYTES)):
        return
    file.seek(0)
    with storage.temporary_file() as whole:
        if sources.write_whole_paths(file, os.getcwd(), whole):
            whole.seek(0)
            file.seek(0)
            file.truncate()
            shutil.copyfileobj(whole, file)
