"""What is told of a clip that is made: to who called make_gif(), and by ``luigi-gif --json``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import also, frames, run_history
from luigi_gif.errors import PipelineError

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject
    from luigi_gif.tasks import CombineGif


class Result(NamedTuple):
    """A clip that is made.

    Attributes
    ----------
    path : str
        Where the clip is, a path or URL, without secrets.
    frames : int
        How many it shows.
    width, height : int
        Of the clip, in pixels.
    duration_ms : int
        How long one round plays, in milliseconds.
    size : int
        Of the file, in bytes.
    left_out : list of str
        Why frames were left out or merged into the one before, each in a line; none where the work
        directory does not say it any more.
    gave_up : str
        What the clip gave up to be no larger than ``max_size``, for people; empty for nothing.
    also : dict of str
        The paths of the files beside the clip, by their formats.
    """

    path: str
    frames: int
    width: int
    height: int
    duration_ms: int
    size: int
    left_out: list[str]
    gave_up: str = ""
    also: Mapping[str, str] = MappingProxyType({})


def result_of(task: CombineGif, path: str) -> Result:
    """What the clip is that a task has made, of which a copy may lie at another path.

    Raises StorageError where it cannot be read.
    """
    clip = _noted_clip(task)
    if clip is None:
        clip = run_history.describe_clip_file(task.folder, task.gif_file)
    return Result(
        path,
        clip["frames"],
        clip["width"],
        clip["height"],
        clip["duration_ms"],
        clip["bytes"],
        _left_out(task),
        clip.get("gave_up", ""),
        {format_: also.file_beside(path, format_).name for format_ in task.also},
    )


def _noted_clip(task: CombineGif) -> JsonObject | None:
    # The clip is made, whatever stands in the place of its history.
    with contextlib.suppress(PipelineError):
        return run_history.recorded_clip(task.folder, task.gif_file)
    return None


def _left_out(task: CombineGif) -> list[str]:
    """Why frames were left out, as the manifest says, if it is that of this clip."""
    manifest = frames.load_manifest(task.folder)
    written = task.requires()
    if manifest is None or written.difference(frames.MANIFEST, manifest.recipe, manifest.sha256):
        return []
    return list(frames.with_item_names(task.folder, task.data_file, manifest.reasons))
