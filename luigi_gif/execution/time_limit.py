"""Calls of a library that may never return, with a time limit."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from luigi_gif.errors import LUIGI_LOGGER, short_reason

Value = TypeVar("Value")

logger = logging.getLogger(f"{LUIGI_LOGGER}.cluster")

CLOSE_TIMEOUT_S = 10.0
"""How long a client, or threads of this process, may take to close."""
INTERRUPT_S = 3.0
"""How long an interrupted wait lets the call end, so that what it started can be closed."""


def within(
    limit_s: float,
    function: Callable[[], Value],
    discard: Callable[[Value], object] | None = None,
) -> Value:
    """Call a function in a thread of its own, and wait for it.

    Ctrl-C ends the wait. It never reaches threads and processes that ``function`` starts: they
    inherit the mask of signals, and the first process ends them in order.

    Parameters
    ----------
    limit_s : float
        How long to wait, in seconds.
    function : callable
        Called without arguments.
    discard : callable, optional
        Takes a value that comes too late.

    Returns
    -------
    object
        The value of ``function``.

    Raises
    ------
    TimeoutError
        If it takes longer. What ``function`` raises is raised too.
    """
    call = _Call(function, discard)
    try:
        if not call.ended.wait(limit_s):
            raise TimeoutError("no answer in this time")
    except BaseException as error:
        if not isinstance(error, TimeoutError):
            call.ended.wait(INTERRUPT_S)
        call.abandon()
        raise
    return call.value()


@contextlib.contextmanager
def closing_within(name: str, limit_s: float, close: Callable[[], object]) -> Iterator[None]:
    """Close what was opened, within ``limit_s`` seconds; a failure is logged, not raised."""
    try:
        yield
    finally:
        try:
            within(limit_s, close)
        except Exception as error:  # a cluster's own class may raise anything
            logger.warning("%s did not close in order: %s", name, short_reason(error))


class _Call(Generic[Value]):
    def __init__(
        self, function: Callable[[], Value], discard: Callable[[Value], object] | None
    ) -> None:
        self.ended = threading.Event()
        self._function = function
        self._discard = discard
        self._values: list[Value] = []
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._abandoned = False
        # A daemon: the end of the process does not wait for it.
        threading.Thread(target=self._work, name="Dask-call", daemon=True).start()

    def value(self) -> Value:
        if self._error is not None:
            raise self._error
        return self._values[0]

    def abandon(self) -> None:
        """Discard the value, now or when it comes."""
        with self._lock:
            self._abandoned = True
            ended = self.ended.is_set()
        if ended:
            self._clear()

    def _work(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._values.append(self._function())
        except BaseException as error:
            self._error = error
        with self._lock:
            self.ended.set()
            abandoned = self._abandoned
        if abandoned:
            self._clear()

    def _clear(self) -> None:
        if self._discard is not None and self._values:
            with contextlib.suppress(Exception):
                self._discard(self._values.pop())
