"""luigi-gif run, list and show: the loops of a file."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from luigi_gif import (
    cli_log,
    cli_options,
    cli_runs,
    exit_codes,
    integrations,
    loop_state,
    redaction,
    run_history,
    urls,
)
from luigi_gif.cli_commands import COMMANDS
from luigi_gif.errors import PipelineError
from luigi_gif.loops_file import Loop, chosen_loops, read_loops

_FILE = "a TOML file with the loops, such as loops.toml"
_ABOUT = {
    "run": "Make the clips of the loops in a file.",
    "list": "Show how the loops in a file are, without asking their sources.",
    "show": "Show all that is known of a loop, without asking its source.",
}


def main(arguments: list[str]) -> int:
    """Run the command that the first word names; the exit code."""
    word = arguments[0]
    options = make_parser(word).parse_intermixed_args(arguments[1:])
    try:
        return {"run": _run, "list": _list, "show": _show}[word](options)
    except PipelineError as error:
        return cli_runs.fail(error, exit_codes.BAD_USAGE)


def make_parser(word: str) -> cli_options.Parser:
    """The parser of a command's line."""
    parser = cli_options.Parser(
        prog=f"luigi-gif {word}",
        usage=f"%(prog)s [options] {COMMANDS[word].usage}",
        description=_ABOUT[word],
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help=_FILE)
    if word == "run":
        names = "those that are wanted, by default all"
        # Without a default, the error for a missing FILE would ask for a NAME, too.
        parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=names)
        at_once = "how many clips are made at a time"
        parser.add_argument("--workers", type=_count, metavar="N", help=f"{at_once} [default: 1]")
        cli_options.add_settings(parser)
    elif word == "show":
        parser.add_argument("names", nargs=1, metavar="NAME", help="its name")
    return parser


def _run(options: argparse.Namespace) -> int:
    own = cli_runs.own_settings(options)
    # Several processes would draw over each other's bars.
    cli_log.set_up_log(own.log, with_bars=options.workers in (None, 1))
    cli_runs.apply_settings(options)
    loops = _loops(options, options.names)
    integrations.install_for_many_clips()
    return _run_loops(loops, options.workers)


def _run_loops(loops: list[Loop], workers: int | None) -> int:
    """Run them, and say what came of each."""
    begin = datetime.now(UTC).replace(microsecond=0)  # as notes have it
    before = loop_state.versions_of(loops)
    core = {"workers": workers} if workers else {}
    result = cli_runs.run_tasks([loop.task for loop in loops], **core)
    done = cli_runs.tasks_done(result)
    after = loop_state.versions_of(loops)
    rows = []
    for loop, old, new in zip(loops, before, after, strict=True):
        if loop.task in done:
            word = "unchanged" if old == new else "made"
            rows.append((loop.name, word, str(loop.task.output())))
        else:
            rows.append((loop.name, "failed", _why_failed(loop, begin)))
    integrations.print_lines(_table(rows))
    return exit_codes.exit_code_of(result.status.name)


def _why_failed(loop: Loop, begin: datetime) -> str:
    """The error of a run since ``begin``, as far as it was noted."""
    failure = None
    with contextlib.suppress(PipelineError):
        failure = run_history.recorded_failure(loop.task.folder)
    is_of_this_run = failure is not None and failure.ended is not None and failure.ended >= begin
    return str(failure) if is_of_this_run else "see the log"


def _list(options: argparse.Namespace) -> int:
    cli_log.set_up_log()
    loops = _loops(options)
    states = loop_state.states_of(loops)
    now = datetime.now(UTC)
    rows = [("loop", "state", "age", "size", "last error, or why it is stale")]
    rows += [
        (loop.name, state.word, _age(state.made, now), _size(state.size), state.reason)
        for loop, state in zip(loops, states, strict=True)
    ]
    integrations.print_lines(_table(rows))
    is_unreadable = any(state.word == loop_state.UNREADABLE for state in states)
    return exit_codes.TASK_FAILED if is_unreadable else exit_codes.SUCCESS


def _show(options: argparse.Namespace) -> int:
    cli_log.set_up_log()
    (loop,) = _loops(options, options.names)
    try:
        integrations.print_lines(_table(_facts(loop)))
    except PipelineError as error:
        return cli_runs.fail(error, exit_codes.TASK_FAILED)
    return exit_codes.SUCCESS


def _facts(loop: Loop) -> Iterator[tuple[str, str]]:
    """What is known of a loop, each with what it is."""
    task, state, now = loop.task, loop_state.state_of(loop), datetime.now(UTC)
    yield "loop", loop.name
    yield "state", state.word
    if state.reason:
        yield "why", state.reason
    yield "work directory", redaction.public_url(task.workdir)
    yield "clip", str(loop.clip.output())
    if task is not loop.clip:
        yield "published", str(task.output())
    if state.size is not None:
        yield "file size", _size(state.size)
    clip = run_history.recorded_clip(task.folder, loop.clip.gif_file)
    if clip:
        yield "frames", redaction.escaped(str(clip.get("frames")))
    if state.made:
        yield "made", _time(state.made, now)
    for name, parameter in task.get_params():
        value = getattr(task, name)
        if name == "url":
            yield name, ", ".join(map(redaction.public_url, urls.split_sources(value)))
        elif name not in ("workdir", "to") and value != parameter.default:
            yield name, redaction.escaped(parameter.serialize(value))
    for step in run_history.recorded_steps(task.folder):
        yield step.name, f"{_time(step.ended, now)}, took {step.seconds:.1f} s"
    if failure := run_history.recorded_failure(task.folder):
        yield "last error", f"{failure.step}, {_time(failure.ended, now)}"
        yield from failure.words.items()


def _loops(options: argparse.Namespace, names: Iterable[str] = ()) -> list[Loop]:
    """Those of these names, or all. Raises ParameterError."""
    return chosen_loops(read_loops(options.file), names, options.file)


def _count(text: str) -> int:
    """A number from 1. Raises ValueError."""
    if int(text) < 1:
        raise ValueError
    return int(text)


_count.__name__ = "number"  # as argparse calls it in its error


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Lines with columns of one width."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def _age(time: datetime | None, now: datetime) -> str:
    """How long ago it was, in the largest unit of options such as ``--since``."""
    if time is None:
        return ""
    age = max(now - time, timedelta())
    for unit, letter in ((86_400, "d"), (3600, "h"), (60, "m")):
        if age.total_seconds() >= unit:
            return f"{age.total_seconds() // unit:.0f}{letter}"
    return f"{age.total_seconds():.0f}s"


def _time(time: datetime | None, now: datetime) -> str:
    if time is None:
        return "at an unknown time"
    return f"{time:%Y-%m-%d %H:%M:%S} UTC, {_age(time, now)} ago"


def _size(size: int | None) -> str:
    return "" if size is None else integrations.format_size(size)
