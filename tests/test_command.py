"""The luigi command, as users type it: exit codes, messages, and what it leaves alone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from campaigns import broken, interrupt, kill, together
from conftest import (
    DELIMITER,
    PATIENCE_S,
    ROOT,
    SAMPLE,
    Luigid,
    Run,
    Server,
    dask_scheduler,
    gif,
    luigi_command,
    luigi_environment,
    strange_lines,
)

ERROR = re.compile(
    r"^ERROR: .+\n  where:    .+\n  expected: .+\n  got:      .+\n  next:     .+$", re.MULTILINE
)


def fails(result: subprocess.CompletedProcess[str], *words: str, code: int = 30) -> None:
    """One error in our form, with these words, and no traceback."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    errors = ERROR.findall(result.stderr)
    assert len(errors) == 1, result.stderr
    assert result.stderr.count("ERROR") == 1
    for word in words:
        assert word in errors[0]


def test_a_url_becomes_a_clip(luigi: Run, server: Server, tmp_path: Path, sample: bytes) -> None:
    """With nothing on standard error but Luigi's log and ours, also in development mode."""
    server.pages["/all.img"] = sample
    result = luigi("--url", server.url("/all.img"), python=("-X", "dev"))
    assert result.returncode == 0, result.stderr
    (clip,) = tmp_path.glob("data/all-*/clip.gif")
    assert clip.read_bytes().endswith(b";")
    assert not strange_lines(result.stderr)
    assert "Warning" not in result.stderr


def test_a_second_run_loads_nothing_heavy(luigi: Run, server: Server, tmp_path: Path) -> None:
    """Neither Dask nor NumPy nor imageio, and asks the server for nothing."""
    server.pages["/all.img"] = gif(1)
    flags = ("--url", server.url("/all.img"), "--workdir", "work")
    assert luigi(*flags).returncode == 0
    result = luigi(*flags, python=("-X", "importtime"))
    assert result.returncode == 0
    loaded = set(re.findall(r"\|\s+([\w.]+)$", result.stderr, re.MULTILINE))
    assert "luigi_gif.tasks" in loaded
    assert loaded.isdisjoint({"distributed", "dask", "numpy", "imageio", "PIL", "fsspec"})
    assert server.requests == ["/all.img"]


def test_the_package_is_light_to_import() -> None:
    """It brings nothing but Luigi and the standard library."""
    code = (
        "import sys, luigi; before = set(sys.modules); import luigi_gif;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(result.stdout.split()) <= {"luigi_gif", *sys.stdlib_module_names}


def test_no_port_is_open_beyond_loopback(tmp_path: Path, server: Server, sample: bytes) -> None:
    """While frames are written, so many that Dask does it."""
    server.pages["/all.img"] = DELIMITER.join([sample] * 50)
    code = (
        "import psutil, luigi_gif.frames as frames, luigi.cmdline\n"
        "def look(shared, batch, write=frames.write_batch):\n"
        "    for c in psutil.Process().net_connections():\n"
        "        if c.status == 'LISTEN': print('LISTENS', c.laddr.ip)\n"
        "    return write(shared, batch)\n"
        "frames.write_batch = look\n"
        "luigi.cmdline.luigi_run()\n"
    )
    url = server.url("/all.img")
    flags = ("--module", "luigi_gif", "CombineGif", "--url", url, "--size", "20x")
    result = subprocess.run(
        [sys.executable, "-c", code, *flags],
        cwd=tmp_path,
        env=luigi_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(result.stdout.split()) == {"LISTENS", "127.0.0.1"}


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (None, ["HTTP status 200", "404"]),
        (b"<html>Sorry</html>", ["not a bundle", "HTML"]),
        (b"", ["not a bundle", "nothing"]),
        (b"words" + DELIMITER + b"words", ["not a bundle", "words"]),
        (gif(1) + DELIMITER + gif(2)[:-5], ["frame 1", "a whole GIF", "the end of the bundle"]),
        (
            gif(1) + DELIMITER + b"\x89PNG\r\n\x1a\n",
            ["frame 1", "an image that can be decoded", "PNG data: "],
        ),
    ],
)
def test_a_bundle_that_is_none_is_named(
    luigi: Run, server: Server, page: bytes | None, words: list[str]
) -> None:
    """What was expected, what came, and from where."""
    if page is not None:
        server.pages["/all.img"] = page
    fails(luigi("--url", server.url("/all.img"), "--workdir", "work"), *words)


