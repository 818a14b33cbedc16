"""The commands of luigi-gif: first words that are no source, such as ``luigi-gif run``."""

from __future__ import annotations

import importlib
import os
import re
from typing import NamedTuple


class Command(NamedTuple):
    """A command of luigi-gif.

    Attributes
    ----------
    module : str
        The module of this package that has its ``main(arguments)``, which takes the command's
        own word too and returns the exit code, and its ``make_parser(word)``.
    usage : str
        What stands behind its word, such as ``FOLDER --keep 30d``.
    summary : str
        What it does, in a few words.
    """

    module: str
    usage: str
    summary: str


COMMANDS: dict[str, Command] = {
    "run": Command("cli_loops", "FILE [NAME ...]", "make the clips of the loops in a TOML file"),
    "list": Command("cli_loops", "FILE", "show state, age, size and last error of each of them"),
    "show": Command("cli_loops", "FILE NAME", "show all that is known of one of them"),
    "prune": Command(
        "cli_prune", "FOLDER --keep 30d", "remove what old clips do not need, or them too"
    ),
}
"""By their words, in the order of the help."""


def run_command(arguments: list[str]) -> int:
    """Run the command whose word comes first; its exit code."""
    # Only then: a clip needs none of these modules.
    module = importlib.import_module(f"luigi_gif.{COMMANDS[arguments[0]].module}")
    return int(module.main(arguments))


_OPTIONS = {"help": "--help", "version": "--version"}
"""What other programs have as commands."""


def mistyped_command(word: str) -> str | None:
    """The command or option that a first word seems to mean that is neither one nor a file."""
    if not word.isalpha() or os.path.lexists(word):
        return None
    if word in _OPTIONS:
        return _OPTIONS[word]
    import difflib  # which a run without a mistake does without

    return next(iter(difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.8)), None)


def forgotten_output(sources: list[str]) -> str | None:
    """The last of several sources, if it is the path of a GIF that is not there."""
    last = sources[-1]
    is_path = re.fullmatch(r"[^*?\[:]+\.gif", last, re.IGNORECASE)
    is_there = os.path.lexists(os.path.expanduser(last))
    return last if is_path and len(sources) > 1 and not is_there else None


def describe_commands() -> str:
    """The part of the help that names them."""
    uses = [f"luigi-gif {word} {command.usage}" for word, command in COMMANDS.items()]
    width = max(map(len, uses)) + 2
    summaries = (command.summary for command in COMMANDS.values())
    lines = [f"  {use:{width}}{summary}" for use, summary in zip(uses, summaries, strict=True)]
    return "\n".join(["\n\ncommands (luigi-gif COMMAND --help):", *lines])
