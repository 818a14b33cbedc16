"""What luigi-gif and its commands print with --json, as docs/json-result.schema.json has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from luigi.task import flatten

from luigi_gif.errors import WORDS, PipelineError, find_pipeline_error, short_reason

if TYPE_CHECKING:
    from luigi_gif.clip_result import Result
    from luigi_gif.json_object import JsonObject
    from luigi_gif.loop_state import LoopState
    from luigi_gif.run_history import RecordedFailure


def describe_result(result: Result) -> JsonObject:
    """A clip that is made: path, frames, width and height in pixels, duration_ms, bytes, skipped.

    ``skipped`` has a line for each frame that was left out; ``gave_up`` is there if the clip gave
    up something for its size, ``also`` if there are files beside it: their paths by format.
    """
    more: JsonObject = {"gave_up": result.gave_up} if result.gave_up else {}
    if result.also:
        more["also"] = dict(result.also)
    return {
        "path": result.path,
        "frames": result.frames,
        "width": result.width,
        "height": result.height,
        "duration_ms": result.duration_ms,
        "bytes": result.size,
        "skipped": result.left_out,
        **more,
    }


def describe_failure(error: PipelineError, exit_code: int) -> JsonObject:
    """A run that failed: the five texts of its error, and the exit code."""
    return {"error": {key: getattr(error, key) for key in WORDS}, "exit_code": exit_code}


def describe_made_loop(name: str, word: str, result: Result) -> JsonObject:
    """A loop with a clip that a run made, or left as it was, as its word says."""
    return {"loop": name, "state": word, **describe_result(result)}


def describe_failed_loop(name: str, failure: RecordedFailure | None) -> JsonObject:
    """A loop that failed: its name, and the five texts of the error, as far as it is known."""
    words = failure.words if failure is not None else {}
    other = {
        "what": "the clip could not be made",
        "where": name,
        "expected": "its clip",
        "got": "an error that is in the log",
        "next_step": "see the log on standard error",
    }
    return {"loop": name, "state": "failed", "error": {**other, **words}}


def describe_state(name: str, state: LoopState) -> JsonObject:
    """How a loop is: its name, state, when its clip was made, bytes, and why it is not ok."""
    return {
        "loop": name,
        "state": state.word,
        "made": None if state.made is None else state.made.isoformat(),
        "bytes": state.size,
        "reason": state.reason,
    }


def describe_steps(task: Any) -> JsonObject:
    """What the run did about each step that it has come to, in their order, by their names.

    Of each: whether it ran, the reason, and the seconds that it took. ``task`` is the last one.
    """
    return {
        step.task_family: {**step.outcome._asdict(), "seconds": round(step.outcome.seconds, 3)}
        for step in reversed(list(_steps(task)))
        if step.outcome is not None
    }


def find_failure(task: Any) -> PipelineError:
    """What ended the run of a task, or of a step before it, for people."""
    for step in _steps(task):
        if step.failure is not None:
            return find_pipeline_error(step.failure) or _unexpected(step, step.failure)
    return PipelineError(
        "the steps could not be planned",
        where=task.task_family,
        expected="the reason that each step has to run",
        got="an error that is in the log",
        next_step="see the log on standard error",
    )


def _steps(task: Any) -> Iterator[Any]:
    """The task, and those before it."""
    yield task
    for needed in flatten(task.requires()):
        yield from _steps(needed)


def _unexpected(step: Any, error: BaseException) -> PipelineError:
    return PipelineError(
        "a step ended with an unexpected error",
        where=step.task_family,
        expected="its output",
        got=f"{type(error).__name__}: {short_reason(error)}",
        next_step="see the log on standard error, and report it",
    )
