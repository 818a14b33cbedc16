"""What luigi-gif tells of a run: one line of JSON, errors only, or all of the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from luigi.configuration import LuigiConfigParser
from luigi.task_register import Register
from support.commands import run_luigi_gif
from support.images import DELIMITER, gif
from support.numbered import picture
from support.paths import ROOT

from luigi_gif import cli, cli_log, cli_runs, integrations, make_gif
from luigi_gif.tasks import WriteFrames

SCHEMA = json.loads((ROOT / "docs" / "json-result.schema.json").read_text())
STEPS = ["DownloadData", "SplitFrames", "WriteFrames", "CombineGif"]
Told = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def tell(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Told:
    """The exit code of luigi-gif here, and its line of JSON, as the schema describes it."""
    monkeypatch.setattr(integrations, "install_for_command", lambda: None)
    monkeypatch.setattr(cli_log, "set_up_log", lambda *_: None)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(LuigiConfigParser, "_instance", None)
        Register.clear_instance_cache()
        capfd.readouterr()
        try:
            code = cli.main([*arguments, "--dask-workers", "0"])
        except SystemExit as end:
            code = int(end.code or 0)
        except KeyboardInterrupt:
            code = 130
        (line,) = capfd.readouterr().out.splitlines()
        told = json.loads(line)
        jsonschema.validate(told, SCHEMA)
        kind = "failed" if "error" in told else "made"
        assert told.keys() <= SCHEMA["$defs"][kind]["properties"].keys()
        return code, told

    return run


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of three."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(picture(number))
    return folder


def test_json_says_what_the_clip_is_and_what_each_step_did(tell: Told, pictures: Path) -> None:
    """The same as make_gif(); where nothing had to run, each step says why."""
    result = make_gif(pictures, "other.gif")
    code, told = tell("pictures", "--json", "-o", "out.gif", "--workdir", "work")
    assert code == 0
    assert told["path"] == "out.gif"
    size = Path("out.gif").stat().st_size
    facts = {key: told[key] for key in ("frames", "width", "height", "duration_ms", "skipped")}
    assert facts == {key: getattr(result, key) for key in facts if key != "skipped"} | {
        "skipped": result.left_out
    }
    assert told["bytes"] == size == result.size
    assert list(told["steps"]) == [*STEPS, "PublishGif"]
    assert all(step["ran"] for step in told["steps"].values())
    assert told["steps"]["CombineGif"]["reason"].endswith("clip.gif is not there")

    code, told = tell("pictures", "--json", "--workdir", "work")
    assert code == 0
    assert [step["ran"] for step in told["steps"].values()] == [False] * 4
    assert told["steps"]["CombineGif"]["reason"].endswith("clip.gif is current")

    code, told = tell("pictures", "--json", "--workdir", "work", "--plays", "3")
    assert [step["ran"] for step in told["steps"].values()] == [False, False, False, True]
    assert "plays" in told["steps"]["CombineGif"]["reason"]


def test_json_has_a_line_for_each_frame_that_is_skipped(tell: Told, pictures: Path) -> None:
    """With the name of its item."""
    (pictures / "1.png").write_bytes(b"no picture")
    code, told = tell("pictures", "--json", "--on-bad-frame", "skip")
    assert code == 0
    assert told["frames"] == 2
    (line,) = told["skipped"]
    assert "1.png" in line


def test_json_of_a_clip_without_history_is_told_by_the_clip(tell: Told, pictures: Path) -> None:
    """The same facts."""
    _, first = tell("pictures", "--json", "--workdir", "work")
    Path("work", "run.json").unlink()
    Path("work", "run.json").mkdir()
    code, second = tell("pictures", "--json", "--workdir", "work")
    assert code == 0
    for told in (first, second):
        del told["seconds"], told["steps"]
    assert first == second


def test_json_of_a_run_that_fails_has_the_error(tell: Told, pictures: Path) -> None:
    """Its five texts, and the step that failed as the last that ran."""
    (pictures / "1.png").write_bytes(b"no picture")
    code, told = tell("pictures", "--json")
    assert code == told["exit_code"] == 30
    assert told["error"]["what"] == "1.png is not usable"
    assert list(told["steps"]) == ["DownloadData"]
    assert told["steps"]["DownloadData"]["ran"]


def test_json_of_an_unexpected_error_names_the_step(
    tell: Told, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what Python calls it; its traceback is in the log."""

    def broken(_: WriteFrames) -> str:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(WriteFrames, "make", broken)
    code, told = tell("pictures", "--json")
    assert code == told["exit_code"] == 30
    assert told["error"]["where"] == "WriteFrames"
    assert told["error"]["got"] == "ZeroDivisionError: by nothing"
    assert [step["ran"] for step in told["steps"].values()] == [True] * 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pictures", "--colours", "3"], "did you mean --colors?"),
        (["pictures", "--colors", "1"], "the value of --colors cannot be used"),
        (["pictures", "-o", "-"], "--json and -o - both need standard output"),
        (["pictures", "--explain"], "--json is about a clip, and none is made"),
        (["pictures", "-o", "clip.mp4"], "the clip cannot be put there"),
        ([], "a URL is needed"),
    ],
)
def test_json_of_what_cannot_be_used_has_a_line_too(
    tell: Told, pictures: Path, arguments: list[str], words: str
) -> None:
    """An option that argparse refuses, one that a task refuses, a place that is none."""
    code, told = tell("--json", *arguments)
    assert code == told["exit_code"] == 2
    assert any(words in text for text in told["error"].values()), told
    assert told["steps"] == {}


