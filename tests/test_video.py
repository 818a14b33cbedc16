"""A video is a source: each of its frames is one of the clip, with its own delay."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from support.commands import luigi_environment
from support.decoders import Pixels
from support.videos import moving, run, shown_by_ffmpeg, video_of
from support.warm import PATIENCE_S

import luigi_gif
from luigi_gif import bundles, integrations, settings, sources, storage
from luigi_gif.errors import BundleError, DownloadError, SourceError
from luigi_gif.sources import ffmpeg_program, video_formats

pytestmark = [pytest.mark.slow, pytest.mark.external]

SIZE = (64, 48)
Frames = tuple[list[Pixels], list[int]]


def frames_of(
    path: Path, rules: dict[str, Any] | None = None, *, strict: bool = True, **values: float
) -> Frames:
    """The pixels of each frame of a video, and for how many milliseconds it is shown.

    A frame that cannot be used has neither.
    """
    selection = sources.Selection(**rules or {})
    staging = path.parent / f"{path.name} staging"
    staging.mkdir(exist_ok=True)
    made = sources.fetch_source(
        sources.Source(str(path), selection, strict, None),
        storage.LocalFolder(str(staging)),
        "bundle",
        settings.download(**values),
        integrations.ProgressReporter(luigi_gif.DownloadData(url=str(path))),
    )
    pixels, delays = [], []
    assert isinstance(made, sources.SourceBundle)
    with made.items, (staging / made.file_name).open("rb") as file:
        for frame in bundles.iter_frames(file.read):
            if not frame.error:
                with Image.open(io.BytesIO(frame.data)) as image:
                    delays.append(round(image.info["duration"]))
                    pixels.append(np.asarray(image))
    return pixels, delays


@pytest.fixture
def no_program_stays() -> Iterator[None]:
    """What a test starts has ended when it ends."""
    before = psutil.Process().children(recursive=True)
    yield
    assert set(psutil.Process().children(recursive=True)) <= set(before)


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """There is none, neither on PATH nor in a package; the only folder of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    return folder


def write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


SOUND = ("-f", "lavfi", "-i", "sine", "-shortest")
BT_709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
H264 = ("-c:v", "libx264", "-pix_fmt")
VIDEOS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "MP4 with B-frames and sound": ("mp4", "30000/1001", (*SOUND, *H264, "yuv420p", *BT_709)),
    "MOV of 10 bits": ("mov", "24", (*H264, "yuv420p10le")),
    "WebM": ("webm", "12.5", ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime")),
    "Matroska": ("matroska", "50", ("-c:v", "ffv1")),
    "AVI": ("avi", "15", ("-c:v", "mpeg4")),
}


@pytest.mark.parametrize("name", list(VIDEOS))
def test_every_frame_of_a_video(tmp_path: Path, name: str) -> None:
    """As ffmpeg converts its colors, told by content; together they take as long as the video."""
    format_, rate, options = VIDEOS[name]
    video = moving(tmp_path / "download", *options, "-f", format_, rate=rate, frames=20)
    pixels, delays = frames_of(video)
    assert np.array_equal(pixels, shown_by_ffmpeg(video, SIZE))
    numerator, _, denominator = rate.partition("/")
    assert abs(sum(delays) - 20_000 * int(denominator or 1) / float(numerator)) <= 5


def test_a_video_is_turned_as_its_header_says(tmp_path: Path) -> None:
    video = moving(tmp_path / "video.mp4", *H264, "yuv444p")
    plain, _ = frames_of(video)
    data = bytearray(video.read_bytes())
    matrix = data.index(b"tkhd") + 44  # ISO/IEC 14496-12, section 8.3.2
    turned = (0, 1, 0, -1, 0, 0)
    data[matrix : matrix + 24] = b"".join((n << 16).to_bytes(4, "big", signed=True) for n in turned)
    video.write_bytes(data)
    assert np.array_equal(frames_of(video)[0], np.rot90(plain, -1, (1, 2)))


