"""Texts that forked processes pass to their parent: with --workers N, Luigi forks for a task."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile


class SharedList:
    """A list of texts that a process shares with the processes that it forks later.

    They are in an unnamed file. If there can be none, each process knows only its own texts.
    """

    def __init__(self) -> None:
        self._own: list[str] = []
        self._file: int | None = None

    def share(self) -> None:
        """Share texts that are appended from now on with processes that are forked later."""
        if self._file is None:
            with contextlib.suppress(OSError):
                self._file = _unnamed_file()

    def append(self, text: str) -> None:
        if self._file is None:
            self._own.append(text)
        else:
            with contextlib.suppress(OSError):  # a full disk: the log has the text too
                os.write(self._file, json.dumps(text).encode() + b"\n")

    def read(self) -> list[str]:
        if self._file is None:
            return list(self._own)
        lines = os.pread(self._file, os.fstat(self._file).st_size, 0).splitlines()
        return [json.loads(line) for line in lines]


def _unnamed_file() -> int:
    """The descriptor of an empty file that vanishes with the processes that have it open."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("luigi_gif")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
