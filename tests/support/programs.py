"""Programs that others wrote. One is taken only if it says that it is the one that is meant."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import subprocess
import tempfile
from typing import NamedTuple

import pytest

ANSWER_S = 30.0
"""Whatever takes longer to say what it is, is another program."""


class Program(NamedTuple):
    """What it may be called, and by what it is known."""

    names: tuple[str, ...]
    flag: str
    says: str
    """A regular expression that its first lines match."""


PROGRAMS = {
    "ffmpeg": Program(("ffmpeg",), "-version", r"^ffmpeg version "),
    "gifsicle": Program(("gifsicle",), "--version", r"^LCDF Gifsicle "),
    "imagemagick": Program(("magick", "convert"), "-version", r"^Version: ImageMagick [67]\."),
    "chromium": Program(
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        "--version",
        r"^(Chromium|Google Chrome)\b.* \d+\.",
    ),
    "azurite": Program(("azurite-blob",), "--version", r"^3\.\d+\.\d+$"),
    "bash": Program(("bash",), "--version", r"^GNU bash, "),
    "fish": Program(("fish",), "--version", r"^fish, version [3-9]"),
    "zsh": Program(("zsh",), "--version", r"^zsh 5"),
    "systemd-analyze": Program(("systemd-analyze",), "--version", r"^systemd \d+"),
}


@functools.cache
def find(name: str, *folders: str) -> str | None:
    """The path of a program, in these folders or else on PATH; one of another kind is passed by."""
    program = PROGRAMS[name]
    for called in program.names:
        for folder in (*folders, *os.get_exec_path()):
            path = os.path.join(folder, called)
            if os.access(path, os.X_OK) and _says(path, program):
                return path
    return None


def need(name: str) -> str:
    """Its path; the test is skipped where it is not installed."""
    path = find(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def _says(path: str, program: Program) -> bool:
    """Into a file: what a program leaves behind may hold a pipe open for as long as it likes."""
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        try:
            process = subprocess.Popen(
                [path, program.flag],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError:
            return False
        try:
            code = process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            return False
        finally:
            end(process)
        said.seek(0)
        return code == 0 and bool(re.search(program.says, said.read(10_000), re.MULTILINE))


def end(process: subprocess.Popen[bytes]) -> None:
    """One that leads a session, with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # where only zombies are left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