def test_a_host_that_is_not_there_is_named(luigi: Run) -> None:
    """After the retries, each of which is announced."""
    result = luigi("--url", "http://127.0.0.1:9/x", "--download-retry-delay", "0.01")
    fails(result, "http://127.0.0.1:9/x", "Connection refused")
    assert result.stderr.count("WARNING: the server cannot be reached") == 2


@pytest.mark.parametrize("workdir", ["/proc/no/such", "taken", "nonsense://bucket"])
def test_a_work_directory_that_cannot_be_used_is_named(
    luigi: Run, tmp_path: Path, workdir: str
) -> None:
    """A file that stands there is left as it is."""
    (tmp_path / "taken").write_text("mine")
    fails(luigi("--url", str(SAMPLE), "--workdir", workdir), workdir)
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_work_directory_of_others_is_named(luigi: Run, tmp_path: Path) -> None:
    """Without the right to write, nothing is."""
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    (tmp_path / "work").mkdir(mode=0o500)
    fails(
        luigi("--url", str(SAMPLE), "--workdir", "work"), "Permission denied", "another --workdir"
    )


def test_a_scheduler_that_is_not_there_is_named(luigi: Run, tmp_path: Path) -> None:
    """What was done before it was needed is kept."""
    result = luigi("--url", str(SAMPLE), "--workdir", "work", "--dask-address", "nonsense")
    fails(result, "the Dask scheduler cannot be reached", "nonsense")
    assert (tmp_path / "work" / "frames.json").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--plays", "often"), ["--plays", "a whole number from 0 to 65,536", "'often'"]),
        (("--frame-duration-ms", "1"), ["--frame-duration-ms", "from 20 to 655,350"]),
        (("--sha256", "12"), ["--sha256", "64 hexadecimal digits"]),
        (("--gif-file", "../clip.gif"), ["--gif-file", "inside the work directory"]),
        (("--url", "http://[bad/x"), ["--url", "a path or a URL"]),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    luigi: Run, flags: tuple[str, str], words: list[str]
) -> None:
    """Before anything is done."""
    fails(luigi("--url", str(SAMPLE), *flags), *words, code=40)


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--dask-workers", "many", ["a number up to 10,000, or a range such as 2-20", "'many'"]),
        ("--dask-workers", "20-2", ["'20-2'"]),
        ("--dask-stall-timeout", "0", ["from 1.0 to 86,400.0"]),
        ("--dask-cluster-kwargs", "{1}", ["a JSON object", "column 2"]),
        ("--dask-cluster-kwargs", "[1]", ["a JSON object", "list"]),
        ("--dask-cluster", "no.such.Cluster", ["import path of a class", "No module named 'no'"]),
        ("--dask-cluster", "LocalCluster", ["import path of a class", "LocalCluster"]),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    luigi: Run, flag: str, value: str, words: list[str]
) -> None:
    """When it is needed."""
    fails(luigi("--url", str(SAMPLE), flag, value), flag, *words)


def test_a_clip_of_somebody_else_is_named(luigi: Run, tmp_path: Path) -> None:
    """And left as it is."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "clip.gif").write_bytes(gif(1))
    fails(luigi("--url", str(SAMPLE), "--workdir", "work"), "did not make", "clip.gif")
    assert (tmp_path / "work" / "clip.gif").read_bytes() == gif(1)


def test_a_cluster_without_the_package_is_named(luigi: Run, tmp_path: Path) -> None:
    """A scheduler and workers unpickle what they run, so they need it."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "luigi_gif.py").write_text("raise ImportError('No luigi_gif here')")
    with dask_scheduler(PYTHONPATH=str(tmp_path / "bare")) as scheduler:
        result = luigi(
            "--url", str(SAMPLE), "--workdir", "work", "--dask-address", scheduler.address
        )
    fails(result, "does not know luigi_gif", "No luigi_gif here")


def test_a_cluster_makes_the_same_clip(
    luigi: Run, cluster: str, tmp_path: Path, any_bundle: bytes
) -> None:
    """Two worker processes and a scheduler, named by a flag or by the environment."""
    same_everywhere(luigi, cluster, tmp_path, any_bundle)
    result = luigi("--url", "bundle.img", "--workdir", "named", DASK_SCHEDULER_ADDRESS=cluster)
    assert result.returncode == 0, result.stderr
    clip = (tmp_path / "serial" / "clip.gif").read_bytes()
    assert (tmp_path / "named" / "clip.gif").read_bytes() == clip


