"""On a worker: the end of a run stops its batches at the frame that each is at."""

from __future__ import annotations

import threading

# Dask calls a function in the worker's process, not a method of an object of ours, so what
# the calls share lives in this module.
_cancelled: set[str] = set()
"""Runs that have ended, whose batches this process need not finish."""
_current = threading.local()
"""Its ``run`` is the run of the batch that the thread works on."""


class Cancelled(Exception):
    """The run has ended: its batches need not be finished."""


def cancel_run(run: str) -> None:
    """End the batches of a run, each after the frame that it is at."""
    _cancelled.add(run)


def set_current_run(run: str) -> None:
    """Say which run the batch belongs to that this thread works on."""
    _current.run = run


def stop_if_cancelled() -> None:
    """Raise Cancelled if the run of this thread's batch has ended."""
    if _cancelled and getattr(_current, "run", None) in _cancelled:
        raise Cancelled
