"""What the tasks of a clip share: their parameters, and what Luigi asks of each and has it do."""

from __future__ import annotations

import logging
import os
from abc import abstractmethod
from functools import cached_property
from typing import Any

import luigi
from luigi.task import flatten

from luigi_gif import (
    also,
    default_workdir,
    execution,
    fetching,
    frames,
    integrations,
    redaction,
    run_history,
    settings,
    sources,
    staleness,
    step_run,
    storage,
    urls,
)
from luigi_gif.bundle_file import BundleFile
from luigi_gif.errors import LUIGI_LOGGER, ParameterError, PipelineError, StorageError
from luigi_gif.name_parameter import NameParameter, OwnNames, is_own_name
from luigi_gif.parameter_checks import Args, Kwargs, Parameters
from luigi_gif.parameters import ChoiceParameter, Sha256Parameter
from luigi_gif.refresh_parameters import RefreshParameters, ask_after_s
from luigi_gif.selection_parameters import (
    SelectionParameters,
    selection_of,
    selection_recipe,
)
from luigi_gif.source_at_scheduling import SourceAtSchedulingTask
from luigi_gif.url_parameters import FolderParameter, SourceParameter

EXAMPLE_URL = "https://github.com/cicdw/image-data/blob/master/all-images.img?raw=true"
OWN_NAMES: OwnNames = {
    "folders": (frames.SUBFOLDER, storage.ITEMS, storage.LOCK),
    "suffixes": (
        ".json",
        storage.PARTIAL_SUFFIX,
        storage.QUARANTINE_SUFFIX,
        storage.TEMPORARY_SUFFIX,
    ),
}
"""What a user's file cannot be called, as the pipeline uses it itself."""

