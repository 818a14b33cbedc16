"""Which Dask cluster does the work: one that runs, one that is started, or threads of this process.

With fanout.py, the only module that knows Dask.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from luigi_gif.errors import ClusterError, last_words
from luigi_gif.settings import bad_parameter

if TYPE_CHECKING:
    from distributed import Client

    from luigi_gif import settings as sections

CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 2
WORKERS_SEEN_S = 1.0
"""How long the cluster is not asked again for its workers."""
_ON_LOOPBACK = {
    "dashboard_address": "127.0.0.1:0",
    "worker_dashboard_address": "127.0.0.1:0",
}


class Cluster:
    """A cluster with a client of it."""

    def __init__(self, client: Client, *, most_workers: int, remote: bool) -> None:
        self.client = client
        self.remote = remote
        """Whether its workers are other processes."""
        self._most_workers = most_workers
        self._workers: dict[str, int] = {}
        self._seen = float("-inf")

    @property
    def address(self) -> str:
        """Of its scheduler."""
        scheduler = self.client.scheduler
        return str(scheduler.address) if scheduler else "the Dask scheduler"

    @property
    def dashboard(self) -> str | None:
        """URL of the page of its scheduler; one in this process has none worth a look."""
        if not self.remote:
            return None
        try:
            return str(self.client.dashboard_link)
        except (KeyError, OSError):
            return None

    @property
    def threads(self) -> int:
        """Those of its workers; where it adapts, of as many as it may have."""
        each = self.workers().values()
        return max(1, sum(each), self._most_workers * max(each, default=1))

    def workers(self) -> dict[str, int]:
        """The threads of each worker, by its address, as of a moment ago. Raises ClusterError."""
        now = time.monotonic()
        if now - self._seen >= WORKERS_SEEN_S:
            scheduler = self.client.scheduler
            assert scheduler is not None
            try:
                threads = self.client.sync(scheduler.ncores, callback_timeout=ANSWER_TIMEOUT_S)
            except TimeoutError:
                threads = self._workers  # it may be busy; the stall timeout judges
            except OSError as error:
                raise self.error(
                    "is not there any more", expected="its scheduler", got=last_words(error)
                ) from error
            self._workers, self._seen = dict(threads), time.monotonic()
        return self._workers

    def everywhere(self, function: Callable[[str], Any], argument: str) -> None:
        """Call an importable function once in each process of a worker. May raise anything."""
        if self.remote:
            self.client.sync(
                self.client._run, function, argument, callback_timeout=ANSWER_TIMEOUT_S
            )
        else:
            function(argument)

    def error(self, what: str, *, expected: str, got: str) -> ClusterError:
        """What to tell the user of the cluster."""
        return ClusterError(
            f"the Dask cluster {what}",
            where=self.address,
            expected=expected,
            got=got,
            next_step="mend it (its logs may help) and run again: what is written is kept",
        )


def is_wanted(settings: sections.dask) -> bool:
    """Whether there is to be a cluster at all."""
    return bool(settings.workers.most or settings.cluster or _address(settings))


@contextlib.contextmanager
def opened(settings: sections.dask) -> Iterator[Cluster]:
    """The scheduler of that address, a cluster of that class, or threads of this process.

    Raises ClusterError, and ParameterError for a class that cannot be used.
    """
    with _collector_paused():
        from distributed import Client

    for name in ("asyncio", "distributed.client"):
        logging.getLogger(name).addFilter(_is_worth_a_word)
    address = _address(settings)
    most_workers = settings.workers.most if settings.cluster and not address else 0
    with contextlib.ExitStack() as stack:
        with _interrupts_wait():
            if address:
                client = stack.enter_context(_connected(address))
            else:
                make = _started if settings.cluster else _threads
                cluster = stack.enter_context(make(settings))
                client = stack.enter_context(Client(cluster, set_as_default=False))
        remote = bool(address or settings.cluster)
        yield Cluster(client, most_workers=most_workers, remote=remote)


def _address(settings: sections.dask) -> str:
    """As the settings say, else the environment, unless the settings name a cluster."""
    if settings.address or settings.cluster:
        return settings.address
    import dask

    return dask.config.get("scheduler-address", None) or ""


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Import Dask without garbage collection, and keep its modules out of later ones.

    They are many and stay; each collection would search them again.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's start waits for each of them
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
    """Dask stops its event loop while something may wait there; what it says then means nothing.

    A message that waits for its turn to be sent ends in a TimeoutError that
    nobody asks for. A client that looks for a lost scheduler is cancelled, or
    gives up, which the run's own error says.
    """
    if record.getMessage().startswith("Failed to reconnect"):
        return False
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, TimeoutError):
        return "never retrieved" not in record.getMessage()
    return not isinstance(error, asyncio.CancelledError)


def _threads(settings: sections.dask) -> contextlib.AbstractContextManager[Any]:
    import dask
    from distributed import LocalCluster

    options = {
        "distributed.worker.profile.enabled": False,  # stops the threads 100 times a second
        "distributed.worker.use-file-locking": False,  # not every file system can
    }
    with dask.config.set(options):
        cluster: contextlib.AbstractContextManager[Any] = LocalCluster(
            n_workers=1,
            threads_per_worker=settings.workers.most,
            processes=False,
            protocol="inproc://",
            memory_limit=0,
            **_ON_LOOPBACK,
        )
    return cluster


@contextlib.contextmanager
def _started(settings: sections.dask) -> Iterator[Any]:
    """A cluster of the class that the settings name, with its workers on their way."""
    from distributed import LocalCluster

    make = _class(settings.cluster)
    arguments = settings.cluster_kwargs
    if make is LocalCluster:  # its own defaults listen on every address
        arguments = {**_ON_LOOPBACK, "n_workers": 0, "threads_per_worker": 1, **arguments}
    least, most = settings.workers
    if not most:
        raise bad_parameter("--dask-workers", "1 or more for a --dask-cluster", most)
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(make(**arguments))
            if least == most:
                cluster.scale(most)
            else:
                cluster.adapt(minimum=least, maximum=most)
        except Exception as error:
            raise ClusterError(
                "the Dask cluster cannot be started",
                where=settings.cluster,
                expected="a cluster, from this class with these --dask-cluster-kwargs",
                got=f"{type(error).__name__}: {last_words(error)}",
                next_step="try the same in Python, and correct [dask] in luigi.cfg",
            ) from error
        yield cluster


def _class(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except Exception as error:  # the module may raise anything
        expected = "the import path of a class, such as distributed.LocalCluster"
        raise bad_parameter("--dask-cluster", expected, f"{path} ({error})") from error
    return found


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C wait until the block ends, and never reach what is started in it.

    Threads and processes inherit the mask of signals; this process ends the others in order.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _connected(address: str) -> Client:
    from distributed import Client

    try:
        with ThreadPoolExecutor(1) as beside:  # a notebook has an event loop in this thread
            beside.submit(asyncio.run, _knock(address)).result()
        return Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except Exception as error:  # Dask raises many kinds for TLS and for addresses
        raise ClusterError(
            "the Dask scheduler cannot be reached",
            where=address,
            expected=f"an answer within {CONNECT_TIMEOUT_S} s",
            got=last_words(error),
            next_step="start it with 'dask scheduler', or correct --dask-address",
        ) from error


async def _knock(address: str) -> None:
    """Connect and hang up: a Client that fails to connect would not go away for 20 s."""
    from distributed import Security
    from distributed.comm.core import connect

    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=CONNECT_TIMEOUT_S, **arguments)
    await comm.close()
