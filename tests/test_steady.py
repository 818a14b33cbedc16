"""Luigi's client as the luigi command has it: luigid may stumble, restart, or be away for good."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import luigi
import pytest
from luigi.scheduler import RPC_METHODS, Scheduler
from luigi.worker import Worker
from support.warm import wait_until

from luigi_gif.integrations import luigid_fallback


class Front:
    """What luigid is behind its port: Luigi's own scheduler. It can stumble, and forget all."""

    def __init__(self) -> None:
        self.refusals = 0
        """How many requests are yet to be answered with 503."""
        self.refused: set[str] = set()
        """Methods that are always answered so."""
        self.asked: list[str] = []
        self._lock = threading.Lock()
        self.restart()
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                method = self.path.rpartition("/")[2]
                status, answer = front.answer(method, json.loads(parse_qs(form)["data"][0]))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps({"response": answer}).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def restart(self) -> None:
        self.scheduler = Scheduler(stable_done_cooldown_secs=0, retry_count=10**9)  # luigid.cfg

    def answer(self, method: str, arguments: dict[str, Any]) -> tuple[int, Any]:
        with self._lock:
            self.asked.append(method)
            if method in self.refused or self.refusals:
                self.refusals = max(0, self.refusals - 1)
                return 503, None
            return 200, getattr(self.scheduler, method)(**arguments)

    def states(self) -> dict[str, str]:
        with self._lock:
            return {name: task["status"] for name, task in self.scheduler.task_list().items()}

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front()
    yield front
    front.close()


DEEDS: dict[int, Any] = {}
"""What each link is to do while it runs."""


class Link(luigi.Task):
    """One of a chain."""

    task_module = "luigi_gif.test"
    folder = luigi.Parameter()
    number = luigi.IntParameter()

    def requires(self) -> list[Link]:
        return [link(self.folder, self.number - 1)] if self.number else []

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"{self.folder}/{self.number}")

    def run(self) -> None:
        if not self.output().exists():
            DEEDS.get(self.number, lambda: None)()
            Path(self.output().path).write_text("made")


def link(folder: Path | str, number: int) -> Link:
    return Link(**{"folder": str(folder), "number": number})


@pytest.fixture(autouse=True)
def no_deeds() -> Iterator[None]:
    yield
    DEEDS.clear()


def run(front: Front, folder: Path, name: str = "one", patience_s: float = 60) -> bool:
    """Whether a worker did all three; its pings come as fast as they can."""
    client = luigid_fallback.SteadyScheduler(front.url, connect_timeout=patience_s)
    worker = Worker(
        scheduler=client, worker_id=name, ping_interval=0.01, wait_interval=0.01, wait_jitter=0,
        no_install_shutdown_handler=True,
    )  # fmt: skip
    with worker:
        worker.add(link(folder, 2))
        done = worker.run()
    client.close()
    return done and all(status == "DONE" for status in last_states(worker).values())


def last_states(worker: Worker) -> dict[str, str]:
    """As Luigi's summary and exit code have it."""
    return {task.task_id: status for task, status, _ in worker._add_task_history}


