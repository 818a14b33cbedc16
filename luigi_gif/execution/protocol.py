"""The interface of an executor: one function over many batches, whoever does them.

Batches and results are small frozen data. A worker reads and writes the frames of
its batch itself, so no file's bytes cross the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Executor(Protocol):
    """Runs a function over batches."""

    @property
    def threads(self) -> int:
        """How many batches run at a time, or may run once a cluster has grown."""

    @property
    def dashboard(self) -> str | None:
        """URL of a page that shows the batches, if there is one."""

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """Yield the results of ``function`` over ``batches`` as they finish, in any order.

        Parameters
        ----------
        function : callable
            Importable where it runs. May run more than once for a batch.
        batches : iterable
            Consumed as earlier batches finish. Each must be picklable.

        Yields
        ------
        object
            What ``function`` returns. Close the iterator if you leave it early.

        Raises
        ------
        ClusterError
            If the cluster cannot finish the work. What ``function`` raises is raised too.
        """
