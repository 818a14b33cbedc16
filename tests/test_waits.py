"""A call that may never return is waited for as long as it may take, and no longer."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from luigi_gif.execution import time_limit
from luigi_gif.execution.time_limit import within


def test_what_a_call_gives_arrives() -> None:
    """Its value, or its error."""
    assert within(60, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)


def test_a_call_that_hangs_is_given_up() -> None:
    """What it gives later is discarded."""
    go_on, discarded = threading.Event(), threading.Event()

    def hang() -> threading.Event:
        go_on.wait()
        return discarded

    with pytest.raises(TimeoutError, match="no answer"):
        within(0.01, hang, threading.Event.set)
    assert not discarded.is_set()
    go_on.set()
    assert discarded.wait(60)


def test_an_interrupt_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call itself is not interrupted."""
    monkeypatch.setattr(time_limit, "INTERRUPT_S", 0.01)
    # A shell lets what it starts in the background ignore this signal, and the tests with it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    go_on, ended = threading.Event(), threading.Event()

    def interrupt_and_end() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        go_on.wait()
        ended.set()

    try:
        with pytest.raises(KeyboardInterrupt):
            within(60, interrupt_and_end)
    finally:
        signal.signal(signal.SIGINT, before)
    go_on.set()
    assert ended.wait(60)
