"""What Dask's client and its event loop log that the run's own error says better."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def client_log_filtered() -> Iterator[None]:
    """Drop the record that a client gives up a scheduler: the run's own error says it."""

    def is_useful(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Failed to reconnect")

    log = logging.getLogger("distributed.client")
    log.addFilter(is_useful)
    try:
        yield
    finally:
        log.removeFilter(is_useful)


def handle_loop_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Drop what the event loop of our client says of waits that its end cuts short.

    A message that waits to be sent ends in a TimeoutError, a client that looks for a lost
    scheduler in a CancelledError. Nobody awaits either.
    """
    error = context.get("exception")
    cut_short = isinstance(error, TimeoutError) and "never retrieved" in context["message"]
    if not cut_short and not isinstance(error, asyncio.CancelledError):
        loop.default_exception_handler(context)
