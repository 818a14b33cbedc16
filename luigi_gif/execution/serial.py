"""One batch after another, in this thread."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

from luigi_gif.execution.protocol import Batch, Result


class SerialExecutor:
    """Runs batches one after another, in this thread, without Dask."""

    threads = 1
    dashboard: str | None = None

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """See :class:`luigi_gif.execution.Executor`."""
        return (function(batch) for batch in batches)
