"""A video as a source of one item: its frames, decoded by ffmpeg one after another."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from luigi_gif.sources import frame_choice
from luigi_gif.sources.ffmpeg_program import Ffmpeg
from luigi_gif.sources.ffmpeg_run import TIME_BASE, FfmpegRun
from luigi_gif.sources.item import Item, Items, ReadResult
from luigi_gif.sources.selection import Selection
from luigi_gif.sources.video_formats import format_of

if TYPE_CHECKING:
    from luigi_gif.integrations import ProgressReporter

MAX_PIXELS = 178_956_970
"""Of a frame; --max-megapixels may have less."""
_ALPHA = re.compile(rb"V_(VP[89]).*?\x53\xc0\x81\x01", re.DOTALL)
"""A codec of Matroska, and the element AlphaMode (RFC 9559, section 5.1.4.1.28.4)."""
_ALPHA_DECODERS = {b"VP8": "libvpx", b"VP9": "libvpx-vp9"}
"""ffmpeg's own decoders of these codecs leave alpha out."""
_HEADER_BYTES = 1 << 16
_SQUARE_PIXELS = "scale=w='round(iw*clip(sar,1,4))':h='round(ih/clip(sar,0.25,1))':flags=bicubic"
"""Pixels of another shape are made larger in one direction, as browsers do, but for absurd ones."""
_TIMES = ("-f", "framecrc", "-flush_packets", "1")
_PNG = ("-c:v", "png", "-compression_level", "1", "-pred", "up")


class VideoFile(Items):
    """One item: a video. ffmpeg ends with the block.

    Parameters
    ----------
    name : str
        For people.
    path : str
        Of the file.
    program : Ffmpeg
        What decodes it.
    selection : Selection
        Which frames are wanted.
    reporter : ProgressReporter
        What is told how many there are so far.
    strict : bool
        Whether to end at the first damage.
    timeout_s : float
        For how long ffmpeg may give no frame, in seconds.
    """

    tells_progress = True

    def __init__(
        self,
        name: str,
        path: str,
        program: Ffmpeg,
        selection: Selection,
        reporter: ProgressReporter,
        *,
        strict: bool,
        timeout_s: float,
    ) -> None:
        self._name = name
        self._path = path
        self._program = program
        self._selection = selection
        self._reporter = reporter
        self._strict = strict
        self._timeout_s = timeout_s
        self._open = contextlib.ExitStack()

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def items(self) -> Iterator[Item]:
        """The only one."""
        yield Item(self._name, "")

    def is_named_by_user(self, item: Item) -> bool:
        """Yes: it is the source."""
        return True

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of the file."""
        with open(self._path, "rb") as file:
            return file.read(size)

    def read_each(self, items: Iterable[Item], size: int) -> Iterator[tuple[Item, ReadResult]]:
        """The item, and its frames."""
        for item in items:
            frames = self._frames()
            self._open.callback(frames.close)
            yield item, frames

    def _frames(self) -> Generator[bytes]:
        """The wanted frames as image files, each with the time until the next one."""
        from luigi_gif import imaging  # NumPy and Pillow

        part = frame_choice.part_of(self._selection, self._count)
        wanted = None if part.stop is None else part.stop - part.skipped
        rounding = imaging.DelayRounding()
        size = 0
        with (
            contextlib.closing(self._timed(part.skipped)) as frames,
            self._reporter.track("frames", wanted, 0) as progress,
        ):
            for number, (data, delay_us) in enumerate(islice(frames, wanted), 1):
                delay_cs = rounding.to_cs(Fraction(delay_us, 1000))
                size += len(data)
                yield imaging.with_delay(data, delay_cs)
                progress(number, size)

    def _timed(self, skipped: int) -> Generator[tuple[bytes, int]]:
        """Each frame behind some, and for how many microseconds it is shown."""
        with FfmpegRun(partial(self._command, skipped), self._timeout_s) as run:
            delay_us = 0
            for data, shown_us in frame_choice.with_durations(run.images(), lambda: run.end_us):
                if shown_us > 0:  # else as long as the frame before it
                    delay_us = shown_us
                yield data, delay_us

    def _count(self) -> int:
        """How many frames there are; none is encoded."""
        number = 0
        with (
            FfmpegRun(partial(self._command, None), self._timeout_s) as run,
            self._reporter.track("frames counted", None, 0) as progress,
        ):
            for number, _ in enumerate(islice(run.times(), self._selection.first), 1):
                progress(number, 0)
        return number

    def _command(self, skipped: int | None, chosen: int, packets: int) -> list[str]:
        """What decodes the video into these open files; with ``skipped`` None only times."""
        every_frame = (*self._program.every_frame, "-enc_time_base", TIME_BASE)
        filters = ",".join(self._filters(skipped or 0))
        output = ["-c:v", "wrapped_avframe", *_TIMES, f"pipe:{chosen}"]
        if skipped is not None:
            filters += f",{_SQUARE_PIXELS},format=rgb24|rgba"
            listed = f"[f=framecrc:flush_packets=1]pipe:{chosen}|[f=image2pipe]pipe:1"
            output = [*_PNG, "-f", "tee", listed]
        return [
            *(self._program.path, "-nostdin", "-hide_banner", "-nostats", "-v", "error"),
            *(("-xerror", "-err_detect", "explode") if self._strict else ()),
            *self._input(),
            *("-filter_complex", f"[0:V:0]{filters}[chosen]"),
            *("-map", "0:V:0", "-c", "copy", *_TIMES, f"pipe:{packets}"),
            *("-map", "[chosen]", *every_frame, *output),
        ]

    def _input(self) -> list[str]:
        """The file and nothing else, in the format that it was taken for."""
        beginning = self.read(Item(self._name, ""), _HEADER_BYTES)
        format_ = format_of(beginning)
        assert format_ is not None
        alpha = _ALPHA.search(beginning)
        return [
            *("-protocol_whitelist", "file", "-format_whitelist", format_, "-f", format_),
            *(("-ignore_chapters", "1") if format_ == "mov" else ()),  # they are often missing
            *("-max_pixels", str(MAX_PIXELS)),
            *(("-c:v", _ALPHA_DECODERS[alpha[1]]) if alpha and format_ == "matroska" else ()),
            *("-i", f"file:{self._path}"),
        ]

    def _filters(self, skipped: int) -> Iterator[str]:
        """What leaves out frames that are not wanted."""
        step_s, every = self._selection.step_s, self._selection.every
        if step_s:
            spans = f"floor(({{}}-start_t+{frame_choice.LATE_S:f})/{step_s!r})"
            now, before = spans.format("t"), spans.format("prev_t")
            yield f"select='isnan(prev_t)+gt({now},{before})'"
        yield f"select='not(mod(n,{every}))'"
        yield f"select='gte(n,{skipped})'"
