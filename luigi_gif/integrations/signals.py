"""Ctrl-C and SIGTERM: a run closes and removes what it has open, and says so in one line."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType

from luigi.worker import TaskProcess

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_CHECK_S = 1.0
"""How often a forked process checks that its parent is alive, and that its signals are seen."""
_ORDER_S = 10.0
"""How long it may then take to clean up."""
_AGAIN_S = 0.01
"""After which a signal that came where it could do nothing is handled once more."""
_NOTED = 4_096
"""So many signals are looked at at once."""
_BEGIN_S = 1.0
"""How long a forked process may take until multiprocessing knows it for its own.

For so long a signal is put off there, and in a process that something else has forked.
"""
_MAX_TIMES = 100
"""So often a signal is put off while Python imports: another thread may be at it for long."""
_IMPORT = "<frozen importlib._bootstrap>"
"""Where the code of Python is that imports modules."""

_is_forking = False
_begins_until = 0.0
_watched_process = 0
_times_put_off = 0


class QuietProcess(multiprocessing.Process):
    """A process that is forked for Luigi's tasks, as its own ``TaskProcess`` is."""


def install_signal_handlers() -> None:
    """Make either signal end this process, a command, as an exception does.

    Open files are closed, and partial ones removed. A second signal ends it at once.
    """
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    # Hooks run around those that were registered before, so around logging's, which hold a lock.
    os.register_at_fork(before=_begin_fork, after_in_parent=_end_fork, after_in_child=_begin)
    sys.excepthook = _say_in_a_line
    sys.unraisablehook = _interrupt_again
    atexit.register(_end)


@contextlib.contextmanager
def quiet_in_child() -> Iterator[None]:
    """End a process that Luigi has forked when its parent ends, or at an interrupt, and quietly.

    The parent says that it was interrupted; multiprocessing would print a traceback too, and the
    thread that sends results may never end if it was interrupted while it got one. A parent that
    is killed cannot tell its children, so they check for it.
    """
    global _watched_process
    parent = multiprocessing.parent_process()
    is_watched = _watched_process == os.getpid()
    if is_watched or not _is_luigis_child() or parent is None or parent.pid is None:
        yield
        return
    done = threading.Event()
    with _noted_signals() as signals:
        watcher = threading.Thread(target=_watch, args=(parent.pid, done, signals), daemon=True)
        watcher.start()
        _watched_process = os.getpid()
        try:
            yield
        except KeyboardInterrupt:
            os._exit(128 + signal.SIGINT)
        finally:
            _watched_process = 0
            done.set()
            watcher.join()


@contextlib.contextmanager
def _noted_signals() -> Iterator[int]:
    """A file descriptor that gives the number of each signal, to whichever thread it came."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)


def _is_luigis_child() -> bool:
    return isinstance(multiprocessing.current_process(), TaskProcess | QuietProcess)


def _watch(parent: int, done: threading.Event, signals: int) -> None:
    """End this process when its parent is another one than ``parent``, or a signal came.

    Where two come fast upon each other, the kernel may give both to an idle thread. The main
    thread, in which Python handles them, then waits on for whatever it waits for.
    """
    while not done.wait(_CHECK_S):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            if not done.wait(_ORDER_S):
                os._exit(128 + signal.SIGTERM)
        elif _is_unhandled(signals):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _is_unhandled(signals: int) -> bool:
    """Whether a signal has come, and the main thread has not handled it."""
    has_come = False
    with contextlib.suppress(BlockingIOError):
        has_come = any(number in _SIGNALS for number in os.read(signals, _NOTED))
    return has_come and not _is_handled()


def _is_handled() -> bool:
    """Whether one has ended what this process does."""
    return any(signal.getsignal(each) is not _interrupt for each in _SIGNALS)


def _begin_fork() -> None:
    global _is_forking
    _is_forking = True


def _end_fork() -> None:
    global _is_forking
    _is_forking = False


def _begin() -> None:
    global _begins_until
    _begins_until = time.monotonic() + _BEGIN_S
    _end_fork()


def _end() -> None:
    """Let a signal end the process at once: Python drops what is raised from here on."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _is_too_early(frame: FrameType | None) -> bool:
    """Whether an exception would leave a lock locked, or be printed as a traceback.

    In a hook of a fork, and where Python itself imports, locks are held that no ``with`` frees,
    and exceptions are dropped.
    """
    is_known = multiprocessing.parent_process() is not None
    is_beginning = not is_known and time.monotonic() < _begins_until
    code = frame and frame.f_code
    is_importing = code is not None and code.co_filename == _IMPORT
    is_forking = _is_forking or code is _begin_fork.__code__
    return is_forking or is_beginning or (is_importing and _times_put_off < _MAX_TIMES)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _is_too_early(frame):
        _handle_later(number)
        return
    is_child = multiprocessing.parent_process() is not None
    for each in _SIGNALS:
        # Ctrl-C reaches all processes, and Luigi then ends its children by SIGTERM: for them
        # the first of the other kind is the same request, and cleaning up takes time.
        takes_one = is_child and each != number
        signal.signal(each, _overlook_one if takes_one else signal.SIG_DFL)
    if _is_luigis_child():  # multiprocessing would print a traceback; logs have it by themselves
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # for the rest of this process
    raise KeyboardInterrupt


def _handle_later(number: int) -> None:
    global _times_put_off
    _times_put_off += 1
    signal.signal(signal.SIGALRM, lambda _, frame: _interrupt(number, frame))
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def _interrupt_again(dropped: sys.UnraisableHookArgs) -> None:
    """Handle a signal anew whose exception was dropped, as by an object that was being deleted.

    Other errors that are dropped after a signal are its consequences: nothing is printed.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and issubclass(dropped.exc_type, KeyboardInterrupt):
        _handle_later(signal.SIGINT)
    elif not _is_handled():
        sys.__unraisablehook__(dropped)


def _overlook_one(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)


def _say_in_a_line(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("Interrupted: what is done is kept, run again to go on", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)
