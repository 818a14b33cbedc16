"""What is noted of runs (run.json): when each step ran, how long, and what came of it.

It is for people and for the page of clips, and spares reading a local source again. Nothing
that decides a file's bytes depends on it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from luigi_gif import clips, gif, storage
from luigi_gif.errors import LUIGI_LOGGER, PipelineError
from luigi_gif.storage import HISTORY

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


def record_run(
    folder: storage.Folder,
    url: str,
    step: str,
    seconds: float,
    about: Callable[[], dict[str, object]],
) -> None:
    """Note that a step has run, for a URL as it may be shown, and what ``about()`` tells.

    Where that cannot be written, what was made is no worse: a warning says so.
    """
    try:
        history = folder.read_json(HISTORY) or {}
        steps = history.get("steps", {})
        steps[step] = {"ended": _now(), "seconds": round(seconds, 3)}
        folder.overwrite_json(HISTORY, history | {"url": url, "steps": steps} | about())
    except (PipelineError, FileNotFoundError) as error:
        got = error.got if isinstance(error, PipelineError) else "a file vanished"
        logger.warning("%s could not be written: %s", folder.path(HISTORY), got)


def describe_clip(clip: clips.CombinedClip) -> dict[str, object]:
    """What the page tells of a clip that was just made."""
    width, height = clip.size
    return {
        "made": _now(),
        "frames": clip.frame_count,
        "duration_ms": clip.duration_ms,
        "width": width,
        "height": height,
        "bytes": clip.size_bytes,
        **({"gave_up": clip.gave_up, "encodings": clip.encodings} if clip.gave_up else {}),
    }


def recorded_clips(folder: storage.Folder) -> JsonObject:
    """What was noted of each clip of the folder, by its name."""
    recorded: JsonObject = (folder.read_json(HISTORY) or {}).get("clips") or {}
    return recorded


def recorded_clip(folder: storage.Folder, name: str) -> JsonObject | None:
    """What was noted of the clip that lies there; None where nothing is known of it."""
    clip: JsonObject = recorded_clips(folder).get(name) or {}
    return clip if clip and clip["bytes"] == folder.size(name) else None


def recorded_publications(folder: storage.Folder) -> JsonObject:
    """What was noted of each place that a clip of the folder was published at, by its name."""
    recorded: JsonObject = (folder.read_json(HISTORY) or {}).get("published") or {}
    return recorded


def describe_clip_file(folder: storage.Folder, name: str) -> JsonObject:
    """What was noted of a clip, told by the clip itself, where its note is gone."""
    data = folder.read(name)
    images = [image for image, _ in gif.iterate_images(data)]
    return {
        "frames": len(images),
        "duration_ms": 10 * sum(image.delay_cs for image in images),
        "width": images[0].screen[0],
        "height": images[0].screen[1],
        "bytes": len(data),
    }


def recorded_source_sha256(folder: storage.Folder, version: str) -> str | None:
    """The SHA-256 of a local source, if it was noted for this version of it."""
    noted = (folder.read_json(HISTORY) or {}).get("source") or {}
    sha256: str | None = noted.get("sha256") if noted.get("version") == version else None
    return sha256


def _now() -> str:
    """The time, as notes have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
