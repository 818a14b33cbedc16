"""What luigi-gif tells at the end of a run: the path or JSON, and a closing line or an error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING

from luigi_gif import also, clip_result, exit_codes, integrations, json_result, run_history
from luigi_gif.errors import PipelineError, StorageError
from luigi_gif.redaction import escaped
from luigi_gif.wording import counted

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject
    from luigi_gif.publish import PublishGif
    from luigi_gif.tasks import CombineGif


def fail(error: PipelineError, code: int) -> int:
    """Say what went wrong; the exit code."""
    print(f"ERROR: {error}", file=sys.stderr)
    return code


class RunReport:
    """What is told of one run.

    Parameters
    ----------
    as_json : bool
        Whether standard output gets one line of JSON, whatever happens.
    closing_line : bool
        Whether standard error gets a line on the clip.
    begin : float
        When the run began, by ``time.monotonic()``.
    """

    def __init__(self, *, as_json: bool, closing_line: bool = True, begin: float) -> None:
        self.as_json = as_json
        self.closing_line = closing_line
        self.task: CombineGif | PublishGif | None = None
        """The last step, once there is one."""
        self._begin = begin
        self._is_told = False

    def tell_made(self, task: CombineGif, path: str | None) -> None:
        """Tell of the clip, at this path or else on standard output. Raises StorageError."""
        if self.closing_line:
            self._print_closing_line(task, os.path.basename(path or task.gif_file))
        if path is not None and self.as_json:
            self._tell(json_result.describe_result(clip_result.result_of(task, path)))
        elif path is not None:
            for each in (path, *(also.file_beside(path, format_).name for format_ in task.also)):
                integrations.print_path(each)

    def tell_error(self, error: PipelineError, code: int) -> int:
        """Tell of an error that no log has told; the exit code."""
        self.tell_failure(error, code)
        return fail(error, code)

    def tell_failure(self, error: PipelineError, code: int) -> None:
        """Tell of an error that the log has told."""
        with contextlib.suppress(StorageError):  # that nobody can be told is no other failure
            self._tell(json_result.describe_failure(error, code))

    def tell_interrupted(self) -> None:
        """Tell that the run was interrupted, which standard error says anyhow."""
        error = PipelineError(
            "the run was interrupted",
            where="luigi-gif",
            expected="its end",
            got="Ctrl-C or SIGTERM",
            next_step="run again to go on: what is done is kept",
        )
        self.tell_failure(error, exit_codes.INTERRUPTED)

    def _tell(self, told: JsonObject) -> None:
        if self.as_json and not self._is_told:
            self._is_told = True
            seconds = round(time.monotonic() - self._begin, 3)
            steps = {} if self.task is None else json_result.describe_steps(self.task)
            integrations.print_lines([json.dumps({**told, "seconds": seconds, "steps": steps})])

    def _print_closing_line(self, task: CombineGif, name: str) -> None:
        """Print a line such as ``clip.gif: 30 frames, 2.2 MB, 0.7 s`` on standard error."""
        facts = []
        # The clip is made: whatever stands in the place of its history does not fail the run,
        # nor does a standard error that is full.
        with contextlib.suppress(PipelineError, OSError):
            facts = _describe_clip(task)
        facts.append(f"{time.monotonic() - self._begin:.1f} s")
        with contextlib.suppress(OSError):
            print(f"{escaped(name)}: {', '.join(facts)}", file=sys.stderr)


def _describe_clip(task: CombineGif) -> list[str]:
    """How many frames the clip has, if its history says so, and its size."""
    size = task.folder.size(task.gif_file) or 0
    size_text = integrations.format_size(size)
    clip = run_history.recorded_clip(task.folder, task.gif_file)
    if clip is None:
        return [size_text]
    gave_up = [escaped(clip["gave_up"])] if "gave_up" in clip else []
    return [counted(clip["frames"], "frame"), size_text, *gave_up]
