"""One function over many batches, in parallel: the only module that knows Dask.

Batches and results are small frozen data; whatever a batch is about, the
worker reads and writes itself, so no file's bytes cross the scheduler.
"""

from __future__ import annotations

import contextlib
import functools
import queue
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from luigi_gif.errors import ClusterError, PipelineError

if TYPE_CHECKING:
    from distributed import Client, Future

    from luigi_gif.settings import dask as Settings

Batch = TypeVar("Batch")
Result = TypeVar("Result")

CONNECT_TIMEOUT_S = 10
BATCHES_PER_THREAD = 2
"""Futures held at a time for each thread of the cluster."""


def run(
    function: Callable[[Batch], Result], batches: Iterable[Batch], settings: Settings
) -> Iterator[Result]:
    """Results of ``function`` over ``batches``, each as soon as it is there.

    ``function`` is importable on the workers, and may run more than once for
    a batch. It runs on the scheduler that the settings or
    DASK_SCHEDULER_ADDRESS name, else on threads of this process, or with 0
    workers right here.

    Raises ClusterError where the cluster fails, and what ``function`` raises.
    """
    import dask

    address = settings.address or dask.config.get("scheduler-address", None)
    if not address and not settings.workers:
        yield from serial(function, batches)
        return
    with _client(address, settings) as client:
        yield from _windowed(client, function, batches, settings.stall_timeout)


def serial(function: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
    """What :func:`run` does, one batch after another, without Dask."""
    for batch in batches:
        yield function(batch)


@contextlib.contextmanager
def _client(address: str | None, settings: Settings) -> Iterator[Client]:
    from distributed import Client

    with contextlib.ExitStack() as stack:
        if address:
            client = _connect(address)
        else:
            client = Client(stack.enter_context(_threads(settings.workers)), set_as_default=False)
        yield stack.enter_context(client)


def _threads(count: int) -> contextlib.AbstractContextManager[Any]:
    """A cluster of threads in this process; its pages are served on loopback alone."""
    from distributed import LocalCluster

    cluster: contextlib.AbstractContextManager[Any] = LocalCluster(
        n_workers=1,
        threads_per_worker=count,
        processes=False,
        protocol="inproc://",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        memory_limit=0,
    )
    return cluster


def _connect(address: str) -> Client:
    from distributed import Client

    try:
        return Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            "the Dask scheduler cannot be reached",
            where=address,
            expected=f"an answer within {CONNECT_TIMEOUT_S} s",
            got=_last_words(error),
            next_step="start it with 'dask scheduler', or correct --dask-address",
        ) from error


def _windowed(
    client: Client,
    function: Callable[[Batch], Result],
    batches: Iterable[Batch],
    stall_timeout: float,
) -> Iterator[Result]:
    """Results as they finish, with a bounded number of futures at any time."""
    waiting = iter(batches)
    finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
    running: set[Future] = set()
    guarded = functools.partial(_guarded, function)

    def submit(count: int) -> None:
        for batch in islice(waiting, count):
            future = client.submit(guarded, batch, pure=False)
            running.add(future)
            future.add_done_callback(finished.put)

    submit(BATCHES_PER_THREAD * max(1, sum(client.nthreads().values())))
    try:
        while running:
            future = _next(finished, client, stall_timeout)
            running.discard(future)
            result = _result(future, client)
            del future
            submit(1)
            yield result
    finally:
        client.cancel(list(running))


def _guarded(function: Callable[[Batch], Result], batch: Batch) -> Result | Exception:
    """On a worker: an expected error is a result, so that Dask neither logs nor retries it."""
    try:
        return function(batch)
    except (PipelineError, OSError) as error:
        return error


def _next(finished: queue.SimpleQueue[Future], client: Client, stall_timeout: float) -> Future:
    try:
        return finished.get(timeout=stall_timeout)
    except queue.Empty:
        raise ClusterError(
            "the Dask cluster makes no progress",
            where=client.scheduler.address,
            expected=f"a finished batch within {stall_timeout:g} s",
            got=f"none, with {len(client.nthreads())} workers",
            next_step="look at its workers; a longer --dask-stall-timeout waits longer",
        ) from None


def _result(future: Future, client: Client) -> Any:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        result = future.result()
    except (CancelledError, KilledWorker) as error:
        raise ClusterError(
            "the Dask cluster lost a batch",
            where=client.scheduler.address,
            expected="workers and a scheduler that stay",
            got=_last_words(error),
            next_step="look at their logs, and run again: what is written is kept",
        ) from error
    if isinstance(result, Exception):
        raise result
    return result


def _last_words(error: BaseException) -> str:
    return str(error).strip().rpartition("\n")[2] or type(error).__name__
