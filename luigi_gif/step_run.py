"""What one run of a step does: wait for the lock, look again, sweep, make, note."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from luigi.task import flatten

from luigi_gif import integrations, redaction, run_history, settings, storage
from luigi_gif.errors import LUIGI_LOGGER, StorageError, out_of_memory

if TYPE_CHECKING:
    from luigi_gif.pipeline_task import PipelineTask

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


class StepOutcome(NamedTuple):
    """What a run did about a step.

    Attributes
    ----------
    ran : bool
        Whether it had to, even if it failed then.
    reason : str
        Why, or why not.
    seconds : float
        How long that took.
    """

    ran: bool
    reason: str
    seconds: float = 0.0


def run_locked(task: PipelineTask) -> str:
    """Make the output with the folder locked; what was made, or nothing if it is current by now.

    Raises PipelineError.
    """
    folder = task.folder
    try:
        lock_timeout_s = settings.storage.current().lock_timeout
        with integrations.quiet_in_child(), folder.locked(lock_timeout_s):
            reason = task.reason_once_needed_is_made()
            if reason is None:
                task.outcome = StepOutcome(False, f"{task.output()} is current by now")
                logger.info("%s skipped: %s", task.task_family, task.outcome.reason)
                return ""
            logger.info("%s runs: %s", task.task_family, reason)
            _check_what_it_needs(task)
            _sweep(folder, task.subfolders())
            begin = time.monotonic()
            try:
                made = task.make()
                _sweep(folder, task.subfolders())  # workers may have died meanwhile
            finally:
                seconds = time.monotonic() - begin
                task.outcome = StepOutcome(True, reason, seconds)
            url = redaction.public_url(task.url)
            run_history.record_run(task.folder, url, task.task_family, seconds, task.about)
            logger.info("%s made %s", task.task_family, made)
            return made
    except MemoryError as error:
        raise out_of_memory(folder.url) from error
    except FileNotFoundError as error:
        raise StorageError(
            "a file vanished while it was needed",
            where=str(error.filename or folder.url),
            expected="the file",
            got="nothing",
            next_step="run again",
        ) from error


def _check_what_it_needs(task: PipelineTask) -> None:
    """Luigi looked before the folder was locked; a run of another URL may have come since."""
    for step in flatten(task.requires()):
        reason = step.reason_in_folder()
        if reason is not None:
            raise StorageError(
                f"what {task.task_family} needs has changed meanwhile",
                where=str(step.output()),
                expected=f"what {step.task_family} made",
                got=reason,
                next_step="run again, with one URL at a time in a work directory",
            )


def _sweep(folder: storage.Folder, subfolders: set[str]) -> None:
    for subfolder in subfolders:
        folder.sweep(subfolder)
