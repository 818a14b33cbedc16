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
from typing import Any

import luigi
import psutil
import pytest
from campaigns import broken, interrupt, kill, together
from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import Register
from support import warm
from support.clips import make_clip
from support.commands import ERROR, Run, fails, luigi_command, luigi_environment, strange_lines
from support.images import DELIMITER, gif
from support.luigid import Luigid
from support.page_server import Server
from support.paths import ROOT, SAMPLE
from support.services import dask_scheduler
from support.warm import PATIENCE_S

from luigi_gif import CombineGif, settings
from luigi_gif.errors import ParameterError, PipelineError
from luigi_gif.execution import executors
from luigi_gif.frames import batch_writer, write_frames
from luigi_gif.integrations import argument_parsers


def named(error: PipelineError, *words: str) -> None:
    """In our form, with these words."""
    said = f"ERROR: {error}"
    assert ERROR.fullmatch(said)
    for word in words:
        assert word in said


def by_command_line(*flags: str) -> CombineGif:
    """The task that the luigi command would run."""
    Register.clear_instance_cache()
    with CmdlineParser.global_instance(["CombineGif", *flags]) as parser:
        task = parser.get_task_obj()
    assert isinstance(task, CombineGif)
    return task


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


@pytest.mark.slow
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


LISTENING: set[str] = set()


def look_at_ports(handle: Any, batch: Any) -> Any:
    """Write a batch, and note where this process listens meanwhile."""
    connections = psutil.Process().net_connections()
    LISTENING.update(each.laddr.ip for each in connections if each.status == "LISTEN")
    return batch_writer.write_batch(handle, batch)


