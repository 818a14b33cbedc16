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
import site
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from luigi_gif.errors import LUIGI_LOGGER, ClusterError, short_reason
from luigi_gif.execution import main_guard
from luigi_gif.execution.time_limit import within
from luigi_gif.parameters import bad_parameter
from luigi_gif.urls import public_text

if TYPE_CHECKING:
    from distributed import Client

    from luigi_gif import settings as sections

logger = logging.getLogger(f"{LUIGI_LOGGER}.cluster")

CONNECT_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 2
CLOSE_TIMEOUT_S = 10
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
        """URL of the page of its scheduler, where there is one worth a look."""
        if not self.remote:
            return None
        # Without Bokeh the scheduler links to a page that only says so.
        with contextlib.suppress(Exception):
            if self._ask(lambda: self.client.run_on_scheduler(has_dashboard)):
                return str(self.client.dashboard_link)
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
            try:
                self._workers = dict(self._ask(self.client.nthreads))
            except TimeoutError:
                pass  # it may be busy; the stall timeout judges
            except (OSError, AttributeError) as error:  # a client that gave up has no scheduler
                raise self.error(
                    "is not there any more", expected="its scheduler", got=short_reason(error)
                ) from error
            self._seen = time.monotonic()
        return self._workers

    def everywhere(self, function: Callable[[str], Any], argument: str) -> None:
        """Call an importable function once in each process of a worker. May raise anything."""
        if self.remote:
            self._ask(lambda: self.client.run(function, argument))
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

    def _ask(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """What a method of the client gives, which it does for as long as it may wait."""

        async def answer() -> Any:
            return await call()

        return self.client.sync(answer, callback_timeout=ANSWER_TIMEOUT_S)


def has_dashboard() -> bool:
    """On a scheduler: whether it has loaded what its page is made with."""
    return "distributed.dashboard.scheduler" in sys.modules


def is_wanted(settings: sections.dask) -> bool:
    """Whether there may be a cluster at all; --dask-workers 0 is without Dask."""
    return bool(settings.workers.maximum or settings.address or settings.cluster)


def is_named(settings: sections.dask) -> bool:
    """Whether somebody wants a certain cluster. Raises ClusterError."""
    return bool(settings.cluster or _address(settings))


@contextlib.contextmanager
def opened(settings: sections.dask) -> Iterator[Cluster]:
    """The scheduler of that address, a cluster of that class, or threads of this process.

    Raises ClusterError, and ParameterError for a class that cannot be used.
    """
    import_dask()
    address = _address(settings)
    most_workers = settings.workers.maximum if settings.cluster and not address else 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(_client_log_filtered())
        if address:
            client = stack.enter_context(_connected(address, settings.stall_timeout))
        else:
            make = _started if settings.cluster else _threads
            cluster = stack.enter_context(make(settings))
            client = stack.enter_context(_client_of(cluster, settings.stall_timeout))
        client.loop.asyncio_loop.set_exception_handler(_report)  # type: ignore[union-attr]
        remote = bool(address or settings.cluster)
        yield Cluster(client, most_workers=most_workers, remote=remote)


def import_dask() -> None:
    """Import Dask without garbage collection. Raises ClusterError where its configuration is bad.

    Its modules are many and stay: each collection would search them again.
    """
    if "distributed" in sys.modules:
        return
    enabled = gc.isenabled()
    gc.disable()
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise
    except Exception as error:  # YAML that is none, and values that mean nothing
        raise _configuration_error("Dask cannot be used", error) from error
    finally:
        if gc.get_freeze_count():  # as the luigi command has it
            gc.freeze()
        if enabled:
            gc.enable()


def _configuration_error(what: str, error: Exception) -> ClusterError:
    return ClusterError(
        what,
        where=", ".join(_configured_by()) or "this process",
        expected="a configuration that Dask understands",
        got=public_text(" ".join(str(error).split())) or type(error).__name__,
        next_step="correct these files or variables, or do without Dask: --dask-workers 0",
    )


def _configured_by() -> list[str]:
    """The files and variables that configure Dask; see dask.config for where it looks."""
    folders = [
        os.environ.get("DASK_ROOT_CONFIG", "/etc/dask"),
        *(os.path.join(prefix, "etc", "dask") for prefix in (sys.prefix, *site.PREFIXES)),
        os.path.join(os.path.expanduser("~"), ".config", "dask"),
        os.environ.get("DASK_CONFIG", ""),
    ]
    found = []
    for folder in dict.fromkeys(folders):
        if os.path.isfile(folder):
            found.append(folder)
        with contextlib.suppress(OSError):
            files = sorted(os.listdir(folder)) if folder else []
            found += [
                os.path.join(folder, name)
                for name in files
                if name.lower().endswith((".json", ".yaml", ".yml"))
            ]
    return found + sorted(name for name in os.environ if name.startswith("DASK_"))


def _address(settings: sections.dask) -> str:
    """As the settings say, else Dask's configuration, unless the settings name a cluster."""
    if settings.address or settings.cluster:
        return settings.address
    if "dask" not in sys.modules and not _configured_by():
        return ""  # nothing to ask it for
    import_dask()
    import dask

    address = dask.config.get("scheduler-address", None) or ""
    if not isinstance(address, str):
        raise _configuration_error(
            "Dask cannot be used", TypeError(f"scheduler-address is {address!r}, which is no text")
        )
    return address


@contextlib.contextmanager
def _client_log_filtered() -> Iterator[None]:
    """Leave out that a client gives up a scheduler: the run's own error says it."""

    def is_worth_a_word(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Failed to reconnect")

    log = logging.getLogger("distributed.client")
    log.addFilter(is_worth_a_word)
    try:
        yield
    finally:
        log.removeFilter(is_worth_a_word)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Leave out what the event loop of our client says of waits that its end cuts short.

    A message that waits for its turn to be sent ends in a TimeoutError, a
    client that looks for a lost scheduler in a CancelledError; nobody asks for either.
    """
    error = context.get("exception")
    cut_short = isinstance(error, TimeoutError) and "never retrieved" in context["message"]
    if not cut_short and not isinstance(error, asyncio.CancelledError):
        loop.default_exception_handler(context)


@contextlib.contextmanager
def _connected(address: str, stall_timeout: float) -> Iterator[Client]:
    from distributed import Client

    limit_s = min(CONNECT_TIMEOUT_S, stall_timeout)
    try:
        # A Client that fails to connect would not go away for 20 s.
        within(limit_s + 1, lambda: asyncio.run(_knock(address, limit_s)))
        client = within(
            limit_s + 1,
            lambda: Client(address, timeout=limit_s, set_as_default=False),
            _close_client,
        )
    except Exception as error:  # Dask raises many kinds for TLS and for addresses
        raise ClusterError(
            "the Dask scheduler cannot be reached",
            where=address,
            expected=f"an answer within {limit_s:g} s",
            got=short_reason(error),
            next_step="start it with 'dask scheduler', or correct --dask-address",
        ) from error
    with _ended(address, min(CLOSE_TIMEOUT_S, stall_timeout), lambda: _close_client(client)):
        yield client


async def _knock(address: str, limit_s: float) -> None:
    """Connect and hang up."""
    from distributed import Security
    from distributed.comm import connect  # type: ignore[attr-defined]  # as its documents do

    asyncio.get_running_loop().set_exception_handler(_report)
    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=limit_s, **arguments)
    comm.abort()


@contextlib.contextmanager
def _client_of(cluster: Any, stall_timeout: float) -> Iterator[Client]:
    from distributed import Client

    try:
        client = within(stall_timeout, lambda: Client(cluster, set_as_default=False), _close_client)
    except Exception as error:
        raise _start_error(type(cluster).__name__, error) from error
    with _ended("the client", min(CLOSE_TIMEOUT_S, stall_timeout), lambda: _close_client(client)):
        yield client


def _close_client(client: Client) -> None:
    client.close()


@contextlib.contextmanager
def _threads(settings: sections.dask) -> Iterator[Any]:
    import dask
    from distributed import LocalCluster

    options = {
        "distributed.worker.profile.enabled": False,  # stops the threads 100 times a second
        "distributed.worker.use-file-locking": False,  # not every file system can
    }

    def make() -> Any:
        with dask.config.set(options):
            return LocalCluster(
                n_workers=1,
                threads_per_worker=settings.workers.maximum,
                processes=False,
                protocol="inproc://",
                memory_limit=0,
                scheduler_kwargs={"dashboard": False},
                **_ON_LOOPBACK,
            )

    try:
        cluster = within(settings.stall_timeout, make, lambda cluster: cluster.close())
    except Exception as error:
        raise _configuration_error("Dask cannot be started in this process", error) from error
    limit_s = min(CLOSE_TIMEOUT_S, settings.stall_timeout)
    with _ended("threads of this process", limit_s, cluster.close):
        yield cluster


@contextlib.contextmanager
def _started(settings: sections.dask) -> Iterator[Any]:
    """A cluster of the class that the settings name, with its workers on their way."""
    make = _class(settings.cluster)
    arguments = _arguments(make, settings.cluster_kwargs)
    least, most = settings.workers
    if not most:
        raise bad_parameter("--dask-workers", "1 or more for a --dask-cluster", most)

    def start() -> tuple[contextlib.ExitStack, Any]:
        with contextlib.ExitStack() as stack:
            cluster = stack.enter_context(make(**arguments))
            if least == most:
                cluster.scale(most)
            else:
                cluster.adapt(minimum=least, maximum=most)
            return stack.pop_all(), cluster

    try:
        stack, cluster = within(settings.stall_timeout, start, lambda begun: begun[0].close())
    except Exception as error:
        raise _start_error(settings.cluster, error) from error
    with _ended(settings.cluster, settings.stall_timeout, stack.close):
        yield cluster


def _arguments(make: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Those for a cluster class. Raises ClusterError where its processes cannot be started."""
    import dask
    from distributed import LocalCluster

    if not (isinstance(make, type) and issubclass(make, LocalCluster)):
        return given
    method = dask.config.get("distributed.worker.multiprocessing-method", "spawn")
    if given.get("processes", True) and method != "fork":
        main_guard.check_script_is_guarded()
        # It lets Ctrl-C through in the thread that starts it, and so in what that thread starts.
        resource_tracker.ensure_running()
    if make is LocalCluster:  # its own defaults listen on every address
        return {**_ON_LOOPBACK, "n_workers": 0, "threads_per_worker": 1, **given}
    return given


def _start_error(name: str, error: Exception) -> ClusterError:
    return ClusterError(
        "the Dask cluster cannot be started",
        where=name,
        expected="a cluster, from this class with these --dask-cluster-kwargs",
        got=f"{type(error).__name__}: {short_reason(error)}",
        next_step="try the same in Python, and correct [dask] in luigi.cfg",
    )


@contextlib.contextmanager
def _ended(name: str, limit_s: float, close: Callable[[], object]) -> Iterator[None]:
    """Close what was opened, for as long as that may take; what is done stays done."""
    try:
        yield
    finally:
        try:
            within(limit_s, close)
        except Exception as error:  # a cluster's own class may raise anything
            logger.warning("%s did not close in order: %s", name, short_reason(error))


def _class(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except Exception as error:  # the module may raise anything
        expected = "the import path of a class, such as distributed.LocalCluster"
        raise bad_parameter("--dask-cluster", expected, f"{path} ({error})") from error
    return found
