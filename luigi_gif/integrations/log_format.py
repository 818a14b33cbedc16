"""The format of a command's log; what a user's own handlers get is left as it is."""

from __future__ import annotations

import contextlib
import copy
import logging
import re
from collections.abc import Iterator

from luigi_gif.errors import LUIGI_LOGGER, find_pipeline_error, short_reason
from luigi_gif.redaction import escaped, public_text

FORMAT = "%(levelname)s: %(message)s"
"""As Luigi has it."""
_TRACEBACK_OF_OURS = re.compile(
    r"Traceback \(most recent call last\):\n.*\nluigi_gif\.errors\.\w+: ", re.DOTALL
)
"""Of an error while Luigi schedules, it logs the traceback as a text."""
_LIKE_A_RECORD = re.compile(r"\n(?=(?:DEBUG|INFO|WARNING|ERROR|CRITICAL): )")


class PlainFormatter(logging.Formatter):
    """A :class:`PipelineError` is shown as its text, which tells a user more than a traceback.

    Errors of other kinds keep theirs. No control character gets through, and no
    line of a text can pass for a record of its own.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        error = find_pipeline_error(record.exc_info[1]) if record.exc_info else None
        loop = _loop_of(record)
        record = copy.copy(record)
        if error is not None:
            record.msg, record.args, record.exc_info, record.exc_text = str(error), (), None, None
        if loop:
            record.msg, record.args = f"{loop}: {record.getMessage()}", ()
        text = _TRACEBACK_OF_OURS.sub("", self._inner.format(record))
        text = "\n".join(map(escaped, text.split("\n")))
        return _LIKE_A_RECORD.sub("\n  ", text)


# Of this process, in which one task runs at a time; its threads log, too.
_loops: list[str] = []
"""The name of the loop whose task is at work, and of its steps within, which may have none."""


@contextlib.contextmanager
def log_of_loop(name: str) -> Iterator[None]:
    """A block in which commands show the log with the name of a loop, if it has one.

    Other handlers get records as they are.
    """
    _loops.append(name)
    try:
        yield
    finally:
        _loops.pop()


def _loop_of(record: logging.LogRecord) -> str:
    """The name of the loop that a record is about; empty for none."""
    if record.name != LUIGI_LOGGER:
        return next(filter(None, _loops), "")
    # Luigi's own tell of a task, once it has run.
    named = (getattr(each, "loop_name", "") for each in record.args or ())
    return next(filter(None, named), "")


class LineFormatter(logging.Formatter):
    """A line for what a library logs, also of an error that the run's own tells of, or retries."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        words = [record.getMessage(), *([short_reason(error)] if error else [])]
        return ": ".join(public_text(text.strip()) for text in dict.fromkeys(words))


def install_line_formatter() -> None:
    """Show records that no handler takes as lines; Python shows them with tracebacks."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(LineFormatter())


def install_formatter() -> None:
    """Make the handler that Luigi creates by default format as PlainFormatter does.

    Luigi creates it when it has read the command line, so it is looked up at each record of
    these two loggers: one of theirs always comes before any other.
    """
    for name in (LUIGI_LOGGER, f"{LUIGI_LOGGER}.tasks"):
        logging.getLogger(name).addFilter(_format_plainly)


def _format_plainly(_: logging.LogRecord) -> bool:
    for handler in logging.getLogger(LUIGI_LOGGER).handlers:
        by_luigi = type(handler) is logging.StreamHandler
        inner = handler.formatter
        # Private to logging, which does not tell a formatter's format otherwise.
        if by_luigi and inner is not None and inner._fmt == FORMAT:
            handler.setFormatter(PlainFormatter(inner))
    return True
