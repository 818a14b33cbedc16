"""luigi-gif --completion, in the shells themselves."""

from __future__ import annotations

import argparse
import os
import pty
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from support import programs
from support.warm import PATIENCE_S

from luigi_gif import (
    cli,
    cli_commands,
    cli_completion,
    cli_log,
    cli_options,
    integrations,
)

CASES = [
    ("luigi-gif ", {"run", "run.txt", "pictures", "picture.gif"}),
    ("luigi-gif pict", {"pictures", "picture.gif"}),
    ("luigi-gif ru", {"run", "run.txt"}),
    ("luigi-gif pictures pictures pict", {"pictures", "picture.gif"}),
    ("luigi-gif pictures --fi", {"--fit", "--first"}),
    ("luigi-gif pictures --fit ", {"contain", "cover", "fill"}),
    ("luigi-gif --for ", {"github", "discord", "slack", "x", "email"}),
    ("luigi-gif pictures -o pict", {"pictures", "picture.gif"}),
    ("luigi-gif pictures --workdir ", {"pictures"}),
    ("luigi-gif run pict", {"pictures", "picture.gif"}),
    ("luigi-gif run x --", {"--help", "--state"}),
    ("luigi-gif run --state ", {"ok", "bad"}),
]
"""What stands before the cursor, and the words that it is completed to."""

ScriptOf = Callable[[str], Path]


@pytest.fixture
def script_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> ScriptOf:
    """The path of the script for a shell, in a folder with two files and a folder in it."""
    module = types.ModuleType("luigi_gif.cli_of_test")
    module.make_parser = _make_parser  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    command = cli_commands.Command("cli_of_test", "FILE", "makes 50% of it, and it's done")
    monkeypatch.setattr(cli_completion, "COMMANDS", {"run": command})
    monkeypatch.setattr(integrations, "install_for_command", lambda: None)
    monkeypatch.setattr(cli_log, "set_up_log", lambda *_: None)

    def script(shell: str) -> Path:
        capfd.readouterr()
        assert cli.main(["--completion", shell]) == 0
        path = tmp_path / "script"
        path.write_text(capfd.readouterr().out)
        folder = tmp_path / "folder"
        (folder / "pictures").mkdir(parents=True)
        (folder / "picture.gif").touch()
        (folder / "run.txt").touch()
        monkeypatch.chdir(folder)
        return path

    return script


def _make_parser(word: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"luigi-gif {word}")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--state", metavar="{ok,bad}", help="how it is")
    return parser


def words(said: str) -> list[set[str]]:
    """Those of each line; a shell may write a folder with a slash."""
    return [{word.rstrip("/") for word in line.split()} for line in said.splitlines()]


@pytest.mark.external
def test_bash_completes_options_choices_files_and_commands(
    script_of: ScriptOf,
) -> None:
    """Also the options of a command; with a file that stands before or behind."""
    bash = programs.need("bash")
    lines = [f"source {script_of('bash')}"]
    for line, _ in CASES:
        typed = " ".join(f"'{word}'" for word in line.split(" "))
        lines += [
            f"COMP_WORDS=({typed}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))",
            '$(complete -p luigi-gif | sed "s/.* -F //; s/ .*//") 2>&1; echo ${COMPREPLY[*]}',
        ]
    said = subprocess.run(
        [bash, "--norc", "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert words(said.stdout) == [expected for _, expected in CASES], said.stderr


@pytest.mark.external
def test_fish_completes_them_too(script_of: ScriptOf) -> None:
    """It shows words of commands behind files, too, which does no harm."""
    fish = programs.need("fish")
    lines = [f"source {script_of('fish')}"]
    lines += [f"echo (complete -C '{line}' | string replace -r '\\t.*' '')" for line, _ in CASES]
    said = subprocess.run(
        [fish, "--no-config", "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert words(said.stdout) == [expected for _, expected in CASES], said.stderr


@pytest.mark.external
def test_zsh_completes_them_too(script_of: ScriptOf) -> None:
    """As one types, on a terminal."""
    zsh = programs.need("zsh")
    script = script_of("zsh")
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "dumb"
        os.execv(zsh, [zsh, "-f", "-i"])
    shown = b""

    def shows(*wanted: str) -> bool:
        nonlocal shown
        deadline = time.monotonic() + PATIENCE_S
        while not all(word.encode() in shown for word in wanted):
            assert time.monotonic() < deadline, shown
            shown += os.read(terminal, 65_536)
        shown = b""
        return True

    setup = "autoload -Uz compinit; compinit -u -D; unsetopt list_ambiguous; LISTMAX=9999"
    os.write(terminal, f"{setup}; eval \"$(<'{script}')\"; stty cols 200; echo LOA''DED\n".encode())
    assert shows("LOADED")
    try:
        for line, expected in CASES:
            os.write(terminal, f"{line}\t\t".encode())
            assert shows(*expected)
            os.write(terminal, b"\x15echo NE''XT\n")
            assert shows("NEXT")
    finally:
        os.close(terminal)  # as if the window was closed
        os.waitpid(process, 0)


def test_each_shell_of_the_help_has_a_script() -> None:
    """With every option of the command."""
    options = [
        flag for action in cli_options.make_parser()._actions for flag in action.option_strings
    ]
    for shell in cli_options.SHELLS:
        script = cli_completion.completion_script(shell)
        assert all(option.lstrip("-") in script for option in options)
