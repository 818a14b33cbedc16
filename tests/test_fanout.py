"""Batches are done by whoever is there, and nobody is waited for forever."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGSTOP
from types import ModuleType
from typing import Any

import pytest
from distributed import LocalCluster
from support.services import dask_scheduler, dask_worker
from tornado.util import TimeoutError as TornadoTimeoutError

from luigi_gif.errors import ClusterError, StorageError
from luigi_gif.execution import cancellation, dask_executor, executors, running_scheduler
from luigi_gif.execution import dask_cluster as clusters
from luigi_gif.settings import dask as Settings  # noqa: N812

pytestmark = pytest.mark.slow


@pytest.fixture(
    params=[
        "serial",
        "one thread",
        "four threads",
        pytest.param("scheduler", marks=pytest.mark.xdist_group("cluster")),
    ]
)
def settings(request: pytest.FixtureRequest) -> Any:
    """The serial twin, threads of this process, and worker processes."""
    if request.param == "scheduler":
        return Settings(address=request.getfixturevalue("cluster"))
    return Settings(workers={"serial": 0, "one thread": 1, "four threads": 4}[request.param])


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    if number == 3:
        raise StorageError("no", where="here", expected="this", got="that", next_step="go on")
    return number


def stumble(number: int) -> int:
    raise ZeroDivisionError("a mistake of ours")


def test_every_batch_is_done_once(settings: Any) -> None:
    """More batches than are held at a time, and none at all."""
    with executors.open_executor(settings) as executor:
        assert sorted(executor.run(square, range(50))) == [n * n for n in range(50)]
        assert list(executor.run(square, [])) == []


def test_an_error_arrives_as_it_was_raised(settings: Any) -> None:
    """With all its parts; the executor can still be used."""
    with executors.open_executor(settings) as executor:
        with pytest.raises(StorageError) as error:
            list(executor.run(refuse, range(10)))
        assert (error.value.what, error.value.next_step) == ("no", "go on")
        assert set(executor.run(square, range(3))) == {0, 1, 4}


@pytest.mark.filterwarnings("ignore")
def test_a_mistake_of_ours_is_not_hidden(settings: Any) -> None:
    """It keeps its own class, and its traceback."""
    with executors.open_executor(settings) as executor, pytest.raises(ZeroDivisionError):
        list(executor.run(stumble, [1]))


@pytest.mark.parametrize(("error", "said"), [(TornadoTimeoutError, 0), (ZeroDivisionError, 1)])
def test_a_wait_of_dask_that_was_cut_short_is_not_worth_a_word(
    caplog: pytest.LogCaptureFixture, error: type[Exception], said: int
) -> None:
    """What asyncio says of other errors that nobody asked for still is."""
    with clusters.open_cluster(Settings(workers=1)) as cluster:
        never_asked_for(cluster.client.loop.asyncio_loop, error)  # type: ignore[union-attr]
        assert said_by_asyncio(caplog) == said


def test_what_others_say_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Another event loop of the process says what it did; no filter stays on anybody's log."""
    logs = [logging.getLogger(name) for name in ("asyncio", "distributed.client", "distributed")]
    before = [(list(log.filters), log.level) for log in logs]
    environment = dict(os.environ)
    with clusters.open_cluster(Settings(workers=1)):
        loop = asyncio.new_event_loop()
        never_asked_for(loop, TornadoTimeoutError)
        loop.close()
        assert said_by_asyncio(caplog) == 1
    assert [(log.filters, log.level) for log in logs] == before
    assert dict(os.environ) == environment
    assert gc.isenabled()


def never_asked_for(loop: Any, error: type[Exception]) -> None:
    """Let a result of an event loop be an error that nobody looks at."""
    loop.create_future().set_exception(error("Timeout"))
    gc.collect()


def said_by_asyncio(caplog: pytest.LogCaptureFixture) -> int:
    records = [record for record in caplog.records if record.name == "asyncio"]
    return len([record for record in records if "never retrieved" in record.message])


def test_few_batches_are_held_at_a_time(settings: Any) -> None:
    """However many there are to come, they are asked for as others finish."""
    asked = 0

    def batches() -> Iterator[int]:
        nonlocal asked
        while asked < 100:
            asked += 1
            yield asked

    with executors.open_executor(settings) as executor:
        done = 0
        for _ in executor.run(square, batches()):
            done += 1
            held = max(
                dask_executor.MIN_FUTURES, dask_executor.FUTURES_PER_THREAD * executor.threads
            )
            assert asked - done <= held
    assert done == 100


