"""A run under luigid that does not depend on it.

If luigid does not answer for a while, a scheduler in this process takes its place. When luigid
answers again, the run returns to it. A luigid that restarted knows nothing of the run, and is
told again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from luigi import rpc
from luigi.configuration import LuigiConfigParser, get_config
from luigi.scheduler import RPC_METHODS, Scheduler
from luigi.task_status import DONE, FAILED, PENDING, RUNNING

from luigi_gif import settings
from luigi_gif.errors import LUIGI_LOGGER

TIMEOUT_S = 5.0
"""How long luigid may be away, unless [core] rpc_connect_timeout is set."""
MIN_PAUSE_S, MAX_PAUSE_S = 0.1, 1.0
"""The wait between two tries of a call."""
PING_PAUSE_FACTOR = 10
"""A failed ping is repeated after this many times its own duration: no task can start meanwhile."""
ELSEWHERE_S = 0.5
"""How often luigid is asked about a task that another run does."""
_OWN = {"luigi_gif", "luigi"}
"""Packages whose finished tasks may be run again: they check, and do nothing."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.luigid")


@contextlib.contextmanager
def _no_retries(config: Any) -> Iterator[None]:
    """Stop Luigi's client from repeating calls by itself, unless a configuration asks for it.

    The entries are removed afterwards: Luigi warns of entries that no task knows.
    """
    ours = [name for name in ("rpc_retry_attempts", "rpc_log_retries") if not _has(config, name)]
    for name in ours:
        config.set("core", name, "1" if name == "rpc_retry_attempts" else "false")
    try:
        yield
    finally:
        for name in ours:
            if isinstance(config, LuigiConfigParser):
                config.remove_option("core", name)
            else:
                config.data["core"].pop(name, None)


def _has(config: Any, name: str) -> bool:
    return bool(config.has_option("core", name))


# Luigi documents neither its client nor the calls that it makes, but these are all that its worker
# needs of a scheduler, and it has no setting that makes it go on without luigid.
class SteadyScheduler(rpc.RemoteScheduler):
    """Luigi's client for luigid, with a scheduler of its own to fall back to."""

    def __init__(self, url: str, connect_timeout: float | None = None) -> None:
        config = get_config()
        self._timeout_s = connect_timeout or config.getfloat(
            "core", "rpc_connect_timeout", TIMEOUT_S
        )
        with _no_retries(config):
            super().__init__(url, self._timeout_s)
        self._process = os.getpid()
        self._lock = threading.RLock()
        """Guards all attributes below: the main thread and the thread of pings use them."""
        self._record = _RunRecord()
        self._stand_in: Scheduler | None = None
        self._done_elsewhere: list[str] = []
        self._next_ping = 0.0

    def call(self, method: str, *args: Any, **arguments: Any) -> Any:
        """Call a method of ``RemoteScheduler``, on luigid or on the scheduler in its place."""
        if os.getpid() != self._process:
            return self._report(method, *args, **arguments)
        if method == "ping":
            return self._ping(*args, **arguments)
        if method == "get_work":
            return self._get_work(*args, **arguments)
        return self._call(method, *args, **arguments)

    def close(self) -> None:
        """Tell a luigid that was away how the run ended; it would show unfinished tasks."""
        if self._stand_in is not None and time.monotonic() >= self._next_ping:
            with contextlib.suppress(_NoAnswer):
                self._resend_if_forgotten()
        super().close()

    def _call(self, method: str, *args: Any, **arguments: Any) -> Any:
        with self._lock:
            if self._stand_in is None:
                try:
                    answer = self._request_with_retries(method, *args, **arguments)
                except _NoAnswer:
                    self._take_over()
            if self._stand_in is not None:
                call = getattr(self._stand_in, method)
                answer = _as_json(call(*_as_json(args), **_as_json(arguments)))
            self._record.note(method, args, arguments, answer)
            return answer

    def _request_once(self, method: str, *args: Any, **arguments: Any) -> Any:
        try:
            return RPC_METHODS[method](self, *args, **arguments)
        except (rpc.RPCError, ValueError, LookupError, TypeError) as error:
            # The last three: a proxy answered in its place.
            raise _NoAnswer from error

    def _request_with_retries(self, method: str, *args: Any, **arguments: Any) -> Any:
        deadline = time.monotonic() + self._timeout_s
        pause = MIN_PAUSE_S
        while True:
            try:
                return self._request_once(method, *args, **arguments)
            except _NoAnswer:
                if time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_S)

    def _take_over(self) -> None:
        logger.warning("luigid does not answer: the run goes on without it until it does")
        self._stand_in = Scheduler()
        for method, arguments in self._record.all():
            getattr(self._stand_in, method)(**_as_json(arguments))

    def _report(self, method: str, *args: Any, **arguments: Any) -> Any:
        """Call from a forked process, which reports progress: a failure does no harm."""
        if time.monotonic() < self._next_ping:
            return None
        with self._paced():
            return self._request_once(method, *args, **arguments)

    def _ping(self, **arguments: Any) -> Any:
        """Ping luigid, also while it is away: so the run finds it again."""
        if time.monotonic() >= self._next_ping:
            with self._paced():
                answer = self._request_once("ping", **arguments)
                self._resend_if_forgotten()
                return answer
        return {"rpc_messages": []}

    @contextlib.contextmanager
    def _paced(self) -> Iterator[None]:
        begin = time.monotonic()
        try:
            yield
        except _NoAnswer:
            now = time.monotonic()
            self._next_ping = now + PING_PAUSE_FACTOR * (now - begin)

    def _resend_if_forgotten(self) -> bool:
        """Tell luigid of this run if it was away or knows nothing of it; whether that was needed.

        Raises _NoAnswer.
        """
        with self._lock:
            one = self._record.unfinished()
            if self._stand_in is None and (one is None or self._knows(one)):
                return False
            for method, arguments in self._record.all():
                self._request_once(method, **arguments)
            self._done_elsewhere.clear()
            logger.warning("luigid is back, and was told of this run anew")
            self._stand_in = None
            return True

    def _knows(self, task_id: str) -> bool:
        return "displayName" in self._request_once("fetch_error", task_id)

    def _get_work(self, **arguments: Any) -> Any:
        """Get work for this run; if another run does all that is left, wait for it.

        Luigi's worker would end with exit code 25. Tasks that the other run has done are handed
        out as work too: they find that they are done. Those that it failed to do are tried.
        The limit is that for a work directory, which the other run holds.
        """
        end = time.monotonic() + settings.storage.current().lock_timeout
        asked_again = False
        while True:
            work = self._call("get_work", **arguments)
            if work["task_id"] or "batch_id" in work or self._stand_in is not None:
                return work
            if arguments.get("current_tasks"):
                return work | {
                    "running_tasks": []
                }  # else the summary says that other runs do everything
            if not self._done_elsewhere:
                states = self._states_elsewhere()
                self._done_elsewhere = [task for task, state in states.items() if state == DONE]
            if self._done_elsewhere:
                return work | self._record.hand_out(self._done_elsewhere.pop(0))
            if RUNNING in states.values() and time.monotonic() < end:
                asked_again = False
                time.sleep(ELSEWHERE_S)
            elif asked_again or not {PENDING, None} & set(states.values()):
                return work
            else:
                asked_again = True

    def _states_elsewhere(self) -> dict[str, str | None]:
        """The states on luigid of the tasks that could run now; failures there are forgiven."""
        with self._lock:
            try:
                if self._resend_if_forgotten():
                    return dict.fromkeys(self._record.ready(), PENDING)
                return {
                    task: self._request_with_retries("forgive_failures", task)["status"]
                    for task in self._record.ready()
                }
            except _NoAnswer:
                return {}