@pytest.mark.slow
def test_no_port_is_open_beyond_loopback(
    tmp_path: Path, sample: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While Dask writes frames; what a cluster of workers has there, test_cluster.py looks at."""
    monkeypatch.setattr(write_frames, "write_batch", look_at_ports)
    monkeypatch.setattr(executors, "SMALL_WORK", -1)
    make_clip(sample, tmp_path / "work", size=(20, None))
    assert {"127.0.0.1"} == LISTENING


NO_BUNDLES: dict[str, tuple[bytes | None, list[str]]] = {
    "missing": (None, ["HTTP status 200", "404"]),
    "html": (b"<html>Sorry</html>", ["a page that links to pictures", "HTML"]),
    "empty": (b"", ["not a bundle", "nothing"]),
    "words": (b"words" + DELIMITER + b"words", ["not a bundle", "words"]),
    "cut": (gif(1) + DELIMITER + gif(2)[:-5], ["frame 1", "a whole GIF", "the end of the bundle"]),
    "png": (
        gif(1) + DELIMITER + b"\x89PNG\r\n\x1a\n",
        ["frame 1", "an image that can be decoded", "PNG data: "],
    ),
}


@pytest.mark.slow
def test_a_bundle_that_is_none_is_named(server: Server, tmp_path: Path) -> None:
    """What was expected, what came, and from where; each of a run of several."""
    for name, (page, _) in NO_BUNDLES.items():
        if page is not None:
            server.pages[f"/{name}.img"] = page
    urls = [server.url(f"/{name}.img") for name in NO_BUNDLES]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    result = warm.run(
        luigi_command("GifBatch", "--urls-file", "urls.txt"), cwd=tmp_path, env=luigi_environment()
    )
    assert result.returncode == 30, result.stderr
    assert "Traceback" not in result.stderr
    errors = ERROR.findall(result.stderr)
    assert len(errors) == len(NO_BUNDLES), result.stderr
    assert result.stderr.count("ERROR") == len(NO_BUNDLES)
    for name, (_, words) in NO_BUNDLES.items():
        (error,) = [error for error in errors if re.search(rf"/{name}(\.img|-)", error)]
        for word in words:
            assert word in error


def test_a_host_that_is_not_there_is_named(luigi: Run) -> None:
    """After the retries, each of which is announced."""
    result = luigi("--url", "http://127.0.0.1:9/x", "--download-retry-delay", "0.01")
    fails(result, "http://127.0.0.1:9/x", "Connection refused")
    assert result.stderr.count("WARNING: the server cannot be reached") == 2


def test_a_work_directory_that_is_a_file_is_named(luigi: Run, tmp_path: Path) -> None:
    """And left as it is."""
    (tmp_path / "taken").write_text("mine")
    fails(luigi("--url", str(SAMPLE), "--workdir", "taken"), "taken")
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("workdir", ["/proc/no/such", "nonsense://bucket"])
def test_a_work_directory_that_cannot_be_used_is_named(workdir: str) -> None:
    """By the error that ends the command."""
    with pytest.raises(PipelineError) as caught:
        by_command_line("--url", str(SAMPLE), "--workdir", workdir).run()
    named(caught.value, workdir)


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
def test_a_value_that_cannot_be_used_is_named(flags: tuple[str, str], words: list[str]) -> None:
    """Before anything is done, by the error that ends the command."""
    with pytest.raises(ParameterError) as caught:
        by_command_line("--url", str(SAMPLE), *flags)
    named(caught.value, *words)


def test_a_value_that_cannot_be_used_ends_the_command(luigi: Run) -> None:
    """With an exit code of its own."""
    fails(luigi("--url", str(SAMPLE), "--plays", "often"), "--plays", "'often'", code=40)


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--dask-workers", "many", ["a number up to 10,000, or a range such as 2-20", "'many'"]),
        ("--dask-workers", "20-2", ["'20-2'"]),
        ("--dask-stall-timeout", "0", ["from 1.0 to 86,400.0"]),
        ("--dask-cluster-kwargs", "{1}", ["a JSON object", "column 2"]),
        ("--dask-cluster-kwargs", "[1]", ["a JSON object", "list"]),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(flag: str, value: str, words: list[str]) -> None:
    """By the error that ends the task that needs it."""
    arguments = ["CombineGif", "--url", str(SAMPLE), flag, value]
    with CmdlineParser.global_instance(arguments), pytest.raises(ParameterError) as caught:
        settings.dask()
    named(caught.value, flag, *words)


def test_a_setting_that_cannot_be_used_fails_the_task(luigi: Run) -> None:
    """The command has its exit code."""
    fails(luigi("--url", str(SAMPLE), "--dask-workers", "many"), "--dask-workers", "'many'")


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
    same_everywhere(cluster, tmp_path, any_bundle)
    for way, flags, environment in (
        ("flag", ["--dask-address", cluster], {}),
        ("environment", [], {"DASK_SCHEDULER_ADDRESS": cluster}),
    ):
        workdir = f"command-{way}"
        result = luigi("--url", "bundle.img", "--workdir", workdir, *flags, **environment)
        assert result.returncode == 0, result.stderr
        same(tmp_path / workdir, tmp_path / "serial")


@pytest.mark.parametrize("quality", ["fast", "best"])
def test_a_cluster_makes_the_same_clip_of_any_images(
    cluster: str, tmp_path: Path, mixed_bundle: bytes, quality: str
) -> None:
    """Of frames that workers decode, and whose changes they find."""
    flags = ("--quality", quality, "--optimize", "lossless")
    same_everywhere(cluster, tmp_path, mixed_bundle, *flags)


def same_everywhere(cluster: str, folder: Path, data: bytes, *parameters: str) -> None:
    (folder / "bundle.img").write_bytes(data)
    ways = {
        "in-process": ("--dask-workers", "2"),
        "cluster": ("--dask-address", cluster),
        "serial": ("--dask-workers", "0"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executors, "SMALL_WORK", -1)
        patch.setattr(executors, "COPYING_LOCAL_FIRST_S", 0.0)
        for way, flags in ways.items():
            Register.clear_instance_cache()
            arguments = ["--url", str(folder / "bundle.img"), "--workdir", str(folder / way)]
            with CmdlineParser.global_instance(
                ["CombineGif", *arguments, *parameters, *flags]
            ) as p:
                run_all(p.get_task_obj())
    for way in ways:
        same(folder / way, folder / "serial")


def run_all(task: luigi.Task) -> None:
    """A task and what it needs, step by step without Luigi's worker."""
    for needed in task.deps():
        run_all(needed)
    task.run()


def same(one: Path, other: Path) -> None:
    for name in ("clip.gif", "frames/manifest.json", "frames/frame_05.gif"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


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


@pytest.mark.slow
def test_a_run_leaves_no_process(tmp_path: Path) -> None:
    """Luigi with two workers forks; no child outlives the command."""
    run = warm.Popen(
        luigi_command("CombineGif", "--url", str(SAMPLE), "--workers", "2"),
        cwd=tmp_path,
        env=luigi_environment(),
    )
    forked = set()
    while run.poll() is None:
        forked |= processes_of(run.pid)
        time.sleep(0.002)
    assert run.wait() == 0
    assert len(forked) > 1
    assert not processes_of(run.pid)


def processes_of(session: int) -> set[int]:
    found = set()
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == session:
                found.add(pid)
    return found


@pytest.mark.slow
def test_runs_that_are_killed_are_completed_by_the_next(tmp_path: Path, sample: bytes) -> None:
    """The short form of tests/campaigns/kill.py."""
    assert len(list(kill.campaign(sample, 4, 2, tmp_path, popen=warm.Popen))) == 4


@pytest.mark.slow
def test_a_download_that_breaks_again_and_again_is_resumed(tmp_path: Path, sample: bytes) -> None:
    """The short form of tests/campaigns/broken.py."""
    (line,) = list(broken.campaign(sample * 100, 4, 2, tmp_path, popen=warm.Popen))[-1:]
    assert "byte for byte" in line


@pytest.mark.slow
def test_runs_that_begin_at_once_do_the_work_once(tmp_path: Path, sample: bytes) -> None:
    """The short form of tests/campaigns/together.py."""
    assert len(list(together.campaign(sample, 1, 4, tmp_path, popen=warm.Popen))) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("flags", "times"), [((), 2), (("--workers", "2"), 1)])
def test_runs_that_are_interrupted_end_in_order(
    tmp_path: Path, flags: tuple[str, ...], times: int
) -> None:
    """The short form of tests/campaigns/interrupt.py; also where Luigi forks."""
    lines = interrupt.campaign(
        times, 5, 3, tmp_path, "--size", "160x", *flags, within_s=PATIENCE_S, popen=warm.Popen
    )
    assert len(lines) == times


def test_a_parser_of_the_command_line_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until another task is known."""
    monkeypatch.setattr(CmdlineParser, "_build_parser", staticmethod(CmdlineParser._build_parser))
    monkeypatch.setattr(Register, "_reg", [*Register._reg])
    argument_parsers.reuse_argument_parsers(["CombineGif", "--fps", "5"])
    first = CmdlineParser._build_parser(root_task="CombineGif")
    assert CmdlineParser._build_parser(root_task="CombineGif") is first
    assert CmdlineParser._build_parser() is first
    assert CmdlineParser._build_parser(root_task="WriteFrames") is not first

    class AnotherTask(luigi.Task):
        task_namespace = "parsers"
        word = luigi.Parameter()

    again = CmdlineParser._build_parser(root_task="CombineGif")
    assert again.parse_args(["--parsers.AnotherTask-word", "x"])


def test_a_parser_has_the_options_of_no_task_where_two_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Luigi alone knows which of them is to run."""
    monkeypatch.setattr(CmdlineParser, "_build_parser", staticmethod(CmdlineParser._build_parser))
    argument_parsers.reuse_argument_parsers(["RangeDaily", "--of", "NightlyGif"])
    known, unknown = CmdlineParser._build_parser().parse_known_args(["--of", "x", "RangeDaily"])
    assert (known.root_task, unknown) == ("x", ["--of", "RangeDaily"])
