"""The command luigi-gif: one clip, with progress bars on a terminal."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator

from luigi_gif import (
    cli_commands,
    cli_log,
    cli_options,
    cli_runs,
    clip_copy,
    exit_codes,
    integrations,
    run_history,
    sample_files,
    settings,
    sources,
    standard_input,
    urls,
)
from luigi_gif.errors import ParameterError, PipelineError
from luigi_gif.pipeline_task import PipelineTask
from luigi_gif.redaction import escaped
from luigi_gif.tasks import CombineGif


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the command line, by default of this process.

    Returns
    -------
    int
        The exit code; see :mod:`luigi_gif.exit_codes`.
    """
    begin = time.monotonic()
    integrations.install_for_command()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in cli_commands.COMMANDS:
        return cli_commands.run_command(arguments)
    parser = cli_options.make_parser()
    options = parser.parse_args(arguments)
    cli_log.set_up_log()
    try:
        _refuse_empty(parser, options)
        if options.page is not None:
            integrations.print_path(_page(options.page))
            return exit_codes.SUCCESS
        if options.write_samples:
            _write_samples()
            return exit_codes.SUCCESS
        if not options.url:
            parser.error("a URL is needed")
        with standard_input.file_for_input(options.url) as options.url:
            return _make(options, begin)
    except PipelineError as error:
        return cli_runs.fail(error, exit_codes.BAD_USAGE)


def _make(options: argparse.Namespace, begin: float) -> int:
    """Make the clip, or explain what would be done; the exit code.

    Raises PipelineError for options that cannot be used.
    """
    task = _task(options)
    copy = None
    if options.output is not None:
        copy = clip_copy.ClipCopy(options.output, task.output().path, task.url, task.match)
    try:
        return _explain(task) if options.explain else _run(task, copy, begin)
    except PipelineError as error:
        return cli_runs.fail(error, exit_codes.TASK_FAILED)


def _refuse_empty(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    # An empty value is a shell variable that is not set; only some settings may be empty.
    for name in ("url", "output", "page", *cli_options.task_parameters()):
        if getattr(options, name) in ("", [""]):
            parser.error(f"{name if name == 'url' else cli_options.flag(name)} is empty")


def _page(folder: str) -> str:
    try:
        return integrations.write_page(folder)
    except ParameterError as error:
        raise ParameterError(
            "the folder cannot be used",
            where=error.where,
            expected=error.expected,
            got=error.got,
            next_step=error.next_step.replace("--workdir", "--page"),
        ) from error


def _write_samples() -> None:
    integrations.print_lines(sample_files.write_sample_files())
    with contextlib.suppress(OSError):
        print(sample_files.NEXT_STEP, file=sys.stderr)


def _task(options: argparse.Namespace) -> CombineGif:
    cli_runs.apply_settings(options)
    given = {
        name: getattr(options, name)
        for name in cli_options.task_parameters()
        if getattr(options, name) is not None
    }
    return CombineGif.from_str_params({"url": urls.join_sources(options.url), **given})


def _explain(task: CombineGif) -> int:
    steps = reversed(list(_reasons(task)))
    integrations.print_lines(f"{step.task_family:13} {why}" for step, why in steps)
    reporter = integrations.ProgressReporter(task)
    config = settings.download.current()
    integrations.print_lines(sources.explain_source(task.source(), config, reporter))
    return exit_codes.SUCCESS


def _reasons(task: PipelineTask) -> Iterator[tuple[PipelineTask, str]]:
    """Each step from the last to the first, and whether it would run."""
    step: PipelineTask | None = task
    needed = True
    while step is not None:
        reason = step.reason_to_run() if needed else None
        if reason is not None:
            yield step, f"would run: {reason}"
        else:
            yield step, "is done" if needed else "is not needed"
        needed = reason is not None
        step = next((each for each in step.deps() if isinstance(each, PipelineTask)), None)


def _run(task: CombineGif, copy: clip_copy.ClipCopy | None, begin: float) -> int:
    result = cli_runs.run_tasks([task])
    code = exit_codes.exit_code_of(result.status.name)
    if code == exit_codes.SUCCESS:
        made = task.output().path if copy is None else copy.publish(task.output())
        _print_summary(task, os.path.basename(made or task.gif_file), begin)
        if made is not None:
            integrations.print_path(made)
    return code


def _print_summary(task: CombineGif, name: str, begin: float) -> None:
    """Print a line such as ``clip.gif: 30 frames, 2.2 MB, 0.7 s`` on standard error."""
    facts = []
    # The clip is made: whatever stands in the place of its history does not fail the run, nor
    # does a standard error that is full.
    with contextlib.suppress(PipelineError, OSError):
        facts = _describe_clip(task)
    facts.append(f"{time.monotonic() - begin:.1f} s")
    with contextlib.suppress(OSError):
        print(f"{escaped(name)}: {', '.join(facts)}", file=sys.stderr)


def _describe_clip(task: CombineGif) -> list[str]:
    """How many frames the clip has, if its history says so, and its size."""
    size = task.folder.size(task.gif_file) or 0
    size_text = f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
    clip = run_history.recorded_clip(task.folder, task.gif_file)
    if clip is None:
        return [size_text]
    frame_count = f"{clip['frames']:,} frame{'s' if clip['frames'] != 1 else ''}"
    return [frame_count, size_text, *([clip["gave_up"]] if "gave_up" in clip else [])]


if __name__ == "__main__":
    sys.exit(main())
