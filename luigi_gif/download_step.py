"""What DownloadData does: fetch the source, or ask it whether it has changed, and note both."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from luigi_gif import (
    fetching,
    frames,
    integrations,
    refresh_parameters,
    settings,
    sources,
    storage,
)
from luigi_gif.errors import LUIGI_LOGGER, StorageError

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject
    from luigi_gif.pipeline_task import PipelineTask

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


def make_bundle(task: PipelineTask) -> str:
    """Bring the bundle of a task up to date; what was made, in a few words."""
    bundle, name = task.bundle, task.data_file
    was_brought_up_to_date = bundle.quarantine_if_changed()
    with task.folder.staging_dir() as staging:
        if was_brought_up_to_date and task.reason_to_run() is None:
            sources.remove_leftovers(staging, name)
            return f"sure of {task.output()}: it is as it was downloaded"
        before = bundle.version()
        earlier = (bundle.receipt() if before is not None else None) or {}
        spares = _would_lose_gathered(task, earlier)
        about: dict[str, object] = {"recipe": task.recipe(), "asked": time.time()}
        made = sources.fetch_source(
            task.source(),
            staging,
            name,
            settings.download.current(),
            integrations.ProgressReporter(task),
            _earlier_bundle(task, earlier),
        )
        if isinstance(made, sources.UnchangedSource):
            receipt = {**earlier, **made.receipt, **about}
            bundle.discard_next()
            said = f"sure of {task.output()}: its source has not changed"
        else:
            receipt = {**made.receipt, **about}
            if spares:  # only now: a mistaken URL has no picture
                _spare_gathered(task)
                before = None
            _take(task, made, receipt, staging, before)
            said = f"{task.output()}: {made.receipt['size']:,} bytes"
        sources.remove_leftovers(staging, name)
        bundle.write_receipt(receipt)  # last: till then the next run looks again
    return said


def _take(
    task: PipelineTask,
    made: sources.SourceBundle,
    receipt: dict[str, object],
    staging: storage.LocalFolder,
    before: str | None,
) -> None:
    """Put a bundle that was made in its place, unless the same lies there."""
    bundle = task.bundle
    if made.bundle_index is not None:
        # So that SplitFrames need not read it again.
        receipt["survey"] = made.bundle_index.to_json()
    with made.items as items:
        is_same = before is not None and bundle.recorded_sha256() == receipt["sha256"]
        if is_same and bundle.version() == before:
            bundle.keep(receipt, items)
        else:
            bundle.replace(staging, made.file_name, receipt, items, before)


def _earlier_bundle(task: PipelineTask, receipt: JsonObject) -> sources.EarlierBundle | None:
    """What an earlier run made of the same source, if that is asked for what has changed since."""
    recipe = task.recipe()
    noted_recipe = receipt.get("recipe") or {}
    if refresh_parameters.ask_after_s(task) is None:
        return None
    if noted_recipe.get("url_digest") != recipe["url_digest"]:
        return None
    if task.accumulate and not receipt.get("accumulated"):
        return None  # what was fetched before does not count
    folder, name, sha256 = task.folder, task.data_file, receipt["sha256"]
    return sources.EarlierBundle(
        file_sha256=receipt.get("source_sha256") or sha256,
        validators=fetching.Validators(*receipt.get("validators", ())),
        is_of_links=bool(receipt.get("links")),
        is_of_same_recipe=noted_recipe == recipe,
        noted=partial(frames.noted_item_sources, folder, name, sha256),
        read=partial(folder.read, name),
    )


def _would_lose_gathered(task: PipelineTask, receipt: JsonObject) -> bool:
    """Whether the bundle with this receipt was gathered of another URL; that of this one goes on.

    Raises StorageError where another bundle would take the place of what was gathered.
    """
    if not receipt.get("accumulated"):
        return False
    noted = frames.noted_item_sources(task.folder, task.data_file, receipt["sha256"])
    is_same_url = receipt["recipe"]["url_digest"] == task.recipe()["url_digest"]
    if not is_same_url or next(noted, None) is None:
        return True
    if not task.accumulate:
        raise StorageError(
            "what --accumulate has gathered would be lost",
            where=task.bundle.path,
            expected="--accumulate, as in the runs before",
            got="a run without it that needs another bundle",
            next_step="give --accumulate, or name another --workdir",
        )
    return False


def _spare_gathered(task: PipelineTask) -> None:
    """Set aside what was gathered."""
    new_name = task.folder.path(task.folder.quarantine(task.data_file))
    logger.warning("%s has what --accumulate gathered here before", new_name)
