"""Videos, made with ffmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from luigi_gif.sources.ffmpeg_program import Ffmpeg, find_ffmpeg
from support.decoders import Pixels

COMMON = ("-nostdin", "-hide_banner", "-v", "error", "-y")
LOSSLESS = ("-c:v", "libx264rgb", "-qp", "0")
"""For an MP4 whose pixels are those that went in."""


def need_ffmpeg() -> Ffmpeg:
    """That of the system, or of the extra; the test is skipped where there is none."""
    found = find_ffmpeg()
    if found is None:
        pytest.skip("ffmpeg is not installed")
    return found


def moving(path: Path, *options: str, rate: str = "10", frames: int = 10) -> Path:
    """A video of moving colors, 64x48 pixels."""
    source = ("-f", "lavfi", "-i", f"testsrc2=s=64x48:r={rate}")
    run(*source, *options, "-frames:v", str(frames), str(path))
    return path


def video_of(pictures: Sequence[Pixels], delays_ms: Sequence[int], path: Path) -> Path:
    """An MP4 of RGB pictures, without loss, each of which is shown for so long."""
    height, width = pictures[0].shape[:2]
    begins = [sum(delays_ms[:number]) for number in range(len(delays_ms))]
    last = len(delays_ms) - 1
    time = "+".join(f"{begin}*eq(N,{number})" for number, begin in enumerate(begins))
    run(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"),
        *("-i", "pipe:0"),
        *("-vf", f"settb=1/1000,setpts='{time}'", *need_ffmpeg().every_frame),
        *("-enc_time_base", "1:1000", "-video_track_timescale", "1000", *LOSSLESS, "-bf", "0"),
        *("-bsf:v", f"setts=duration='if(eq(N,{last}),{delays_ms[last]},DURATION)'"),
        str(path),
        data=b"".join(picture[..., :3].tobytes() for picture in pictures),
    )
    return path


def shown_by_ffmpeg(path: Path, size: tuple[int, int], *options: str) -> Pixels:
    """Frames x height x width x 3, as ffmpeg converts them."""
    program = need_ffmpeg()
    output = ("-map", "0:V:0", *program.every_frame, "-pix_fmt", "rgb24", "-f", "rawvideo", "-")
    raw = run(*options, "-i", str(path), *output)
    return np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 3)


def run(*arguments: str, data: bytes = b"") -> bytes:
    """Standard output of ffmpeg. The test is skipped where its build lacks a codec or a filter."""
    common = [each for each in COMMON if not (data and each == "-nostdin")]
    command = [need_ffmpeg().path, *common, *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if b"Unknown" in done.stderr:
        pytest.skip(done.stderr.decode().strip())
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
