"""Which Dask cluster does the work: a running one, one of this run, or threads in here."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from luigi_gif.errors import ClusterError, short_reason
from luigi_gif.execution.client_log import client_log_filtered, handle_loop_exception
from luigi_gif.execution.dask_configuration import import_dask, scheduler_address
from luigi_gif.execution.running_scheduler import connected_client
from luigi_gif.execution.started_cluster import (
    named_cluster,
    start_error,
    threads_of_this_process,
)
from luigi_gif.execution.time_limit import CLOSE_TIMEOUT_S, closing_within, within

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy.cluster import Cluster as DeployedCluster

    from luigi_gif import settings

ANSWER_TIMEOUT_S = 2
WORKERS_CACHE_S = 1.0
"""How long the answer of the cluster about its workers is used."""


class Cluster:
    """A Dask cluster, through a client of it."""

    def __init__(self, client: Client, *, max_workers: int, remote: bool) -> None:
        self.client = client
        self.remote = remote
        """Whether its workers are other processes."""
        self._max_workers = max_workers
        self._workers: dict[str, int] = {}
        self._seen = float("-inf")

    @property
    def address(self) -> str:
        """The address of the scheduler."""
        scheduler = self.client.scheduler
        return str(scheduler.address) if scheduler else "the Dask scheduler"

    @property
    def dashboard(self) -> str | None:
        """URL of the scheduler's page, if it can draw one."""
        if not self.remote:
            return None
        # Without Bokeh the scheduler links to a page that only says so.
        with contextlib.suppress(Exception):
            if self._call(lambda: self.client.run_on_scheduler(has_dashboard)):
                return str(self.client.dashboard_link)
        return None

    @property
    def threads(self) -> int:
        """Threads of all workers; of a cluster that adapts, of as many as it may have."""
        each = self.workers().values()
        return max(1, sum(each), self._max_workers * max(each, default=1))

    def workers(self) -> dict[str, int]:
        """The threads of each worker, by address, up to a second old. Raises ClusterError."""
        now = time.monotonic()
        if now - self._seen >= WORKERS_CACHE_S:
            try:
                self._workers = dict(self._call(self.client.nthreads))
            except TimeoutError:
                pass  # it may be busy; the stall timeout judges
            except (OSError, AttributeError) as error:  # a client that gave up has no scheduler
                raise self.error(
                    "is not there any more", expected="its scheduler", got=short_reason(error)
                ) from error
            self._seen = time.monotonic()
        return self._workers

    def run_on_all_workers(self, function: Callable[[str], object], argument: str) -> None:
        """Call an importable function once in each worker process. May raise anything."""
        if self.remote:
            self._call(lambda: self.client.run(function, argument))
        else:
            function(argument)

    def error(self, what: str, *, expected: str, got: str) -> ClusterError:
        """The error for a fault of this cluster."""
        return ClusterError(
            f"the Dask cluster {what}",
            where=self.address,
            expected=expected,
            got=got,
            next_step="mend it (its logs may help) and run again: what is written is kept",
        )

    def _call(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """What an asynchronous method of the client gives. Raises TimeoutError."""

        async def result() -> Any:
            return await call()

        return self.client.sync(result, callback_timeout=ANSWER_TIMEOUT_S)


def has_dashboard() -> bool:
    """On a scheduler: whether it has loaded Bokeh's pages."""
    return "distributed.dashboard.scheduler" in sys.modules


@contextlib.contextmanager
def open_cluster(config: settings.dask) -> Iterator[Cluster]:
    """Connect to the scheduler of that address, or start a cluster of that class, or threads.

    Raises ClusterError, and ParameterError for a class that cannot be used.
    """
    import_dask()
    address = scheduler_address(config)
    max_workers = config.workers.maximum if config.cluster and not address else 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(client_log_filtered())
        if address:
            client = stack.enter_context(connected_client(address, config.stall_timeout))
        else:
            make = named_cluster if config.cluster else threads_of_this_process
            cluster = stack.enter_context(make(config))
            client = stack.enter_context(_client_of(cluster, config.stall_timeout))
        # Dask has no setting for what its event loop says: asyncio's own handler is set.
        client.loop.asyncio_loop.set_exception_handler(handle_loop_exception)  # type: ignore[union-attr]
        remote = bool(address or config.cluster)
        yield Cluster(client, max_workers=max_workers, remote=remote)


@contextlib.contextmanager
def _client_of(cluster: DeployedCluster, stall_timeout: float) -> Iterator[Client]:
    from distributed import Client

    try:
        client = within(
            stall_timeout,
            lambda: Client(cluster, set_as_default=False),
            lambda client: client.close(),
        )
    except Exception as error:
        raise start_error(type(cluster).__name__, error) from error
    with closing_within("the client", min(CLOSE_TIMEOUT_S, stall_timeout), client.close):
        yield client
