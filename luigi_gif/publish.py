"""PublishGif: the clip at the place where it is looked at, and a dated copy beside it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from luigi_gif import also, clips, frames, integrations, run_history, storage
from luigi_gif.also_copy import AlsoCopy, copies_beside, digest_beside
from luigi_gif.also_parameters import AlsoParameters, warn_of_files_left
from luigi_gif.caption_parameters import CaptionParameters
from luigi_gif.clip_copy import ClipCopy, open_place
from luigi_gif.clip_parameters import ClipParameters
from luigi_gif.errors import ForeignFileError
from luigi_gif.json_object import JsonObject, mapping_of
from luigi_gif.pipeline_task import PipelineTask, logger
from luigi_gif.publish_parameters import DatedNameParameter, PlaceParameter
from luigi_gif.render_parameters import RenderParameters
from luigi_gif.selection_parameters import zone_of
from luigi_gif.tasks import CombineGif
from luigi_gif.unwanted_parameters import UnwantedParameters
from luigi_gif.wording import counted


class PublishGif(
    RenderParameters,
    CaptionParameters,
    UnwantedParameters,
    ClipParameters,
    AlsoParameters,
    PipelineTask,
):
    """Put the clip where it is looked at, whole, once CombineGif has made it.

    What ``[PublishGif]`` of luigi.cfg does not say, ``[CombineGif]`` does.

    Parameters
    ----------
    to : str or path
        The place: a path, or the URL of an object on a store that fsspec serves. It is new, or a
        clip of this pipeline is there, which this one replaces.
    dated_copy : str
        The name of a copy beside it, with the fields of the time of the clip's newest picture,
        such as ``radar-%Y%m%d-%H%M.gif``, in ``timezone``. What has that name already stays.
    **options
        All parameters of :class:`CombineGif`.

    Raises
    ------
    ParameterError
        When it is made, for a value that cannot be used.
    PipelineError
        From ``run()``: what went wrong, where, and what to do next.
    """

    needs = shares_section_of = CombineGif

    gif_file = CombineGif.gif_file
    to = PlaceParameter(description="where the clip is published: a path, or the URL of an object")
    dated_copy = DatedNameParameter(
        default="",
        description="name of a copy beside the clip, with the time of its newest picture, such as "
        "radar-%Y%m%d-%H%M.gif",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_copied = False
        self._published: dict[str, object] | None = None
        """What this task noted of what it has published."""

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(*open_place(self.to))

    def also_outputs(self) -> dict[str, storage.FileTarget]:
        """The files beside the published clip, by their formats."""
        return {format_: self._target_beside(format_) for format_ in self.also}

    def _target_beside(self, format_: str) -> storage.FileTarget:
        return storage.FileTarget(*open_place(also.file_beside(self.to, format_).name))

    def recipe(self) -> dict[str, object]:
        recipe: dict[str, object] = self.requires().recipe()
        return recipe

    def bundle_sha256_in_output(self) -> object:
        return self.requires().bundle_sha256_in_output()

    def reason_in_folder(self) -> str | None:
        reason: str | None = self.requires().reason_in_folder()
        if reason is not None:
            return reason
        target = self.output()
        version = target.folder.version(target.name)
        if version is None:
            return f"{target} is not there"
        noted = self._published or self._noted()
        beside = self.also_outputs()
        versions = {name: each.folder.version(each.name) for name, each in beside.items()}
        wanted = self._note(version, versions)
        return None if noted == wanted else self._why_other(noted, wanted)

    def run(self) -> None:
        """Publish the clip, unless it is there by now; if ``alone``, look at its place first."""
        if self.alone:
            self.check_place()
        super().run()

    def check_place(self) -> None:
        """Raise ParameterError, ForeignFileError or StorageError where no clip can be put there."""
        self._copy_at(self.to)
        self._copies_beside()

    def make(self) -> str:
        self._has_copied = False
        digest = clips.clip_digest(self.folder, self.gif_file) or ""
        made = self.requires().output()
        copy = self._copy_at(self.to)
        # Before the clip itself: if this run is killed in between, the next one does both.
        if self.dated_copy:
            self._keep_dated_copy(digest)
        if not copy.holds(digest):
            copy.publish(made)
            self._has_copied = True
        versions = {}
        warn_of_files_left(self.also, self._noted().get("also"), self._target_beside)
        for format_, beside in self._copies_beside().items():
            versions[format_], is_new = beside.renew(self.requires())
            self._has_copied |= is_new
        self._published = self._note(copy.version_of(digest), versions)
        if not self._has_copied:
            return f"sure of {self.output()}: it is this clip already"
        clip = run_history.recorded_clip(self.folder, self.gif_file)
        facts = [f"{counted(clip['frames'], 'frame')}, {clip['bytes']:,} bytes"] if clip else []
        return ": ".join([str(self.output()), *facts])

    def about(self) -> dict[str, object]:
        others = run_history.recorded_publications(self.folder)
        return {"published": others | {str(self.output()): self._published}}

    def on_success(self) -> None:
        if self._has_copied:
            integrations.notify_success(str(self.output()), self._made)
        super().on_success()

    def forget_run(self) -> None:
        super().forget_run()
        self._published, self._has_copied = None, False

    @cached_property
    def _needed(self) -> Any:
        clip = self.clone(CombineGif)
        clip.is_published = True
        return clip

    def _note(self, version: str | None, versions: Mapping[str, str | None]) -> dict[str, object]:
        """What is noted of a clip that lies there, and of files beside it, in these versions."""
        digest = clips.clip_digest(self.folder, self.gif_file)
        note: dict[str, object] = {"version": version, "digest": digest}
        note["dated_copy"] = self.dated_copy
        if versions:
            note["also"] = {
                format_: {"version": version, "digest": digest_beside(self.requires(), format_)}
                for format_, version in versions.items()
            }
        return note

    def _copies_beside(self) -> dict[str, AlsoCopy]:
        return copies_beside(self.requires(), self.to, mapping_of(self._noted().get("also")))

    def _noted(self) -> JsonObject:
        """What runs noted of what they published there."""
        return run_history.recorded_publications(self.folder).get(str(self.output()), {})

    def _why_other(self, noted: Mapping[str, object], wanted: Mapping[str, object]) -> str:
        """Why the clip is published again, where another one is noted, or none."""
        place = self.output()
        if not noted:
            return f"{place} is not known to be this clip"
        if noted.get("version") != wanted["version"]:
            return f"{place} was replaced by others"
        if noted.get("dated_copy") != wanted["dated_copy"]:
            return f"{place} was published with another dated_copy"
        if noted.get("digest") == wanted["digest"]:
            return f"{place} has other files beside it"
        return f"{place} is an earlier clip"

    def _copy_at(self, place: str) -> ClipCopy:
        noted = None
        if place == self.to:
            noted = run_history.recorded_publications(self.folder).get(str(self.output()))
        return ClipCopy(place, self.requires().output().path, self.url, self.match, noted)

    def _keep_dated_copy(self, digest: str) -> None:
        """Put the dated copy beside the clip, unless something has its name already."""
        name = self._time().strftime(self.dated_copy)
        place = posixpath.join(posixpath.dirname(self.to), name)
        if place == self.to:
            return
        try:
            copy = self._copy_at(place)
            if not copy.exists():
                copy.publish(self.requires().output(), replaces=False)
            elif not copy.holds(digest):
                logger.info("no dated copy: there is one of this time already, which stays")
        except ForeignFileError as error:
            logger.warning("no dated copy: %s is %s, which stays", error.where, error.got)

    def _time(self) -> datetime:
        """That of the clip's newest picture, else when the clip was made."""
        items = frames.noted_items(self.folder, self.data_file)
        newest = max((item.time for item in items if item.time is not None), default=None)
        zone = zone_of(self.timezone)
        if newest is not None:
            return datetime.fromtimestamp(newest, zone)
        clip = run_history.recorded_clip(self.folder, self.gif_file) or {}
        made = clip.get("made")
        return datetime.fromisoformat(made).astimezone(zone) if made else datetime.now(zone)
