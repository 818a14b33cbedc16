"""Batches on Dask: submitted a bounded number at a time, watched, and resubmitted when lost."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import pickle
import queue
import secrets
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from luigi_gif.errors import LUIGI_LOGGER, ClusterError, short_reason
from luigi_gif.execution.cancellation import cancel_run
from luigi_gif.execution.dask_worker import run_batch
from luigi_gif.execution.protocol import Batch, Result
from luigi_gif.execution.worker_versions import installed_versions

if TYPE_CHECKING:
    from distributed import Future

    from luigi_gif.execution.dask_cluster import Cluster

logger = logging.getLogger(f"{LUIGI_LOGGER}.fanout")

FUTURES_PER_THREAD = 2
MIN_FUTURES = 32
"""Futures at a time. A cluster that adapts grows with the work that it sees."""
MAX_TRIES = 3
"""How often a batch is submitted whose workers die; Dask itself tries it on four each time."""
RESULT_TIMEOUT_S = 10
# Dask notices a frozen or unreachable worker after minutes only. So when all batches are
# submitted, and none has finished for LATE_FACTOR times the longest so far (LATE_S at least),
# those that are left are submitted again. Files are published whole, and are the same bytes
# whoever writes them, so whoever is first counts.
LATE_S = 10
LATE_FACTOR = 3
STOP_TIMEOUT_S = 4
"""How long the end of a run waits for the frames that its workers are at."""


class DaskExecutor:
    """Runs batches on a Dask cluster, or on threads of this process under Dask."""

    def __init__(self, cluster: Cluster, stall_timeout: float) -> None:
        self._cluster = cluster
        self._stall_timeout = stall_timeout

    @property
    def threads(self) -> int:
        return self._cluster.threads

    @property
    def dashboard(self) -> str | None:
        """See :class:`luigi_gif.execution.Executor`."""
        return self._cluster.dashboard

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """See :class:`luigi_gif.execution.Executor`; holds a bounded number of futures."""
        # As bytes: Dask would walk through the tuples of a batch, and a worker compares versions
        # before it unpickles anything.
        tasks = (pickle.dumps((function, batch)) for batch in batches)
        return _Run(self._cluster, self._stall_timeout, tasks).results()


class _Attempt(NamedTuple):
    """A batch that was submitted."""

    batch: int
    task: bytes
    """The function and the batch, pickled."""
    tries: int
    """Which try this is, from 1: its workers may have died in each earlier one."""


class _Run:
    """Submits tasks, a bounded number at a time, and watches them."""

    def __init__(self, cluster: Cluster, stall_timeout: float, tasks: Iterator[bytes]) -> None:
        self._cluster = cluster
        self._stall_timeout = stall_timeout
        self._waiting = enumerate(tasks)
        self._all_submitted = False
        self._running: dict[Future[Any], _Attempt] = {}
        self._finished: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._name = f"luigi_gif-{secrets.token_hex(4)}"
        self._numbers = itertools.count()
        self._versions = installed_versions() if cluster.remote else None
        self._longest_s = 0.0
        self._progress_at = time.monotonic()

    def results(self) -> Generator[Any, None, None]:
        """Yield the values of the tasks as they finish."""
        try:
            self._fill()
            if self._running and not self._cluster.workers():
                logger.warning("%s has no workers yet: waiting for one", self._cluster.address)
            while self._running:
                future = self._next()
                values = self._resolve(future, self._running.pop(future))
                self._fill()
                yield from values
        finally:
            self._stop()

    def _fill(self) -> None:
        held = max(MIN_FUTURES, FUTURES_PER_THREAD * self._cluster.threads)
        while len(self._running) < held and not self._all_submitted:
            batch, task = next(self._waiting, (0, None))
            if task is None:
                self._all_submitted = True
            else:
                self._submit(_Attempt(batch, task, 1))

    def _submit(self, attempt: _Attempt) -> None:
        future = self._cluster.client.submit(
            run_batch,
            attempt.task,
            self._name,
            self._versions,
            key=(self._name, next(self._numbers)),
            pure=False,
        )
        self._running[future] = attempt
        future.add_done_callback(self._finished.put)

    def _next(self) -> Future[Any]:
        """A future that has finished. Raises ClusterError if none does for too long."""
        late_s = max(LATE_S, LATE_FACTOR * self._longest_s) if self._longest_s else math.inf
        next_s = late_s
        while True:
            with contextlib.suppress(queue.Empty):
                future = self._finished.get(timeout=min(1.0, self._stall_timeout))
                if future in self._running:
                    return future
            quiet_s = time.monotonic() - self._progress_at
            if quiet_s >= self._stall_timeout:
                raise self._error(
                    "makes no progress",
                    expected=f"a finished batch within {self._stall_timeout:g} s",
                    got=f"none, with {len(self._cluster.workers())} workers",
                )
            if quiet_s >= next_s:
                next_s += late_s
                self._resubmit_late()

    def _resubmit_late(self) -> None:
        """Submit late batches to other workers too; the first result counts."""
        rest = {attempt.batch: attempt for attempt in self._running.values()}
        if self._cluster.remote and self._all_submitted:
            logger.warning("late batches, which other workers get too: %d", len(rest))
            for attempt in rest.values():
                self._submit(attempt)

    def _resolve(self, future: Future[Any], attempt: _Attempt) -> list[Any]:
        """The value of a batch; empty if it had to be submitted again."""
        from distributed import KilledWorker

        try:
            outcome = future.result(timeout=min(RESULT_TIMEOUT_S, self._stall_timeout))
        except (KilledWorker, TimeoutError) as error:
            if attempt.tries == MAX_TRIES:
                raise self._error(
                    "lost a batch again and again",
                    expected="workers that live until a batch is done",
                    got=short_reason(error),
                ) from error
            logger.warning("a batch was lost with its workers: try %d", attempt.tries + 1)
            self._submit(attempt._replace(tries=attempt.tries + 1))
            return []
        except Exception as error:
            if (cluster_error := self._as_cluster_error(error)) is None:
                raise
            raise cluster_error from error
        self._longest_s = max(self._longest_s, outcome.seconds)
        self._progress_at = time.monotonic()
        twins = [twin for twin, other in self._running.items() if other.batch == attempt.batch]
        for twin in twins:
            del self._running[twin]
        if twins:
            self._cluster.client.cancel(twins)
        if isinstance(outcome.value, Exception):
            raise outcome.value
        return [outcome.value]

    def _as_cluster_error(self, error: BaseException) -> ClusterError | None:
        """The error for the user of what Dask raises; None for a bug of ours."""
        from concurrent.futures import CancelledError

        if isinstance(error, CancelledError):
            return self._error(
                "lost a batch", expected="a scheduler that stays", got=short_reason(error)
            )
        if missing := _missing_package(error):
            return self._error(
                "does not know luigi_gif",
                expected="luigi_gif installed with the scheduler and the workers",
                got=short_reason(missing),
            )
        return None

    def _stop(self) -> None:
        """Leave nothing running: a batch ends after the frame that it is at."""
        if not self._running:
            return
        end = time.monotonic() + STOP_TIMEOUT_S
        with contextlib.suppress(Exception):  # the cluster may be what is broken
            self._cluster.run_on_all_workers(cancel_run, self._name)
        with contextlib.suppress(Exception):
            while self._running and self._cluster.workers():
                rest_s = max(0.0, end - time.monotonic())
                self._running.pop(self._finished.get(timeout=rest_s), None)
        with contextlib.suppress(Exception):
            self._cluster.client.cancel(list(self._running))

    def _error(self, what: str, *, expected: str, got: str) -> ClusterError:
        return self._cluster.error(what, expected=expected, got=got)


def _missing_package(error: BaseException) -> ImportError | None:
    """The ImportError of a scheduler or a worker that caused an error of Dask's."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ImportError):
        cause = cause.__cause__
    return cause
