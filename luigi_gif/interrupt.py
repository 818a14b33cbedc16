"""Ctrl-C and SIGTERM: a run ends in order, with one line instead of a traceback."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def end_in_order() -> None:
    """Make either signal end this process, the luigi command, as an exception does.

    Whatever is open is then closed, and what is half written removed. The same
    signal once more ends it at once.
    """
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    sys.excepthook = _say_in_a_line


@contextlib.contextmanager
def quiet_in_child() -> Iterator[None]:
    """End a process that Luigi has forked without a word if the block is interrupted.

    The first process says it, and multiprocessing would print a traceback.
    """
    try:
        yield
    except KeyboardInterrupt:
        if multiprocessing.parent_process() is not None:
            os._exit(128 + signal.SIGINT)
        raise


def _interrupt(number: int, _: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_DFL if each == number else signal.SIG_IGN)
    raise KeyboardInterrupt


def _say_in_a_line(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("Interrupted: what is done is kept, run again to go on", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)
