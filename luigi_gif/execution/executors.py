"""One function over many batches, in parallel, whoever does them.

Batches and results are small frozen data; whatever a batch is about, the
worker reads and writes itself, so no file's bytes cross the scheduler.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import itertools
import logging
import math
import pickle
import platform
import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from luigi_gif.errors import LUIGI_LOGGER, ClusterError, PipelineError, StorageError, short_reason
from luigi_gif.execution import dask_cluster

if TYPE_CHECKING:
    from distributed import Future

    from luigi_gif import settings as sections
    from luigi_gif.execution.dask_cluster import Cluster

Batch = TypeVar("Batch")
Result = TypeVar("Result")

logger = logging.getLogger(f"{LUIGI_LOGGER}.fanout")

HELD_PER_THREAD = 2
FEWEST_HELD = 32
"""Futures at a time. A cluster that adapts grows with what it has to do."""
MOST_TRIES = 3
"""So often is a batch handed in whose workers die; Dask itself tries it on four each time."""
RESULT_TIMEOUT_S = 10
LATE_S = 10
LATE_FACTOR = 3
"""Where nothing is left to hand in, and for so many times the longest that a batch took (but
for LATE_S at least) none has finished, the workers of the rest may be frozen or cut off."""
STOP_TIMEOUT_S = 4
"""How long the end of a run waits for the frames that its workers are at."""
SMALL_WORK = 16 << 20
"""In bytes; see :class:`luigi_gif.frames.Stretch`. Less than this may not pay for Dask's start."""
HERE_S = 0.5
"""About what it takes to import Dask and to start it in this process."""
COPYING_HERE_S = 2.0
"""Threads that copy small files wait for each other most of the time: on two cores they gain 15
percent, so that Dask's start pays after this time only."""
_SAME = ("luigi_gif", "distributed", "numpy", "pillow")
"""What a worker must have in the same version: Dask's messages and a file's bytes depend on it."""

_cancelled: set[str] = set()
"""Runs that end, whose batches this process need not finish."""
_current = threading.local()
"""Its ``run`` is that of the batch that the thread works on."""


class Executor(Protocol):
    """Whoever does the batches."""

    @property
    def threads(self) -> int:
        """How many batches are worked on at a time, or may be once a cluster has grown."""

    @property
    def dashboard(self) -> str | None:
        """URL of a page that shows them, if there is one."""

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """Results of ``function`` over ``batches``, each as soon as it is there.

        ``function`` is importable where it runs, and may run more than once
        for a batch. Raises what it raises, and ClusterError. Close the
        iterator if you leave it early.
        """


class Cancelled(Exception):
    """The run ends: its batches need not be finished."""


def cancel(run: str) -> None:
    """On a worker: end the batches of a run with the frame that each is at."""
    _cancelled.add(run)


def stop_if_cancelled() -> None:
    """Raise Cancelled where the run of the batch that is worked on ends."""
    if _cancelled and getattr(_current, "run", None) in _cancelled:
        raise Cancelled


@contextlib.contextmanager
def executor(
    settings: sections.dask, work: float = math.inf, *, copying: bool = False
) -> Iterator[Executor]:
    """A Dask cluster as the settings say; without address, cluster and workers no Dask at all.

    ``work`` is as much as all batches are, in bytes. Where it is little, or only
    ``copying``, and nobody names a cluster, they are begun in this thread.

    Raises ClusterError, and ParameterError for a cluster class that cannot be used.
    """
    if not dask_cluster.is_wanted(settings):
        yield Serial()
    elif (copying or work <= SMALL_WORK) and not dask_cluster.is_named(settings):
        yield _HereFirst(settings, COPYING_HERE_S if copying else HERE_S)
    else:
        with dask_cluster.opened(settings) as opened:
            yield _Dask(opened, settings.stall_timeout)


class Serial:
    """One batch after another, in this thread."""

    threads = 1
    dashboard: str | None = None

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """See :class:`Executor`."""
        return (function(batch) for batch in batches)


class _HereFirst:
    """Batches in this thread for as long as Dask's start costs; the rest on Dask.

    So work that is done by then never pays for that start, and no work for more than that.
    """

    dashboard: str | None = None

    def __init__(self, settings: sections.dask, here_s: float) -> None:
        self._settings = settings
        self._here_s = here_s
        self.threads = settings.workers.maximum

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """See :class:`Executor`."""
        rest = iter(batches)
        begin = time.monotonic()
        for batch in rest:
            yield function(batch)
            if time.monotonic() - begin >= self._here_s:
                break
        for batch in rest:  # there is one more at least
            with executor(self._settings) as dask:
                yield from dask.run(function, itertools.chain([batch], rest))


class _Dask:
    def __init__(self, cluster: Cluster, stall_timeout: float) -> None:
        self._cluster = cluster
        self._stall_timeout = stall_timeout

    @property
    def threads(self) -> int:
        return self._cluster.threads

    @property
    def dashboard(self) -> str | None:
        """See :class:`Executor`."""
        return self._cluster.dashboard

    def run(
        self, function: Callable[[Batch], Result], batches: Iterable[Batch]
    ) -> Generator[Result, None, None]:
        """See :class:`Executor`; only a bounded number of futures is held at any time."""
        tasks = (pickle.dumps((function, batch)) for batch in batches)
        return _Run(self._cluster, self._stall_timeout, tasks).results()


class _Attempt(NamedTuple):
    """A batch that was handed in."""

    batch: int
    task: bytes
    """The function and the batch, pickled."""
    tries: int
    """How often its workers may have died, this time included."""


