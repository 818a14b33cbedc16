"""luigi-gif on a terminal, into a file, and in an empty folder."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from luigi.configuration import LuigiConfigParser
from support.commands import LUIGI_GIF, run_luigi_gif, without_luigi_cfg
from support.images import gif
from support.paths import SAMPLE

from luigi_gif import cli_options, unreadable_config
from luigi_gif.publish import PublishGif


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """What appears on one of 80 columns."""
    terminal, other_end = pty.openpty()
    fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*LUIGI_GIF, *arguments], cwd=folder, stdout=other_end, stderr=other_end, close_fds=True
    )
    os.close(other_end)
    said = b""
    try:
        while piece := os.read(terminal, 65_536):
            said += piece
    except OSError:  # how Linux ends a terminal
        pass
    os.close(terminal)
    assert process.wait() == 0, said
    return said.decode()


@pytest.mark.slow
def test_a_bar_moves_on_a_terminal(tmp_path: Path, mixed_bundle: bytes) -> None:
    """One for the download, one for the frames; no line of a log."""
    (tmp_path / "bundle.img").write_bytes(mixed_bundle)
    said = on_a_terminal(tmp_path, "bundle.img", "--size", "640x", "--dask-workers", "0")
    assert len(set(re.findall(r"WriteFrames: +([0-9]+)%", said))) >= 3
    assert "DownloadData: 100%" in said
    assert "\r" in said
    assert "INFO" not in said
    assert said.rstrip().endswith("clip.gif")


@pytest.mark.slow
def test_a_file_gets_plain_lines(tmp_path: Path) -> None:
    """Without control characters; the path of the clip alone goes to standard output."""
    result = run_luigi_gif(tmp_path, str(SAMPLE), "-o", "out.gif")
    assert result.returncode == 0
    assert result.stdout == "out.gif\n"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", result.stderr)
    assert re.findall(r"INFO: (\w+) runs: ", result.stderr) == [
        "DownloadData", "SplitFrames", "WriteFrames", "CombineGif", "PublishGif",
    ]  # fmt: skip
    assert (tmp_path / "out.gif").read_bytes().startswith(b"GIF89a")


@pytest.mark.slow
def test_the_last_line_says_what_the_clip_is(tmp_path: Path) -> None:
    """On standard error: its name, frames, size and the seconds; also where nothing had to run."""
    for arguments, name in (
        (["--workdir", "a"], "clip.gif"),
        (["--workdir", "a"], "clip.gif"),
        (["--workdir", "a", "-o", "out.gif"], "out.gif"),
    ):
        result = run_luigi_gif(tmp_path, str(SAMPLE), *arguments)
        last = result.stderr.splitlines()[-1]
        assert re.fullmatch(f"{name}: 32 frames, 360\\.7 kB, [0-9]+\\.[0-9] s", last), last


@pytest.mark.slow
def test_without_its_history_the_clip_has_a_size_only(tmp_path: Path) -> None:
    """The frames are known from run.json, which nothing needs."""
    (tmp_path / "x.img").write_bytes(gif(1))
    run_luigi_gif(tmp_path, "x.img", "--workdir", "a", "--dask-workers", "0")
    (tmp_path / "a" / "run.json").unlink()
    last = run_luigi_gif(tmp_path, "x.img", "--workdir", "a").stderr.splitlines()[-1]
    assert re.fullmatch(r"clip\.gif: [0-9.]+ kB, [0-9.]+ s", last), last


@pytest.mark.slow
def test_what_is_in_the_place_of_its_history_fails_no_run(tmp_path: Path) -> None:
    """A folder there is left alone; the clip is made, and the closing line has the time only."""
    (tmp_path / "x.img").write_bytes(gif(1))
    (tmp_path / "a" / "run.json").mkdir(parents=True)
    result = run_luigi_gif(tmp_path, "x.img", "--workdir", "a", "--dask-workers", "0")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^clip\.gif: [0-9.]+ s$", result.stderr, re.MULTILINE), result.stderr


def test_the_help_has_groups_with_defaults_and_choices() -> None:
    """Each parameter of PublishGif and each setting stands in one of the groups."""
    shown = cli_options.make_parser().format_help()
    titles = ["source", "result", "frames", "look", "captions", "timing", "file size", "freshness"]
    titles += ["work directory", "Dask", "download", "notifications", "in the place of a clip"]
    titles += ["exit codes"]
    places = [shown.index(f"\n{title}:\n") for title in titles]
    assert places == sorted(places)
    assert "{fast,best}" in shown
    assert "[default: fast]" in " ".join(shown.split())
    own = {name for name, _ in PublishGif.get_params()} - {"url", "gif_file", "to"}
    own |= {
        f"{each.__name__}_{name}" for each in cli_options.SECTIONS for name, _ in each.get_params()
    }
    assert all(f"  {cli_options.flag(name)} " in shown for name in own)


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [("--qual", "--quality"), ("--dask-wokers=3", "--dask-workers"), ("--outptu", "--output")],
)
def test_an_unknown_option_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str], wrong: str, nearest: str
) -> None:
    """Below a usage of two lines; nothing is abbreviated."""
    with pytest.raises(SystemExit) as end:
        cli_options.make_parser().parse_args(["x.img", wrong])
    said = capsys.readouterr().err.splitlines()
    assert end.value.code == 2
    assert len(said) == 4
    assert said[2:] == [
        f"luigi-gif: error: unrecognized arguments: {wrong}",
        f"luigi-gif: did you mean {nearest}?",
    ]


def test_an_option_like_no_other_has_no_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """Rather than a wrong hint."""
    with pytest.raises(SystemExit):
        cli_options.make_parser().parse_args(["x.img", "--zzzzzzzz"])
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "meant"), [("lst", "list"), ("prun", "prune"), ("help", "--help")]
)
def test_a_mistyped_command_is_no_source(tmp_path: Path, word: str, meant: str) -> None:
    """Unless a file has its name."""
    mistyped = run_luigi_gif(tmp_path, word, "loops.toml")
    assert mistyped.returncode == 2
    assert f"{word} is no command and no file: did you mean {meant}?" in mistyped.stderr
    far = run_luigi_gif(tmp_path, "last")
    assert far.returncode == 30
    (tmp_path / word).mkdir()
    empty = run_luigi_gif(tmp_path, word)
    assert empty.returncode == 30
    assert "did you mean" not in empty.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "x"], "the URL stands without --url"),
        (["x", "out.gif"], "there is no out.gif: did you mean -o out.gif?"),
        (["x", "--notify-on-failure", "s3cret"], "got:      'no URL as number 1'"),
    ],
)
def test_it_says_what_may_be_meant(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = run_luigi_gif(tmp_path, *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert "s3cret" not in result.stderr


@pytest.mark.slow
def test_it_explains_what_would_run(tmp_path: Path) -> None:
    """And runs nothing."""
    first = run_luigi_gif(tmp_path, str(SAMPLE), "--explain")
    assert first.returncode == 0
    assert first.stdout.count("would run: ") == 4
    assert os.listdir(tmp_path) == []
    run_luigi_gif(tmp_path, str(SAMPLE))
    done = run_luigi_gif(tmp_path, str(SAMPLE), "--explain").stdout
    assert done.count("is not needed") == 3
    assert done.count("is done") == 1
    other = run_luigi_gif(tmp_path, str(SAMPLE), "--plays", "2", "--explain").stdout
    assert other.count("would run: ") == 1
    assert "made with another plays" in other


@pytest.mark.slow
def test_what_fails_has_an_exit_code_and_words(tmp_path: Path) -> None:
    """30 for a task, 2 for an option; no traceback."""
    for arguments, code, word in (
        (["missing.img"], 30, "No such file"),
        ([str(SAMPLE), "--plays", "x"], 2, "--plays"),
        ([str(SAMPLE), "--dask-batch-mib", "0"], 2, "--dask-batch-mib"),
        ([], 2, "a URL is needed"),
        ([""], 2, "url is empty"),
        ([str(SAMPLE), "-o", ""], 2, "--output is empty"),
        ([str(SAMPLE), "--size", ""], 2, "--size is empty"),
        ([str(SAMPLE), "--qual", "best"], 2, "unrecognized arguments: --qual best"),
        (["--page", ""], 2, "--page is empty"),
        (["--page", "nonsense://x"], 2, "correct --page"),
        (["--page", "x", "--page-url", "example.org"], 2, "the value of --page-url cannot be used"),
        (["--page-url", "https://example.org/"], 2, "--page-url needs --page"),
        (["--page", "nowhere"], 2, "there is no clip to show"),
    ):
        result = run_luigi_gif(tmp_path, *arguments)
        assert result.returncode == code, result.stderr
        assert word in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_settings_are_options_too(tmp_path: Path) -> None:
    """As the sections of luigi.cfg have them; a percent sign is one."""
    (tmp_path / "100%.img").write_bytes(gif(1))
    result = run_luigi_gif(
        tmp_path, "100%.img", "--dask-workers", "0", "--notify-on-success", "x://%/"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_a_luigi_cfg_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Though Luigi reads it before anything of ours runs; what stands in it is not shown."""
    (tmp_path / "luigi.cfg").write_text("[dask]\nworkers = s3cret\nworkers = 2\n")
    result = subprocess.run(
        [*LUIGI_GIF, "x.img"], cwd=tmp_path, env=without_luigi_cfg(), capture_output=True, text=True
    )
    assert result.returncode == 2, result.stderr
    assert "'workers' in section 'dask' already exists" in result.stderr
    assert "Traceback" not in result.stderr
    assert "s3cret" not in result.stderr


@pytest.mark.parametrize(
    ("profile", "words"),
    [(b"workers = 2\n", "luigi.cfg, line 1"), (b"[dask]\n# \xfc\n", "in UTF-8")],
)
def test_what_luigi_cannot_read_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    profile: bytes,
    words: str,
) -> None:
    """By what stands around Luigi's import."""
    (tmp_path / "luigi.cfg").write_bytes(profile)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/luigi-gif"])
    monkeypatch.setattr(LuigiConfigParser, "_instance", None)
    with pytest.raises(SystemExit) as end, unreadable_config.translating_config_errors():
        LuigiConfigParser.instance()
    assert end.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_an_entry_that_luigi_cannot_use_is_named(tmp_path: Path) -> None:
    """When it is used."""
    (tmp_path / "luigi.cfg").write_text("[core]\nlog_level = LOUD\n")
    (tmp_path / "x.img").write_bytes(gif(1))
    result = run_luigi_gif(tmp_path, "x.img", "--dask-workers", "0")
    assert result.returncode == 30, result.stderr
    assert "[core] in luigi.cfg" in result.stderr
    assert "Traceback" not in result.stderr
