"""What the tasks of a clip know of its source: their parameters, and where their files live."""

from __future__ import annotations

import os
from typing import Any

from luigi_gif import (
    also,
    default_workdir,
    fetching,
    frames,
    redaction,
    sources,
    staleness,
    storage,
    urls,
)
from luigi_gif.bundle_file import BundleFile
from luigi_gif.errors import ParameterError
from luigi_gif.name_parameter import NameParameter, OwnNames, is_own_name
from luigi_gif.parameter_checks import Args, Kwargs, Parameters
from luigi_gif.parameters import ChoiceParameter, Sha256Parameter
from luigi_gif.refresh_parameters import RefreshParameters
from luigi_gif.selection_parameters import (
    SelectionParameters,
    selection_of,
    selection_recipe,
)
from luigi_gif.source_at_scheduling import SourceAtSchedulingTask
from luigi_gif.url_parameters import FolderParameter, SourceParameter

EXAMPLE_URL = "https://github.com/cicdw/image-data/blob/master/all-images.img?raw=true"
DEFAULT_DATA_FILE = "image-data.img"
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


class SourceTask(RefreshParameters, SelectionParameters, SourceAtSchedulingTask):
    """A task about a source, its bundle and its work directory."""

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
        default=DEFAULT_DATA_FILE,
        description="the bundle's name in the work directory",
        **OWN_NAMES,
    )
    sha256 = Sha256Parameter(default=None, description="the bundle's checksum, if you know it")

    on_bad_frame = ChoiceParameter(
        default="fail",
        choices=("fail", "skip"),
        description="whether a frame that cannot be used ends the run or is left out",
    )

    @classmethod
    def get_param_values(cls, params: Parameters, args: Args, kwargs: Kwargs) -> Parameters:
        """As Luigi has it; without a work directory, the one that is named after the URL."""
        values = dict(super().get_param_values(params, args, kwargs))
        if not values["workdir"]:
            name = f"data/{default_workdir.name_from_url(values['url'])}"
            values["workdir"] = cls.workdir.normalize(name)
        if values["accumulate"]:
            sources.check_names_one(values["url"])
        for url in urls.split_sources(values["url"]):
            _check_is_not_written(url, values)
        return list(values.items())

    @property
    def folder(self) -> storage.Folder:
        """The work directory."""
        return storage.open_folder(self.workdir)

    @property
    def bundle(self) -> BundleFile:
        """The bundle in it."""
        return BundleFile(self.folder, self.data_file)

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

    def subfolders(self) -> set[str]:
        """The folders of the work directory that a dead run may have left something in."""
        return {"", frames.SUBFOLDER, os.path.dirname(self.data_file)}


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
