"""Batches in this thread first, for as long as Dask takes to start; the rest on Dask."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager

from luigi_gif.execution.protocol import Batch, Executor, Result


class LocalFirstExecutor:
    """Runs batches in this thread for a while, then opens an executor for the rest.

    Work that is done by then never pays for the start of Dask, and no work waits longer
    than that start costs.
    """

    dashboard: str | None = None

    def __init__(
        self,
        threads: int,
        local_s: float,
        open_rest: Callable[[], AbstractContextManager[Executor]],
    ) -> None:
        self.threads = threads
        self._local_s = local_s
        self._open_rest = open_rest

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """See :class:`luigi_gif.execution.Executor`."""
        rest = iter(batches)
        begin = time.monotonic()
        for batch in rest:
            yield function(batch)
            if time.monotonic() - begin >= self._local_s:
                break
        for batch in rest:  # opened only if a batch is left
            with self._open_rest() as executor:
                yield from executor.run(function, itertools.chain([batch], rest))
