"""A run of ffmpeg: each frame that it decodes as an image file, with the time to show it from."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import selectors
import signal
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from luigi_gif import redaction
from luigi_gif.sources.item import ItemError

TIME_BASE = "1:1000000"
"""Of the frames that are handed out: whole microseconds."""
_PIECE_BYTES = 1 << 20
_MAX_WORDS = 1 << 12
_SHOWN_LINES = 2
"""What it says behind them is what follows of it."""
_UNIT = re.compile(rb"#tb 0: (\d+)/(\d+)")
_LINE = re.compile(rb"0, *-?\d+, *(-?\d+), *(\d+), *(\d+), *0x")
"""Of ffmpeg's muxer framecrc: stream, decoding time, time, duration, bytes, checksum. The times
are in a unit that is told before, in seconds."""
_NO_DURATION_US = 1000
"""Where a WebM has none, ffmpeg guesses its unit of time."""
_SPEAKER = re.compile(r"\[[^\]\n]* @ 0x[0-9a-f]+\] ")
"""Which part of ffmpeg says something."""
_DATA, _CHOSEN, _PACKETS, _WORDS = range(4)


class FfmpegRun:
    """One run, which is killed where the block ends.

    Parameters
    ----------
    command
        Gives the command for the numbers of two open files, into which it writes by the muxer
        framecrc: a line for each frame that it hands out, and one for each packet that it reads.
        The second tells when the video ends, and shows that ffmpeg is alive, which itself ends
        if nobody reads them any more. The frames are image files on its standard output.
    timeout_s : float
        For how long it may say nothing, in seconds.
    """

    def __init__(self, command: Callable[[int, int], list[str]], timeout_s: float) -> None:
        self.end_us = 0
        """When the last frame ends, once all have been handed out; 0 where nothing tells."""
        self._timeout_s = timeout_s
        self._words = b""
        self._chosen = _Lines()
        self._files = contextlib.ExitStack()
        self._selector = self._files.enter_context(selectors.DefaultSelector())
        ends = self._pipe(_CHOSEN), self._pipe(_PACKETS)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # no word of it is the user's, but for the path
                command(*ends),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=ends,
                start_new_session=True,  # Ctrl-C is for the run, which ends it
            )
        except BaseException:
            self._files.close()
            raise
        finally:
            for end in ends:
                os.close(end)
        for file, stream in ((self._process.stdout, _DATA), (self._process.stderr, _WORDS)):
            assert file is not None
            self._selector.register(file, selectors.EVENT_READ, stream)

    def __enter__(self) -> FfmpegRun:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # with what it may have started
        with self._process:
            self._files.close()

    def images(self) -> Iterator[tuple[int, bytes]]:
        """Each frame that it hands out: when it begins, in microseconds, and its image file.

        Raises ItemError where ffmpeg fails, or complains.
        """
        data = bytearray()
        waiting: collections.deque[_Line] = collections.deque()
        for stream, piece in self._pieces():
            if stream == _DATA:
                data += piece
            elif stream == _CHOSEN:
                waiting.extend(self._chosen.take(piece))
            while waiting and len(data) >= waiting[0].size:
                line = waiting.popleft()
                yield line.begin_us, bytes(data[: line.size])
                del data[: line.size]

    def times(self) -> Iterator[int]:
        """When each frame begins that it hands out. Raises ItemError as well."""
        for stream, piece in self._pieces():
            if stream == _CHOSEN:
                yield from (line.begin_us for line in self._chosen.take(piece))

    def _pipe(self, stream: int) -> int:
        """The end to write to; the other is read, and closed with the run."""
        begin, end = os.pipe()
        self._files.callback(os.close, begin)
        self._selector.register(begin, selectors.EVENT_READ, stream)
        return end

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        """What comes, and from which stream, until all of them end."""
        packets = _Lines()
        while self._selector.get_map():
            ready = self._selector.select(self._timeout_s)
            if not ready:
                raise self._silence()
            for key, _ in ready:
                piece = os.read(key.fd, _PIECE_BYTES)
                if not piece:
                    self._selector.unregister(key.fileobj)
                elif key.data == _PACKETS:
                    self._note_end(packets.take(piece))
                elif key.data == _WORDS:
                    self._words += piece[: _MAX_WORDS - len(self._words)]
                else:
                    yield key.data, piece
        self._check()

    def _note_end(self, packets: Iterator[_Line]) -> None:
        for packet in packets:
            if packet.end_us > packet.begin_us + _NO_DURATION_US:
                self.end_us = max(self.end_us, packet.end_us)

    def _check(self) -> None:
        """Raise ItemError unless all that it did was right."""
        try:
            code = self._process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            raise self._silence() from None
        words = _SPEAKER.sub("", self._words.decode(errors="replace"))
        if "matches no streams" in words or not (code or self._chosen.count):
            raise ItemError("a video with pictures", "one without")
        if code or words.strip():
            lines = [line.rstrip(".") for line in words.splitlines()[:_SHOWN_LINES]]
            said = redaction.public_text("; ".join(lines))
            got = f"ffmpeg says: {said}" if said else f"ffmpeg ends with {code}"
            raise ItemError("a whole video that ffmpeg can decode", got)

    def _silence(self) -> ItemError:
        got = f"nothing for {self._timeout_s:g} s (--download-read-timeout)"
        return ItemError("frames that ffmpeg decodes", got)


class _Line(NamedTuple):
    begin_us: int
    end_us: int
    size: int


class _Lines:
    """Lines that come in pieces."""

    def __init__(self) -> None:
        self.count = 0
        """Of those so far that tell of something."""
        self._rest = b""
        self._unit_us = Fraction(0)

    def take(self, piece: bytes) -> Iterator[_Line]:
        """Those that are whole now."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            if unit := _UNIT.match(line):
                self._unit_us = Fraction(int(unit[1]) * 10**6, int(unit[2]))
            elif found := _LINE.match(line):
                self.count += 1
                begin, duration, size = map(int, found.groups())
                begin_us, end_us = (
                    round(time * self._unit_us) for time in (begin, begin + duration)
                )
                yield _Line(begin_us, end_us, size)
