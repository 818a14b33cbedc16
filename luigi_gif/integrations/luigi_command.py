"""Whether the luigi command imports this package, to run its tasks."""

from __future__ import annotations

import inspect
import sys
import threading

_BETWEEN = {"luigi", "luigi_gif", "contextlib", "importlib", "_frozen_importlib"}


def luigi_arguments() -> list[str] | None:
    """The arguments of the luigi command whose --module this import is; None for any other import.

    Luigi tells a module nothing of who imports it, so the stack is asked: from
    the command to this package nothing but Luigi and Python's import may
    stand. A user's module that imports this package is not ours to change.
    """
    cmdline = sys.modules.get("luigi.cmdline")
    if cmdline is None or threading.current_thread() is not threading.main_thread():
        return None
    frame = inspect.currentframe()
    frame = frame and frame.f_back
    while frame is not None:
        if frame.f_code is cmdline.luigi_run.__code__:
            return list(frame.f_locals["argv"])
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _BETWEEN:
            return None
        frame = frame.f_back
    return None
