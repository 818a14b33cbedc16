"""What runs on a Dask worker: one batch, and how its result or its error comes back."""

from __future__ import annotations

import pickle
import socket
import time
from typing import NamedTuple

from luigi_gif.errors import PipelineError, StorageError
from luigi_gif.execution.cancellation import Cancelled, set_current_run, stop_if_cancelled
from luigi_gif.execution.worker_versions import check_versions


class Outcome(NamedTuple):
    """What a worker sends back."""

    value: object
    """What the function returned, or the expected error that it raised."""
    seconds: float


def run_batch(task: bytes, run: str, versions: dict[str, str] | None) -> Outcome:
    """Run a pickled function on its pickled batch.

    ``versions`` are those of the run; None where the worker is the run's own process.
    """
    begin = time.monotonic()
    value: object
    set_current_run(run)
    try:
        # Before anything of another version is unpickled.
        if versions is not None:
            check_versions(versions)
        stop_if_cancelled()
        function, batch = pickle.loads(task)  # noqa: S301 - as Dask itself would do
        value = function(batch)
    except (PipelineError, OSError, Cancelled) as error:
        # Returned, not raised: Dask would log a raised error with a traceback, and retry it.
        value = _with_host(error) if versions is not None else error
    return Outcome(value, time.monotonic() - begin)


def _with_host(error: Exception) -> Exception:
    """The error; if it is about this machine's disk or store, with the name of the host."""
    if type(error) is not StorageError:
        return error
    return StorageError(
        error.what,
        where=f"{error.where}, on {socket.gethostname()}",
        expected=error.expected,
        got=error.got,
        next_step=error.next_step,
    )
