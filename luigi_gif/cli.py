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
    cli_completion,
    cli_log,
    cli_options,
    cli_runs,
    clip_copy,
    clip_page,
    exit_codes,
    integrations,
    json_result,
    sample_files,
    settings,
    sources,
    staleness,
    standard_input,
    standard_output,
    urls,
)
from luigi_gif.cli_report import RunReport
from luigi_gif.cli_settings import luigi_gif
from luigi_gif.errors import ParameterError, PipelineError, StorageError
from luigi_gif.parameters import bad_parameter
from luigi_gif.pipeline_task import PipelineTask
from luigi_gif.publish import PublishGif
from luigi_gif.refresh_parameters import hint_at_refresh
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
    # OpenBLAS starts threads while NumPy is imported, which takes nearly as long as all the rest of
    # it. They would have no work: frames are worked on side by side.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in cli_commands.COMMANDS:
        return cli_commands.run_command(arguments)
    parser = cli_options.make_parser()
    report = RunReport(as_json="--json" in arguments, begin=begin)
    try:
        return _run(parser, arguments, report)
    except PipelineError as error:
        return report.tell_error(error, exit_codes.BAD_USAGE)
    except SystemExit:
        if parser.problem is not None:
            report.tell_failure(parser.problem, exit_codes.BAD_USAGE)
        raise
    except KeyboardInterrupt:
        report.tell_interrupted()
        raise


def _run(parser: cli_options.Parser, arguments: list[str], report: RunReport) -> int:
    """Do what the command line says; the exit code.

    Raises PipelineError for options that cannot be used, and SystemExit.
    """
    options = parser.parse_args(arguments)
    _refuse_empty(parser, options)
    if options.page_url is not None and options.page is None:
        parser.error("--page-url needs --page")
    if options.page or options.write_samples or options.completion or options.explain:
        if options.json:
            parser.error("--json is about a clip, and none is made")
        options.json = "false"
    own = cli_runs.own_settings(options)
    report.as_json, report.closing_line = own.json, not own.quiet
    cli_log.set_up_log(own.log)
    if options.page is not None:
        integrations.print_path(_page(options.page, options.page_url or ""))
        return exit_codes.SUCCESS
    if options.write_samples:
        _write_samples()
        return exit_codes.SUCCESS
    if options.completion is not None:
        integrations.print_lines([cli_completion.completion_script(options.completion)])
        return exit_codes.SUCCESS
    if not options.url:
        parser.error("a URL is needed")
    if meant := cli_commands.mistyped_command(options.url[0]):
        parser.error(f"{options.url[0]} is no command and no file: did you mean {meant}?")
    if not own.output and (place := cli_commands.forgotten_output(options.url)):
        parser.error(f"there is no {place}: did you mean -o {place}?")
    if own.json and own.output == standard_output.DASH:
        parser.error("--json and -o - both need standard output")
    if options.also and own.output == standard_output.DASH:
        parser.error("--also makes files beside the clip, which -o - has no place for")
    with standard_input.file_for_input(options.url) as options.url:
        return _make(options, own, report)


def _make(options: argparse.Namespace, own: luigi_gif, report: RunReport) -> int:
    """Make the clip, or explain what would be done; the exit code.

    Raises PipelineError for options that cannot be used.
    """
    task = report.task = _task(options, own.output)
    if own.output == standard_output.DASH:
        standard_output.check_stdout()
    try:
        if isinstance(task, PublishGif):
            task.check_place()
    except StorageError as error:  # which is none of the options
        return report.tell_error(error, exit_codes.TASK_FAILED)
    try:
        return _explain(task) if options.explain else _build(task, own.output, report)
    except PipelineError as error:
        return report.tell_error(error, exit_codes.TASK_FAILED)


def _refuse_empty(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    # An empty value is a shell variable that is not set; only some settings may be empty.
    for name in ("url", "output", "page", "page_url", *cli_options.task_parameters()):
        if getattr(options, name) in ("", [""]):
            parser.error(f"{name if name == 'url' else cli_options.flag(name)} is empty")


def _page(folder: str, site_url: str) -> str:
    site_url = clip_page.check_site_url(site_url)
    try:
        return clip_page.write_page(folder, site_url)
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


def _task(options: argparse.Namespace, output: str) -> CombineGif | PublishGif:
    cli_runs.apply_settings(options)
    given = {
        name: getattr(options, name)
        for name in cli_options.task_parameters()
        if getattr(options, name) is not None
    }
    given["url"] = urls.join_sources(options.url)
    if output not in ("", standard_output.DASH):
        return PublishGif.from_str_params({"to": output, **given})
    if options.dated_copy is not None:
        raise bad_parameter("--dated-copy", "-o, too, beside which it lies", options.dated_copy)
    return CombineGif.from_str_params(given)


def _explain(task: PipelineTask) -> int:
    steps = reversed(list(_reasons(task)))
    integrations.print_lines(f"{step.task_family:13} {why}" for step, why in steps)
    reporter = integrations.ProgressReporter(task)
    config = settings.download.current()
    integrations.print_lines(sources.explain_source(task.source(), config, reporter))
    return exit_codes.SUCCESS


def _reasons(task: PipelineTask) -> Iterator[tuple[PipelineTask, str]]:
    """Each step from the last to the first, and whether it would run."""
    step: PipelineTask | None = task
    look = staleness.SourceLook(task.source())
    needed = True
    while step is not None:
        reason = step.reason_to_run(look) if needed else None
        if reason is not None:
            yield step, f"would run: {reason}"
        else:
            yield step, f"is done{hint_at_refresh(step)}" if needed else "is not needed"
        needed = reason is not None
        step = next((each for each in step.deps() if isinstance(each, PipelineTask)), None)


def _build(task: CombineGif | PublishGif, output: str, report: RunReport) -> int:
    task.alone = True  # it goes back to a step before it where one has to be done once more
    result = cli_runs.run_tasks([task])
    code = exit_codes.exit_code_of(result.status.name)
    if code != exit_codes.SUCCESS:
        report.tell_failure(json_result.find_failure(task), code)
    elif isinstance(task, PublishGif):
        report.tell_made(task.requires(), clip_copy.shown_place(output))
    elif output:
        standard_output.write_to_stdout(task.output())
        report.tell_made(task, None)
    else:
        report.tell_made(task, task.output().path)
    return code


if __name__ == "__main__":
    sys.exit(main())
