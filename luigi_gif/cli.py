"""luigi-gif: the pipeline for people, with a bar instead of a log."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator

import luigi
from luigi.configuration import LuigiConfigParser, get_config
from luigi.execution_summary import LuigiStatusCode

from luigi_gif import integrations, output, settings
from luigi_gif.errors import LUIGI_LOGGER, ParameterError, PipelineError
from luigi_gif.pipeline_task import Step
from luigi_gif.tasks import CombineGif
from luigi_gif.version import __version__

TASK_FAILED, NOT_SCHEDULED, BAD_USAGE = 30, 35, 2
_CODES = {
    LuigiStatusCode.SUCCESS: 0,
    LuigiStatusCode.SUCCESS_WITH_RETRY: 0,
    LuigiStatusCode.SCHEDULING_FAILED: NOT_SCHEDULED,
}
_SECTIONS = (settings.dask, settings.download, settings.storage, settings.notify)
_OWN = {"url", "gif_file"}
"""Parameters of CombineGif that have other names here, or none."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit code: 0, 2 (usage), 30 (a task failed), 35 (not scheduled)."""
    integrations.install()
    parser = _parser()
    options = parser.parse_args(arguments)
    _set_up_log()
    try:
        _refuse_empty(parser, options)
        if options.page is not None:
            integrations.say(_page(options.page))
            return 0
        if options.url is None:
            parser.error("a URL is needed")
        task = _task(options)
        copy = None
        if options.output is not None:
            copy = output.Output(options.output, task.output().path, task.url)
    except PipelineError as error:
        return _fail(error, BAD_USAGE)
    try:
        return _explain(task) if options.explain else _run(task, copy)
    except PipelineError as error:
        return _fail(error, TASK_FAILED)


def _refuse_empty(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """An empty value is a shell variable that is not set; only some settings may be empty."""
    for name in ("url", "output", "page", *(name for name, _ in CombineGif.get_params())):
        if getattr(options, name, None) == "":
            parser.error(f"{name if name == 'url' else _flag(name)} is empty")


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


def _fail(error: PipelineError, code: int) -> int:
    print(f"ERROR: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="luigi-gif",
        usage="%(prog)s [options] URL\n       %(prog)s --help   tells of the options",
        description="A bundle of images to one animated GIF.",
        allow_abbrev=False,
    )
    parser.add_argument("url", nargs="?", metavar="URL", help=_escaped(CombineGif.url.description))
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to put a copy of the clip; - is standard output",
    )
    parser.add_argument(
        "--explain", action="store_true", help="only say which steps would run, and why"
    )
    parser.add_argument("--page", metavar="FOLDER", help="only make a page of the clips in there")
    parser.add_argument("--version", action="version", version=__version__)
    for name, parameter in CombineGif.get_params():
        if name not in _OWN:
            parser.add_argument(
                _flag(name), dest=name, metavar="", help=_escaped(parameter.description)
            )
    for section in _SECTIONS:
        for name, parameter in section.get_params():
            full_name = f"{section.__name__}_{name}"
            parser.add_argument(
                _flag(full_name),
                dest=full_name,
                metavar="",
                help=_escaped(parameter.description),
            )
    return parser


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _escaped(description: str | None) -> str:
    return (description or "").replace("%", "%%")


def _task(options: argparse.Namespace) -> CombineGif:
    integrations.set_defaults([])
    config = get_config()
    # Whatever a luigi.cfg says of it: what was made is looked at, and the log is this command's.
    config.set("worker", "check_complete_on_run", "true")
    config.set("worker", "check_unfulfilled_deps", "false")
    config.set("core", "no_configure_logging", "true")
    as_cfg = isinstance(config, LuigiConfigParser)
    for settings_ in _SECTIONS:
        for name, _ in settings_.get_params():
            value = getattr(options, f"{settings_.__name__}_{name}")
            if value is not None:
                escaped = value.replace("%", "%%") if as_cfg else value
                config.set(settings_.__name__, name, escaped)
    given = {
        name: getattr(options, name)
        for name, _ in CombineGif.get_params()
        if name not in _OWN and getattr(options, name) is not None
    }
    return CombineGif.from_str_params({"url": options.url, **given})


def _explain(task: CombineGif) -> int:
    steps = reversed(list(_reasons(task)))
    integrations.say_text(f"{step.task_family:13} {why}" for step, why in steps)
    return 0


def _reasons(task: Step) -> Iterator[tuple[Step, str]]:
    """Each step from the last to the first, and whether it would run."""
    step: Step | None = task
    needed = True
    while step is not None:
        reason = step.reason_to_run() if needed else None
        if reason is not None:
            yield step, f"would run: {reason}"
        else:
            yield step, "is done" if needed else "is not needed"
        needed = reason is not None
        step = next(iter(step.deps()), None)


def _run(task: CombineGif, copy: output.Output | None) -> int:
    try:
        result = luigi.build([task], local_scheduler=True, no_lock=True, detailed_summary=True)
    except ValueError as error:  # what tasks raise does not get here
        raise _bad_entry(error) from error
    code = _CODES.get(result.status, TASK_FAILED)
    if code == 0:
        made = task.output().path if copy is None else copy.publish(task.output())
        if made is not None:
            integrations.say(made)
    return code


def _bad_entry(error: ValueError) -> ParameterError:
    """What to tell of an entry in a section of Luigi's own, such as [core]."""
    section, _, words = str(error).partition("[")
    return ParameterError(
        "an entry of the configuration cannot be used",
        where=f"[{section}] in luigi.cfg",
        expected="what Luigi takes there",
        got=words.rpartition("]: ")[2] or "another value",
        next_step="correct it and run again",
    )


def _set_up_log() -> None:
    bars = integrations.show_bars(sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(integrations.PlainFormatter(logging.Formatter(integrations.FORMAT)))
    handler.addFilter(_is_ours)
    logger = logging.getLogger(LUIGI_LOGGER)
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if bars else logging.INFO)
    logger.propagate = False


def _is_ours(record: logging.LogRecord) -> bool:
    """Luigi's own messages count from warnings on."""
    return record.name != LUIGI_LOGGER or record.levelno >= logging.WARNING


if __name__ == "__main__":
    sys.exit(main())
