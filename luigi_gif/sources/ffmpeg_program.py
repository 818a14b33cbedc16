"""The program ffmpeg: the one of the system, else the one in the package imageio-ffmpeg."""

from __future__ import annotations

import contextlib
import os
import re
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
    every_frame: tuple[str, str]
    """The option that keeps each frame and its time, which had another name once."""


_found: dict[str, Ffmpeg] = {}
"""By PATH: to ask a program takes as long as a small clip."""


def find_ffmpeg() -> Ffmpeg | None:
    """The first that is there; a program of this name that is another one is passed by."""
    path = os.environ.get("PATH", "")
    if path not in _found:
        found = _find()
        if found is None:  # it may be installed while this process runs
            return None
        _found[path] = found
    return _found[path]


def is_ffmpeg_installed() -> bool:
    """Whether there is a program of this name; it is not asked for its version."""
    return next(_candidates(), None) is not None


def _find() -> Ffmpeg | None:
    for path in _candidates():
        found = _VERSION.match(_said(path))
        if found:
            number = tuple(map(int, (found["number"] or b"99.0").split(b".")))
            is_old = number < _FIRST_WITH_FPS_MODE
            return Ffmpeg(path, ("-vsync", "0") if is_old else ("-fps_mode", "passthrough"))
    return None


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
            process.kill()
            process.wait()
        said.seek(0)
        return said.read(100)
    return b""
