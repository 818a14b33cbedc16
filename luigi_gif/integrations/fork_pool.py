"""Forks that take one small task after another: with --workers N, Luigi forks for each task.

A fork costs about as much as a small clip, since it copies every page of memory that it uses.
How a fork ends with its parent is in signals.py; what it tells its parent, in fork_list.py.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.util import Finalize
from typing import Any

from luigi import Task, worker

from luigi_gif.integrations import signals

_LAST_PING_S = 1.0
"""How long a run that ends waits for a ping that is under way."""


def install_pooling_worker() -> None:
    """Have Luigi's workers of this process, a command, keep their forks, and end when it ends.

    Luigi has no setting for it, and a task of several clips would hide which of them failed.
    """
    worker.Worker = PoolingWorker  # type: ignore[misc]


# Which process a task runs in, and which tasks run, is private to Luigi's worker.
class PoolingWorker(worker.Worker):
    """A worker of Luigi's whose forks stay for the next task that is ``alone``.

    An interrupt may come at any instant. So the end of a run waits neither for Luigi's thread of
    pings, which may wait for a lock that stays locked, nor for the thread that hands on results,
    which may not have been told yet how to end.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._forks: list[Fork] = []

    def __exit__(self, *error: Any) -> Any:
        pings = self._keep_alive_thread
        # Luigi waits without end, be it for a luigid that is silent or for a lock of logging that
        # an interrupt has left locked (up to Python 3.12, logging frees it in a call of its own).
        pings.join = functools.partial(pings.join, _LAST_PING_S)  # type: ignore[method-assign]
        self._task_result_queue.cancel_join_thread()  # all that it wants of it, it has by now
        result = super().__exit__(*error)
        for fork in self._forks:
            fork.close()
        return result

    def _create_task_process(self, task: Task) -> Any:
        process = super()._create_task_process(task)
        if not process.use_multiprocessing:
            return process
        if getattr(task, "alone", False):
            return PooledTaskProcess(process, self._idle_fork)
        process.__class__ = QuietTaskProcess
        return process

    def _idle_fork(self) -> Fork:
        """One whose task Luigi knows to have ended, else a new one."""
        self._forks = [fork for fork in self._forks if fork.is_alive()]
        for fork in self._forks:
            if fork.task_id not in self._running_tasks:
                return fork
        fork = Fork(super()._create_task_process)
        fork.start()
        self._forks.append(fork)
        return fork


class QuietTaskProcess(worker.ContextManagedTaskProcess):
    """The process of a task that no fork of the pool runs."""

    def run(self) -> None:
        """Run the task."""
        with signals.quiet_in_child():
            super().run()


class PooledTaskProcess:
    """What Luigi takes for the process of a task: it runs in a fork of the pool."""

    def __init__(self, process: worker.TaskProcess, idle_fork: Callable[[], Fork]) -> None:
        self._process = process
        self._idle_fork = idle_fork
        self._fork: Fork | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._process, name)

    def start(self) -> None:
        """Run the task."""
        self._fork = self._idle_fork()
        self._fork.take(self._process.task)

    def is_alive(self) -> bool:
        return self._fork is not None and self._fork.is_alive()

    @property
    def exitcode(self) -> int | None:
        return None if self._fork is None else self._fork.exitcode

    def terminate(self) -> None:
        if self._fork is not None:
            self._fork.terminate()


class Fork(signals.QuietProcess):
    """A process that runs tasks until its parent closes the connection, or ends."""

    task_id = ""
    """Of the task that it took last."""

    def __init__(self, create_process: Callable[[Task], worker.TaskProcess]) -> None:
        super().__init__()
        self._create_process = create_process
        self._tasks, self._taken = Pipe()

    def start(self) -> None:
        # An interrupt may keep the worker from closing it. When this process ends, it joins its
        # children, but does this first.
        Finalize(self, self._tasks.close, exitpriority=10)
        super().start()
        self._taken.close()

    def take(self, task: Task) -> None:
        """Have it run a task."""
        self.task_id = task.task_id
        with contextlib.suppress(OSError):  # it has just died, which Luigi will see
            self._tasks.send(task)

    def close(self) -> None:
        """Have it end after its task."""
        self._tasks.close()

    def run(self) -> None:
        self._tasks.close()
        # Around all tasks: a thread for each of them would take a twentieth of a small clip's time.
        with signals.quiet_in_child(), contextlib.suppress(EOFError):
            while True:
                self._create_process(self._taken.recv()).run()
