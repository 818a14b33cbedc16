"""The loops of a file as one task of Luigi's, for cron, luigid and several workers."""

from __future__ import annotations

import os
from typing import Any

from luigi_gif import loops_file
from luigi_gif.parameters import NamedParameter, TextParameter
from luigi_gif.pipeline_task import PipelineTask
from luigi_gif.source_at_scheduling import SourceAtSchedulingWrapper


class LoopsFileParameter(TextParameter):
    """The path of a file of loops, which becomes an absolute one."""

    expected = "the path of a TOML file"
    metavar = "FILE"

    def checked(self, value: object) -> str:
        path = super().checked(os.fspath(value) if isinstance(value, os.PathLike) else value)
        if not path or "\0" in path:
            raise self.error(path)
        return os.path.abspath(os.path.expanduser(path))


class NamesParameter(NamedParameter[tuple[str, ...]]):
    """Names of loops; none for the empty text."""

    expected = "names of loops, with commas between them"
    metavar = "NAME,NAME"

    def __init__(self, *, description: str) -> None:
        super().__init__(default=(), description=description)

    def value_of(self, text: str) -> object:
        return tuple(each.strip() for each in text.split(",")) if text else ()

    def checked(self, value: object) -> tuple[str, ...]:
        value = self.value_of(value) if isinstance(value, str) else value
        if not isinstance(value, tuple | list) or not all(
            isinstance(each, str) and each and "," not in each for each in value
        ):
            raise self.error(value)
        return tuple(value)

    def text_of(self, value: tuple[str, ...]) -> str:
        return ",".join(value)


class Loops(SourceAtSchedulingWrapper):
    """The clips of the loops in a file, such as ``loops.toml``.

    One failed clip does not block the others. What a loop and ``[defaults]`` do not say, the
    section of its task in luigi.cfg does, such as ``[CombineGif]``.

    Parameters
    ----------
    file : str or path
        The TOML file; docs/operations.md says what it holds.
    names : str or sequence of str
        Which of its loops; by default all.

    Raises
    ------
    ParameterError
        When it is made, for all that is wrong in the file, and for a name that no loop has.
    """

    file = LoopsFileParameter(description="the TOML file with the loops")
    names = NamesParameter(description="names of the loops that are wanted; by default all")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        loops = loops_file.chosen_loops(loops_file.read_loops(self.file), self.names, self.file)
        self._tasks: list[PipelineTask] = [loop.task for loop in loops]

    def requires(self) -> list[PipelineTask]:
        """The task of each loop."""
        return self._tasks
