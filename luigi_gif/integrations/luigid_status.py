"""The status message, the percentage and the link of a task on luigid's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import luigi


def set_status(task: luigi.Task, message: str, percentage: int | None) -> None:
    """Show a message, and how many percent are done if that is known."""
    _call(task, "set_status_message", message)
    if percentage is not None:
        _call(task, "set_progress_percentage", percentage)


def set_link(task: luigi.Task, url: str) -> None:
    """Link a URL from the task."""
    _call(task, "set_tracking_url", url)


def _call(task: luigi.Task, method: str, value: object) -> None:
    # Luigi gives a task these methods only while its worker runs it.
    set_value = getattr(task, method, None)
    if set_value is not None:
        set_value(value)
