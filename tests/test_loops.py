"""luigi-gif run, list and show, and the task Loops: the loops of a file."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import luigi
import pytest
from luigi.configuration import LuigiConfigParser
from luigi.task_register import Register
from support import warm
from support.commands import luigi_command, luigi_environment, run_luigi_gif
from support.images import gif
from support.luigid import Luigid
from support.numbered import picture, shown
from support.page_server import Server
from support.paths import ROOT

from luigi_gif import Loops, cli, cli_log, integrations, storage
from luigi_gif.errors import LUIGI_LOGGER, ParameterError
from luigi_gif.integrations import FORMAT, PlainFormatter
from luigi_gif.loops_file import read_loops

Run = Callable[..., tuple[int, list[list[str]]]]
BROKEN = (1, 3)
SCHEMA = json.loads((ROOT / "docs" / "json-result.schema.json").read_text())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """luigi-gif in this process, in a folder of its own: its exit code, and what it prints."""
    for name in ("install_for_command", "install_for_many_clips"):
        monkeypatch.setattr(integrations, name, lambda: None)
    monkeypatch.setattr(cli_log, "set_up_log", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)

    def luigi_gif(word: str, *arguments: str) -> tuple[int, list[list[str]]]:
        monkeypatch.setattr(LuigiConfigParser, "_instance", None)
        Register.clear_instance_cache()
        more = ["--dask-workers", "0", "--download-retries", "0"] if word == "run" else []
        code = cli.main([word, "loops.toml", *arguments, *more])
        return code, [re.split("  +", line) for line in capsys.readouterr().out.splitlines()]

    return luigi_gif


def write_loops(folder: Path, **urls: str) -> Path:
    path = folder / "loops.toml"
    tables = [f'[[loop]]\nname = "{name}"\nurl = "{url}"\n' for name, url in urls.items()]
    path.write_text("\n".join(tables))
    return path


def published_loops(server: Server, folder: Path, count: int) -> dict[str, str]:
    """The sources of loops, two of which are broken, by the loops' names."""
    urls = {f"loop-{number}": f"{number}.img" for number in range(count)}
    for number in set(range(count)) - set(BROKEN):
        (folder / f"{number}.img").write_bytes(gif(number % 4))
    for number in BROKEN:
        urls[f"loop-{number}"] = server.url(f"/{number}.img?key=s3cret")
    server.pages[f"/{BROKEN[1]}.img"] = b"<html>"
    path = write_loops(folder, **urls)
    path.write_text(re.sub('name = "(.+)"', r'\g<0>\npublish = "site/\1.gif"', path.read_text()))
    (folder / "site").mkdir()
    return urls


def test_broken_sources_do_not_stop_the_rest(tmp_path: Path, server: Server, run: Run) -> None:
    """They are published; two are named with their errors, by list and show too."""
    published_loops(server, tmp_path, 5)
    code, rows = run("run")
    assert code == 30
    assert [row[0] for row in rows] == [f"loop-{number}" for number in range(5)]
    for number, row in enumerate(rows):
        clip = tmp_path / "site" / f"loop-{number}.gif"
        if number in BROKEN:
            assert row[1] == "failed"
            assert row[2].startswith("DownloadData: ")
            assert not clip.exists()
        else:
            assert row[1:] == ["made", str(clip)]
            assert clip.read_bytes().startswith(b"GIF89a")
    server.requests.clear()
    code, listed = run("list")
    assert code == 0
    assert server.requests == []
    states = {row[0]: row[1:] for row in listed[1:]}
    assert [name for name, state in states.items() if state[0] == "failed"] == ["loop-1", "loop-3"]
    assert states["loop-1"][1].startswith("DownloadData: the server does not give the file: ")
    assert sum(state[0] == "ok" for state in states.values()) == 3
    facts = {row[0]: row[1] for row in run("show", "loop-1")[1]}
    assert facts["state"] == "failed"
    assert facts["where"] == server.url("/1.img?key=***")
    assert facts["last error"].startswith("DownloadData, 20")
    assert "s3cret" not in (tmp_path / "data" / "loop-1" / "run.json").read_text()


