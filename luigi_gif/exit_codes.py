"""The exit codes of both commands, luigi-gif and luigi."""

from __future__ import annotations

SUCCESS = 0
BAD_USAGE = 2
ALREADY_RUNNING = 10
MISSING_DATA = 20
NOT_RUN = 25
TASK_FAILED = 30
SCHEDULING_FAILED = 35
UNEXPECTED_ERROR = 40
INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it

LUIGI_RETCODES: dict[str, object] = {
    "already_running": ALREADY_RUNNING,
    "missing_data": MISSING_DATA,
    "not_run": NOT_RUN,
    "task_failed": TASK_FAILED,
    "scheduling_error": SCHEDULING_FAILED,
    "unhandled_exception": UNEXPECTED_ERROR,
}
"""The section [retcode] of luigi.cfg: without it, the luigi command exits with 0 on a failure."""

# By the name of a luigi.execution_summary.LuigiStatusCode: this module is used before Luigi
# can be imported.
_OF_STATUS = {
    "SUCCESS": SUCCESS,
    "SUCCESS_WITH_RETRY": SUCCESS,
    "SCHEDULING_FAILED": SCHEDULING_FAILED,
}


def exit_code_of(status: str) -> int:
    """The exit code of luigi-gif for the name of Luigi's status of a run."""
    return _OF_STATUS.get(status, TASK_FAILED)
