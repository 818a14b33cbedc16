"""Forks of GifBatch that stay for the next clip."""

from __future__ import annotations

import gc
import os
import re
import signal
import time
import weakref
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import luigi
import psutil
import pytest
from luigi.scheduler import Scheduler
from pytest_mock import MockerFixture
from support import warm
from support.commands import luigi_command, luigi_environment
from support.images import gif
from support.page_server import Server
from support.warm import PATIENCE_S, wait_until

from luigi_gif.integrations.fork_pool import Fork, PoolingWorker

pytestmark = pytest.mark.slow

CLIPS = 6


class Batch:
    """A run of GifBatch with two workers, of which one waits for the clip /0.img."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.waits, self.answered = Event(), Event()
        for number in range(CLIPS):
            server.pages[f"/{number}.img"] = gif(number % 4)
        server.pages["/0.img"] = self._answer_late
        urls = [server.url(f"/{number}.img") for number in range(CLIPS)]
        (folder / "urls.txt").write_text("\n".join(urls))
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = warm.Popen(
                luigi_command("GifBatch", "--urls-file", "urls.txt", "--workers", "2"),
                cwd=folder,
                env=luigi_environment(),
                stderr=log,
            )
        self.folder = folder

    def _answer_late(self, handler: BaseHTTPRequestHandler) -> None:
        self.waits.set()
        self.answered.wait()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(gif(0))))
        handler.end_headers()
        handler.wfile.write(gif(0))

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def clips(self) -> int:
        return len(list(self.folder.rglob("clip.gif")))

    def forks(self) -> list[int]:
        """The process of each clip."""
        return [int(pid) for pid in re.findall(r"pid (\d+)\] .* running   CombineGif", self.log)]

    def waiting_fork(self) -> psutil.Process:
        """The process that waits for /0.img."""
        self.waits.wait()
        (pid,) = re.findall(r"pid (\d+)\] .* running   CombineGif\(.*/0\.img", self.log)
        return psutil.Process(int(pid))

    def comes_to(self, state: Callable[[], bool]) -> None:
        """Wait until that is so."""
        while not state():
            assert self.process.poll() is None, self.log
            time.sleep(0.01)

    def close(self) -> None:
        self.answered.set()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def batch(server: Server, tmp_path: Path) -> Iterator[Batch]:
    batch = Batch(server, tmp_path)
    yield batch
    batch.close()


def test_two_forks_make_all_clips(batch: Batch) -> None:
    """However long one of them takes; and both end with the command."""
    batch.waiting_fork()
    batch.comes_to(lambda: batch.clips == CLIPS - 1)
    batch.answered.set()
    assert batch.process.wait() == 0, batch.log
    forks = batch.forks()
    assert len(forks) == CLIPS
    assert len(set(forks)) == 2
    assert not [pid for pid in set(forks) if psutil.pid_exists(pid)]


def test_a_fork_that_is_killed_fails_its_clip_alone(batch: Batch) -> None:
    """Luigi names it, another fork takes its place, and the next run makes what is missing."""
    batch.waiting_fork().kill()
    assert batch.process.wait() == 30, batch.log
    assert batch.clips == CLIPS - 1
    assert re.search(r"Task CombineGif_\S+ died unexpectedly with exit code -9", batch.log)
    assert "Traceback" not in batch.log


def test_forks_end_with_a_command_that_is_killed(batch: Batch) -> None:
    """The busy one as well as the one that waits for a task."""
    slow = batch.waiting_fork()
    batch.comes_to(lambda: len(batch.forks()) == CLIPS)
    forks = [psutil.Process(pid) for pid in set(batch.forks())]
    assert slow in forks
    batch.process.kill()
    psutil.wait_procs(forks)
    assert "Traceback" not in batch.log


def test_forks_end_in_order_with_a_command_that_is_interrupted(batch: Batch) -> None:
    """It says so in one line."""
    batch.waiting_fork()
    batch.comes_to(lambda: batch.clips == CLIPS - 1)
    forks = [psutil.Process(pid) for pid in set(batch.forks())]
    for pid in [*(fork.pid for fork in forks), batch.process.pid]:
        os.kill(pid, signal.SIGINT)
    assert batch.process.wait() == -signal.SIGINT, batch.log
    psutil.wait_procs(forks)
    assert batch.log.count("Interrupted: ") == 1
    assert "Traceback" not in batch.log


class Plain(luigi.Task):
    """A task that a process of its own would run."""

    def complete(self) -> bool:
        return False


class Alone(Plain):
    """A task that a fork of the pool would run."""

    alone = True


def test_an_interrupt_may_come_before_a_task_has_a_fork(mocker: MockerFixture) -> None:
    """The worker ends with it."""
    mocker.patch.object(Fork, "start", side_effect=KeyboardInterrupt)
    worker = PoolingWorker(worker_processes=2)
    worker.add(Alone())
    with pytest.raises(KeyboardInterrupt), worker:
        worker.run()
    wait_until(lambda: not worker._keep_alive_thread.is_alive())


def test_the_process_of_a_task_goes_with_it() -> None:
    """Without a garbage collection: it holds pipes, and there may be thousands of tasks."""
    gc.disable()
    try:
        process = PoolingWorker(worker_processes=2)._create_task_process(Plain())
        is_there = weakref.ref(process)
        del process
        assert is_there() is None
    finally:
        gc.enable()


def test_a_worker_does_not_wait_for_a_silent_scheduler() -> None:
    """Nor would its command end."""
    asked, answers = Event(), Event()

    class Silent(Scheduler):
        def ping(self, **_: Any) -> dict[str, Any]:
            asked.set()
            answers.wait(PATIENCE_S)
            return {"rpc_messages": []}

    with PoolingWorker(Silent(), ping_interval=0.01) as worker:
        asked.wait()
    pings = worker._keep_alive_thread
    still_waits = pings.is_alive()
    answers.set()
    wait_until(lambda: not pings.is_alive())
    assert still_waits
