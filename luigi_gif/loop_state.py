"""How the loops of a file are, as their work directories say: no source is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

from luigi_gif import run_history
from luigi_gif.errors import PipelineError
from luigi_gif.json_object import time_of
from luigi_gif.loops_file import Loop

OK, STALE, FAILED, NEVER, UNREADABLE = "ok", "stale", "failed", "never made", "unreadable"
_AT_ONCE = 16
"""Each costs some requests, where work directories are on a store."""


class LoopState(NamedTuple):
    """How a loop is.

    Attributes
    ----------
    word : str
        ``ok``; ``stale`` if the clip is not what the file asks for, or was altered; ``failed`` if
        its last run failed; ``never made``; ``unreadable`` if the work directory cannot be read.
    made : datetime or None
        When the clip that lies there was made, if that is known.
    size : int or None
        Of that clip, in bytes.
    reason : str
        Why it is not ``ok``.
    """

    word: str
    made: datetime | None
    size: int | None
    reason: str


def states_of(loops: list[Loop]) -> list[LoopState]:
    """The state of each loop."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(state_of, loops))


def versions_of(loops: list[Loop]) -> list[str | None]:
    """Of each loop what changes with its clip, at its last place; None where there is none."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_version_of, loops))


def state_of(loop: Loop) -> LoopState:
    """The state of a loop."""
    clip_file = loop.clip.gif_file
    folder = loop.clip.folder
    try:
        size = folder.size(clip_file)
        clip = run_history.recorded_clip(folder, clip_file) or {}
        failure = run_history.recorded_failure(folder)
        reason = loop.task.reason_in_folder() or ""
    except PipelineError as error:
        return LoopState(UNREADABLE, None, None, f"{error.what}: {error.got}")
    made = time_of(clip.get("made"))
    if failure is not None:
        return LoopState(FAILED, made, size, str(failure))
    if size is None:
        return LoopState(NEVER, None, None, "")
    return LoopState(STALE if reason else OK, made, size, reason)


def _version_of(loop: Loop) -> str | None:
    try:
        output = loop.task.output()
        return output.folder.version(output.name)
    except PipelineError:
        return None