def test_one_503_changes_nothing(
    front: Front, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The call is repeated; luigid keeps the run, and with it what it does for others."""
    DEEDS[1] = lambda: setattr(front, "refusals", 2)
    assert run(front, tmp_path)
    assert set(front.states().values()) == {"DONE"}
    assert "luigid" not in caplog.text


def test_pings_that_fail_do_not_give_luigid_up(
    front: Front, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever they are answered."""
    front.refused.add("ping")
    asked = len(front.asked)
    DEEDS[0] = lambda: wait_until(lambda: front.asked[asked:].count("ping") >= 3)
    assert run(front, tmp_path)
    assert set(front.states().values()) == {"DONE"}
    assert "luigid" not in caplog.text


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_luigid_that_restarts_is_told_of_the_run(front: Front, tmp_path: Path, step: int) -> None:
    """It has forgotten all, and is told while a task runs: no other run may begin the same."""

    def restart() -> None:
        front.restart()
        running = link(tmp_path, step).task_id
        wait_until(lambda: front.states().get(running) == "RUNNING")

    DEEDS[step] = restart
    assert run(front, tmp_path)
    assert set(front.states().values()) == {"DONE"}


def test_a_luigid_that_is_away_is_come_back_to(
    front: Front, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The run goes on meanwhile; then all that is left is done under luigid."""
    DEEDS[0] = lambda: front.refused.update(RPC_METHODS)
    DEEDS[1] = front.refused.clear
    last = link(tmp_path, 2).task_id
    DEEDS[2] = lambda: wait_until(lambda: front.states()[last] == "RUNNING")
    assert run(front, tmp_path, patience_s=0.5)
    assert "luigid does not answer" in caplog.text
    assert "luigid is back" in caplog.text
    assert set(front.states().values()) == {"DONE"}


def test_a_luigid_that_was_away_is_told_at_the_end(front: Front, tmp_path: Path) -> None:
    """It does not go on to show the tasks as pending."""
    DEEDS[2] = lambda: front.refused.update(RPC_METHODS)
    client = luigid_fallback.SteadyScheduler(front.url, connect_timeout=0.1)
    worker = Worker(scheduler=client, no_install_shutdown_handler=True, ping_interval=1000)
    worker.add(link(tmp_path, 2))
    assert worker.run()
    front.refused.clear()
    client.close()
    assert set(front.states().values()) == {"DONE"}


def test_a_run_that_never_sees_luigid_is_done(
    front: Front, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so once."""
    front.refused.update(RPC_METHODS)
    assert run(front, tmp_path, patience_s=0.2)
    assert caplog.text.count("luigid does not answer") == 1


def test_two_runs_of_the_same_are_both_done(front: Front, tmp_path: Path) -> None:
    """Each task is made once, and each run waits for what the other makes."""
    started: list[int] = []
    both = threading.Barrier(2)

    def begin(number: int) -> None:
        started.append(number)
        time.sleep(0.05)

    for number in range(3):
        DEEDS[number] = partial(begin, number)
    done: list[bool] = []

    def other() -> None:
        both.wait()
        done.append(run(front, tmp_path, "other"))

    thread = threading.Thread(target=other)
    thread.start()
    both.wait()
    done.append(run(front, tmp_path))
    thread.join()
    assert done == [True, True]
    assert sorted(started) == [0, 1, 2]


def test_what_another_run_failed_to_do_is_tried(front: Front, tmp_path: Path) -> None:
    """Once, and not again by the one that failed."""
    started: list[str] = []

    def fail() -> None:
        started.append("")
        raise ValueError

    DEEDS[0] = fail
    assert not run(front, tmp_path)
    assert not run(front, tmp_path, "other")
    assert len(started) == 2


def test_an_answer_that_is_none_counts_as_no_answer(tmp_path: Path) -> None:
    """Such as the page of a proxy."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        client = luigid_fallback.SteadyScheduler(f"http://127.0.0.1:{http.server_port}", 0.2)
        client.call("add_task", task_id="one", status="PENDING", worker="a", deps=[])
        assert client.call("get_work", worker="a")["task_id"] == "one"
        client.close()
        http.shutdown()
        thread.join()


def test_a_fork_that_reports_in_vain_goes_on(front: Front) -> None:
    """Its reports are for people only; those that arrive are luigid's."""
    client = luigid_fallback.SteadyScheduler(front.url)
    client._process = 0  # the process that made it is another one
    front.refused = {"set_task_progress_percentage"}
    assert client.call("set_task_progress_percentage", "none", 50) is None
    client._next_ping = 0.0
    front.refused.clear()
    client.call("set_task_progress_percentage", "none", 50)
    assert front.asked == ["set_task_progress_percentage"] * 2
    client.close()
