"""The progress of a step: a bar on a terminal, lines in a log, the status on luigid's page."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from luigi_gif.errors import LUIGI_LOGGER
from luigi_gif.integrations import luigid_status

if TYPE_CHECKING:
    import luigi

LOG_S = 10.0
LUIGID_S = 0.5
"""How often the log and luigid are told, in seconds."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.report")
# Of this process: luigi-gif decides it, and Luigi hands a task nothing but its parameters.
_bars = False
"""Whether a bar is drawn, instead of lines in the log."""

Progress = Callable[[int, int], None]
"""Takes the total done so far, in the unit of the step, and in bytes."""


class _StepProgress:
    def __init__(self, task: luigi.Task, unit: str, total: int | None, begin: int) -> None:
        self._task = task
        self._unit = unit
        self._total = total
        self._first = begin
        self._begin = self._logged = self._told = time.monotonic()
        self._bar = _bar(task, unit, total, begin) if _bars else None

    def __call__(self, done: int, size: int) -> None:
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        elif now - self._logged >= LOG_S:
            self._logged = now
            logger.info("%s: %s", self._task.task_family, self._message(done, size, now))
        if now - self._told >= LUIGID_S:
            self._told = now
            percentage = luigid_status.percentage(done, self._total)
            luigid_status.set_status(self._task, self._message(done, size, now), percentage)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _message(self, done: int, size: int, now: float) -> str:
        rate = (done - self._first) / max(now - self._begin, 0.001)
        return luigid_status.message(self._unit, done, self._total, size, rate)


def show_bars(enabled: bool) -> bool:
    """Whether steps of this process have a bar from now on; as wanted."""
    global _bars
    _bars = enabled
    return enabled


class ProgressReporter:
    """Reports on a task while it runs: on the terminal, in the log, and to luigid."""

    def __init__(self, task: luigi.Task) -> None:
        self._task = task

    @contextmanager
    def track(self, unit: str, total: int | None, begin: int) -> Iterator[Progress]:
        """Report a step that goes from ``begin`` to ``total``, in bytes (unit "B") or frames."""
        step = _StepProgress(self._task, unit, total, begin)
        try:
            yield step
        finally:
            step.close()

    def link(self, url: str) -> None:
        """Link this URL from the task on luigid's page."""
        luigid_status.set_link(self._task, url)


def _bar(task: luigi.Task, unit: str, total: int | None, begin: int) -> Any:
    from tqdm import tqdm

    in_bytes = unit == "B"
    loop_name = getattr(task, "loop_name", "")
    return tqdm(
        desc=f"{loop_name} {task.task_family}".strip(),
        leave=not loop_name,  # the bars of many clips would fill the screen
        total=total,
        initial=begin,
        unit=unit if in_bytes else f" {unit}",
        unit_scale=in_bytes,
        unit_divisor=1024,
        mininterval=0.1,
    )
