"""Luigi's parsers of the command line, each built once.

Luigi parses the same arguments three times, each time with three new parsers that have an option
for each parameter of each task: half of what a run costs that has nothing to do.
"""

from __future__ import annotations

import argparse
import functools

from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import Register


def reuse_argument_parsers(arguments: list[str]) -> None:
    """Have Luigi use a parser of these arguments again, as long as no other tasks are known."""
    build = CmdlineParser._build_parser

    @functools.cache
    def built(_: int, root_task: str | None, help_all: bool) -> argparse.ArgumentParser:
        return build(root_task=root_task, help_all=help_all)

    def parser_for(root_task: str | None = None, help_all: bool = False) -> argparse.ArgumentParser:
        known = Register.task_names()
        named = set(arguments).intersection(known)
        if root_task is None and len(named) == 1:
            # Luigi looks for the task without its options first: it finds the same one with them.
            (root_task,) = named
        return built(len(known), root_task, help_all)

    # Which parsers it builds is private to Luigi, and it has no setting for it.
    CmdlineParser._build_parser = staticmethod(parser_for)  # type: ignore[method-assign]