def test_pixels_that_are_no_squares_are_stretched(tmp_path: Path) -> None:
    wide = moving(tmp_path / "wide.mp4", "-vf", "setsar=3/2", *H264, "yuv420p")
    tall = moving(tmp_path / "tall.mp4", "-vf", "setsar=2/3", *H264, "yuv420p")
    assert frames_of(wide, {"first": 1})[0][0].shape == (48, 96, 3)
    assert frames_of(tall, {"first": 1})[0][0].shape == (72, 64, 3)


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libvpx"])
def test_transparency_of_a_webm_is_kept(tmp_path: Path, codec: str) -> None:
    half = ("-vf", "format=yuva420p,geq=lum='lum(X,Y)':a='255*gt(X,31)'")
    options = ("-c:v", codec, "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-crf", "4")
    pixels, _ = frames_of(moving(tmp_path / "video.webm", *half, *options), {"first": 1})
    alpha = pixels[0][..., 3]
    assert (alpha[:, :28].max(), alpha[:, 36:].min()) == (0, 255)


RULES: dict[str, tuple[dict[str, Any], list[int], list[int]]] = {
    "every": ({"every": 4}, [0, 4, 8], [400, 400, 200]),
    "step": ({"step_s": 0.3}, [0, 3, 6, 9], [300, 300, 300, 100]),
    "first": ({"first": 2}, [0, 1], [100, 100]),
    "last": ({"last": 2}, [8, 9], [100, 100]),
    "all": ({"step_s": 0.2, "every": 2, "first": 2, "last": 1}, [4], [400]),
    "more than there are": ({"first": 99, "last": 99}, [*range(10)], [100] * 10),
}


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of ten frames, ten a second, whose colors tell their numbers."""
    pictures = [np.full((6, 8, 3), 20 * number, np.uint8) for number in range(10)]
    return video_of(pictures, [100] * 10, tmp_path_factory.mktemp("numbered") / "video.mp4")


@pytest.mark.parametrize("rule", list(RULES))
def test_rules_choose_frames_of_a_video(numbered: Path, rule: str) -> None:
    """What is left out between two frames adds to the delay of the first of them."""
    values, numbers, delays = RULES[rule]
    pixels, found = frames_of(numbered, values)
    assert [int(frame[0, 0, 0]) // 20 for frame in pixels] == numbers
    assert found == delays


BROKEN: dict[str, tuple[str, tuple[str, ...], slice, str]] = {
    "cut": ("mp4", ("-movflags", "+faststart"), slice(9_000), "ffmpeg says: "),
    "cut WebM": ("webm", ("-c:v", "libvpx"), slice(9_000), "File ended prematurely"),
    "without its index": ("mp4", (), slice(-2_000), "moov atom not found"),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_video_is_an_error(tmp_path: Path, name: str) -> None:
    """Of which the frames before the damage are used, if bad frames are left out."""
    format_, options, part, words = BROKEN[name]
    video = moving(tmp_path / "video", *options, "-g", "5", "-f", format_, frames=30)
    whole, _ = frames_of(video)
    video.write_bytes(video.read_bytes()[part])
    with pytest.raises(SourceError, match="video is not usable") as error:
        frames_of(video)
    assert words in error.value.got
    pixels, _ = frames_of(video, strict=False)
    if "cut" in name:
        assert 5 < len(pixels) < 30
    assert np.array_equal(pixels[:-3], whole[: len(pixels[:-3])])


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    sound = tmp_path / "sound.mp4"
    run(*SOUND[:4], "-t", "1", "-c:a", "aac", str(sound))
    with pytest.raises(SourceError) as error:
        frames_of(sound)
    assert (error.value.expected, error.value.got) == ("a video with pictures", "one without")


@pytest.mark.parametrize("data", [b"", b"no video", b"ffconcat version 1.0\nfile 'a.mp4'\n"])
def test_only_content_makes_a_video(tmp_path: Path, data: bytes) -> None:
    """Whatever the name is; a list of files that ffmpeg would open is none."""
    path = tmp_path / "video.mp4"
    path.write_bytes(data)
    with pytest.raises((BundleError, SourceError)) as error:
        frames_of(path)
    assert "ffmpeg" not in str(error.value)


def test_playlists_and_images_are_no_videos() -> None:
    beginnings = (b"#EXTM3U\n", b"<?xml version='1.0'?><MPD", b"\0\0\0\x1cftypavif", b"The wide ")
    assert {video_formats.format_of(each) for each in beginnings} == {None}


def test_without_ffmpeg_the_error_says_what_to_install(tmp_path: Path, no_ffmpeg: Path) -> None:
    """Also where a program of that name is another one."""
    write_program(no_ffmpeg / "ffmpeg", "echo avconv version 12")
    (tmp_path / "video").write_bytes(b"\0\0\0\x1cftypisom" + bytes(1000))
    with pytest.raises(SourceError, match="a video needs the program ffmpeg") as error:
        frames_of(tmp_path / "video")
    assert error.value.next_step.startswith("pip install 'luigi_gif[video]', or install ffmpeg")


def test_the_ffmpeg_of_the_extra_is_used_where_the_system_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = ffmpeg_program.find_ffmpeg()
    assert found is not None
    assert found.path == imageio_ffmpeg.get_ffmpeg_exe()


@pytest.mark.parametrize("version", ["4.4.2", "n5.0", "5.1.9-0+deb12u1", "N-119", "n9.0.2-17-g2a"])
def test_an_old_ffmpeg_is_asked_in_its_own_words(no_ffmpeg: Path, version: str) -> None:
    """Before 5.1 the option that keeps every frame had another name."""
    write_program(no_ffmpeg / "ffmpeg", f"echo ffmpeg version {version} Copyright")
    is_old = version in ("4.4.2", "n5.0")
    found = ffmpeg_program.find_ffmpeg()
    assert found is not None
    assert found.every_frame[0] == ("-vsync" if is_old else "-fps_mode")
    assert (ffmpeg_program.find_ffmpeg((5, 1)) is None) == is_old
    ffmpeg_program._found.clear()


def test_what_does_not_tell_its_version_is_ended(
    no_ffmpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it has started."""
    monkeypatch.setattr(ffmpeg_program, "ANSWER_S", 0.2)
    started = no_ffmpeg / "started"
    write_program(no_ffmpeg / "ffmpeg", f"/bin/sleep 1000 & echo $! > {started}; wait")
    while not started.exists() or not started.read_text():
        assert ffmpeg_program.find_ffmpeg() is None
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(started.read_text())).wait(60)


