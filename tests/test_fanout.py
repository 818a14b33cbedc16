"""Batches are done by whoever is there, and nobody is waited for forever."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import dask_scheduler, dask_worker
from tornado.util import TimeoutError as TornadoTimeoutError

from luigi_gif import cluster as clusters
from luigi_gif import fanout
from luigi_gif.errors import ClusterError, StorageError
from luigi_gif.settings import dask as Settings  # noqa: N812


@pytest.fixture(params=["serial", "one thread", "four threads", "scheduler"])
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
    with fanout.executor(settings) as executor:
        assert sorted(executor.run(square, range(50))) == [n * n for n in range(50)]
        assert list(executor.run(square, [])) == []


def test_an_error_arrives_as_it_was_raised(settings: Any) -> None:
    """With all its parts; the executor can still be used."""
    with fanout.executor(settings) as executor:
        with pytest.raises(StorageError) as error:
            list(executor.run(refuse, range(10)))
        assert (error.value.what, error.value.next_step) == ("no", "go on")
        assert set(executor.run(square, range(3))) == {0, 1, 4}


@pytest.mark.filterwarnings("ignore")
def test_a_mistake_of_ours_is_not_hidden(settings: Any) -> None:
    """It keeps its own class, and its traceback."""
    with fanout.executor(settings) as executor, pytest.raises(ZeroDivisionError):
        list(executor.run(stumble, [1]))


@pytest.mark.parametrize(("error", "said"), [(TornadoTimeoutError, 0), (ZeroDivisionError, 1)])
def test_a_wait_of_dask_that_was_cut_short_is_not_worth_a_word(
    caplog: pytest.LogCaptureFixture, error: type[Exception], said: int
) -> None:
    """What asyncio says of other errors that nobody asked for still is."""
    with fanout.executor(Settings(workers=1)):
        pass
    loop = asyncio.new_event_loop()
    loop.create_future().set_exception(error("Timeout"))
    gc.collect()
    loop.close()
    records = [record for record in caplog.records if record.name == "asyncio"]
    assert len([record for record in records if "never retrieved" in record.message]) == said


def test_few_batches_are_held_at_a_time(settings: Any) -> None:
    """However many there are to come, they are asked for as others finish."""
    asked = 0

    def batches() -> Iterator[int]:
        nonlocal asked
        while asked < 100:
            asked += 1
            yield asked

    with fanout.executor(settings) as executor:
        done = 0
        for _ in executor.run(square, batches()):
            done += 1
            held = max(fanout.FEWEST_HELD, fanout.HELD_PER_THREAD * executor.threads)
            assert asked - done <= held
    assert done == 100


def test_the_environment_names_a_scheduler(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does for every Dask program."""
    import dask

    monkeypatch.setitem(dask.config.config, "scheduler-address", cluster)
    with fanout.executor(Settings(workers=7)) as executor:
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
    monkeypatch.setattr(clusters, "CONNECT_TIMEOUT_S", 1)
    with (
        pytest.raises(ClusterError, match=reason) as error,
        fanout.executor(Settings(address=address)),
    ):
        pass
    assert error.value.where == address


def test_a_cluster_without_workers_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """After the stall timeout; that it is waited for is said at once."""
    with dask_scheduler() as scheduler:
        settings = Settings(address=scheduler.address, stall_timeout=1.0)
        with fanout.executor(settings) as executor:
            with pytest.raises(ClusterError, match="makes no progress") as error:
                list(executor.run(square, [1]))
            assert error.value.got == "none, with 0 workers"
            assert f"{scheduler.address} has no workers yet: waiting for one" in caplog.messages


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_goes_away_is_noticed() -> None:
    """At once, and as what it is."""
    with dask_scheduler() as scheduler, dask_worker(scheduler.address):
        settings = Settings(address=scheduler.address, stall_timeout=30.0)
        with fanout.executor(settings) as executor:
            results = executor.run(time.sleep, [0.01, 60, 60])
            next(results)
            scheduler.kill()
            with pytest.raises(ClusterError, match=r"lost a batch|is not there any more"):
                list(results)
