"""What CombineGif does: make the clip and the files beside it, as far as they are not current."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from luigi_gif import also, clips, frames, integrations, run_history, settings, staleness, storage
from luigi_gif.also_parameters import also_options_of, also_recipe, files_of, warn_of_files_left
from luigi_gif.caption_parameters import ITEMS_KEY, caption_plan
from luigi_gif.clip_parameters import clip_options_of, clip_recipe
from luigi_gif.json_object import mapping_of
from luigi_gif.wording import counted

if TYPE_CHECKING:
    from luigi_gif.tasks import CombineGif


def recipe_of_clip(task: CombineGif) -> dict[str, object]:
    """As a clip may go anywhere, it tells of its source only whether it is the same."""
    recipe = task.requires().recipe()
    items = {ITEMS_KEY: recipe.pop(ITEMS_KEY)} if ITEMS_KEY in recipe else {}
    source = json.dumps(recipe, sort_keys=True).encode()
    return items | {"source": hashlib.sha256(source).hexdigest(), **clip_recipe(task)}


def find_stale_output(task: CombineGif) -> str | None:
    """Why the clip or a file beside it has to be made; None if all are current."""
    reasons = (_reason_of_file(task, file) for file in files_of(task))
    return _reason_of_clip(task) or next(filter(None, reasons), None)


def make_outputs(task: CombineGif) -> tuple[str, clips.CombinedClip | None]:
    """Make what is not current: in a few words, and the clip, if it was made.

    Raises PipelineError.
    """
    made, clip = [], None
    if _reason_of_clip(task) or _shows_damage(task):
        clip = _make_clip(task)
        words = f"{task.output()}: {counted(clip.frame_count, 'frame')}, {clip.size_bytes:,} bytes"
        made.append(f"{words}, for --max-size with {clip.gave_up}" if clip.gave_up else words)
    stale = [file for file in files_of(task) if _reason_of_file(task, file)]
    formats_before = run_history.recorded_formats(task.folder, task.gif_file)
    if clip and stale:  # which take long, and may fail
        run_history.record_clip(task.folder, task.gif_file, clip)
    for each in _make_files(task, stale) if stale else []:
        made.append(f"{task.folder.path(each.file.name)}: {each.size_bytes:,} bytes")
    warn_of_files_left(
        task.also,
        formats_before,
        lambda format_: storage.FileTarget(
            task.folder, also.file_beside(task.gif_file, format_).name
        ),
    )
    return ", ".join(made), clip


def note_outputs(task: CombineGif, clip: clips.CombinedClip | None) -> dict[str, object]:
    """What a page is to tell of them."""
    noted = run_history.recorded_clips(task.folder)
    told = mapping_of(noted.get(task.gif_file)) if clip is None else run_history.describe_clip(clip)
    told.pop("also", None)
    if beside := {file.format: file.name for file in files_of(task)}:
        told["also"] = beside
    return {"clips": noted | {task.gif_file: told}}


def _reason_of_clip(task: CombineGif) -> str | None:
    existing = clips.read_clip_status(task.folder, task.gif_file)
    return _reason(task, task.gif_file, existing, task.recipe)


def _shows_damage(task: CombineGif) -> bool:
    """Whether it may show damaged pixels, which were found since: WriteFrames leaves them out."""
    existing = clips.read_clip_status(task.folder, task.gif_file)
    assert existing is not None
    assert existing.origin is not None
    return existing.origin.get("counted", False) != _manifest(task).counted


def _reason_of_file(task: CombineGif, file: also.AlsoFile) -> str | None:
    existing = also.read_file_status(task.folder, file)
    return _reason(task, file.name, existing, partial(also_recipe, task, file))


def _reason(
    task: CombineGif,
    name: str,
    existing: clips.ClipStatus | None,
    recipe: Callable[[], dict[str, object]],
) -> str | None:
    """Why a file has to be made; None if it is current."""
    path = task.folder.path(name)
    if existing is None:
        return f"{path} is not there"
    if existing.origin is None:
        return f"{path} is not of this pipeline"
    if not existing.whole:
        return f"{path} is not as it was written"
    noted = existing.origin
    return staleness.find_difference(
        name,
        recipe(),  # which makes the tasks before this one
        task.sha256,
        task.bundle,
        noted_recipe=noted.get("recipe"),
        noted_sha256=noted.get("sha256"),
    )


def _make_clip(task: CombineGif) -> clips.CombinedClip:
    clips.check_place(task.folder, task.gif_file)
    manifest = _manifest(task)
    origin: dict[str, object] = {"recipe": task.recipe(), "sha256": manifest.sha256}
    if manifest.counted:
        origin["counted"] = True
    return clips.combine_frames(
        task.folder,
        manifest,
        task.gif_file,
        origin,
        clip_options_of(task),
        settings.dask.current(),
        integrations.ProgressReporter(task),
    )


def _make_files(task: CombineGif, files: list[also.AlsoFile]) -> list[also.MadeFile]:
    manifest = _manifest(task)
    made_of = also.FileSources(
        task.folder,
        task.data_file,
        manifest,
        also_options_of(task),
        settings.dask.current(),
        integrations.ProgressReporter(task),
        caption_plan(task),
    )
    sha256 = manifest.sha256
    origins = {file: {"recipe": also_recipe(task, file), "sha256": sha256} for file in files}
    noted = mapping_of(run_history.recorded_formats(task.folder, task.gif_file)).values()
    return list(also.make_files(made_of, origins, noted))


def _manifest(task: CombineGif) -> frames.Manifest:
    manifest = frames.load_manifest(task.folder)
    assert manifest is not None
    return manifest