_OF_ALL_STEPS = ("alone", "loop_name", "failure_receivers")
"""What a task that runs those before it hands on to them, beside the parameters."""
_FOR_LUIGID = ("set_tracking_url", "set_status_message", "set_progress_percentage")
"""What Luigi gives a task while it runs; see luigi_gif.integrations.luigid_status."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


class PipelineTask(RefreshParameters, SelectionParameters, SourceAtSchedulingTask):
    """What the tasks of a clip share: the bundle, and where its files live."""

    url = SourceParameter(
        default=EXAMPLE_URL,
        description="where the pictures are: a path or URL of a bundle, a folder, a pattern, or an "
        "archive; several are a JSON array",
    )
    workdir = FolderParameter(
        default="",
        description="where the files of a run live; by default data/NAME-HASH, from the URL",
    )
    data_file = NameParameter(
        default="image-data.img", description="the bundle's name in the work directory", **OWN_NAMES
    )
    sha256 = Sha256Parameter(default=None, description="the bundle's checksum, if you know it")

    on_bad_frame = ChoiceParameter(
        default="fail",
        choices=("fail", "skip"),
        description="whether a frame that cannot be used ends the run or is left out",
    )

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

    @classmethod
    def get_param_values(cls, params: Parameters, args: Args, kwargs: Kwargs) -> Parameters:
        """As Luigi has it; without a work directory, the one that is named after the URL."""
        values = dict(super().get_param_values(params, args, kwargs))
        if not values["workdir"]:
            name = f"data/{default_workdir.name_from_url(values['url'])}"
            values["workdir"] = cls.workdir.normalize(name)
        for url in urls.split_sources(values["url"]):
            _check_is_not_written(url, values)
        return list(values.items())

    def __repr__(self) -> str:
        return self._shown

    @cached_property
    def _shown(self) -> str:
        """As Luigi has it, which checks every parameter again for each line of its log."""
        texts = self.to_str_params(only_significant=True)
        return f"{self.task_family}({', '.join(f'{name}={texts[name]}' for name in texts)})"

    @property
    def folder(self) -> storage.Folder:
        """The work directory."""
        return storage.open_folder(self.workdir)

    @property
    def bundle(self) -> BundleFile:
        """The bundle in it."""
        return BundleFile(self.folder, self.data_file)

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

    def source(self) -> sources.Source:
        """What ``url`` names, and what is wanted of it."""
        strict = self.on_bad_frame == "fail"
        return sources.Source(
            self.url, selection_of(self), strict, self.sha256, accumulates=self.accumulate
        )

    def recipe(self) -> dict[str, object]:
        """The parameters that shape the output's bytes."""
        shown = {"url": redaction.public_url(self.url), "url_digest": urls.url_digest(self.url)}
        return shown | selection_recipe(self)

    def reason_to_run(self) -> str | None:
        """Why this step has to run, in a few words; None if its output is current."""
        return self.reason_in_folder() or staleness.find_source_change(
            self.source(),
            self.folder,
            self.bundle,
            self.bundle_sha256_in_output(),
            ask_after_s(self),
        )

    def complete(self) -> bool:
        """Whether the output is current; as the first question of a run, also of the source."""
        with integrations.log_of_loop(self.loop_name):
            return self._is_complete()

    def _is_complete(self) -> bool:
        goes_on = self._ignores_source or self._has_run
        self._ignores_source = False
        if not goes_on:
            self._scheduled = False
            self._made = ""
            self.outcome = self.failure = None
        try:
            reason = self.reason_in_folder() if goes_on else self.reason_to_run()
        except PipelineError as error:
            reason = error.got
        if reason is None and not goes_on:
            self._log_skipped(f"{self.output()} is current")
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
                self._run_steps_before()
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
        self.forget_run()
        self.failure = exception
        url = redaction.public_url(self.url)
        where = url
        if self.loop_name:
            where = f"{self.loop_name}: {url}"
            run_history.record_failure(self.folder, url, self.task_family, exception)
        integrations.note_failure(where, exception)
        integrations.notify_failure(self.task_family, where, exception, self.failure_receivers)
        if isinstance(exception, PipelineError):
            return str(exception)
        return str(super().on_failure(exception))

    def about(self) -> dict[str, object]:
        """What a page is to tell of the output."""
        return {}

    def difference(self, name: str, noted_recipe: object, noted_sha256: object) -> str | None:
        """How the file ``name``, which notes these two, is stale; None if it is current."""
        return staleness.find_difference(
            name,
            self.recipe(),
            self.sha256,
            self.bundle,
            noted_recipe=noted_recipe,
            noted_sha256=noted_sha256,
        )

    def bundle_sha256_in_output(self) -> object:
        """The SHA-256 of the bundle that the output is of, where it notes it by itself."""
        return None

    def reason_once_needed_is_made(self) -> str | None:
        """Why this step has to run, once those before it have."""
        return self.reason_in_folder()

    def subfolders(self) -> set[str]:
        """The folders of the work directory that a dead run may have left something in."""
        return {"", frames.SUBFOLDER, os.path.dirname(self.data_file)}

    @cached_property
    def _needed(self) -> Any:
        """The step before this one, which is asked for again and again."""
        return self.clone(self.needs) if self.needs else []

    @cached_property
    def _running(self) -> list[PipelineTask]:
        """The step before this one that it runs now."""
        return []

    def _run_steps_before(self) -> None:
        """Run those that are not current, as Luigi would."""
        steps: list[PipelineTask] = []
        needed = flatten(self.requires())
        while needed and not needed[0].complete():
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


def _check_is_not_written(url: str, values: dict[str, Any]) -> None:
    """Raise ParameterError where a run writes over a source, or among its pictures."""
    workdir = values["workdir"]
    if not urls.is_local(url) or not urls.is_local(workdir):
        return
    name = fetching.name_in_workdir(workdir, url)
    gif_file = values.get("gif_file", values["data_file"])
    beside = [also.file_beside(gif_file, each).name for each in values.get("also", ())]
    if name and (name in (gif_file, *beside) or is_own_name(name, **OWN_NAMES)):
        raise fetching.overwritten_source_error(url)
    source, folder = (os.path.normpath(urls.local_path(each)) for each in (url, workdir))
    for written in (values["data_file"], gif_file, *beside, frames.frame_file_name(0, 2)):
        if sources.would_be_item(source, values["match"], os.path.join(folder, written)):
            raise ParameterError(
                "what this run writes would be a picture of the next",
                where=redaction.public_url(url),
                expected="a work directory elsewhere",
                got=os.path.join(folder, written),
                next_step="name another --workdir, or choose pictures by --match",
            )