def test_programs_get_the_same_as_json(tmp_path: Path, run: Run) -> None:
    """A line for each loop of run, and an array of list, as the schema describes them."""
    (tmp_path / "good.img").write_bytes(gif(1))
    path = write_loops(tmp_path, good="good.img", away="away.img")
    code, (made, failed) = run_json(run, "run")
    assert code == 30
    assert (made["loop"], made["state"], made["frames"]) == ("good", "made", 1)
    assert made["path"] == str(tmp_path / "data" / "good" / "clip.gif")
    assert (failed["loop"], failed["state"]) == ("away", "failed")
    assert failed["error"]["where"] == str(tmp_path / "away.img")
    assert run_json(run, "run", "good")[1][0]["state"] == "unchanged"
    code, (listed,) = run_json(run, "list")
    assert code == 0
    assert [(loop["state"], loop["bytes"]) for loop in listed] == [
        ("ok", made["bytes"]), ("failed", None)
    ]  # fmt: skip
    path.write_text(f"{path.read_text()}hold_lst_ms = 1")
    for word in ("run", "list"):
        code, (told,) = run_json(run, word)
        assert code == told["exit_code"] == 2
        assert told["error"]["where"].endswith(": hold_lst_ms")


def run_json(run: Run, *arguments: str) -> tuple[int, list[Any]]:
    """The exit code, and what each line holds."""
    code, rows = run(*arguments, "--json")
    lines = [json.loads("  ".join(row)) for row in rows]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    return code, lines


def test_the_log_names_the_loop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also that of a step before the last one, the error that Luigi logs, and what follows it."""
    (tmp_path / "good.img").write_bytes(gif(1))
    path = write_loops(tmp_path, good="good.img", away="away.img")
    path.write_text(f'{path.read_text()}on_failure = "json://127.0.0.1:9"')
    caplog.handler.setFormatter(PlainFormatter(logging.Formatter(FORMAT)))
    with caplog.at_level(logging.INFO, LUIGI_LOGGER):
        for loop in read_loops(str(path)):
            luigi.build([loop.task], local_scheduler=True)
    said = caplog.text
    assert "INFO: good: SplitFrames runs" in said
    assert "INFO: away: DownloadData runs" in said
    assert "ERROR: away: the file cannot be read" in said
    assert "WARNING: away: a receiver" in said
    assert not re.search("^INFO: [A-Z][a-z]+(Data|Frames|Gif) ", said, re.MULTILINE)


def test_what_is_current_is_unchanged(tmp_path: Path, run: Run) -> None:
    """Only what changed is made again; the next run without an error forgets the last one."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.img").write_bytes(gif(1))
    write_loops(tmp_path, a="a.img", b="b.img", c="c.img")
    clips = {name: str(tmp_path / "data" / name / "clip.gif") for name in "abc"}
    assert run("run")[0] == 30
    (tmp_path / "c.img").write_bytes(gif(2))
    (tmp_path / "b.img").write_bytes(gif(3))
    assert run("run") == (
        0,
        [["a", "unchanged", clips["a"]], ["b", "made", clips["b"]], ["c", "made", clips["c"]]],
    )
    assert [row[:2] for row in run("list")[1][1:]] == [["a", "ok"], ["b", "ok"], ["c", "ok"]]
    assert "last error" not in [row[0] for row in run("show", "c")[1]]


def test_an_error_is_over_once_nothing_has_to_be_made(tmp_path: Path, run: Run) -> None:
    """As where an option is taken back with which it failed."""
    (tmp_path / "a.img").write_bytes(gif(1))
    path = write_loops(tmp_path, a="a.img")
    text = path.read_text()
    assert run("run")[0] == 0
    path.write_text(f"{text}min_frames = 100")
    assert run("run")[0] == 30
    path.write_text(text)
    assert run("list")[1][1][1] == "failed"
    assert run("run")[1][0][1] == "unchanged"
    assert run("list")[1][1][1] == "ok"


