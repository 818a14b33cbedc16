"""Names of files in the work directory: which can be used, and which are the same."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, TypedDict

import luigi

from luigi_gif.parameters import TextParameter, bad_parameter

MAX_NAME_BYTES = 200
"""A file system takes 255; a note's and a temporary file's suffix need room."""


class OwnNames(TypedDict):
    """The names in a work directory that the pipeline uses itself."""

    folders: tuple[str, ...]
    suffixes: tuple[str, ...]


class NameParameter(TextParameter):
    """The name of a file inside the work directory.

    ``folders`` and ``suffixes`` are those of :class:`OwnNames`.
    """

    expected = "a relative path inside the work directory"
    metavar = "NAME"

    def __init__(
        self,
        default: str,
        *,
        description: str,
        folders: tuple[str, ...],
        suffixes: tuple[str, ...],
    ) -> None:
        super().__init__(default=default, description=description)
        self._folders = folders
        self._suffixes = suffixes

    def checked(self, value: object) -> str:
        name = super().checked(os.fspath(value) if isinstance(value, os.PathLike) else value)
        path = PurePosixPath(name)
        if not path.name or path.is_absolute() or ".." in path.parts or "\0" in name:
            raise self.error(name)
        if max(len(os.fsencode(part)) for part in path.parts) > MAX_NAME_BYTES:
            raise bad_parameter(self.flag, f"a name of at most {MAX_NAME_BYTES} bytes", name)
        if is_own_name(str(path), self._folders, self._suffixes):
            raise bad_parameter(self.flag, "a name that the pipeline does not use itself", name)
        return str(path)


def same_name(name: str) -> str:
    """What is the same for two names that some file systems take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_own_name(name: str, folders: tuple[str, ...], suffixes: tuple[str, ...]) -> bool:
    """Whether a name is in one of these folders, or ends so, for some file system at least."""
    path = PurePosixPath(same_name(name))
    return path.parts[0] in folders or path.suffix in suffixes


def check_names(values: Iterable[tuple[luigi.Parameter[Any], object]]) -> None:
    """Raise ParameterError where two files of a task would have one name, or one lie in another."""
    seen: dict[str, str] = {}
    for parameter, name in values:
        if not isinstance(parameter, NameParameter):
            continue
        assert isinstance(name, str)
        same = f"{same_name(name)}/"
        for other, flag in seen.items():
            if same.startswith(other) or other.startswith(same):
                raise bad_parameter(parameter.flag, f"another name than that of {flag}", name)
        seen[same] = parameter.flag
