"""luigid watches a run; where it does not answer, the run goes on without it."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

from luigi import rpc
from luigi.scheduler import Scheduler

from luigi_gif.errors import LUIGI_LOGGER

logger = logging.getLogger(f"{LUIGI_LOGGER}.luigid")


class _StandIn:
    """Knows what luigid was told of a run, so that it can take over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: list[dict[str, Any]] = []
        self._tasks: dict[str, dict[str, Any]] = {}
        self._scheduler: Scheduler | None = None

    @property
    def is_wanted(self) -> bool:
        return self._scheduler is not None

    def note(self, method: str, arguments: dict[str, Any]) -> None:
        if method == "add_worker":
            self._workers.append(arguments)
        elif method == "add_task":
            said = {name: value for name, value in arguments.items() if value is not None}
            self._tasks.setdefault(arguments["task_id"], {}).update(said)

    def take_over(self) -> None:
        with self._lock:
            if self._scheduler is not None:
                return
            logger.warning("luigid does not answer: the run goes on without it")
            scheduler = Scheduler()
            for worker in self._workers:
                scheduler.add_worker(**_as_json(worker))
            for task in self._tasks.values():
                scheduler.add_task(**_as_json(task))
            self._scheduler = scheduler

    def answer(self, method: str, arguments: dict[str, Any]) -> Any:
        with self._lock:
            return _as_json(getattr(self._scheduler, method)(**_as_json(arguments)))


def do_without() -> None:
    """Make Luigi's client schedule its own tasks from when luigid does not answer.

    Without this, what a run has left to do would be left undone. As there is a
    stand-in, a call is not repeated.
    """
    request_of_luigi = rpc.RemoteScheduler._request

    def request(
        self: Any, url: str, data: dict[str, Any], attempts: int = 3, allow_null: bool = True
    ) -> Any:
        stand_in: _StandIn = self.__dict__.setdefault("_stand_in", _StandIn())
        self._rpc_retry_attempts = 1
        method = url.rpartition("/")[2]
        if not stand_in.is_wanted:
            try:
                answer = request_of_luigi(self, url, data, attempts, allow_null)
            except rpc.RPCError:
                stand_in.take_over()
            else:
                stand_in.note(method, data)
                return answer
        return stand_in.answer(method, data)

    rpc.RemoteScheduler._request = request  # type: ignore[method-assign]


def _as_json(value: Any) -> Any:
    """What the other side would see of it."""
    return json.loads(json.dumps(value))
