"""Which executor runs the batches: this thread, Dask, or this thread first and then Dask."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from luigi_gif.execution.dask_configuration import is_configured, is_named
from luigi_gif.execution.local_first import LocalFirstExecutor
from luigi_gif.execution.protocol import Executor
from luigi_gif.execution.serial import SerialExecutor

if TYPE_CHECKING:
    from luigi_gif import settings

SMALL_WORK = 16 << 20
"""In bytes, as the chunks of a bundle count them. Less than this may not pay for Dask's start."""
# What the work costs is not known before: a frame of --quality best takes 20 times as long as
# one of fast. So the clock decides, and no byte depends on it.
LOCAL_FIRST_S = 0.5
"""About what it takes to import Dask and to start it in this process."""
COPYING_LOCAL_FIRST_S = 2.0
"""Threads that copy small files wait for each other at each call of the kernel: on two cores
they gain 15 percent, so Dask's start pays only after this time. 2,700 GIFs took 0.7 s in this
thread and 1.2 s on Dask."""


@contextlib.contextmanager
def open_executor(
    config: settings.dask, work: float = math.inf, *, copying: bool = False
) -> Iterator[Executor]:
    """Open the executor that the settings ask for, and close it at the end of the block.

    Parameters
    ----------
    config : settings.dask
        Without ``address``, ``cluster`` and ``workers``, no Dask is used at all.
    work : float
        The size of all batches, in bytes. Little work begins in this thread, unless the
        settings name a cluster.
    copying : bool
        Whether frames are only copied. Such work begins in this thread too.

    Yields
    ------
    Executor

    Raises
    ------
    ClusterError
        If the cluster cannot be reached or started.
    ParameterError
        If the settings name a cluster class that cannot be used.
    """
    if not is_configured(config):
        yield SerialExecutor()
    elif (copying or work <= SMALL_WORK) and not is_named(config):
        local_s = COPYING_LOCAL_FIRST_S if copying else LOCAL_FIRST_S
        open_rest = functools.partial(open_executor, config)
        yield LocalFirstExecutor(config.workers.maximum, local_s, open_rest)
    else:
        from luigi_gif.execution import dask_cluster  # which most runs end without
        from luigi_gif.execution.dask_executor import DaskExecutor

        with dask_cluster.open_cluster(config) as cluster:
            yield DaskExecutor(cluster, config.stall_timeout)
