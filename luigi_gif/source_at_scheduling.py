"""A local source counts as it was when Luigi scheduled the run, not as it is by now.

Luigi asks again before a task runs whether what it needs is complete. A source that has
changed since would end the run then, and a file that changes often would end every run of it;
the change is left to the next run instead.
"""

from __future__ import annotations

from collections.abc import Iterable

import luigi
from luigi.task import flatten

from luigi_gif.parameter_checks import CheckedTask


class SourceAtSchedulingTask(CheckedTask):
    """A task that looks at its source once in a run, when Luigi first asks for it."""

    _scheduled = False
    """Whether Luigi knows what this task needs: when it asks next, this task is to run."""
    _ignores_source = False
    """Whether the next question for completeness comes from a run that goes on."""

    def deps(self) -> list[luigi.Task]:
        """What it needs, at scheduling and then once more before it runs."""
        needed = super().deps()
        if self._scheduled:
            ignore_changes_since_scheduling(needed)
        self._scheduled = True
        return list(needed)


class SourceAtSchedulingWrapper(SourceAtSchedulingTask, luigi.WrapperTask):
    """A task that only has others run, and is complete when each of them is."""

    _has_run = False

    def run(self) -> None:
        """Luigi has run what it needs."""
        self._has_run = True

    def complete(self) -> bool:
        """Whether each task that it needs is complete."""
        needed = flatten(self.requires())
        if self._has_run or self._ignores_source:
            ignore_changes_since_scheduling(needed)
        else:
            self._scheduled = False
        self._has_run = self._ignores_source = False
        return all(task.complete() for task in needed)


def ignore_changes_since_scheduling(tasks: Iterable[SourceAtSchedulingTask]) -> None:
    """Have the next question for completeness pass over a source that changed meanwhile."""
    for task in tasks:
        task._ignores_source = True
