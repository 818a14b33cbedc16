"""What becomes of a run when the Dask cluster is not as it should be, on real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGSTOP
from typing import Any

import psutil
import pytest
from campaigns import cluster as campaigns
from campaigns import late
from support import warm
from support.clips import clip_here, make_clip
from support.commands import Run, fails, luigi_command, luigi_environment, strange_lines
from support.dask_settings import QUIET
from support.paths import SAMPLE, TESTS
from support.services import dask_scheduler, dask_worker, service
from support.warm import PATIENCE_S

from luigi_gif.errors import ClusterError, PipelineError, StorageError
from luigi_gif.execution import dask_executor, executors
from luigi_gif.settings import dask as Settings  # noqa: N812

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("broken cluster")]

OURS = QUIET | {"PYTHONPATH": str(TESTS)}
"""Where workers find this module."""
LOCAL_CLUSTER = ("--dask-cluster", "distributed.LocalCluster")


def nap(number: int) -> int:
    time.sleep(0.1)
    return number


def die_once(marker: str) -> str:
    if not os.path.exists(marker):
        Path(marker).touch()
        os._exit(1)
    return marker


def die(number: int) -> None:
    os._exit(number)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[campaigns.Cluster]:
    """A scheduler and three workers that may be killed and frozen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaigns, "start", warm.Popen)
        with campaigns.Cluster(tmp_path_factory.mktemp("parts"), **OURS) as cluster:
            yield cluster


@pytest.fixture
def whole(parts: campaigns.Cluster) -> campaigns.Cluster:
    """The same, with new workers for those that are dead."""
    parts.tend()
    return parts