@pytest.mark.usefixtures("no_program_stays")
def test_a_silent_ffmpeg_is_ended(tmp_path: Path, no_ffmpeg: Path) -> None:
    """After the --download-read-timeout; so is what it has started."""
    write_program(
        no_ffmpeg / "ffmpeg", '[ "$1" = -version ] && echo ffmpeg version 7.1 || /bin/sleep 1000'
    )
    (tmp_path / "video").write_bytes(b"\0\0\0\x1cftypisom" + bytes(1000))
    with pytest.raises(SourceError) as error:
        frames_of(tmp_path / "video", read_timeout=0.1)
    assert error.value.got == "nothing for 0.1 s (--download-read-timeout)"


@pytest.mark.usefixtures("no_program_stays")
def test_frames_take_no_more_of_the_disk_than_allowed(tmp_path: Path) -> None:
    """A limit for what is fetched is one for what is made of it."""
    video = moving(tmp_path / "video.mp4", *H264, "yuv420p", frames=400)
    assert video.stat().st_size < 1_000_000
    with pytest.raises(DownloadError, match="too large"):
        frames_of(video, max_bytes=1_000_000)


HELD = """
import sys, time
import luigi_gif
from luigi_gif import integrations, sources
from luigi_gif.sources.ffmpeg_program import find_ffmpeg
from luigi_gif.sources.video_file import VideoFile

path = sys.argv[1]
reporter = integrations.ProgressReporter(luigi_gif.DownloadData(url=path))
program, selection = find_ffmpeg(), sources.Selection()
with VideoFile("name", path, program, selection, reporter, strict=True, timeout_s=60) as video:
    for _, frames in video.read_each(video.items(), 0):
        next(frames)
        print("ready", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ffmpeg_ends_with_the_run(tmp_path: Path, number: int) -> None:
    """Whether that is interrupted or killed."""
    video = moving(tmp_path / "video.mp4", *H264, "yuv420p", frames=400)
    command = [sys.executable, "-c", HELD, str(video)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=luigi_environment()
    ) as run_:
        assert run_.stdout is not None
        assert run_.stdout.readline() == b"ready\n"
        (ffmpeg,) = psutil.Process(run_.pid).children()
        run_.send_signal(number)
    deadline = time.monotonic() + PATIENCE_S
    while ffmpeg.is_running() and ffmpeg.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
