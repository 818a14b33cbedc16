"""What luigid's page shows of a running task: a status message, a percentage and a link.

How often it is told is in progress.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from luigi_gif.integrations.byte_format import format_mib

if TYPE_CHECKING:
    import luigi


def message(unit: str, done: int, total: int | None, size: int, rate: float) -> str:
    """How far a step is: in bytes (unit "B"), else in ``unit``; ``rate`` is of a second."""
    if unit == "B":
        of_total = f" of {format_mib(total)}" if total else ""
        return f"{format_mib(done)}{of_total}, {format_mib(rate)} a second"
    of_total = f" of {total:,}" if total else ""
    speed = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
    return f"{done:,}{of_total} {unit}, {format_mib(size)}, {speed} {unit} a second"


def percentage(done: int, total: int | None) -> int | None:
    """How many percent are done; None if that is not known."""
    return min(100, 100 * done // total) if total else None


def set_status(task: luigi.Task, message: str, percentage: int | None) -> None:
    """Show a message, and a percentage if it is known."""
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
