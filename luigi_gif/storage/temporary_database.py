"""A database of SQLite for what need not fit into memory, and does not outlive the run."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from luigi_gif.errors import StorageError


class TemporaryDatabase:
    """In memory while it is small, else in a file of TMPDIR without a name.

    Close it. Its methods raise StorageError.

    Parameters
    ----------
    tables : str
        The statements that make them.
    """

    def __init__(self, tables: str) -> None:
        with _translated():
            self._connection = sqlite3.connect("")
        self.run("PRAGMA journal_mode = OFF")  # nothing is taken back
        self.run(tables)

    def close(self) -> None:
        """Drop all that is in it."""
        self._connection.close()

    def run(self, statements: str) -> None:
        """Run statements without values."""
        with _translated():
            self._connection.executescript(statements)

    def insert(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row of values."""
        with _translated():
            self._connection.executemany(statement, rows)

    def select(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows that a query finds."""
        with _translated():
            yield from self._connection.execute(query, values)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(
            "a list that is too long for memory cannot be kept",
            where=os.environ.get("TMPDIR") or "TMPDIR is not set",
            expected="a folder for temporary files, with room",
            got=str(error),
            next_step="let TMPDIR name such a folder, and run again",
        ) from error
