"""Runs of Luigi in the process of luigi-gif, and their settings."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

import luigi
from luigi.configuration import LuigiConfigParser, get_config
from luigi.execution_summary import LuigiRunResult

from luigi_gif import cli_options, integrations, settings
from luigi_gif.cli_settings import luigi_gif
from luigi_gif.errors import ParameterError
from luigi_gif.parameter_checks import CheckedConfig


def apply_settings(options: argparse.Namespace) -> None:
    """Set what the options say of the sections of luigi.cfg, and what holds for each run.

    Raises ParameterError for an entry that cannot be used.
    """
    integrations.set_defaults([])
    config = get_config()
    # These hold whatever a luigi.cfg says: Luigi checks what was made, and the log is ours.
    config.set("worker", "check_complete_on_run", "true")
    config.set("worker", "check_unfulfilled_deps", "false")
    config.set("core", "no_configure_logging", "true")
    set_entries(cli_options.SECTIONS, options)
    settings.check_all()


def own_settings(options: argparse.Namespace) -> luigi_gif:
    """What the command line or else luigi.cfg says of luigi-gif itself. Raises ParameterError."""
    if options.quiet or options.verbose:  # the command line wins
        options.quiet, options.verbose = options.quiet or "false", options.verbose or "false"
    set_entries([luigi_gif], options)
    return luigi_gif.current()


def set_entries(sections: Iterable[type[CheckedConfig]], options: argparse.Namespace) -> None:
    """Have what the options say of these sections of luigi.cfg win."""
    config = get_config()
    as_cfg = isinstance(config, LuigiConfigParser)
    for section in sections:
        for name, _ in section.get_params():
            value = getattr(options, cli_options.destination(section, name))
            if value is not None:
                config.set(section.__name__, name, value.replace("%", "%%") if as_cfg else value)


def run_tasks(tasks: Sequence[luigi.Task], **options: object) -> LuigiRunResult:
    """Run them by Luigi's scheduler in this process; ``options`` are those of ``[core]``.

    Raises ParameterError for an entry of Luigi's own that it cannot use.
    """
    options |= {"local_scheduler": True, "no_lock": True}
    try:
        return luigi.build(tasks, detailed_summary=True, **options)
    except ValueError as error:  # what tasks raise does not get here
        raise _bad_entry(error) from error


def tasks_done(result: LuigiRunResult) -> set[luigi.Task]:
    """The tasks of a run that are complete, whether it has run them or not."""
    # Luigi's own summary is a text that names a few tasks; what it is made of is private to it.
    from luigi.execution_summary import _partition_tasks

    parts = _partition_tasks(result.worker)
    return set(parts["completed"] | parts["already_done"])


def _bad_entry(error: ValueError) -> ParameterError:
    """The error for an entry in a section of Luigi's own, such as [core]."""
    section, _, words = str(error).partition("[")
    return ParameterError(
        "an entry of the configuration cannot be used",
        where=f"[{section}] in luigi.cfg",
        expected="what Luigi takes there",
        got=words.rpartition("]: ")[2] or "another value",
        next_step="correct it and run again",
    )
