"""The retry rule: what is tried again, how often, and after how long.

What cannot get better by itself fails at once, as a DownloadError that is not transient.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from luigi_gif.errors import LUIGI_LOGGER, TransientDownloadError

if TYPE_CHECKING:
    import tenacity

    from luigi_gif import settings

MAX_DELAY_S = 600.0
"""A server may ask for a longer one, but nobody waits for it."""
_RETRIED_STATUSES = frozenset({408, 429})
"""Beside every 5xx: Request Timeout and Too Many Requests."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


def new_attempts(
    config: settings.download, stopped: threading.Event | None = None
) -> tenacity.Retrying:
    """Attempts at a call, again and again while it raises TransientDownloadError.

    How many, the settings say; the last error is raised as it is. None is waited for once
    ``stopped`` is set.
    """
    import tenacity  # only where something is fetched: it takes long to load

    stops = [
        tenacity.stop_after_attempt(config.retries + 1),
        tenacity.stop_before_delay(config.deadline),
    ]
    if stopped is not None:
        stops.append(tenacity.stop_when_event_set(stopped))
    return tenacity.Retrying(
        stop=tenacity.stop_any(*stops),
        sleep=tenacity.nap.sleep if stopped is None else tenacity.sleep_using_event(stopped),
        wait=lambda state: _delay_s(state, config),
        retry=tenacity.retry_if_exception_type(TransientDownloadError),
        before_sleep=lambda state: _log_retry(state, config),
        reraise=True,
    )


def is_retried_status(status: int) -> bool:
    """Whether another try may help where a server answers with this HTTP status."""
    return status in _RETRIED_STATUSES or status >= 500


def parse_retry_after(text: str) -> float:
    """Seconds from now that a Retry-After header asks for, by their number or by a date."""
    import email.utils  # loads much, for few answers

    if text.isdecimal():
        return float(text)
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, OSError):
        return 0.0


def _delay_s(state: Any, config: settings.download) -> float:
    """As the settings say, or as the server asks, and then a little apart from others."""
    import tenacity

    asked = min(state.outcome.exception().retry_after_s, MAX_DELAY_S)
    if asked <= config.retry_delay:
        return config.retry_delay
    return asked + tenacity.wait_random(0, asked / 10)(state)


def _log_retry(state: Any, config: settings.download) -> None:
    error = state.outcome.exception()
    logger.warning(
        "%s: %s (%s); try %d of %d in %.3g s",
        error.what,
        error.got,
        error.where,
        state.attempt_number + 1,
        config.retries + 1,
        state.next_action.sleep,
    )
