"""A run of ffmpeg that encodes what it is given on its standard input."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import selectors
import signal
import subprocess

from luigi_gif.errors import PipelineError, StorageError, VideoError
from luigi_gif.redaction import public_text

_MAX_WORDS = 1 << 12
_SHOWN_LINES = 3
_SPEAKER = re.compile(r"\[[^\]\n]* @ 0x[0-9a-f]+\] ")
"""Which part of ffmpeg says something."""
_PROGRESS = re.compile(rb"^frame= *([0-9]+)", re.MULTILINE)
"""How many pictures the first of the files has so far."""
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""Errors that say nothing of ffmpeg."""


def video_error(expected: str, got: str) -> VideoError:
    """What to tell the user where a video cannot be encoded."""
    return VideoError(
        "the videos beside the clip cannot be made",
        where="--also mp4 or webm",
        expected=expected,
        got=got,
        next_step="install ffmpeg 5.1 or later with libx264 and libvpx, or pip install "
        "'luigi_gif[video]', or leave videos out of --also",
    )


class FfmpegEncoder:
    """One run, which is killed where the block ends.

    Parameters
    ----------
    command : list of str
        Tells on its standard output how far it is.
    folder : str
        Where it writes.
    timeout_s : float
        For how long it may take nothing and say nothing, in seconds.
    """

    def __init__(self, command: list[str], folder: str, timeout_s: float) -> None:
        self._folder = folder
        self._timeout_s = timeout_s
        self._words = b""
        self._progress = b""
        self._selector = selectors.DefaultSelector()
        self._process = subprocess.Popen(  # noqa: S603  # no word of it is the user's, but for paths
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the run, which ends it
        )
        assert self._process.stdin is not None
        self._input = self._process.stdin
        os.set_blocking(self._input.fileno(), False)
        for output in (self._process.stdout, self._process.stderr):
            assert output is not None
            self._selector.register(output, selectors.EVENT_READ)

    def __enter__(self) -> FfmpegEncoder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._selector.close()
        with contextlib.suppress(BrokenPipeError), self._process:
            pass

    def write(self, data: bytes) -> None:
        """Hand bytes to it. Raises VideoError or StorageError where it ends, or takes none."""
        left = memoryview(data)
        self._selector.register(self._input, selectors.EVENT_WRITE)
        try:
            while left:
                if self._input in self._ready():
                    left = left[os.write(self._input.fileno(), left) :]
        except BrokenPipeError:
            self._selector.unregister(self._input)
            self._end()
            raise self._error() from None
        self._selector.unregister(self._input)

    def finish(self, count: int) -> None:
        """Wait until so many pictures are encoded. Raises VideoError or StorageError."""
        self._input.close()
        self._end()
        done = [int(number) for number in _PROGRESS.findall(self._progress)]
        if self._process.returncode or self._words.strip() or done[-1:] != [count]:
            raise self._error()

    def _end(self) -> None:
        while self._selector.get_map():
            self._ready()
        try:
            self._process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            raise self._silence() from None

    def _ready(self) -> list[object]:
        """What can be read or written; what it says is taken. Raises VideoError."""
        ready = self._selector.select(self._timeout_s)
        if not ready:
            raise self._silence()
        for key, events in ready:
            if events & selectors.EVENT_READ:
                piece = os.read(key.fd, _MAX_WORDS)
                if not piece:
                    self._selector.unregister(key.fileobj)
                elif key.fileobj is self._process.stderr:
                    self._words += piece[: _MAX_WORDS - len(self._words)]
                else:
                    self._progress = (self._progress + piece)[-_MAX_WORDS:]
        return [key.fileobj for key, events in ready if events & selectors.EVENT_WRITE]

    def _error(self) -> PipelineError:
        words = _SPEAKER.sub("", self._words.decode(errors="replace"))
        for reason in map(os.strerror, _OF_THE_DISK):
            if reason in words:
                return StorageError(
                    "a video cannot be written",
                    where=self._folder,
                    expected="a folder with room for the videos",
                    got=reason,
                    next_step="free some space, or mend the disk, and run again",
                )
        lines = [line.rstrip(".") for line in words.splitlines()[:_SHOWN_LINES]]
        said = public_text("; ".join(lines))
        got = f"ffmpeg says: {said}" if said else f"ffmpeg ends with {self._process.returncode}"
        return video_error("an ffmpeg that encodes each frame, in H.264 and VP9", got)

    def _silence(self) -> VideoError:
        got = f"nothing for {self._timeout_s:g} s (--dask-stall-timeout)"
        return video_error("an ffmpeg that goes on", got)