def test_what_is_killed_does_no_damage(
    whole: campaigns.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short form of tests/campaigns/cluster.py, without its clock."""
    monkeypatch.setattr(campaigns, "NOISE_S", PATIENCE_S)
    monkeypatch.setattr(campaigns, "STALLS", ("--dask-stall-timeout", "4"))
    monkeypatch.setattr(campaigns, "Cluster", lambda folder: nullcontext(whole))
    faults = (campaigns.all_workers_are_killed,)
    lines = list(campaigns.campaign(runs=1, seed=2, frames=12, folder=tmp_path, faults=faults))
    assert len(lines) == 2


def test_a_worker_that_wakes_up_late_spoils_no_clip(
    whole: campaigns.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short form of tests/campaigns/late.py."""
    monkeypatch.setattr(late, "Cluster", lambda folder: nullcontext(whole))
    assert len(list(late.campaign(1, 3, 12, tmp_path))) == 1


def test_batches_of_frozen_workers_are_given_to_others(
    whole: campaigns.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each result comes once, also when the frozen ones go on, whose results nobody wants."""
    monkeypatch.setattr(dask_executor, "LATE_S", 1)
    settings = Settings(address=whole.address, stall_timeout=30.0)
    with executors.open_executor(settings) as executor:
        results = executor.run(nap, range(40))
        found = [next(results) for _ in range(5)]
        for worker in whole.workers[:2]:
            worker.signal(SIGSTOP)
        found += results
        for worker in whole.workers[:2]:
            worker.signal(SIGCONT)
        assert sorted(found) == list(range(40))
        assert sorted(executor.run(nap, range(6))) == list(range(6))


def test_a_batch_whose_worker_dies_is_done_by_another(
    whole: campaigns.Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a word: Dask tries again by itself."""
    marker = str(tmp_path / "marker")
    with executors.open_executor(Settings(address=whole.address)) as executor:
        assert list(executor.run(die_once, [marker])) == [marker]
    assert not [message for message in caplog.messages if "a batch was lost" in message]


def allow_failures(count: int, dask_scheduler: Any) -> None:
    """On the scheduler: how many workers a batch may cost before Dask gives it up."""
    dask_scheduler.allowed_failures = count


def test_a_batch_that_kills_its_workers_is_given_up(
    whole: campaigns.Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """After three tries, however many workers Dask spends on each."""
    from distributed import Client

    with Client(whole.address, set_as_default=False) as client:
        client.run_on_scheduler(allow_failures, 0)
        settings = Settings(address=whole.address, stall_timeout=30.0)
        again = pytest.raises(ClusterError, match="lost a batch again and again")
        with executors.open_executor(settings) as executor, again:
            list(executor.run(die, [1]))
        client.run_on_scheduler(allow_failures, 3)
    said = [message for message in caplog.messages if "a batch was lost" in message]
    assert said == [f"a batch was lost with its workers: try {number}" for number in (2, 3)]


def test_a_cluster_that_is_started_is_closed(tmp_path: Path, mixed_bundle: bytes) -> None:
    """It makes the same clip, listens on loopback alone, no process, and says nothing odd."""
    (tmp_path / "bundle.img").write_bytes(mixed_bundle)
    flags = ("--url", "bundle.img", "--workdir", "work", *LOCAL_CLUSTER, "--dask-workers", "1-2")
    processes, listening, deaf = set(), set(), set()
    with (tmp_path / "log").open("wb") as log:
        run = subprocess.Popen(
            luigi_command("CombineGif", *flags, python=("-X", "dev")),
            cwd=tmp_path,
            env=luigi_environment(),
            stderr=log,
        )
    while run.poll() is None:
        with suppress(psutil.Error):  # of one that has just ended, too
            for process in psutil.Process(run.pid).children(recursive=True):
                processes.add(process)
                if "--multiprocessing-fork" in process.cmdline():
                    deaf.add(blocks_ctrl_c(process.pid))
                connections = process.net_connections()
                listening |= {each.laddr.ip for each in connections if each.status == "LISTEN"}
            connections = psutil.Process(run.pid).net_connections()
            listening |= {each.laddr.ip for each in connections if each.status == "LISTEN"}
        time.sleep(1)
    said, _, _ = (tmp_path / "log").read_text().partition("===== Luigi Execution Summary")
    assert run.returncode == 0, said
    clip = tmp_path / "work" / "clip.gif"
    assert clip.read_bytes() == clip_here(tmp_path / "bundle.img", tmp_path / "whole").read_bytes()
    assert listening == {"127.0.0.1"}
    assert len(processes) >= 2
    assert deaf == {True} or not Path("/proc/self/status").exists()
    assert not psutil.wait_procs(processes, timeout=PATIENCE_S)[1]
    assert not strange_lines(said)


def blocks_ctrl_c(pid: int) -> bool:
    """Whether a process of Linux's does not see SIGINT."""
    with suppress(FileNotFoundError):
        found = re.search("SigBlk:\\s+([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text())
        return bool(found) and bool(int(found[1], 16) & 1 << SIGINT - 1)  # type: ignore[index]
    return True


@pytest.mark.parametrize(
    ("path", "arguments", "words"),
    [
        ("nodots", {}, ["--dask-cluster", "nodots", "Empty module name"]),
        ("..", {}, ["--dask-cluster", "relative import"]),
        ("distributed.NoSuch", {}, ["--dask-cluster", "no attribute 'NoSuch'"]),
        ("odd_module.Cluster", {}, ["odd_module.Cluster", "out of luck"]),
        ("odd.Refuses", {}, ["odd.Refuses", "RuntimeError: no quota"]),
        ("odd.Refuses", {"odd": 1}, ["odd.Refuses", "TypeError", "'odd'"]),
        ("odd.DoesNotScale", {}, ["odd.DoesNotScale", "ValueError: no more"]),
        ("odd.number", {}, ["odd.number", "TypeError", "not callable"]),
        ("distributed.LocalCluster", {"n_workers": "x"}, ["LocalCluster", "TypeError"]),
    ],
)
@pytest.mark.filterwarnings("ignore")  # Dask leaves a cluster half made
def test_a_cluster_that_cannot_be_started_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str, arguments: Any, words: list[str]
) -> None:
    """With the reason; one that was started halfway is closed."""
    (tmp_path / "odd.py").write_text(
        "class Refuses:\n"
        "    def __init__(self):\n"
        "        raise RuntimeError('no quota')\n"
        "class DoesNotScale:\n"
        "    def scale(self, count):\n"
        "        raise ValueError('no more')\n"
        "    def __enter__(self):\n"
        "        return self\n"
        "    def __exit__(self, *_):\n"
        "        open('closed', 'w').close()\n"
        "number = 3\n"
    )
    (tmp_path / "odd_module.py").write_text("raise RuntimeError('out of luck')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd", raising=False)
    monkeypatch.chdir(tmp_path)
    settings = Settings(cluster=path, cluster_kwargs=arguments)
    with pytest.raises(PipelineError) as error, executors.open_executor(settings):
        pass
    assert not [word for word in words if word not in str(error.value)]
    assert (tmp_path / "closed").exists() == (path == "odd.DoesNotScale")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler, without workers."""
    with dask_scheduler() as scheduler:
        yield scheduler.address


@pytest.fixture
def by(monkeypatch: pytest.MonkeyPatch, scheduler: str) -> str:
    """The address of that scheduler, at which tasks of this process have their work done."""
    monkeypatch.setattr(Settings.address, "_default", scheduler)
    return scheduler


def test_a_worker_of_other_versions_is_named(by: str, tmp_path: Path, sample: bytes) -> None:
    """And writes nothing."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import importlib.metadata as metadata\n"
        "real = metadata.version\n"
        "metadata.version = lambda name: '0.1' if name == 'pillow' else real(name)\n"
    )
    with (
        dask_worker(by, PYTHONPATH=str(site)),
        pytest.raises(ClusterError, match="a worker has other versions than the run") as error,
    ):
        make_clip(sample, tmp_path / "work")
    assert error.value.got == "pillow 0.1"
    assert not list((tmp_path / "work" / "frames").glob("frame_*"))


@pytest.mark.external
def test_a_worker_that_does_not_see_the_work_directory_is_named(
    by: str, tmp_path: Path, sample: bytes
) -> None:
    """A file system of its own lies there, in which it leaves nothing."""
    work = tmp_path / "work"
    work.mkdir()
    hidden = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', str(work))
    with suppress(FileNotFoundError):
        if subprocess.run([*hidden, "true"], capture_output=True, check=False).returncode == 0:
            worker = (sys.executable, "-P", "-m", "dask", "worker", "--no-nanny")
            with (
                service(
                    *hidden, *worker, "--host", "127.0.0.1", "--no-dashboard",
                    "--dashboard-address", "127.0.0.1:0", by,
                    ready=r"Registered to:\s+(\S+)",
                ),
                pytest.raises(StorageError, match="a worker does not see the work dir") as error,
            ):  # fmt: skip
                make_clip(sample, work)
            assert error.value.where.startswith(f"{work}/shared.")
            return
    pytest.skip("a mount namespace needs root on Linux")


def test_a_mistake_of_ours_ends_the_run(luigi: Run, tmp_path: Path) -> None:
    """With its traceback, which that of a worker keeps: see test_fanout.py."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import luigi_gif.frames.write_frames\n"
        "def write_batch(handle, batch):\n"
        "    return batch + 1\n"
        "luigi_gif.frames.write_frames.write_batch = write_batch\n"
    )
    flags = ("--url", str(SAMPLE), "--workdir", "work")
    result = luigi(*flags, python=("-B",), PYTHONPATH=str(site))
    assert result.returncode == 30
    assert "Traceback" in result.stderr
    assert 'TypeError: can only concatenate tuple (not "int") to tuple' in result.stderr


def test_a_broken_configuration_of_dask_is_named(luigi: Run, tmp_path: Path) -> None:
    """Its file, and how to do without; --dask-workers 0 does not look at it."""
    path = tmp_path / ".config" / "dask" / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("a: [\n")
    flags = ("--url", str(SAMPLE), "--workdir", "work")
    fails(luigi(*flags, HOME=str(tmp_path)), "Dask cannot be used", str(path), "--dask-workers 0")
    assert luigi(*flags, "--dask-workers", "0", HOME=str(tmp_path)).returncode == 0


def test_small_work_does_not_import_dask(luigi: Run, tmp_path: Path) -> None:
    """Its import would take longer than the work."""
    site = tmp_path / "site"
    site.mkdir()
    for name in ("dask", "distributed", "numpy"):
        (site / f"{name}.py").write_text("raise RuntimeError('is not wanted')")
    result = luigi("--url", str(SAMPLE), "--workdir", "work", PYTHONPATH=str(site))
    assert result.returncode == 0, result.stderr
