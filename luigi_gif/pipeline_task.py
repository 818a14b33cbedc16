"""What the four tasks share: when a step is current, and what a run of one does."""

from __future__ import annotations

import logging
import os
import time
from abc import abstractmethod
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from luigi.task import flatten

from luigi_gif import execution, fetching, frames, integrations, settings, storage, urls
from luigi_gif.errors import LUIGI_LOGGER, PipelineError, StorageError, out_of_memory
from luigi_gif.parameter_checks import CheckedTask, Parameters
from luigi_gif.parameters import (
    FolderParameter,
    NameParameter,
    Sha256Parameter,
    UrlParameter,
    is_own_name,
)
from luigi_gif.storage import HISTORY, INDEX

EXAMPLE_URL = "https://github.com/cicdw/image-data/blob/master/all-images.img?raw=true"
OWN_NAMES: dict[str, Any] = {
    "folders": (frames.SUBFOLDER, storage.LOCK),
    "suffixes": (".json", fetching.PARTIAL_SUFFIX, storage.ASIDE_SUFFIX, storage.TEMPORARY_SUFFIX),
}
"""What a user's file cannot be called, as the pipeline uses it itself."""

_FOR_LUIGID = ("set_tracking_url", "set_status_message", "set_progress_percentage")
"""What Luigi gives a task while it runs; see luigi_gif.integrations.progress."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


class SettledTask(CheckedTask):
    """A task for which a local source counts as it was when Luigi scheduled the run.

    Luigi asks again before a task runs whether what it needs is complete. A source that
    has changed since would end the run then; it is left to the next one instead.
    """

    _scheduled = False
    """Whether Luigi knows what this task needs: when it asks next, this task is to run."""
    _settled = False
    """Whether the next question for completeness comes from a run that goes on."""

    def deps(self) -> list[Any]:
        """What it needs, at scheduling and then once more before it runs."""
        needed = super().deps()
        if self._scheduled:
            settle(needed)
        self._scheduled = True
        return list(needed)


def settle(tasks: list[Any]) -> None:
    """Have the next question for completeness pass over a source that changed meanwhile."""
    for task in tasks:
        task._settled = True


class Step(SettledTask):
    """What the four tasks share: the bundle, and where its files live.

    Each file notes its recipe (the parameters that shape its bytes) and the
    SHA-256 of the bundle that it was made of. It is current if the recipe is
    this task's, and if the bundle, where it still lies there, is that one.
    The receipt also notes the version of a local source.
    """

    url = UrlParameter(
        default=EXAMPLE_URL,
        description="the bundle: http(s)://, file://, a path, or any fsspec URL",
    )
    workdir = FolderParameter(
        default="",
        description="where the files of a run live; by default data/NAME-HASH, from the URL",
    )
    data_file = NameParameter(
        default="image-data.img", description="the bundle's name in the work directory", **OWN_NAMES
    )
    sha256 = Sha256Parameter(default=None, description="the bundle's checksum, if you know it")

    alone = False
    """Whether it runs the steps before it by itself: Luigi then has one task to schedule."""

    # What is known of one run of Luigi's, which may be the second one of this process.
    _has_run = False
    _made = ""

    @classmethod
    def get_param_values(cls, params: Parameters, args: Any, kwargs: Any) -> Parameters:
        """As Luigi has it; without a work directory, the one that is named after the URL."""
        values = dict(super().get_param_values(params, args, kwargs))
        if not values["workdir"]:
            name = f"data/{urls.name_from_url(values['url'])}"
            values["workdir"] = cls.workdir.normalize(name)
        name = fetching.name_in_workdir(values["workdir"], values["url"])
        if name and (name == values.get("gif_file") or is_own_name(name, **OWN_NAMES)):
            raise fetching.overwritten_source_error(values["url"])
        return list(values.items())

    @property
    def folder(self) -> storage.Folder:
        """The work directory."""
        return storage.open_folder(self.workdir)

    def requires(self) -> Any:
        """The step before this one."""
        return self._needed

    def deps(self) -> list[Any]:
        """What Luigi is to run before."""
        return [] if self.alone else super().deps()

    @abstractmethod
    def reason_in_folder(self) -> str | None:
        """Why this step has to run, as its files say; None if its output is current."""

    @abstractmethod
    def make(self) -> str:
        """Make the output; what was made, in a few words. Called with the folder locked."""

    def recipe(self) -> dict[str, Any]:
        """The parameters that shape the output's bytes."""
        return {"url": urls.public_url(self.url), "url_digest": urls.url_digest(self.url)}

    def reason_to_run(self) -> str | None:
        """Why this step has to run, in a few words; None if its output is current."""
        return self.reason_in_folder() or self._change_of_source()

    def complete(self) -> bool:
        """Whether the output is current; as the first question of a run, also of the source."""
        goes_on = self._settled or self._has_run
        self._settled = False
        if not goes_on:
            self._scheduled = False
            self._made = ""
        try:
            reason = self.reason_in_folder() if goes_on else self.reason_to_run()
        except PipelineError as error:
            reason = error.got
        if reason is None and not goes_on:
            self._log_skipped(f"{self.output()} is current")
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
        settings.check()
        if self.alone:
            self._run_steps_before()
        self._run()

    def _run(self) -> None:
        folder = self.folder
        try:
            lock_timeout_s = settings.storage().lock_timeout
            with integrations.quiet_in_child(), folder.locked(lock_timeout_s):
                reason = self._reason_now()
                self._has_run = True
                if reason is None:
                    logger.info("%s skipped: %s is current by now", self.task_family, self.output())
                    return
                logger.info("%s runs: %s", self.task_family, reason)
                self._check_what_it_needs()
                self._sweep(folder)
                begin = time.monotonic()
                made = self.make()
                self._sweep(folder)  # workers may have died meanwhile
                self._note_run(time.monotonic() - begin)
                logger.info("%s made %s", self.task_family, made)
                self._made = made
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

    def on_success(self) -> None:
        """Luigi has seen what was made."""
        self._has_run = False
        self._made = ""

    def on_failure(self, exception: BaseException) -> str:
        """Tell of it, and give luigid the error's own words."""
        if self._running:
            return self._running.pop().on_failure(exception)
        self._has_run = False
        self._made = ""
        url = urls.public_url(self.url)
        integrations.note_failure(url, exception)
        integrations.notify_failure(self.task_family, url, exception)
        if isinstance(exception, PipelineError):
            return str(exception)
        return str(super().on_failure(exception))

    def about(self) -> dict[str, Any]:
        """What a page is to tell of the output."""
        return {}

    @property
    def receipt_name(self) -> str:
        """What stands beside a bundle that was fetched."""
        return f"{self.data_file}.json"

    def difference(self, name: str, recipe: object, sha256: object) -> str | None:
        """How the file ``name``, made so and of that bundle, is not current; None if it is."""
        theirs = recipe if isinstance(recipe, dict) else {}
        ours = self.recipe()
        changed = [key for key in ours if key not in theirs or theirs[key] != ours[key]]
        if changed:
            return f"{name} was made with another {' and '.join(changed)}"
        if self.sha256 not in (None, sha256):
            return f"{name} is not of the bundle with this SHA-256"
        if self.folder.size(self.data_file) is not None and self._bundle_sha256() != sha256:
            return f"{name} was made of another bundle"
        return None

    @cached_property
    def _needed(self) -> Any:
        """The step before this one, which is asked for again and again."""
        return self.clone(self.needs) if self.needs else []

    @cached_property
    def _running(self) -> list[Step]:
        """The step before this one that it runs now."""
        return []

    def _run_steps_before(self) -> None:
        """Run those that are not current, as Luigi would."""
        steps: list[Step] = []
        needed = flatten(self.requires())
        while needed and not needed[0].complete():
            steps += needed
            needed = flatten(needed[0].requires())
        for step in reversed(steps):
            self._running.append(step)
            for name in _FOR_LUIGID:
                setattr(step, name, getattr(self, name, None))
            step._run()
            step.on_success()
            self._running.clear()

    def _reason_now(self) -> str | None:
        """Why this step has to run, once those before it have."""
        return self.reason_in_folder()

    def _made_of(self) -> object:
        """The SHA-256 of the bundle that the output is of, where it notes it by itself."""
        return None

    def _change_of_source(self) -> str | None:
        """That a local source is not the one that was fetched; None where that is not known.

        A source that is gone leaves everything as it is, and so does one that was only
        touched, once it was looked at again.
        """
        version = fetching.source_version(self.url)
        if version is None:
            return None
        receipt = self.folder.read_json(self.receipt_name)
        sha256 = self._made_of()
        if receipt is not None:
            is_same = receipt.get("source") == version and sha256 in (None, receipt.get("sha256"))
        elif self.folder.size(self.data_file) is not None:
            is_same = True  # the user has put it there
        else:
            is_same = sha256 is not None and self._sha256_of_source(version) == sha256
        return None if is_same else f"{urls.public_url(self.url)} has changed"

    def _sha256_of_source(self, version: str) -> object:
        """The SHA-256 of a local source, which is read unless it was noted for this version."""
        noted = (self.folder.read_json(HISTORY) or {}).get("source") or {}
        return (
            noted["sha256"] if noted.get("version") == version else fetching.file_sha256(self.url)
        )

    def _note_run(self, seconds: float) -> None:
        """For people only: where it cannot be written, what was made is no worse."""
        try:
            run = self.folder.read_json(HISTORY) or {}
            steps = run.get("steps", {})
            steps[self.task_family] = {"ended": now(), "seconds": round(seconds, 3)}
            shown = {"url": urls.public_url(self.url), "steps": steps}
            self.folder.overwrite_json(HISTORY, run | shown | self.about())
        except (PipelineError, FileNotFoundError) as error:
            got = error.got if isinstance(error, PipelineError) else "a file vanished"
            logger.warning("%s could not be written: %s", self.folder.path(HISTORY), got)

    def _check_what_it_needs(self) -> None:
        """Luigi looked before the folder was locked; a run of another URL may have come since."""
        for step in flatten(self.requires()):
            reason = step.reason_in_folder()
            if reason is not None:
                raise StorageError(
                    f"what {self.task_family} needs has changed meanwhile",
                    where=str(step.output()),
                    expected=f"what {step.task_family} made",
                    got=reason,
                    next_step="run again, with one URL at a time in a work directory",
                )

    def _sweep(self, folder: storage.Folder) -> None:
        for subfolder in self._subfolders():
            folder.sweep(subfolder)

    def _subfolders(self) -> set[str]:
        """The folders of the work directory that a dead run may have left something in."""
        return {"", frames.SUBFOLDER, os.path.dirname(self.data_file)}

    def _bundle_sha256(self) -> str | None:
        """The SHA-256 of the bundle that lies there, as a note says that fits it."""
        version = self.folder.version(self.data_file)
        for name in (self.receipt_name, INDEX):
            note = self.folder.read_json(name) or {}
            if note.get("version") == version:
                return note.get("sha256")
        return None

    def _log_skipped(self, reason: str) -> None:
        """Log why it is skipped, and with it those that it makes needless."""
        logger.info("%s skipped: %s", self.task_family, reason)
        for step in flatten(self.requires()):
            step._log_skipped(f"{self.task_family} needs nothing")


def now() -> str:
    """The time, as notes have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