def test_the_environment_names_a_scheduler(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does for every Dask program."""
    import dask

    monkeypatch.setitem(dask.config.config, "scheduler-address", cluster)
    with executors.open_executor(Settings(workers=7)) as executor:
        assert executor.threads == 2
        assert list(executor.run(_process, [0])) != [os.getpid()]


def _process(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nonsense", "missing port number"),
        ("nonsense://host:1", "unknown address scheme"),
        ("tls://127.0.0.1:9", "TLS"),
        ("tcp://127.0.0.1:9", "Timed out"),
    ],
)
def test_a_scheduler_that_is_not_there_is_named(
    address: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its address and the reason."""
    monkeypatch.setattr(running_scheduler, "CONNECT_TIMEOUT_S", 1)
    with (
        pytest.raises(ClusterError, match=reason) as error,
        executors.open_executor(Settings(address=address)),
    ):
        pass
    assert error.value.where == address


def test_a_cluster_without_workers_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """After the stall timeout; that it is waited for is said at once."""
    with dask_scheduler() as scheduler:
        settings = Settings(address=scheduler.address, stall_timeout=1.0)
        with executors.open_executor(settings) as executor:
            with pytest.raises(ClusterError, match="makes no progress") as error:
                list(executor.run(square, [1]))
            assert error.value.got == "none, with 0 workers"
            assert f"{scheduler.address} has no workers yet: waiting for one" in caplog.messages


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_goes_away_is_noticed() -> None:
    """At once, and as what it is."""
    with dask_scheduler() as scheduler, dask_worker(scheduler.address):
        settings = Settings(address=scheduler.address, stall_timeout=30.0)
        with executors.open_executor(settings) as executor:
            results = executor.run(time.sleep, [0.01, 60, 60])
            next(results)
            scheduler.kill()
            with pytest.raises(ClusterError, match=r"lost a batch|is not there any more"):
                list(results)


def test_work_that_ends_soon_is_done_here() -> None:
    """In this thread, without Dask; with more threads than one, too."""
    with executors.open_executor(Settings(workers=2), work=executors.SMALL_WORK) as executor:
        assert set(executor.run(_thread, range(20))) == {threading.get_ident()}


@pytest.mark.parametrize("work", [1, 0], ids=["small", "copying"])
def test_work_that_takes_longer_goes_on_with_dask(
    monkeypatch: pytest.MonkeyPatch, work: int
) -> None:
    """Each batch is done once; an early end closes what was started."""
    monkeypatch.setattr(executors, "LOCAL_FIRST_S" if work else "COPYING_LOCAL_FIRST_S", 0.0)
    here = threading.get_ident()
    with executors.open_executor(
        Settings(workers=2), work=work or 1 << 40, copying=not work
    ) as executor:
        threads = list(executor.run(_thread, range(20)))
        results = executor.run(square, range(20))
        next(results), next(results)
        results.close()
    assert len(threads) == 20
    assert threads[0] == here
    assert here not in threads[1:]


@pytest.mark.parametrize("work", [executors.SMALL_WORK + 1, 1])
def test_what_is_large_or_meant_for_a_cluster_is_done_by_dask(cluster: str, work: int) -> None:
    """Small work goes to a cluster only where one is named."""
    here = (os.getpid(), threading.get_ident())
    settings = Settings(workers=1) if work > 1 else Settings(address=cluster)
    with executors.open_executor(settings, work) as executor:
        assert here not in list(executor.run(_place, range(3)))


def _thread(_: int) -> int:
    return threading.get_ident()


def _place(_: int) -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def count_up(path: str) -> None:
    """Half a minute's work, that can be cancelled every hundredth of a second."""
    for number in range(3000 if path else 0):
        cancellation.stop_if_cancelled()
        Path(path).write_text(str(number))
        time.sleep(0.01)


def test_the_end_of_a_run_reaches_worker_processes(cluster: str, tmp_path: Path) -> None:
    """What they are at ends with its frame, and they are free for others."""
    paths = [str(tmp_path / str(number)) for number in range(5)]
    with executors.open_executor(Settings(address=cluster)) as executor:
        results = executor.run(count_up, ["", *paths])
        next(results)
        while not any(map(os.path.exists, paths)):
            time.sleep(0.01)
        results.close()
        assert set(executor.run(square, range(6))) == {n * n for n in range(6)}
    assert "2999" not in [path.read_text() for path in tmp_path.iterdir()]


def test_a_scheduler_that_freezes_at_the_end_harms_no_run() -> None:
    """What is done is done; the next run names it: it takes connections, and answers none."""
    with dask_scheduler() as scheduler, dask_worker(scheduler.address):
        with executors.open_executor(Settings(address=scheduler.address)) as executor:
            assert list(executor.run(square, [3])) == [9]
            os.kill(scheduler.process.pid, SIGSTOP)
        settings = Settings(address=scheduler.address, stall_timeout=1.0)
        with (
            pytest.raises(ClusterError, match="cannot be reached") as error,
            executors.open_executor(settings),
        ):
            pass
        assert error.value.where == scheduler.address


go_on = threading.Event()
"""Until it is set, clusters of the class Hangs hang."""


class Hangs(LocalCluster):
    """A cluster's class that hangs when it is made, scaled or closed, or fails when closed."""

    def __init__(self, at: str) -> None:
        self._at = at
        self._hang("make")
        super().__init__(
            n_workers=0, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        )

    def scale(self, *arguments: Any, **options: Any) -> Any:
        self._hang("scale")
        return super().scale(*arguments, **options)

    def __exit__(self, *_: object) -> None:
        self._hang("close")
        super().__exit__(None, None, None)
        if self._at == "fail":
            raise RuntimeError("no such pod")

    def _hang(self, where: str) -> None:
        if self._at == where:
            go_on.wait(60)


@pytest.fixture
def hanging() -> Iterator[None]:
    """What hangs in the test goes on behind it, and ends."""
    go_on.clear()
    before = set(threading.enumerate())
    yield
    go_on.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize("at", ["make", "scale"])
def test_a_cluster_whose_start_hangs_is_named(at: str) -> None:
    """After the stall timeout; if it starts after all, it is closed."""
    settings = Settings(
        cluster="test_fanout.Hangs",
        cluster_kwargs={"at": at},
        stall_timeout=1.0,
    )
    with (
        pytest.raises(ClusterError, match="cannot be started") as error,
        executors.open_executor(settings),
    ):
        pass
    assert error.value.where == "test_fanout.Hangs"


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize(
    ("at", "reason", "limit_s"),
    [("close", "no answer in this time", 3.0), ("fail", "no such pod", 60.0)],
)
def test_a_cluster_that_does_not_close_harms_no_run(
    at: str, reason: str, limit_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    """What is done is done; the log says that something may be left."""
    settings = Settings(
        cluster="test_fanout.Hangs",
        cluster_kwargs={"at": at},
        stall_timeout=limit_s,
    )
    with executors.open_executor(settings) as executor:
        assert list(executor.run(square, [3])) == [9]
    assert f"test_fanout.Hangs did not close in order: {reason}" in caplog.messages


@pytest.mark.filterwarnings("ignore")  # Dask leaves a cluster half made
def test_an_odd_configuration_of_dask_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that is no text, and a time that is none."""
    import dask

    monkeypatch.setitem(dask.config.config, "scheduler-address", [1, 2])
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "[1, 2]")
    with (
        pytest.raises(ClusterError, match="Dask cannot be used") as error,
        executors.open_executor(Settings(workers=1)),
    ):
        pass
    assert "DASK_SCHEDULER_ADDRESS" in error.value.where
    monkeypatch.delitem(dask.config.config, "scheduler-address")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "soon"}),
        pytest.raises(ClusterError, match="Dask cannot be started"),
        executors.open_executor(Settings(workers=1)),
    ):
        pass


def test_only_a_page_that_dask_can_draw_is_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Bokeh, a scheduler's page only says that it is missing."""
    drawn_with = "distributed.dashboard.scheduler"
    with clusters.open_cluster(Settings(workers=1)) as here:
        remote = clusters.Cluster(here.client, max_workers=0, remote=True)
        monkeypatch.delitem(sys.modules, drawn_with, raising=False)
        assert remote.dashboard is None
        monkeypatch.setitem(sys.modules, drawn_with, ModuleType(drawn_with))
        assert remote.dashboard == remote.client.dashboard_link
        assert here.dashboard is None