def test_each_state_is_listed(tmp_path: Path, run: Run) -> None:
    """One never made; one that is not what the file asks for now; one that cannot be read."""
    (tmp_path / "a.img").write_bytes(gif(1))
    path = write_loops(tmp_path, stale="a.img", new="a.img", away="a.img")
    assert run("run", "stale")[0] == 0
    path.write_text(path.read_text().replace('url = "a.img"', 'url = "a.img"\nplays = 3'))
    (tmp_path / "data" / "away").write_bytes(b"no folder")
    code, rows = run("list")
    assert rows[0][:4] == ["loop", "state", "age", "size"]
    assert rows[1][1] == "stale"
    assert rows[1][-1] == "clip.gif was made with another plays"
    assert rows[2] == ["new", "never made"]
    assert rows[3][1] == "unreadable"
    assert code == 30


def test_only_the_loops_that_are_named_run(tmp_path: Path, run: Run) -> None:
    """In the order of the file."""
    for name in "abc":
        (tmp_path / f"{name}.img").write_bytes(gif(1))
    write_loops(tmp_path, a="a.img", b="b.img", c="c.img")
    code, rows = run("run", "c", "a")
    assert code == 0
    assert [row[0] for row in rows] == ["a", "c"]
    assert sorted(os.listdir(tmp_path / "data")) == ["a", "c"]


def test_show_tells_what_a_loop_has_of_its_own(tmp_path: Path, run: Run) -> None:
    """What differs from the defaults of the tasks, when each step ran, and what the clip is."""
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    path = write_loops(tmp_path, cam="[0-9].png")
    path.write_text(f"{path.read_text()}hold_last_ms = 2000\n[defaults]\nlast = 2\n")
    assert run("run")[0] == 0
    assert shown(tmp_path / "data" / "cam" / "clip.gif") == [1, 2]
    facts = {row[0]: row[1] for row in run("show", "cam")[1]}
    assert facts["url"] == f"{tmp_path}/[0-9].png"
    assert (facts["last"], facts["hold_last_ms"], facts["frames"]) == ("2", "2000", "2")
    assert facts["clip"] == str(tmp_path / "data" / "cam" / "clip.gif")
    assert {"DownloadData", "SplitFrames", "WriteFrames", "CombineGif", "made"} <= facts.keys()
    assert not {"why", "last error", "fps"} & facts.keys()


def test_a_forged_history_breaks_no_list(tmp_path: Path, run: Run) -> None:
    """Whoever may write to a work directory may have written it; nothing moves a cursor."""
    (tmp_path / "a.img").write_bytes(gif(1))
    write_loops(tmp_path, a="a.img")
    assert run("run")[0] == 0
    folder = storage.open_folder(str(tmp_path / "data" / "a"))
    size = folder.size("clip.gif")
    values: list[Any] = ["x", 5, {"step": 7, "what": "\x1b[2J", "ended": 3, "got": []}, []]
    for value in values:
        clips = {"clip.gif": value}, {"clip.gif": {"bytes": size, "frames": value}}, value
        for clip in clips:
            folder.overwrite_json(
                "run.json", {"steps": {"\x1b": value}, "error": value, "clips": clip}
            )
            assert run("list")[0] == 0
            assert "\x1b" not in str(run("show", "a"))