def test_json_of_an_interrupted_run_has_a_line_too(
    tell: Told, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the command ends as any that is interrupted."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_runs, "run_tasks", interrupt)
    code, told = tell("pictures", "--json")
    assert code == told["exit_code"] == 130


def test_the_section_luigi_gif_has_options_that_are_no_parameter(
    tell: Told, pictures: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of the two that say how much is told, one; the command line wins."""
    Path("luigi.cfg").write_text("[luigi_gif]\njson = true\noutput = 50%%.gif\nquiet = true\n")
    code, told = tell("pictures")
    assert (code, told["path"]) == (0, "50%.gif")
    assert tell("pictures", "-o", "other.gif", "-v")[1]["path"] == "other.gif"
    Path("luigi.cfg").write_text("[luigi_gif]\nquiet = true\nverbose = true\n")
    code, told = tell("pictures", "--json")
    assert (code, told["error"]["where"]) == (2, "[luigi_gif] quiet and verbose")


@pytest.mark.slow
def test_quiet_tells_errors_only_and_verbose_all_of_the_log(tmp_path: Path) -> None:
    """The path stays on standard output; both at once are an error."""
    (tmp_path / "x.img").write_bytes(DELIMITER.join([gif(1), b"no picture"]))
    options = ["x.img", "--workdir", "a", "--dask-workers", "0"]
    failed = run_luigi_gif(tmp_path, *options, "-q")
    assert (failed.returncode, failed.stdout) == (30, "")
    assert failed.stderr.startswith("ERROR: ")
    assert len(failed.stderr.splitlines()) == 5
    made = run_luigi_gif(tmp_path, *options, "-q", "--on-bad-frame", "skip")
    assert made.returncode == 0
    assert made.stdout.endswith("clip.gif\n")
    assert made.stderr == ""
    told = run_luigi_gif(tmp_path, *options, "-v", "--on-bad-frame", "skip").stderr
    assert "INFO: CombineGif skipped: " in told
    assert "===== Luigi Execution Summary =====" in told
    both = run_luigi_gif(tmp_path, *options, "-q", "-v")
    assert both.returncode == 2
    assert "not allowed with argument -q/--quiet" in both.stderr
