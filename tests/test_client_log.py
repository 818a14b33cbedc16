"""What is dropped of the log of Dask's client."""

from __future__ import annotations

import asyncio
import logging

import pytest

from luigi_gif.execution.client_log import client_log_filtered


def test_a_client_that_looks_for_a_lost_scheduler_is_quiet(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also if it is closed meanwhile; whatever else it says is shown, and all of it afterwards."""
    log = logging.getLogger("distributed.client")
    with client_log_filtered():
        log.error("Failed to reconnect to scheduler after %.2f seconds, closing client", 1.0)
        try:
            raise asyncio.CancelledError
        except asyncio.CancelledError:
            log.exception("")
        log.error("another")
    log.error("Failed to reconnect")
    assert caplog.messages == ["another", "Failed to reconnect"]