def test_a_full_standard_output_is_no_mistake_in_the_file(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_loops(tmp_path, a="a.img")
    with open("/dev/full", "w") as full:
        monkeypatch.setattr("sys.stdout", full)
        code = cli.main(["list", "loops.toml"])
        with contextlib.suppress(OSError):
            full.close()
    assert code == 30


def test_a_mistake_in_the_file_is_told_before_anything_runs(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """With an exit code of its own; for list and show, too."""
    (tmp_path / "a.img").write_bytes(gif(1))
    path = write_loops(tmp_path, a="a.img", b="a.img")
    path.write_text(f"{path.read_text()}hold_lst_ms = 1\nfps = 900\n")
    for arguments in (["run", "loops.toml"], ["list", "loops.toml"], ["show", "loops.toml", "a"]):
        assert cli.main(arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert re.findall(r"^ERROR: .+\n  where:    (.+)", said.err, re.MULTILINE) == [
            "loops.toml, line 8: hold_lst_ms", "loops.toml, line 9: fps",
        ]  # fmt: skip
    assert not (tmp_path / "data").exists()


def test_a_task_has_a_file_of_loops(tmp_path: Path) -> None:
    """From Python, with mistakes as an error, and some of its loops by their names."""
    path = write_loops(tmp_path, a="a.img", b="b.img")
    assert [clip.url for clip in Loops(file=path).requires()] == [
        str(tmp_path / "a.img"), str(tmp_path / "b.img"),
    ]  # fmt: skip
    named = Loops(file=path, names="b")
    assert [clip.url for clip in named.requires()] == [str(tmp_path / "b.img")]
    assert Loops.from_str_params(named.to_str_params()) is named
    with pytest.raises(ParameterError, match="no loop has this name"):
        Loops(file=path, names=["c"])


def luigi_loops(folder: Path, profile: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = luigi_command("Loops", "--file", "loops.toml", "--dask-workers", "0", *arguments)
    environment = luigi_environment() | {"LUIGI_CONFIG_PATH": str(ROOT / profile)}
    return warm.run([*command, "--download-retries", "0"], cwd=folder, env=environment)


@pytest.mark.slow
def test_luigid_shows_the_loops(tmp_path: Path, server: Server, luigid: Luigid, run: Run) -> None:
    """Of 20 loops 18 published, two failed that the last lines name; list has all of them, too."""
    urls = published_loops(server, tmp_path, 20)
    result = luigi_loops(
        tmp_path, "config/client.cfg", "--workers", "2", "--scheduler-url", luigid.url
    )
    assert result.returncode == 30, result.stderr
    for status, count in (("DONE", 18), ("FAILED", 2)):
        tasks = luigid.ask("task_list", status=status, upstream_status="")
        found = [task for task in tasks.values() if task["name"] == "PublishGif"]
        assert len(found) == count
    assert len(os.listdir(tmp_path / "site")) == 18
    assert {task["params"]["workdir"] for task in found} == {
        str(tmp_path / "data" / f"loop-{number}") for number in BROKEN
    }
    summary = result.stderr.partition("What failed:")[2]
    for number in BROKEN:
        name = f"loop-{number}"
        assert f"* {name}: {urls[name].replace('s3cret', '***')}: " in summary
    assert "s3cret" not in result.stderr
    states = [row[1] for row in run("list")[1][1:]]
    assert states == ["failed" if number in BROKEN else "ok" for number in range(20)]


@pytest.mark.slow
def test_several_clips_are_made_at_a_time(tmp_path: Path) -> None:
    """By the command with two workers: in forks, whose errors are listed."""
    for name in "abc":
        (tmp_path / f"{name}.img").write_bytes(gif(1))
    write_loops(tmp_path, a="a.img", b="b.img", c="c.img", d="d.img")
    result = run_luigi_gif(tmp_path, "run", "loops.toml", "--workers", "2", "--dask-workers", "0")
    assert result.returncode == 30
    words = [re.split("  +", line)[:2] for line in result.stdout.splitlines()]
    assert words == [["a", "made"], ["b", "made"], ["c", "made"], ["d", "failed"]]
    assert result.stderr.count("ERROR: ") == 1
    assert "Traceback" not in result.stderr


def test_a_loop_has_receivers_of_its_own(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is told of its failures, by its name; those of [notify] are for the others."""
    told: list[tuple[str, str]] = []
    from luigi_gif.integrations import notifications

    monkeypatch.setattr(
        notifications, "_send", lambda kind, urls, title, body: told.append((urls, body))
    )
    path = write_loops(tmp_path, a="a.img", b="b.img")
    path.write_text(f'{path.read_text()}on_failure = ["json://b", "json://c"]\n')
    assert run("run", "--notify-on-failure", "json://all")[0] == 30
    assert [(urls, body.splitlines()[0]) for urls, body in told] == [
        ("json://all", f"a: {tmp_path}/a.img"),
        ("json://b json://c", f"b: {tmp_path}/b.img"),
    ]
