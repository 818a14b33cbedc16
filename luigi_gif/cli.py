"""luigi-gif: the pipeline for people, with a bar instead of a log."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from collections.abc import Iterator

import luigi
from luigi.configuration import get_config
from luigi.execution_summary import LuigiStatusCode

from luigi_gif import __version__, interrupt, page, report, settings
from luigi_gif.errors import LUIGI_LOGGER, PipelineError
from luigi_gif.tasks import CombineGif, Step

TASK_FAILED, NOT_SCHEDULED, BAD_USAGE = 30, 35, 2
_CODES = {
    LuigiStatusCode.SUCCESS: 0,
    LuigiStatusCode.SUCCESS_WITH_RETRY: 0,
    LuigiStatusCode.SCHEDULING_FAILED: NOT_SCHEDULED,
}
_SECTIONS = (settings.dask, settings.download, settings.notify)
_OWN = {"url", "gif_file"}
"""Parameters of CombineGif that have other names here, or none."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit code: 0, 2 (usage), 30 (a task failed), 35 (not scheduled)."""
    interrupt.end_in_order()
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        if options.page is not None:
            print(page.write(options.page))
            return 0
        if options.url is None:
            parser.error("a URL is needed")
        task = _task(options)
        return _explain(task) if options.explain else _run(task, options.output)
    except PipelineError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return BAD_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="luigi-gif", description="A bundle of images to one animated GIF."
    )
    parser.add_argument("url", nargs="?", help=CombineGif.url.description)
    parser.add_argument("-o", "--output", help="where to put a copy of the clip")
    parser.add_argument(
        "--explain", action="store_true", help="only say which steps would run, and why"
    )
    parser.add_argument("--page", metavar="FOLDER", help="only make a page of the clips in there")
    parser.add_argument("--version", action="version", version=__version__)
    for name, parameter in CombineGif.get_params():
        if name not in _OWN:
            parser.add_argument(_flag(name), dest=name, help=_escaped(parameter.description))
    for section in _SECTIONS:
        for name, parameter in section.get_params():
            full_name = f"{section.__name__}_{name}"
            parser.add_argument(
                _flag(full_name), dest=full_name, help=_escaped(parameter.description)
            )
    return parser


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _escaped(description: str | None) -> str:
    return (description or "").replace("%", "%%")


def _task(options: argparse.Namespace) -> CombineGif:
    config = get_config()
    for section, name, value in (
        ("worker", "check_complete_on_run", "true"),
        ("core", "no_configure_logging", "true"),
    ):
        config.set(section, name, value)
    for settings_ in _SECTIONS:
        for name, _ in settings_.get_params():
            value = getattr(options, f"{settings_.__name__}_{name}")
            if value is not None:
                config.set(settings_.__name__, name, value.replace("%", "%%"))
    given = {
        name: getattr(options, name)
        for name, _ in CombineGif.get_params()
        if name not in _OWN and getattr(options, name) is not None
    }
    return CombineGif.from_str_params({"url": options.url, **given})


def _explain(task: CombineGif) -> int:
    for step, why in reversed(list(_reasons(task))):
        print(f"{step.task_family:13} {why}")
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


def _run(task: CombineGif, output: str | None) -> int:
    report.bars = sys.stderr.isatty()
    _set_up_log(logging.WARNING if report.bars else logging.INFO)
    result = luigi.build([task], local_scheduler=True, no_lock=True, detailed_summary=True)
    code = _CODES.get(result.status, TASK_FAILED)
    if code == 0:
        print(_copied(task, output) if output else task.output())
    return code


def _set_up_log(level: int) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    handler.addFilter(_is_ours)
    logger = logging.getLogger(LUIGI_LOGGER)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


def _is_ours(record: logging.LogRecord) -> bool:
    """Luigi's own messages count from warnings on."""
    return record.name != LUIGI_LOGGER or record.levelno >= logging.WARNING


def _copied(task: CombineGif, output: str) -> str:
    """The path of the copy, which appears whole."""
    temporary = f"{output}.luigi-gif-tmp"
    with task.output().open() as clip, open(temporary, "wb") as file:
        shutil.copyfileobj(clip, file)
    os.replace(temporary, output)
    return output


if __name__ == "__main__":
    sys.exit(main())