def _method(name: str) -> Any:
    def method(self: SteadyScheduler, *args: Any, **arguments: Any) -> Any:
        return self.call(name, *args, **arguments)

    return method


for _name in RPC_METHODS:
    setattr(SteadyScheduler, _name, _method(_name))


class _NoAnswer(Exception):
    """luigid did not answer, or its answer makes no sense."""


class _RunRecord:
    """What a scheduler has been told of this run, to tell it again."""

    def __init__(self) -> None:
        self._workers: dict[str, dict[str, Any]] = {}
        self._tasks: dict[str, dict[str, Any]] = {}

    def note(self, method: str, args: tuple[Any, ...], said: dict[str, Any], answer: Any) -> None:
        if method == "add_worker":
            arguments = dict(zip(("worker", "info"), args, strict=False)) | said
            self._workers[arguments["worker"]] = arguments
        elif method == "add_task":
            given = {name: value for name, value in said.items() if value is not None}
            self._tasks.setdefault(said["task_id"], {}).update(given)
        elif method == "get_work" and answer["task_id"] in self._tasks:
            self._tasks[answer["task_id"]]["status"] = RUNNING

    def all(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The calls that tell a scheduler of this run."""
        for worker in self._workers.values():
            yield "add_worker", worker
        for task in self._tasks.values():
            yield "add_task", task

    def unfinished(self) -> str | None:
        """A task that a scheduler should know."""
        finished = (DONE, FAILED)
        names = (name for name, task in self._tasks.items() if task["status"] not in finished)
        return next(names, None)

    def ready(self) -> list[str]:
        """Tasks of this package whose dependencies are done."""
        done = {name for name, task in self._tasks.items() if task["status"] == DONE}
        return [
            name
            for name, task in self._tasks.items()
            if task["status"] == PENDING
            and done.issuperset(task.get("deps", ()))
            and task.get("module", "").partition(".")[0] in _OWN
        ]

    def hand_out(self, task_id: str) -> dict[str, Any]:
        """The task as get_work hands it out."""
        task = self._tasks[task_id]
        task["status"] = RUNNING
        return {"task_id": task_id} | {
            f"task_{name}": task.get(name) for name in ("family", "module", "params")
        }


def enable_local_fallback() -> None:
    """Make :class:`SteadyScheduler` Luigi's client in this process, that of a command.

    Luigi has no setting for its client's class: luigi.build() takes a factory, the command none.
    """
    rpc.RemoteScheduler = SteadyScheduler  # type: ignore[misc, assignment]


def _as_json(value: Any) -> Any:
    """The value as it arrives over HTTP."""
    return json.loads(json.dumps(value))