class _Outcome(NamedTuple):
    """What a worker sends back."""

    value: Any
    """What the function gave, or the expected error that it raised."""
    seconds: float


class _Run:
    """Hands tasks in, a bounded number at a time, and watches over them."""

    def __init__(self, cluster: Cluster, stall_timeout: float, tasks: Iterator[bytes]) -> None:
        self._cluster = cluster
        self._stall_timeout = stall_timeout
        self._waiting = enumerate(tasks)
        self._all_handed_in = False
        self._running: dict[Future[Any], _Attempt] = {}
        self._finished: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._name = f"luigi_gif-{secrets.token_hex(4)}"
        self._numbers = itertools.count()
        self._versions = _versions() if cluster.remote else None
        self._longest_s = 0.0
        self._progress_at = time.monotonic()

    def results(self) -> Generator[Any, None, None]:
        """The values of the tasks, each as soon as it is there."""
        try:
            self._fill()
            if self._running and not self._cluster.workers():
                logger.warning("%s has no workers yet: waiting for one", self._cluster.address)
            while self._running:
                future = self._next()
                values = self._settled(future, self._running.pop(future))
                self._fill()
                yield from values
        finally:
            self._stop()

    def _fill(self) -> None:
        held = max(FEWEST_HELD, HELD_PER_THREAD * self._cluster.threads)
        while len(self._running) < held and not self._all_handed_in:
            batch, task = next(self._waiting, (0, None))
            if task is None:
                self._all_handed_in = True
            else:
                self._hand_in(_Attempt(batch, task, 1))

    def _hand_in(self, attempt: _Attempt) -> None:
        future = self._cluster.client.submit(
            _on_worker,
            attempt.task,
            self._name,
            self._versions,
            key=(self._name, next(self._numbers)),
            pure=False,
        )
        self._running[future] = attempt
        future.add_done_callback(self._finished.put)

    def _next(self) -> Future[Any]:
        """A future that has finished. Raises ClusterError where none does for too long."""
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
                self._hand_in_again()

    def _hand_in_again(self) -> None:
        """Give what is late to other workers too; whoever is first counts."""
        rest = {attempt.batch: attempt for attempt in self._running.values()}
        if self._cluster.remote and self._all_handed_in:
            logger.warning("%d batches are late: they are given to other workers too", len(rest))
            for attempt in rest.values():
                self._hand_in(attempt)

    def _settled(self, future: Future[Any], attempt: _Attempt) -> list[Any]:
        """The value of a batch, or nothing where it had to be handed in again."""
        from distributed import KilledWorker

        try:
            outcome = future.result(timeout=min(RESULT_TIMEOUT_S, self._stall_timeout))
        except (KilledWorker, TimeoutError) as error:
            if attempt.tries == MOST_TRIES:
                raise self._error(
                    "lost a batch again and again",
                    expected="workers that live until a batch is done",
                    got=short_reason(error),
                ) from error
            logger.warning("a batch was lost with its workers: try %d", attempt.tries + 1)
            self._hand_in(attempt._replace(tries=attempt.tries + 1))
            return []
        except Exception as error:
            if (explained := self._explained(error)) is None:
                raise
            raise explained from error
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

    def _explained(self, error: BaseException) -> ClusterError | None:
        """What to tell the user of what Dask raises; None for a mistake of ours."""
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
        """Leave nothing running: a batch ends with the frame that it is at."""
        if not self._running:
            return
        end = time.monotonic() + STOP_TIMEOUT_S
        with contextlib.suppress(Exception):  # the cluster may be what is broken
            self._cluster.everywhere(cancel, self._name)
        with contextlib.suppress(Exception):
            while self._running and self._cluster.workers():
                rest_s = max(0.0, end - time.monotonic())
                self._running.pop(self._finished.get(timeout=rest_s), None)
        with contextlib.suppress(Exception):
            self._cluster.client.cancel(list(self._running))

    def _error(self, what: str, *, expected: str, got: str) -> ClusterError:
        return self._cluster.error(what, expected=expected, got=got)


def _on_worker(task: bytes, run: str, versions: dict[str, str] | None) -> _Outcome:
    """Do a task. An expected error is a value, so that Dask neither logs nor retries it.

    ``versions`` are those of the run, None where the worker is its own process.
    """
    begin = time.monotonic()
    value: Any
    _current.run = run
    try:
        if versions is not None:
            _check_versions(versions)
        stop_if_cancelled()
        function, batch = pickle.loads(task)  # noqa: S301 - as Dask itself would do
        value = function(batch)
    except (PipelineError, OSError, Cancelled) as error:
        value = _named(error) if versions is not None else error
    return _Outcome(value, time.monotonic() - begin)


def _check_versions(expected: dict[str, str]) -> None:
    found = _versions()
    if found != expected:
        other = [name for name in expected if found.get(name) != expected[name]]
        raise ClusterError(
            "a worker has other versions than the run",
            where=socket.gethostname(),
            expected=", ".join(f"{name} {expected[name]}" for name in other),
            got=", ".join(f"{name} {found.get(name)}" for name in other),
            next_step="install the same on all machines",
        )


@functools.cache
def _versions() -> dict[str, str]:
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in _SAME:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _named(error: Exception) -> Exception:
    """The error, with the worker's host where its disk or its store is meant."""
    if type(error) is not StorageError:
        return error
    return StorageError(
        error.what,
        where=f"{error.where}, on {socket.gethostname()}",
        expected=error.expected,
        got=error.got,
        next_step=error.next_step,
    )


def _missing_package(error: BaseException) -> ImportError | None:
    """The ImportError of a scheduler or a worker behind an error of Dask's."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ImportError):
        cause = cause.__cause__
    return cause
