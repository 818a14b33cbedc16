"""One function over many batches: in this thread, on threads, or on a Dask cluster."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.execution.cancellation import stop_if_cancelled
    from luigi_gif.execution.executors import open_executor
    from luigi_gif.execution.main_guard import check_is_no_worker
    from luigi_gif.execution.protocol import Executor
    from luigi_gif.execution.worker_versions import installed_versions

__getattr__ = loads_on_use(
    __name__,
    {
        "cancellation": ("stop_if_cancelled",),
        "executors": ("open_executor",),
        "main_guard": ("check_is_no_worker",),
        "protocol": ("Executor",),
        "worker_versions": ("installed_versions",),
    },
)
