"""The exit codes of both commands, luigi-gif and luigi.

Those from 10 to 40 are what Luigi's manual suggests for its section [retcode].
"""

from __future__ import annotations

SUCCESS = 0
"""The clip is there."""
BAD_USAGE = 2
"""An option or a parameter cannot be used."""
ALREADY_RUNNING = 10
"""The same luigi command runs already, and [core] no_lock is false."""
MISSING_DATA = 20
"""An external task of the user's own pipeline has no output."""
NOT_RUN = 25
"""A task got no permission to run from luigid."""
TASK_FAILED = 30
"""A step failed."""
SCHEDULING_FAILED = 35
"""The steps could not be planned."""
UNEXPECTED_ERROR = 40
"""Luigi itself failed."""
INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it
"""Ctrl-C or SIGTERM; the next run resumes."""

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
    """The exit code of luigi-gif for a run.

    Parameters
    ----------
    status : str
        The name of its status, one of luigi.execution_summary.LuigiStatusCode.

    Returns
    -------
    int
        :data:`SUCCESS`, :data:`SCHEDULING_FAILED` or :data:`TASK_FAILED`.
    """
    return _OF_STATUS.get(status, TASK_FAILED)