@pytest.mark.parametrize("quality", ["fast", "best"])
def test_a_cluster_makes_the_same_clip_of_any_images(
    luigi: Run, cluster: str, tmp_path: Path, mixed_bundle: bytes, quality: str
) -> None:
    """Of frames that workers decode, and whose changes they find."""
    flags = ("--quality", quality, "--optimize", "lossless")
    same_everywhere(luigi, cluster, tmp_path, mixed_bundle, *flags)


def same_everywhere(
    luigi: Run, cluster: str, tmp_path: Path, data: bytes, *parameters: str
) -> None:
    (tmp_path / "bundle.img").write_bytes(data)
    ways = {
        "in-process": (),
        "flag": ("--dask-address", cluster),
        "serial": ("--dask-workers", "0"),
    }
    for way, flags in ways.items():
        result = luigi("--url", "bundle.img", "--workdir", way, *parameters, *flags)
        assert result.returncode == 0, result.stderr
    for way in ways:
        for name in ("clip.gif", "frames/manifest.json", "frames/frame_05.gif"):
            assert (tmp_path / way / name).read_bytes() == (tmp_path / "serial" / name).read_bytes()


def test_luigid_shows_the_four_tasks_as_done(luigi: Run, luigid: Luigid, tmp_path: Path) -> None:
    """With the profiles of config/, on loopback, in a folder that has the default profile too."""
    shutil.copy(ROOT / "luigi.cfg", tmp_path)
    result = luigi(
        "--url", str(SAMPLE), "--workdir", "work", "--scheduler-url", luigid.url,
        LUIGI_CONFIG_PATH=str(ROOT / "config" / "client.cfg"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    names = {task["name"] for task in luigid.ask("task_list", status="DONE").values()}
    assert names == {"DownloadData", "SplitFrames", "WriteFrames", "CombineGif"}


def test_a_run_leaves_no_process(tmp_path: Path) -> None:
    """Luigi with two workers forks; no child outlives the command."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    subprocess.run(
        luigi_command("CombineGif", "--url", str(SAMPLE), "--workers", "2"),
        cwd=tmp_path,
        env=luigi_environment(),
        capture_output=True,
        check=True,
    )
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


def test_nothing_listens_beyond_loopback(tmp_path: Path, sample: bytes) -> None:
    """What a cluster of workers has there, test_cluster.py looks at."""
    (tmp_path / "bundle.img").write_bytes(DELIMITER.join([sample] * 50))
    run = subprocess.Popen(
        luigi_command("CombineGif", "--url", "bundle.img", "--size", "20x"),
        cwd=tmp_path,
        env=luigi_environment(),
        stderr=subprocess.DEVNULL,
    )
    addresses = set()
    while run.poll() is None:
        with contextlib.suppress(psutil.Error):
            connections = psutil.Process(run.pid).net_connections("inet")
            addresses |= {each.laddr.ip for each in connections if each.status == "LISTEN"}
        time.sleep(0.01)
    assert run.returncode == 0
    assert addresses == {"127.0.0.1"}


def test_runs_that_are_killed_are_completed_by_the_next(tmp_path: Path, sample: bytes) -> None:
    """The short form of tests/campaigns/kill.py."""
    assert len(list(kill.campaign(sample, 8, 2, tmp_path))) == 8


def test_a_download_that_breaks_again_and_again_is_resumed(tmp_path: Path, sample: bytes) -> None:
    """The short form of tests/campaigns/broken.py."""
    (line,) = list(broken.campaign(sample * 100, 4, 2, tmp_path))[-1:]
    assert "byte for byte" in line


def test_runs_that_begin_at_once_do_the_work_once(tmp_path: Path, sample: bytes) -> None:
    """The short form of tests/campaigns/together.py."""
    assert len(list(together.campaign(sample, 1, 8, tmp_path))) == 1


@pytest.mark.parametrize(("flags", "times"), [((), 2), (("--workers", "2"), 1)])
def test_runs_that_are_interrupted_end_in_order(
    tmp_path: Path, flags: tuple[str, ...], times: int
) -> None:
    """The short form of tests/campaigns/interrupt.py; also where Luigi forks."""
    assert len(interrupt.campaign(times, 5, 6, tmp_path, *flags, within_s=PATIENCE_S)) == times
