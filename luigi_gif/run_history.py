"""What is noted of runs (run.json): when each step ran, how long, and what came of it.

It is for people and for the page of clips, and spares reading a local source again. Nothing
that decides a file's bytes depends on it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import clips, gif, storage
from luigi_gif.errors import LUIGI_LOGGER, WORDS, PipelineError, StorageError, short_reason
from luigi_gif.json_object import mapping_of, number_of, time_of
from luigi_gif.redaction import escaped
from luigi_gif.storage import HISTORY

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

_FAILURE = "error"
_CLIP_NUMBERS = ("frames", "width", "height", "duration_ms", "bytes")
"""What is noted of each clip; somebody may have altered it."""
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
    with _warning_of_errors(folder):
        history = folder.read_json(HISTORY) or {}
        history.pop(_FAILURE, None)
        steps = mapping_of(history.get("steps"))
        steps[step] = {"ended": _now(), "seconds": round(seconds, 3)}
        folder.overwrite_json(HISTORY, history | {"url": url, "steps": steps} | about())


def record_clip(folder: storage.Folder, name: str, clip: clips.CombinedClip) -> None:
    """Note a clip that was just made, before its step has ended.

    Where that cannot be written, the clip is no worse: a warning says so.
    """
    with _warning_of_errors(folder):
        history = folder.read_json(HISTORY) or {}
        noted = mapping_of(history.get("clips")) | {name: describe_clip(clip)}
        folder.overwrite_json(HISTORY, history | {"clips": noted})


def record_failure(folder: storage.Folder, url: str, step: str, error: BaseException) -> None:
    """Note that a step has failed, for a URL as it may be shown, and why.

    Not so where another run is at work in the folder: its own end is what counts then.
    """
    if isinstance(error, PipelineError):
        why = {name: getattr(error, name) for name in WORDS}
    else:
        why = {"what": short_reason(error)}
    with _warning_of_errors(folder), _locked_or_not(folder) as is_locked:
        if is_locked:
            history = folder.read_json(HISTORY) or {}
            failure = {"ended": _now(), "step": step, **why}
            folder.overwrite_json(HISTORY, history | {"url": url, _FAILURE: failure})


def clear_failure(folder: storage.Folder) -> None:
    """Note that what failed last needs no run any more."""
    with _warning_of_errors(folder):
        if _FAILURE not in (folder.read_json(HISTORY) or {}):
            return
        with _locked_or_not(folder) as is_locked:
            history = folder.read_json(HISTORY) or {}
            if is_locked and history.pop(_FAILURE, None):
                folder.overwrite_json(HISTORY, history)


class RecordedStep(NamedTuple):
    """The last run of a step."""

    name: str
    ended: datetime | None
    """None where it is not known."""
    seconds: float


class RecordedFailure(NamedTuple):
    """What failed last, unless it was made since."""

    step: str
    ended: datetime | None
    """None where it is not known."""
    words: dict[str, str]
    """Those of :data:`luigi_gif.errors.WORDS` that were noted."""

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.step, *map(self.words.get, ("what", "got"))]))


def recorded_steps(folder: storage.Folder) -> list[RecordedStep]:
    """The last run of each step of the folder, as they followed each other."""
    noted = mapping_of((folder.read_json(HISTORY) or {}).get("steps"))
    steps = [
        RecordedStep(name, time_of(each.get("ended")), number_of(each.get("seconds")) or 0.0)
        for name, each in ((escaped(name), mapping_of(each)) for name, each in noted.items())
    ]
    return sorted(steps, key=lambda step: (step.ended is not None, step.ended))


def recorded_failure(folder: storage.Folder) -> RecordedFailure | None:
    """What failed last in the folder; None where nothing did, or it was made since."""
    noted = mapping_of((folder.read_json(HISTORY) or {}).get(_FAILURE))
    if not noted:
        return None
    words = {name: escaped(noted[name]) for name in WORDS if isinstance(noted.get(name), str)}
    return RecordedFailure(escaped(str(noted.get("step"))), time_of(noted.get("ended")), words)


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
    return mapping_of((folder.read_json(HISTORY) or {}).get("clips"))


def recorded_formats(folder: storage.Folder, name: str) -> object:
    """What was noted of the files beside a clip; None also where it cannot be read."""
    with contextlib.suppress(PipelineError, FileNotFoundError):
        return mapping_of(recorded_clips(folder).get(name)).get("also")
    return None


def recorded_clip(folder: storage.Folder, name: str) -> JsonObject | None:
    """What was noted of the clip that lies there; None where nothing is known of it."""
    clip = mapping_of(recorded_clips(folder).get(name))
    is_whole = all(number_of(clip.get(key)) is not None for key in _CLIP_NUMBERS)
    if not (is_whole and isinstance(clip.get("gave_up", ""), str)):
        return None
    return clip if clip["bytes"] == folder.size(name) else None


def recorded_publications(folder: storage.Folder) -> JsonObject:
    """What was noted of each place that a clip of the folder was published at, by its name."""
    noted = mapping_of((folder.read_json(HISTORY) or {}).get("published"))
    return {place: mapping_of(about) for place, about in noted.items()}


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
    noted = mapping_of((folder.read_json(HISTORY) or {}).get("source"))
    sha256: str | None = noted.get("sha256") if noted.get("version") == version else None
    return sha256


@contextlib.contextmanager
def _warning_of_errors(folder: storage.Folder) -> Iterator[None]:
    """A run is no worse where its history cannot be read or written."""
    try:
        yield
    except (PipelineError, FileNotFoundError) as error:
        got = error.got if isinstance(error, PipelineError) else "a file vanished"
        logger.warning("%s could not be written: %s", folder.path(HISTORY), got)


@contextlib.contextmanager
def _locked_or_not(folder: storage.Folder) -> Iterator[bool]:
    """Whether the folder is locked while the block lasts: it is not if another run holds it."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(folder.locked(0))
        except StorageError:
            yield False
        else:
            yield True


def _now() -> str:
    """The time, as notes have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
