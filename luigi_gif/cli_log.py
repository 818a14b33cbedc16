"""What luigi-gif and its commands tell on standard error: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import logging
import sys

from luigi_gif import integrations
from luigi_gif.errors import LUIGI_LOGGER

ERRORS = "errors"
"""Nothing but errors: ``-q``."""
EVERYTHING = "everything"
"""All of the log, with that of Luigi: ``-v``."""


def set_up_log(wanted: str | None = None, *, with_bars: bool = True) -> None:
    """Show progress and the log on standard error.

    Parameters
    ----------
    wanted : str, optional
        :data:`ERRORS` or :data:`EVERYTHING`; by default bars and warnings on a terminal, else
        lines of what runs and why.
    with_bars : bool
        Whether there may be bars on a terminal.
    """
    bars = integrations.show_bars(with_bars and wanted is None and sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(integrations.PlainFormatter(logging.Formatter(integrations.FORMAT)))
    logger = logging.getLogger(LUIGI_LOGGER)
    logger.addHandler(handler)
    logger.propagate = False
    if wanted == EVERYTHING:
        logger.setLevel(logging.DEBUG)
        return
    handler.addFilter(_is_ours)
    usual = logging.WARNING if bars else logging.INFO
    logger.setLevel(logging.ERROR if wanted == ERRORS else usual)


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether to show a record: of Luigi's own only warnings and errors."""
    return record.name != LUIGI_LOGGER or record.levelno >= logging.WARNING
