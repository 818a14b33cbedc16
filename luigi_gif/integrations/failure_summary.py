"""What failed, in the last lines of Luigi's log; its own summary names few tasks only."""

from __future__ import annotations

import logging

from luigi_gif.errors import LUIGI_LOGGER, PipelineError, short_reason
from luigi_gif.integrations.fork_list import SharedList
from luigi_gif.redaction import escaped

_SUMMARY = "===== Luigi Execution Summary ====="

# Of this process: tasks note what failed, and the filter of Luigi's log reads it.
failures = SharedList()
"""What failed in this process and in those that it forked: where, and why."""


def note_failure(where: str, error: BaseException, workdir: str) -> None:
    """Note a failure for the summary."""
    reason = (
        f"{error.what}: {error.got}" if isinstance(error, PipelineError) else short_reason(error)
    )
    # Clips of several nights may have one URL.
    failures.append(escaped(f"{where}: {reason} (work directory {workdir})"))


def install_failure_summary() -> None:
    """Add to Luigi's summary, the last lines of its log, a list of what failed."""
    logging.getLogger(LUIGI_LOGGER).addFilter(_add_failures)


def _add_failures(record: logging.LogRecord) -> bool:
    noted = failures.read() if _SUMMARY in str(record.msg) else []
    if noted:
        record.msg += "\nWhat failed:\n" + "\n".join(f"* {failure}" for failure in noted)
    return True
