"""Standard streams that are closed, full, read by nobody, or know only ASCII."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import warm
from support.clips import make_clip
from support.commands import luigi_environment
from support.images import gif

pytestmark = pytest.mark.slow

MADE = f"{sys.executable} -m luigi_gif.cli unused --workdir work"
"""The clip is there already: quick."""
COMMAND = f"{sys.executable} -m luigi_gif.cli bundle.img --dask-workers 0"


@pytest.fixture(autouse=True)
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Of the bundle ``unused``, made; and another bundle."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundle.img").write_bytes(gif(1))
    return make_clip(gif(1), tmp_path / "work").read_bytes()


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env=luigi_environment() | environment,
        capture_output=True,
        check=False,
    )


def test_a_dash_is_standard_output(tmp_path: Path, clip: bytes) -> None:
    """Where the clip goes, and nothing else."""
    result = shell(tmp_path, f"{MADE} -o -")
    assert result.returncode == 0, result.stderr
    assert result.stdout == clip
    assert sorted(os.listdir(tmp_path)) == ["bundle.img", "work"]


def test_files_beside_a_clip_have_no_place_on_standard_output(tmp_path: Path, clip: bytes) -> None:
    result = shell(tmp_path, f"{MADE} --also webp -o -")
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"--also makes files beside the clip" in result.stderr


@pytest.mark.parametrize("closed", ["2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_change_nothing(tmp_path: Path, closed: str) -> None:
    """The clip is made, and no file takes the place of a stream."""
    result = shell(tmp_path, f"{COMMAND} --workdir new {closed}")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "new" / "clip.gif").read_bytes().endswith(b";")
    assert b"Traceback" not in result.stderr


def test_the_luigi_command_needs_no_streams(tmp_path: Path) -> None:
    """As a service manager may start it."""
    command = f"{sys.executable} -m luigi --module luigi_gif CombineGif --url bundle.img"
    assert shell(tmp_path, f"{command} --workdir new 0<&- 1>&- 2>&-").returncode == 0
    assert (tmp_path / "new" / "clip.gif").exists()


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (f"{MADE} | true", 0, b""),
        (f"{MADE} --explain | true", 0, b""),
        (f"{MADE} -o - | exec true", 30, b"Broken pipe"),
        (f"{MADE} -o - 1>&-", 2, b"a closed standard output"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path: Path, line: str, code: int, words: bytes) -> None:
    """By an exit code and words, or not at all where nobody wants to know."""
    result = shell(tmp_path, line)
    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert b"Traceback" not in result.stderr
    assert b"Exception ignored" not in result.stderr


@pytest.mark.parametrize("flags", [[], ["-o", "-"]])
def test_a_full_standard_output_is_said(tmp_path: Path, flags: list[str]) -> None:
    """As a failure of the command, and no more than once."""
    with open("/dev/full", "wb") as full, open(tmp_path / "said", "wb") as stderr:
        code = warm.Popen(
            [*MADE.split(), *flags],
            cwd=tmp_path,
            env=luigi_environment(),
            stdout=full,
            stderr=stderr,
        ).wait()
    said = (tmp_path / "said").read_text()
    assert code == 30, said
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_path_is_printed_byte_for_byte(tmp_path: Path) -> None:
    """Where the encoding cannot show it, and where it is no text at all; the log escapes it."""
    name = "ö".encode() + b"\xff"
    line = COMMAND.encode() + b" --workdir " + name
    result = shell(tmp_path, os.fsdecode(line), PYTHONIOENCODING="ascii:strict")
    assert result.returncode == 0, result.stderr
    assert result.stdout == os.fsencode(tmp_path) + b"/" + name + b"/clip.gif\n"
    assert b"Traceback" not in result.stderr
    result.stderr.decode("ascii")
    explained = shell(tmp_path, os.fsdecode(line + b" --explain"), PYTHONIOENCODING="ascii:strict")
    assert explained.returncode == 0, explained.stderr
