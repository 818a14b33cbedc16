"""What the tasks of a clip share: what Luigi asks of each and has it do."""

from __future__ import annotations

import logging
from abc import abstractmethod
from functools import cached_property
from typing import Any

import luigi
from luigi.task import flatten

from luigi_gif import (
    execution,
    frames,
    integrations,
    redaction,
    run_history,
    settings,
    staleness,
    step_run,
)
from luigi_gif.errors import LUIGI_LOGGER, PipelineError, StorageError
from luigi_gif.refresh_parameters import ask_after_s, hint_at_refresh
from luigi_gif.source_at_scheduling import ignore_changes_since_scheduling
from luigi_gif.source_task import SourceTask

_OF_ALL_STEPS = ("alone", "loop_name", "failure_receivers")
"""What a task that runs those before it hands on to them, beside the parameters."""
_FOR_LUIGID = ("set_tracking_url", "set_status_message", "set_progress_percentage")
"""What Luigi gives a task while it runs; see luigi_gif.integrations.luigid_status."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


class PipelineTask(SourceTask):
    """What the tasks of a clip share: how each runs, by itself or with those before it."""

    alone = False
    """Whether it runs the steps before it by itself: Luigi then has one task to schedule."""

    loop_name = ""
    """That of the loop whose clip it makes, if it does."""
    failure_receivers = ""
    """apprise URLs that are told of a failure, in the place of those of [notify]."""

    # What is known of one run of Luigi's, which may be the second one of this process.
    _has_run = False
    _made = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outcome: step_run.StepOutcome | None = None
        """What the run did about this step; None before it has come to it."""
        self.failure: BaseException | None = None
        """What ended it."""

    def __repr__(self) -> str:
        return self._shown

    @cached_property
    def _shown(self) -> str:
        """As Luigi's log names the task: with the parameters that have not their default."""
        texts = self.to_str_params(only_significant=True)
        given = (
            f"{name}={texts[name]}"
            for name, parameter in self.get_params()
            if name in texts and getattr(self, name) != getattr(parameter, "default", ...)
        )
        return f"{self.task_family}({', '.join(given)})"

    def requires(self) -> Any:
        """The step before this one."""
        return self._needed

    def deps(self) -> list[luigi.Task]:
        """What Luigi is to run before."""
        return [] if self.alone else super().deps()

    @abstractmethod
    def reason_in_folder(self) -> str | None:
        """Why this step has to run, as its files say; None if its output is current."""

    @abstractmethod
    def make(self) -> str:
        """Make the output; what was made, in a few words. Called with the folder locked."""

    def reason_to_run(self, look: staleness.SourceLook | None = None) -> str | None:
        """Why this step has to run, in a few words; None if its output is current.

        The source is looked at anew, unless a ``look`` at it is given.
        """
        return self.reason_in_folder() or staleness.find_source_change(
            look or staleness.SourceLook(self.source()),
            self.folder,
            self.bundle,
            self.bundle_sha256_in_output(),
            ask_after_s(self),
        )

    def complete(self) -> bool:
        """Whether the output is current; as the first question of a run, also of the source."""
        with integrations.log_of_loop(self.loop_name):
            return self._is_complete()

    def _is_complete(self, look: staleness.SourceLook | None = None) -> bool:
        goes_on = self._ignores_source or self._has_run
        self._ignores_source = False
        if not goes_on:
            self._scheduled = False
            self._made = ""
            self.outcome = self.failure = None
        try:
            reason = self.reason_in_folder() if goes_on else self.reason_to_run(look)
        except PipelineError as error:
            reason = error.got
        if reason is None and not goes_on:
            self._log_skipped(f"{self.output()} is current{hint_at_refresh(self)}")
            if self.loop_name:
                run_history.clear_failure(self.folder)
        elif reason is not None and self._made:
            raise StorageError(
                "what was just made is not there any more",
                where=str(self.output()),
                expected=f"what {self.task_family} made",
                got=reason,
                next_step="run again when nothing else changes the work directory",
            )
        return reason is None

    def run(self) -> None:
        """Make the output, unless it is current by now."""
        execution.check_is_no_worker()
        settings.check_all()
        with integrations.log_of_loop(self.loop_name):
            if self.alone:
                self._run_alone()
            else:
                self._run()

    def _run_alone(self) -> None:
        try:
            self._run_steps_before()
            self._run()
        except frames.StaleFrames as error:
            logger.warning("%s: WriteFrames runs once more", error.what)
            self._running.clear()
            self._run_steps_before(asks_source=False)
            self._run()

    def _run(self) -> None:
        self._made = step_run.run_locked(self)
        self._has_run = True

    def on_success(self) -> None:
        """Luigi has seen what was made."""
        self.forget_run()

    def forget_run(self) -> None:
        """Ask the source again, if this task is asked again: one run of it is over."""
        self._has_run = False
        self._made = ""
        self._running.clear()

    def on_failure(self, exception: BaseException) -> str:
        """Tell of it, and give luigid the error's own words."""
        if self._running:
            return self._running.pop().on_failure(exception)
        with integrations.log_of_loop(self.loop_name):
            return self._tell_failure(exception)

    def _tell_failure(self, exception: BaseException) -> str:
        self.forget_run()
        self.failure = exception
        url = redaction.public_url(self.url)
        where = url
        if self.loop_name:
            where = f"{self.loop_name}: {url}"
            run_history.record_failure(self.folder, url, self.task_family, exception)
        integrations.note_failure(where, exception, redaction.public_url(self.workdir))
        integrations.notify_failure(self.task_family, where, exception, self.failure_receivers)
        if isinstance(exception, PipelineError):
            return str(exception)
        return str(super().on_failure(exception))

    def about(self) -> dict[str, object]:
        """What a page is to tell of the output."""
        return {}

    def bundle_sha256_in_output(self) -> object:
        """The SHA-256 of the bundle that the output is of, where it notes it by itself."""
        return None

    def reason_once_needed_is_made(self) -> str | None:
        """Why this step has to run, once those before it have."""
        return self.reason_in_folder()

    @cached_property
    def _needed(self) -> Any:
        """The step before this one, which is asked for again and again."""
        return self.clone(self.needs) if self.needs else []

    @cached_property
    def _running(self) -> list[PipelineTask]:
        """The step before this one that it runs now."""
        return []

    def _run_steps_before(self, *, asks_source: bool = True) -> None:
        """Run those that are not current, as Luigi would."""
        steps: list[PipelineTask] = []
        look = staleness.SourceLook(self.source())
        needed = flatten(self.requires())
        while needed:
            if not asks_source:
                ignore_changes_since_scheduling(needed)
            if needed[0]._is_complete(look):
                break
            steps += needed
            needed = flatten(needed[0].requires())
        for step in reversed(steps):
            self._running.append(step)
            for name in (*_OF_ALL_STEPS, *_FOR_LUIGID):
                setattr(step, name, getattr(self, name, None))
            step._run()
            step.on_success()
            self._running.clear()

    def _log_skipped(self, reason: str) -> None:
        """Log why it is skipped, and with it those that it makes needless."""
        self.outcome = step_run.StepOutcome(False, reason)
        logger.info("%s skipped: %s", self.task_family, reason)
        for step in flatten(self.requires()):
            step._log_skipped(f"{self.task_family} needs nothing")
