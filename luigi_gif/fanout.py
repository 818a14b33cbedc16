"""One function over many batches, in parallel: the only module that knows Dask.

Batches and results are small frozen data; whatever a batch is about, the
worker reads and writes itself, so no file's bytes cross the scheduler.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import queue
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from luigi_gif.errors import LUIGI_LOGGER, ClusterError, PipelineError

if TYPE_CHECKING:
    from distributed import Client, Future

    from luigi_gif import settings as sections

Batch = TypeVar("Batch")
Result = TypeVar("Result")

logger = logging.getLogger(f"{LUIGI_LOGGER}.fanout")

CONNECT_TIMEOUT_S = 10
BATCHES_HELD = 2
"""Futures at a time for each thread of the cluster."""


class Executor(Protocol):
    """Whoever does the batches."""

    @property
    def threads(self) -> int:
        """How many batches are worked on at a time."""

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """Results of ``function`` over ``batches``, each as soon as it is there.

        ``function`` is importable where it runs, and may run more than once
        for a batch. Raises what it raises, and ClusterError. Close the
        iterator if you leave it early.
        """


@contextlib.contextmanager
def executor(settings: sections.dask) -> Iterator[Executor]:
    """The scheduler that the settings or DASK_SCHEDULER_ADDRESS name, else threads.

    The threads are of this process, on Dask too; with 0 workers there is no
    Dask at all. Raises ClusterError.
    """
    import dask

    address = settings.address or dask.config.get("scheduler-address", None)
    if not address and not settings.workers:
        yield Serial()
        return
    with _collector_paused():
        from distributed import Client

    asyncio_logger = logging.getLogger("asyncio")
    if _is_worth_a_word not in asyncio_logger.filters:
        asyncio_logger.addFilter(_is_worth_a_word)
    with contextlib.ExitStack() as stack:
        if address:
            client = _connect(address)
        else:
            cluster = stack.enter_context(_threads(settings.workers))
            client = Client(cluster, set_as_default=False)
        yield _Dask(stack.enter_context(client), settings.stall_timeout)


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Import Dask without garbage collection, and keep its modules out of later ones.

    They are many and stay; each collection would search them again.
    """
    first_time = gc.isenabled() and "distributed" not in sys.modules
    if first_time:
        gc.disable()
    try:
        yield
    finally:
        if first_time:
            gc.freeze()
            gc.enable()


def _is_worth_a_word(record: logging.LogRecord) -> bool:
    """Dask stops its event loop while a message may wait for its turn to be sent.

    The wait then ends in a tornado TimeoutError that nobody asks for, and
    asyncio says so; it means nothing.
    """
    from tornado.util import TimeoutError as TornadoTimeoutError

    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, TornadoTimeoutError) and "never retrieved" in record.getMessage())


class Serial:
    """One batch after another, in this thread."""

    threads = 1

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """See :class:`Executor`."""
        return (function(batch) for batch in batches)


class _Dask:
    def __init__(self, client: Client, stall_timeout: float) -> None:
        self._client = client
        self._stall_timeout = stall_timeout

    @property
    def threads(self) -> int:
        return max(1, sum(self._workers().values()))

    def _workers(self) -> dict[str, int]:
        """The threads of each worker, by its address."""
        try:
            return dict(self._client.nthreads())
        except OSError as error:
            raise self._error(
                "is not there any more", expected="its scheduler", got=_last_words(error)
            ) from error

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """See :class:`Executor`; only a bounded number of futures is held at any time."""
        waiting = iter(batches)
        running: set[Future[Any]] = set()
        finished: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        guarded = functools.partial(_guarded, function)

        def submit() -> None:
            for batch in islice(waiting, max(0, BATCHES_HELD * self.threads - len(running))):
                future = self._client.submit(guarded, batch, pure=False)
                running.add(future)
                future.add_done_callback(finished.put)

        submit()
        if running and not self._workers():
            logger.warning("%s has no workers: waiting for one", self._address)
        try:
            while running:
                future = self._next(finished)
                running.discard(future)
                result = self._result(future)
                submit()
                yield result
        finally:
            self._client.cancel(list(running))

    def _next(self, finished: queue.SimpleQueue[Future[Any]]) -> Future[Any]:
        try:
            return finished.get(timeout=self._stall_timeout)
        except queue.Empty:
            raise self._error(
                "makes no progress",
                expected=f"a finished batch within {self._stall_timeout:g} s",
                got=f"none, with {len(self._workers())} workers",
            ) from None

    def _result(self, future: Future[Any]) -> Any:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        try:
            result = future.result()
        except (CancelledError, KilledWorker) as error:
            raise self._error(
                "lost a batch",
                expected="workers and a scheduler that stay",
                got=_last_words(error),
            ) from error
        except Exception as error:
            if not _lacks_package(error):
                raise
            raise self._error(
                "does not know luigi_gif",
                expected="luigi_gif installed with the scheduler and the workers",
                got=_last_words(error.__cause__ or error),
            ) from error
        if isinstance(result, FileNotFoundError):
            raise self._error(
                "does not find a file",
                expected="workers that see the work directory under the same path",
                got=f"no {result.filename}",
            ) from result
        if isinstance(result, Exception):
            raise result
        return result

    @property
    def _address(self) -> str:
        scheduler = self._client.scheduler
        return str(scheduler.address) if scheduler else "the Dask scheduler"

    def _error(self, what: str, *, expected: str, got: str) -> ClusterError:
        return ClusterError(
            f"the Dask cluster {what}",
            where=self._address,
            expected=expected,
            got=got,
            next_step="mend it (its logs may help) and run again: what is written is kept",
        )


def _guarded(function: Callable[[Batch], Result], batch: Batch) -> Result | Exception:
    """On a worker: an expected error is a result, so that Dask neither logs nor retries it."""
    try:
        return function(batch)
    except (PipelineError, OSError) as error:
        return error


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
        asyncio.run(_knock(address))
        return Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            "the Dask scheduler cannot be reached",
            where=address,
            expected=f"an answer within {CONNECT_TIMEOUT_S} s",
            got=_last_words(error),
            next_step="start it with 'dask scheduler', or correct --dask-address",
        ) from error


async def _knock(address: str) -> None:
    """Connect and hang up: a Client that fails to connect would not go away for 20 s."""
    from distributed import Security
    from distributed.comm.core import connect

    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=CONNECT_TIMEOUT_S, **arguments)
    await comm.close()


def _lacks_package(error: BaseException) -> bool:
    """Whether the scheduler or a worker could not import what a batch needs."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ImportError):
        cause = cause.__cause__
    return cause is not None


def _last_words(error: BaseException) -> str:
    return str(error).strip().rpartition("\n")[2] or type(error).__name__
