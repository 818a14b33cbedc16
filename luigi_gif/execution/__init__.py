"""One function over many batches: in this thread, on threads, or on a Dask cluster."""

from luigi_gif.execution.executors import Executor, executor, stop_if_cancelled
from luigi_gif.execution.main_guard import check_is_no_worker

__all__ = [
    "Executor",
    "check_is_no_worker",
    "executor",
    "stop_if_cancelled",
]
