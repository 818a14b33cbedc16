"""What makes a shell complete luigi-gif: ``luigi-gif --completion bash`` prints it.

shtab writes such a script of a parser. It knows either commands or files in a place, where
luigi-gif has both in the first one: what is added to its scripts here sees to that.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping

from luigi_gif.cli_commands import COMMANDS
from luigi_gif.cli_options import make_parser

_FIRST = "_luigi_gif_file_first"
_FUNCTIONS = {
    "bash": f"""\
{_FIRST}() {{
  compgen -f -- "$1"
  [ "$COMP_CWORD" -gt 1 ] || compgen -W '%(words)s' -- "$1"
}}""",
    "zsh": f"""\
{_FIRST}() {{
  (( CURRENT > 2 )) || compadd -- %(words)s
  _files
}}
_shtab_luigi_gif() {{
  local options=_shtab_luigi_gif_${{words[2]}}_options
  if (( CURRENT > 2 && ${{(P)+options}} )); then
    shift words
    (( CURRENT-- ))
  else
    options=_shtab_luigi_gif_options
  fi
  _arguments -s "${{(@)${{(@P)options}}/#\\(\\*\\)::/*:}}"
}}""",
    "fish": "",
}
"""By the shell. shtab's function for zsh completes one file only, and no options of a command."""


def completion_script(shell: str) -> str:
    """The script that makes a shell complete luigi-gif: bash, zsh or fish."""
    import shtab  # which nothing else needs

    first = {"bash": _FIRST, "zsh": _FIRST, "fish": shtab.FILE["fish"]}
    files = {"URL": first, "FILE": shtab.FILE, "FOLDER": shtab.DIRECTORY}
    parser = make_parser()
    commands = parser.add_subparsers()
    parsers: list[argparse.ArgumentParser] = [parser]
    for word, command in COMMANDS.items():
        module = importlib.import_module(f"luigi_gif.{command.module}")
        own = module.make_parser(word)
        parsers.append(
            commands.add_parser(word, help=command.summary, parents=[own], add_help=False)
        )
    for each in parsers:
        # argparse has no public list of its options; shtab reads the same one.
        for action in each._actions:
            _describe_values(action, files)
    functions = _FUNCTIONS[shell] % {"words": " ".join(COMMANDS)}
    return str(shtab.complete(parser, shell, "luigi_gif", functions))


def _describe_values(action: argparse.Action, files: Mapping[str, object]) -> None:
    """Note for shtab what may stand behind an option, as its help has it."""
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if metavar.startswith("{"):
        action.choices = metavar.strip("{}").split(",")
    elif metavar in files:
        action.complete = files[metavar]  # type: ignore[attr-defined]
