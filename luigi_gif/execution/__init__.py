"""One function over many batches: in this thread, on threads, or on a Dask cluster."""

from luigi_gif.execution.cancellation import stop_if_cancelled
from luigi_gif.execution.executors import open_executor
from luigi_gif.execution.main_guard import check_is_no_worker
from luigi_gif.execution.protocol import Executor

__all__ = [
    "Executor",
    "check_is_no_worker",
    "open_executor",
    "stop_if_cancelled",
]
