"""What Dask's client and its event loop log that the run's own error says better."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def client_log_filtered() -> Iterator[None]:
    """Drop the records that a client looks for a lost scheduler: the run's own error says it.

    It gives it up, or is closed while it looks.
    """

    def is_useful(record: logging.LogRecord) -> bool:
        cut_short = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
        return not cut_short and not record.getMessage().startswith("Failed to reconnect")

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
