"""The package's own command while it begins: most of that is to import what it needs."""

from __future__ import annotations

import _imp
import contextlib
import os
import signal
import sys
import threading

from luigi_gif import exit_codes

_NAME = "luigi-gif"
_MODULE = "luigi_gif.cli"


def is_own_command() -> bool:
    """Whether this process is the command ``luigi-gif``, or ``python -m luigi_gif.cli``."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    # As long as python -m looks for a module, it puts itself there.
    return name == _NAME or (name == "-m" and any(map(_names_module, sys.orig_argv)))


def end_by_ctrl_c() -> None:
    """Make Ctrl-C end this process with a line, until what the command installs does it.

    An exception would not do: Python drops some that are raised while it imports.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGINT, _end)
    # Python drops it where it imports for itself, too, and keeps a lock for which each thread
    # that imports would wait. Who does not hold it cannot release it.
    with contextlib.suppress(RuntimeError):
        _imp.release_lock()
        _end()


def _names_module(argument: str) -> bool:
    return argument.removeprefix("-m") == _MODULE


def _end(*_: object) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"Interrupted: nothing was done yet\n")
    os._exit(exit_codes.INTERRUPTED)
