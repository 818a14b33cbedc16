"""What becomes of a run when the Dask cluster is not as it should be, on real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGSTOP

import psutil
import pytest
from campaigns import cluster as campaigns
from conftest import (
    PATIENCE_S,
    SAMPLE,
    Run,
    dask_scheduler,
    dask_worker,
    luigi_command,
    luigi_environment,
    service,
    strange_lines,
)
from test_command import fails

from luigi_gif import fanout
from luigi_gif.errors import ClusterError
from luigi_gif.settings import dask as Settings  # noqa: N812

OURS = {"PYTHONPATH": os.path.dirname(__file__)}
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


def test_what_is_killed_does_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short form of tests/campaigns/cluster.py, without its clock."""
    monkeypatch.setattr(campaigns, "NOISE_S", PATIENCE_S)
    faults = (campaigns.all_workers_are_killed,)
    lines = list(campaigns.campaign(runs=1, seed=2, frames=24, folder=tmp_path, faults=faults))
    assert len(lines) == 2


def test_batches_of_frozen_workers_are_given_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each result comes once, also when the frozen ones go on, whose results nobody wants."""
    monkeypatch.setattr(fanout, "LATE_S", 1)
    with campaigns.Cluster(tmp_path, **OURS) as cluster:
        settings = Settings(address=cluster.address, stall_timeout=30.0)
        with fanout.executor(settings) as executor:
            results = executor.run(nap, range(40))
            found = [next(results) for _ in range(5)]
            for worker in cluster.workers[:2]:
                worker.signal(SIGSTOP)
            found += results
            for worker in cluster.workers[:2]:
                worker.signal(SIGCONT)
            assert sorted(found) == list(range(40))
            assert sorted(executor.run(nap, range(6))) == list(range(6))


def test_a_batch_whose_worker_dies_is_done_by_another(tmp_path: Path) -> None:
    """Without a word: Dask tries again by itself."""
    marker = str(tmp_path / "marker")
    with (
        campaigns.Cluster(tmp_path, **OURS) as cluster,
        fanout.executor(Settings(address=cluster.address)) as executor,
    ):
        assert list(executor.run(die_once, [marker])) == [marker]


def test_a_batch_that_kills_its_workers_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After three tries, however many workers Dask spends on each."""
    once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with campaigns.Cluster(tmp_path, **OURS, **once) as cluster:
        settings = Settings(address=cluster.address, stall_timeout=30.0)
        again = pytest.raises(ClusterError, match="lost a batch again and again")
        with fanout.executor(settings) as executor, again:
            list(executor.run(die, [1]))
    said = [message for message in caplog.messages if "a batch was lost" in message]
    assert said == [f"a batch was lost with its workers: try {number}" for number in (2, 3)]


def test_a_cluster_that_is_started_is_closed(
    luigi: Run, tmp_path: Path, mixed_bundle: bytes
) -> None:
    """It makes the same clip, listens on loopback alone, no process, and says nothing odd."""
    (tmp_path / "bundle.img").write_bytes(mixed_bundle)
    luigi("--url", "bundle.img", "--workdir", "whole", "--dask-workers", "0")
    flags = ("--url", "bundle.img", "--workdir", "work", *LOCAL_CLUSTER, "--dask-workers", "1-3")
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
        time.sleep(0.2)
    said, _, _ = (tmp_path / "log").read_text().partition("===== Luigi Execution Summary")
    assert run.returncode == 0, said
    clip = tmp_path / "work" / "clip.gif"
    assert clip.read_bytes() == (tmp_path / "whole" / "clip.gif").read_bytes()
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
        ("nodots", "{}", ["--dask-cluster", "nodots", "Empty module name"]),
        ("..", "{}", ["--dask-cluster", "relative import"]),
        ("no.such.Class", "{}", ["--dask-cluster", "No module named 'no'"]),
        ("distributed.NoSuch", "{}", ["--dask-cluster", "no attribute 'NoSuch'"]),
        ("odd_module.Cluster", "{}", ["odd_module.Cluster", "out of luck"]),
        ("odd.Refuses", "{}", ["odd.Refuses", "RuntimeError: no quota"]),
        ("odd.Refuses", '{"odd": 1}', ["odd.Refuses", "TypeError", "'odd'"]),
        ("odd.DoesNotScale", "{}", ["odd.DoesNotScale", "ValueError: no more"]),
        ("odd.number", "{}", ["odd.number", "TypeError", "not callable"]),
        ("distributed.LocalCluster", '{"n_workers": "x"}', ["LocalCluster", "TypeError"]),
        ("distributed.LocalCluster", "[1]", ["--dask-cluster-kwargs", "a JSON object", "list"]),
        ("distributed.LocalCluster", "{", ["--dask-cluster-kwargs", "a JSON object"]),
    ],
)
def test_a_cluster_that_cannot_be_started_is_named(
    luigi: Run, tmp_path: Path, path: str, arguments: str, words: list[str]
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
    flags = ("--dask-cluster", path, "--dask-cluster-kwargs", arguments)
    fails(luigi("--url", str(SAMPLE), "--workdir", "work", *flags), *words)
    assert (tmp_path / "closed").exists() == (path == "odd.DoesNotScale")


def test_a_worker_of_other_versions_is_named(luigi: Run, tmp_path: Path) -> None:
    """And writes nothing."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import importlib.metadata as metadata\n"
        "real = metadata.version\n"
        "metadata.version = lambda name: '0.1' if name == 'pillow' else real(name)\n"
    )
    with dask_scheduler() as scheduler, dask_worker(scheduler.address, PYTHONPATH=str(site)):
        result = luigi(
            "--url", str(SAMPLE), "--workdir", "work", "--dask-address", scheduler.address
        )
    fails(result, "a worker has other versions than the run", "got:      pillow 0.1\n")
    assert not list((tmp_path / "work" / "frames").glob("frame_*"))


def test_a_worker_that_does_not_see_the_work_directory_is_named(luigi: Run, tmp_path: Path) -> None:
    """A file system of its own lies there, in which it leaves nothing."""
    work = tmp_path / "work"
    work.mkdir()
    hidden = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', str(work))
    with suppress(FileNotFoundError):
        if subprocess.run([*hidden, "true"], capture_output=True, check=False).returncode == 0:
            worker = (sys.executable, "-P", "-m", "dask", "worker", "--no-nanny")
            with (
                dask_scheduler() as scheduler,
                service(
                    *hidden, *worker, "--host", "127.0.0.1", "--no-dashboard",
                    "--dashboard-address", "127.0.0.1:0", scheduler.address,
                    ready=r"Registered to:\s+(\S+)",
                ),
            ):  # fmt: skip
                flags = ("--workdir", "work", "--dask-address", scheduler.address)
                result = luigi("--url", str(SAMPLE), *flags)
            fails(result, "a worker does not see the work directory", f"{work}/shared.")
            return
    pytest.skip("a mount namespace needs root on Linux")


def test_a_mistake_of_ours_on_a_worker_ends_the_run(luigi: Run, tmp_path: Path) -> None:
    """With its traceback; it is not tried again."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import luigi_gif.frames\n"
        "def write_batch(shared, batch):\n"
        "    return batch + 1\n"
        "luigi_gif.frames.write_batch = write_batch\n"
    )
    with dask_scheduler() as scheduler, dask_worker(scheduler.address, PYTHONPATH=str(site)):
        result = luigi(
            "--url", str(SAMPLE), "--workdir", "work", "--dask-address", scheduler.address
        )
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
