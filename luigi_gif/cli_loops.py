"""luigi-gif run, list and show: the loops of a file."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import (
    cli_log,
    cli_options,
    cli_runs,
    clip_result,
    exit_codes,
    integrations,
    json_result,
    loop_state,
    redaction,
    run_history,
    urls,
)
from luigi_gif.cli_commands import COMMANDS
from luigi_gif.cli_report import RunReport
from luigi_gif.cli_settings import luigi_gif
from luigi_gif.errors import ParameterError, PipelineError
from luigi_gif.flag_parameter import ALONE
from luigi_gif.loop_state import LoopState
from luigi_gif.loops_file import Loop, chosen_loops, read_loops

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

_MADE, _UNCHANGED = "made", "unchanged"
_FILE = "a TOML file with the loops, such as loops.toml"
_ABOUT = {
    "run": "Make the clips of the loops in a file.",
    "list": "Show how the loops in a file are, without asking their sources.",
    "show": "Show all that is known of a loop, without asking its source.",
}
_JSON = {
    "run": "print a line of JSON for each loop, in the place of the table",
    "list": "print a JSON array of the loops, in one line, in the place of the table",
}


def main(arguments: list[str]) -> int:
    """Run the command that the first word names; the exit code."""
    word, parser = arguments[0], make_parser(arguments[0])
    report = RunReport(as_json="--json" in arguments, begin=time.monotonic())
    try:
        options = parser.parse_intermixed_args(arguments[1:])
        own = cli_runs.own_settings(options)
        report.as_json = own.json
        return {"run": _run, "list": _list, "show": _show}[word](options, own)
    except ParameterError as error:
        return report.tell_error(error, exit_codes.BAD_USAGE)
    except PipelineError as error:
        return report.tell_error(error, exit_codes.TASK_FAILED)
    except SystemExit:
        if parser.problem is not None:
            report.tell_failure(parser.problem, exit_codes.BAD_USAGE)
        raise


def make_parser(word: str) -> cli_options.Parser:
    """The parser of a command's line."""
    parser = cli_options.Parser(
        prog=f"luigi-gif {word}",
        usage=f"%(prog)s [options] {COMMANDS[word].usage}",
        description=_ABOUT[word],
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help=_FILE)
    parser.set_defaults(output=None, json=None, quiet=None, verbose=None)
    if word == "run":
        names = "those that are wanted, by default all"
        # Without a default, the error for a missing FILE would ask for a NAME, too.
        parser.add_argument("names", nargs="*", default=[], metavar="NAME", help=names)
        at_once = "how many clips are made at a time"
        parser.add_argument("--workers", type=_count, metavar="N", help=f"{at_once} [default: 1]")
    elif word == "show":
        parser.add_argument("names", nargs=1, metavar="NAME", help="its name")
    if word in _JSON:
        parser.add_argument("--json", help=_JSON[word], **ALONE)
    if word == "run":
        cli_options.add_settings(parser)
    return parser


def _run(options: argparse.Namespace, own: luigi_gif) -> int:
    # Several processes would draw over each other's bars.
    cli_log.set_up_log(own.log, with_bars=options.workers in (None, 1))
    cli_runs.apply_settings(options)
    loops = _loops(options, options.names)
    integrations.install_for_many_clips()
    results, code = _run_loops(loops, options.workers)
    lines = map(json.dumps, map(_json_of, results)) if own.json else _table(map(_row, results))
    integrations.print_lines(list(lines))
    return code


class _Result(NamedTuple):
    """What came of a loop."""

    loop: Loop
    word: str
    failure: run_history.RecordedFailure | None = None
    """As far as it was noted."""


def _run_loops(loops: list[Loop], workers: int | None) -> tuple[list[_Result], int]:
    """Run them; what came of each, and the exit code."""
    begin = datetime.now(UTC).replace(microsecond=0)  # as notes have it
    before = loop_state.versions_of(loops)
    core = {"workers": workers} if workers else {}
    result = cli_runs.run_tasks([loop.task for loop in loops], **core)
    done = cli_runs.tasks_done(result)
    after = loop_state.versions_of(loops)
    results = [
        _Result(loop, _UNCHANGED if old == new else _MADE)
        if loop.task in done
        else _Result(loop, loop_state.FAILED, _failure_since(loop, begin))
        for loop, old, new in zip(loops, before, after, strict=True)
    ]
    return results, exit_codes.exit_code_of(result.status.name)


def _failure_since(loop: Loop, begin: datetime) -> run_history.RecordedFailure | None:
    """The error of a run since ``begin``, as far as it was noted."""
    with contextlib.suppress(PipelineError):
        failure = run_history.recorded_failure(loop.task.folder)
        if failure is not None and failure.ended is not None and failure.ended >= begin:
            return failure
    return None


def _words(error: PipelineError) -> str:
    """Of one that could not be noted, as the work directory cannot be used."""
    return f"{error.what}: {error.got}"


def _row(result: _Result) -> tuple[str, ...]:
    loop, word, failure = result
    if word == loop_state.FAILED:
        return loop.name, word, str(failure or _words(json_result.find_failure(loop.task)))
    return loop.name, word, str(loop.task.output())


def _json_of(result: _Result) -> JsonObject:
    """Raises StorageError where a clip cannot be read."""
    loop, word, failure = result
    if word == loop_state.FAILED:
        return json_result.describe_failed_loop(loop.name, failure)
    made = clip_result.result_of(loop.clip, str(loop.task.output()))
    return json_result.describe_made_loop(loop.name, word, made)


def _list(options: argparse.Namespace, own: luigi_gif) -> int:
    cli_log.set_up_log(own.log)
    loops = _loops(options)
    states = loop_state.states_of(loops)
    named = [(loop.name, state) for loop, state in zip(loops, states, strict=True)]
    if own.json:
        told = [json_result.describe_state(name, state) for name, state in named]
        integrations.print_lines([json.dumps(told)])
    else:
        integrations.print_lines(_table(_rows_of_states(named)))
    is_unreadable = any(state.word == loop_state.UNREADABLE for state in states)
    return exit_codes.TASK_FAILED if is_unreadable else exit_codes.SUCCESS


def _rows_of_states(named: Iterable[tuple[str, LoopState]]) -> Iterator[tuple[str, ...]]:
    now = datetime.now(UTC)
    yield "loop", "state", "age", "size", "last error, or why it is stale"
    for name, state in named:
        yield name, state.word, _age(state.made, now), _size(state.size), state.reason


def _show(options: argparse.Namespace, own: luigi_gif) -> int:
    cli_log.set_up_log(own.log)
    (loop,) = _loops(options, options.names)
    integrations.print_lines(_table(_facts(loop)))
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


def _age(moment: datetime | None, now: datetime) -> str:
    """How long ago it was, in the largest unit of options such as ``--since``."""
    if moment is None:
        return ""
    age = max(now - moment, timedelta())
    for unit, letter in ((86_400, "d"), (3600, "h"), (60, "m")):
        if age.total_seconds() >= unit:
            return f"{age.total_seconds() // unit:.0f}{letter}"
    return f"{age.total_seconds():.0f}s"


def _time(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "at an unknown time"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC, {_age(moment, now)} ago"


def _size(size: int | None) -> str:
    return "" if size is None else integrations.format_size(size)
