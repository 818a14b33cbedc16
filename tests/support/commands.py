"""The commands luigi and luigi-gif, and what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support import warm
from support.paths import ROOT

LUIGI_GIF = (sys.executable, "-m", "luigi_gif.cli")
ERROR = re.compile(
    r"^ERROR: .+\n  where:    .+\n  expected: .+\n  got:      .+\n  next:     .+$", re.MULTILINE
)
Run = Callable[..., subprocess.CompletedProcess[str]]


def luigi_command(*arguments: str, python: tuple[str, ...] = ()) -> list[str]:
    """The luigi command with this project's configuration, as one runs it by hand."""
    return [sys.executable, *python, "-m", "luigi", "--module", "luigi_gif", *arguments]


def luigi_environment() -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DASK_")}
    return environment | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")}


def run_luigi_gif(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command luigi-gif, in a folder without a luigi.cfg."""
    return warm.run([*LUIGI_GIF, *arguments], cwd=folder, env=without_luigi_cfg())


def without_luigi_cfg() -> dict[str, str]:
    environment = luigi_environment()
    del environment["LUIGI_CONFIG_PATH"]
    return environment


def strange_lines(said: str) -> list[str]:
    """Of the output of a run, what is neither Luigi's nor ours: warnings, tracebacks, chatter.

    That a machine is too busy to keep the times of Dask and asyncio is no fault of the run.
    """
    said, _, _ = said.partition("===== Luigi Execution Summary")
    late = "(Event loop was|Connection to .* has been closed)"
    dask = rf"\S+ \S+ - distributed\.\S+ - (WARNING|INFO - {late})"
    known = rf"(INFO|WARNING): |{dask}|Executing <"
    return [line for line in said.splitlines() if not re.match(known, line)]


def fails(result: subprocess.CompletedProcess[str], *words: str, code: int = 30) -> None:
    """One error in our form, with these words, and no traceback."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    errors = ERROR.findall(result.stderr)
    assert len(errors) == 1, result.stderr
    assert result.stderr.count("ERROR") == 1
    for word in words:
        assert word in errors[0]
