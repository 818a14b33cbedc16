"""Lists of items that need not fit into memory, and how they are sorted."""

from __future__ import annotations

import contextlib
import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, starmap
from typing import IO, Any, Generic, TypeVar

from luigi_gif import storage
from luigi_gif.sources.item import Item

MAX_ROWS = 10_000
"""So many are held in memory; more lie in a temporary file."""
MAX_RUNS = 100
"""So many sorted parts, each in a file, are merged at once."""
ROWS_IN_A_LINE = 20
"""Of a file, which is read by lines: JSON of one row at a time takes thrice as long."""

RowT = TypeVar("RowT", bound=tuple[Any, ...])


class Listing(Generic[RowT]):
    """Items, or what is noted of them, in the order in which they are added.

    Close it. No two iterations over it may take turns.

    Parameters
    ----------
    make_row : callable
        A row, of the values in it, which JSON can hold.
    rows : iterable
        The first ones.
    """

    def __init__(self, make_row: Callable[..., RowT], rows: Iterable[RowT] = ()) -> None:
        self._make_row = make_row
        self._file: IO[bytes] | None = None
        self._in_file = 0
        self._in_memory: list[RowT] = []
        """Those behind the ones in the file."""
        self._stack = contextlib.ExitStack()
        for row in rows:
            self.append(row)

    def __enter__(self) -> Listing[RowT]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._in_file + len(self._in_memory)

    def __iter__(self) -> Iterator[RowT]:
        if self._file is not None:
            self._file.seek(0)
            for line in self._file:
                yield from starmap(self._make_row, json.loads(line))
        yield from self._in_memory

    def append(self, row: RowT) -> None:
        """Add a row at the end. Raises StorageError."""
        self._in_memory.append(row)
        # Once there is a file, it gets each line as soon as that is full.
        if len(self._in_memory) > (MAX_ROWS if self._file is None else ROWS_IN_A_LINE):
            self.move_to_file()

    def move_to_file(self) -> None:
        """Hold no row in memory. Raises StorageError."""
        if self._file is None:
            self._file = self._stack.enter_context(storage.temporary_file())
        for start in range(0, len(self._in_memory), ROWS_IN_A_LINE):
            rows = self._in_memory[start : start + ROWS_IN_A_LINE]
            self._file.write(b"%s\n" % json.dumps(rows).encode())
        self._in_file += len(self._in_memory)
        self._in_memory = []

    def close(self) -> None:
        """Drop all rows."""
        self._stack.close()


def sort_items(items: Iterable[Item], key: Callable[[Item], Any]) -> Iterator[Item]:
    """Items in the order of a key; equal ones stay as they are. Raises StorageError."""
    waiting = iter(items)
    with contextlib.ExitStack() as stack:
        runs: list[Listing[Item]] = []
        while len(run := sorted(islice(waiting, MAX_ROWS), key=key)) == MAX_ROWS:
            if len(runs) == MAX_RUNS:
                with stack.pop_all():
                    runs = [stack.enter_context(_in_file(heapq.merge(*runs, key=key)))]
            runs.append(stack.enter_context(_in_file(run)))
            run.clear()  # before the next one is gathered
        yield from heapq.merge(*runs, run, key=key)


def _in_file(items: Iterable[Item]) -> Listing[Item]:
    listing = Listing(Item, items)
    listing.move_to_file()
    return listing
