"""What to tell the user of a download that ends too early, or too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luigi_gif.errors import DownloadError, TransientDownloadError

if TYPE_CHECKING:
    from luigi_gif import settings


class Stopped(Exception):
    """Nobody waits for the download any more."""


def broken_off_error(where: str, expected: str, got: str) -> TransientDownloadError:
    """What to tell the user of a download that ended before its time."""
    return TransientDownloadError(
        "the download broke off", where=where, expected=expected, got=got, next_step="run again"
    )


def too_long_error(where: str, config: settings.download, got: str) -> DownloadError:
    """What to tell the user of a download that meets its deadline."""
    return DownloadError(
        "the download takes too long",
        where=where,
        expected=f"an end within {config.deadline:,g} s (--download-deadline)",
        got=got,
        next_step="run again: what has arrived is kept where the server allows it",
    )
