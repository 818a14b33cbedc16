"""The program ffmpeg: the one of the system, else the one in the package imageio-ffmpeg."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

ANSWER_S = 30.0
"""What takes longer to say its version is another program."""
_VERSION = re.compile(rb"ffmpeg version n?(?P<number>\d+\.\d+)?")
_FIRST_WITH_FPS_MODE = (5, 1)


class Ffmpeg(NamedTuple):
    """A program that says that it is ffmpeg."""

    path: str
    version: tuple[int, ...]

    @property
    def every_frame(self) -> tuple[str, str]:
        """The option that keeps each frame and its time, which had another name once."""
        is_old = self.version < _FIRST_WITH_FPS_MODE
        return ("-vsync", "0") if is_old else ("-fps_mode", "passthrough")


_found: dict[tuple[str, tuple[int, ...]], Ffmpeg] = {}
"""By PATH and oldest version: to ask a program takes as long as a small clip."""


def find_ffmpeg(oldest: tuple[int, ...] = ()) -> Ffmpeg | None:
    """The first that is there and no older than a version.

    A program of this name that is another one is passed by.
    """
    asked = os.environ.get("PATH", ""), oldest
    if asked not in _found:
        found = next((each for each in _usable() if each.version >= oldest), None)
        if found is None:  # it may be installed while this process runs
            return None
        _found[asked] = found
    return _found[asked]


def is_ffmpeg_installed() -> bool:
    """Whether there is a program of this name; it is not asked for its version."""
    return next(_candidates(), None) is not None


def _usable() -> Iterator[Ffmpeg]:
    for path in _candidates():
        if found := _VERSION.match(_said(path)):
            yield Ffmpeg(path, tuple(map(int, (found["number"] or b"99.0").split(b"."))))


def _candidates() -> Iterator[str]:
    for folder in os.get_exec_path():
        path = os.path.join(folder, "ffmpeg")
        if os.path.isfile(path) and os.access(path, os.X_OK):
            yield path
    try:
        import imageio_ffmpeg  # the extra "video"

        yield imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return


def _said(path: str) -> bytes:
    """What a program says when it is asked for its version.

    Into a file: what it leaves behind may hold a pipe open for as long as it likes.
    """
    with tempfile.TemporaryFile() as said, contextlib.suppress(OSError):
        process = subprocess.Popen(  # noqa: S603  # on the user's own PATH
            [path, "-version"],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            return b""
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # with what it has started
            process.wait()
        said.seek(0)
        return said.read(100)
    return b""
