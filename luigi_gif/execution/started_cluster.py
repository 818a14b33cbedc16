"""A Dask cluster that this run starts: of the class that is named, or threads of this process."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from luigi_gif.errors import ClusterError, short_reason
from luigi_gif.execution import main_guard
from luigi_gif.execution.dask_configuration import configuration_error
from luigi_gif.execution.time_limit import CLOSE_TIMEOUT_S, closing_within, within
from luigi_gif.parameters import bad_parameter

if TYPE_CHECKING:
    from distributed.deploy.cluster import Cluster as DeployedCluster

    from luigi_gif import settings

# LocalCluster's own defaults listen on every address.
_ON_LOOPBACK = {
    "dashboard_address": "127.0.0.1:0",
    "worker_dashboard_address": "127.0.0.1:0",
}


@contextlib.contextmanager
def threads_of_this_process(config: settings.dask) -> Iterator[DeployedCluster]:
    """Start a cluster of one worker in this process. Raises ClusterError."""
    import dask
    from distributed import LocalCluster

    options = {
        "distributed.worker.profile.enabled": False,  # stops the threads 100 times a second
        "distributed.worker.use-file-locking": False,  # not every file system can
    }

    def make() -> LocalCluster:
        with dask.config.set(options):
            return LocalCluster(
                n_workers=1,
                threads_per_worker=config.workers.maximum,
                processes=False,
                protocol="inproc://",
                memory_limit=0,
                scheduler_kwargs={"dashboard": False},
                **_ON_LOOPBACK,
            )

    try:
        cluster = within(config.stall_timeout, make, lambda cluster: cluster.close())
    except Exception as error:
        raise configuration_error("Dask cannot be started in this process", error) from error
    limit_s = min(CLOSE_TIMEOUT_S, config.stall_timeout)
    with closing_within("threads of this process", limit_s, cluster.close):
        yield cluster


@contextlib.contextmanager
def named_cluster(config: settings.dask) -> Iterator[DeployedCluster]:
    """Start a cluster of the class that the settings name; its workers are on their way.

    Raises ClusterError, and ParameterError for a class that cannot be used.
    """
    make = _import_class(config.cluster)
    arguments = _arguments(make, config.cluster_kwargs)
    minimum, maximum = config.workers
    if not maximum:
        raise bad_parameter("--dask-workers", "1 or more for a --dask-cluster", maximum)

    def start() -> tuple[contextlib.ExitStack, Any]:
        with contextlib.ExitStack() as stack:
            cluster = stack.enter_context(make(**arguments))
            if minimum == maximum:
                cluster.scale(maximum)
            else:
                cluster.adapt(minimum=minimum, maximum=maximum)
            return stack.pop_all(), cluster

    try:
        stack, cluster = within(config.stall_timeout, start, lambda late: late[0].close())
    except Exception as error:
        raise start_error(config.cluster, error) from error
    with closing_within(config.cluster, config.stall_timeout, stack.close):
        yield cluster


def _arguments(make: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a cluster class. Raises ClusterError if its processes cannot start."""
    import dask
    from distributed import LocalCluster

    if not (isinstance(make, type) and issubclass(make, LocalCluster)):
        return given
    method = dask.config.get("distributed.worker.multiprocessing-method", "spawn")
    if given.get("processes", True) and method != "fork":
        main_guard.check_script_is_guarded()
        # It lets Ctrl-C through in the thread that starts it, and so in what that thread starts.
        resource_tracker.ensure_running()
    if make is LocalCluster:
        return {**_ON_LOOPBACK, "n_workers": 0, "threads_per_worker": 1, **given}
    return given


def start_error(name: str, error: Exception) -> ClusterError:
    """The error for a cluster, or a client of it, that does not start."""
    return ClusterError(
        "the Dask cluster cannot be started",
        where=name,
        expected="a cluster, from this class with these --dask-cluster-kwargs",
        got=f"{type(error).__name__}: {short_reason(error)}",
        next_step="try the same in Python, and correct [dask] in luigi.cfg",
    )


def _import_class(path: str) -> Callable[..., Any]:
    """What an import path names. Raises ParameterError."""
    module, _, name = path.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except Exception as error:  # the module may raise anything
        expected = "the import path of a class, such as distributed.LocalCluster"
        raise bad_parameter("--dask-cluster", expected, f"{path} ({error})") from error
    return found
