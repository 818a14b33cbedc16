"""MP4 and WebM: decoded by the run, picture after picture, and encoded by one run of ffmpeg."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import containers, frames, imaging, sources, storage
from luigi_gif.also.also_files import AlsoFile
from luigi_gif.also.ffmpeg_encoder import FfmpegEncoder, video_error
from luigi_gif.also.file_sources import FileSources

if TYPE_CHECKING:
    from PIL.Image import Image

_COLORS = (
    *("-color_range", "tv", "-colorspace", "bt709"),
    *("-color_primaries", "bt709", "-color_trc", "bt709"),
)
_FIRST_THAT_ENCODES = (5, 1)
"""The version of ffmpeg that has all of the options below."""
_FILTER = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int"
    "+full_chroma_inp,format=yuv420p"
)
_MS = ("-enc_time_base", "1:1000")
"""Times are in milliseconds for encoder and container, so that the filter below knows its unit."""
_SAME_EVERYWHERE = ("-threads", "4", "-fflags", "+bitexact", "-flags:v", "+bitexact")
_OF_FORMAT = {
    "mp4": (
        # Without frames that are stored before those they show behind: then the last one that is
        # stored is the last one that shows, and tells for how long.
        *("-c:v", "libx264", "-preset", "medium", "-crf", "18", "-bf", "0"),
        *("-video_track_timescale", "1000", "-movflags", "+faststart", "-f", "mp4"),
    ),
    "webm": (
        *("-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "14", "-deadline", "good"),
        *("-cpu-used", "4", "-row-mt", "1", "-f", "webm"),
    ),
}
"""H.264 and VP9, at a quality that keeps pictures above 36 dB of PSNR, unless they are noise."""


class _LastPicture(NamedTuple):
    number: int
    """From 0, as packets are counted."""
    delay_cs: int


@contextlib.contextmanager
def open_videos(
    file_sources: FileSources, files: list[AlsoFile]
) -> Iterator[Iterator[tuple[AlsoFile, Iterator[bytes]]]]:
    """Encode videos, each picture decoded once for all; the bytes of each, while the block lasts.

    Raises VideoError, BundleError or StorageError.
    """
    with (
        file_sources.folder.share() as handle,
        file_sources.folder.staging_dir() as staging,
        contextlib.ExitStack() as stack,
    ):
        paths = {}
        for index, file in enumerate(files):
            name = handle.block_file(frames.SUBFOLDER, index)
            stack.callback(staging.remove, name)
            paths[file] = staging.path(name)
            os.makedirs(os.path.dirname(paths[file]), exist_ok=True)
        _encode(file_sources, {file.format: path for file, path in paths.items()})
        yield ((file, _pieces(path)) for file, path in paths.items())


def _encode(file_sources: FileSources, paths: dict[str, str]) -> None:
    canvas, count = file_sources.plan.canvas, file_sources.plan.sequence.step_count
    size = canvas.size[0] + canvas.size[0] % 2, canvas.size[1] + canvas.size[1] % 2
    with (
        file_sources.reader() as reader,
        file_sources.reporter.track("frames encoded", count, 0) as progress,
    ):
        last = _LastPicture(count - 1, file_sources.last_delay_cs(reader))
        command = _command(_program(), paths, last)
        begin_cs = 0
        folder = os.path.dirname(next(iter(paths.values())))
        with FfmpegEncoder(command, folder, file_sources.config.stall_timeout) as encoder:
            encoder.write(containers.raw_video_head(size))
            for number, shown in enumerate(file_sources.pictures(reader), 1):
                pixels = _padded(shown.picture, size, file_sources.options.background).tobytes()
                for piece in containers.raw_video_frame(pixels, begin_cs, shown.delay_cs):
                    encoder.write(piece)
                begin_cs += shown.delay_cs
                progress(number, 0)
            encoder.finish(count)


def _program() -> str:
    found = sources.find_ffmpeg(_FIRST_THAT_ENCODES)
    if found is None:
        got = "none such on PATH, nor in the package imageio-ffmpeg"
        raise video_error("the program ffmpeg, 5.1 or later", got)
    return found.path


def _command(program: str, paths: dict[str, str], last: _LastPicture) -> list[str]:
    """Ffmpeg writes all files in one run.

    Of the last frame most encoders tell no duration; the filter setts does, in milliseconds.
    """
    duration = rf"setts=duration=if(eq(N\,{last.number})\,{10 * last.delay_cs}\,DURATION)"
    command = [program, "-hide_banner", "-nostdin", "-loglevel", "error", "-progress", "pipe:1"]
    command += ["-f", "matroska", "-i", "pipe:0"]
    for format_, path in paths.items():
        command += ["-map", "0:v", "-map_metadata", "-1", "-fps_mode", "passthrough"]
        command += ["-vf", _FILTER, *_COLORS, *_MS, *_SAME_EVERYWHERE, *_OF_FORMAT[format_]]
        command += ["-bsf:v", duration, "-y", f"file:{path}"]
    return command


def _padded(picture: Image, size: tuple[int, int], color: tuple[int, int, int]) -> Image:
    """The picture without transparency, its last column and row twice where a side is odd."""
    flat = imaging.on_background(picture, color)
    if flat.size == size:
        return flat
    return imaging.repeat_edges(flat, size)


def _pieces(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(storage.COPY_BYTES):
            yield piece
