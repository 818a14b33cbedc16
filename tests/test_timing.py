"""How long each frame of a clip shows, and in which order they come."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence
from support import decoders, programs
from support.clips import make_clip
from support.images import DELIMITER, gif
from support.pipeline import BUNDLE, FRAMES, Pipeline, waypoints_every

import luigi_gif
from luigi_gif import CombineGif, clip_parameters, settings, storage
from luigi_gif.clips import clip_canvas, clip_options, combining, timing
from luigi_gif.errors import ParameterError
from luigi_gif.frames.manifest import load_manifest
from luigi_gif.integrations import ProgressReporter
from luigi_gif.parameters import Workers

REPORTER = ProgressReporter(CombineGif())
DELAYS_MS = [50, 70, 200, 100, 30]
FIVE = DELIMITER.join(gif(n % 3 + 1, duration=delay) for n, delay in enumerate(DELAYS_MS))
HELD = {"bounce": True, "hold_first_ms": 1010, "hold_last_ms": 2000}


def by_pillow(path: Path) -> list[int]:
    with Image.open(path) as image:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(image)]


def by_ffprobe(path: Path) -> list[int]:
    ffprobe = Path(programs.need("ffmpeg")).with_name("ffprobe")
    if not ffprobe.exists():
        pytest.skip("ffprobe is not installed")
    flags = ("-v", "error", "-show_entries", "packet=duration_time", "-of", "json")
    output = subprocess.run([ffprobe, *flags, path], capture_output=True, check=True).stdout
    return [round(1000 * float(each["duration_time"])) for each in json.loads(output)["packets"]]


def by_chromium(path: Path) -> list[int]:
    programs.need("chromium")
    shown = decoders.shown_by_chromium(path.read_bytes(), "image/gif")
    return [round(delay_ms) for _, delay_ms in shown]


EACH_READER = pytest.mark.parametrize(
    "delays_of",
    [
        by_pillow,
        pytest.param(by_ffprobe, marks=pytest.mark.external),
        pytest.param(by_chromium, marks=[pytest.mark.external, decoders.IN_CHROMIUM]),
    ],
)


def combined(workdir: Path, **options: Any) -> tuple[Path, combining.CombinedClip]:
    """The clip of the frames that lie there, and what is said of it."""
    folder = storage.open_folder(str(workdir))
    manifest = load_manifest(folder)
    assert manifest is not None
    how = clip_options.ClipOptions(0, None, only_changes=False, max_pixels=10**6)._replace(
        **options
    )
    origin = {"recipe": {}, "sha256": ""}
    config = settings.dask(workers=Workers(0, 0))
    made = combining.combine_frames(folder, manifest, "other.gif", origin, how, config, REPORTER)
    return workdir / "other.gif", made


@EACH_READER
def test_ends_are_held_and_the_way_back_leaves_them_out(
    tmp_path: Path, delays_of: Callable[[Path], list[int]]
) -> None:
    """Each frame that comes again has its own delay, the two ends the one that was asked for."""
    path = make_clip(FIVE, tmp_path / "work", **HELD)
    assert delays_of(path) == [1010, 70, 200, 100, 2000, 100, 200, 70]


@pytest.mark.parametrize(
    ("parameters", "duration_ms"),
    [({"fps": fps}, 1_000_000 / fps) for fps in (10, 12, 15, 24, 25, 29.97, 30, 50)]
    + [({"frame_duration_ms": 33}, 33_000)],
)
def test_a_thousand_frames_take_as_long_as_asked(
    parameters: dict[str, Any], duration_ms: float
) -> None:
    """To 10 ms, though a GIF counts in these; each within 10 ms of the others."""
    options = clip_parameters.clip_options_of(luigi_gif.CombineGif(url="x", **parameters))
    canvas = clip_canvas.Canvas((1, 1), (1, 1), True, b"", options, {})
    halves = [timing.Timing(canvas, timed_before) for timed_before in (0, 500)]
    delays = [half.next_delay_cs(0, 1, 10) for half in halves for _ in range(500)]
    assert abs(10 * sum(delays) - duration_ms) <= 10
    assert max(delays) - min(delays) <= 1


@EACH_READER
def test_what_is_said_of_a_clip_is_what_players_see(
    tmp_path: Path, delays_of: Callable[[Path], list[int]]
) -> None:
    """How many frames it has, and how long it takes: in run.json, and from Python."""
    bundle = tmp_path / "five.img"
    bundle.write_bytes(FIVE)
    workdir = tmp_path / "work"
    result = luigi_gif.make_gif(bundle, tmp_path / "clip.gif", workdir=workdir, fps=30, **HELD)
    delays = delays_of(tmp_path / "clip.gif")
    told = json.loads((workdir / "run.json").read_text())["clips"]["clip.gif"]
    assert (result.frames, result.duration_ms) == (len(delays), sum(delays))
    assert (told["frames"], told["duration_ms"]) == (len(delays), sum(delays))
    assert sum(delays) == 1010 + 2000 + 200


@pytest.mark.parametrize(("count", "shown"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2, 1])])
def test_short_clips_bounce_too(tmp_path: Path, count: int, shown: list[int]) -> None:
    """One or two frames have no way back."""
    bundle = DELIMITER.join(gif(1 + n, duration=100 + 10 * n) for n in range(count))
    delays = by_pillow(make_clip(bundle, tmp_path / "work", bounce=True))
    assert delays == [100 + 10 * number for number in shown]


@pytest.mark.parametrize("every", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("frame_duration_ms", [None, 33.0])
def test_a_round_takes_as_long_with_fewer_frames(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    every: int,
    frame_duration_ms: float | None,
) -> None:
    """A frame at an end stands for others on the way there and on the way back."""
    waypoints_every(monkeypatch, 3)
    delays = [50, 70, 200, 100, 300, 90, 60]
    bundle = DELIMITER.join(gif(1 + n, duration=each) for n, each in enumerate(delays))
    make_clip(bundle, tmp_path / "work")
    options = {"bounce": True, "frame_duration_ms": frame_duration_ms}
    path, _ = combined(tmp_path / "work", every=every, **options)
    there_and_back = sum(delays) + sum(delays[1:-1])
    expected = there_and_back if frame_duration_ms is None else 12 * frame_duration_ms
    assert abs(sum(by_pillow(path)) - expected) <= 10


def test_a_single_frame_is_held(tmp_path: Path) -> None:
    """It is the first and the last."""
    make_clip(gif(1), tmp_path / "work")
    assert combined(tmp_path / "work", hold_first_ms=500)[1].duration_ms == 500
    assert combined(tmp_path / "work", hold_last_ms=700)[1].duration_ms == 700


@decoders.EACH_DECODER
@pytest.mark.parametrize(
    ("optimize", "all_opaque"), [("none", True), ("none", False), ("lossless", True)]
)
def test_the_way_back_shows_the_same_frames(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    optimize: str,
    all_opaque: bool,
) -> None:
    """Also where only changes are stored, where frames are cleared, and made part by part."""
    decoders.need(program)
    waypoints_every(monkeypatch, 2)
    frames = [frame for frame in BUNDLE.split(DELIMITER) if frame][:7]
    if not all_opaque:
        frames[2], frames[6] = gif(1, (5, 5)), gif(2, (16, 12), transparency=2)
    path = make_clip(DELIMITER.join(frames), tmp_path / "work", bounce=True, optimize=optimize)
    shown = decoders.DECODERS[program](path)
    assert len(shown) == 12
    for number, pixels in enumerate(shown[7:]):
        assert np.array_equal(pixels, shown[5 - number])
    for number, frame in enumerate(frames):
        if number not in (2, 6):
            single = tmp_path / "single.gif"
            single.write_bytes(frame)
            assert np.array_equal(shown[number], decoders.pillow(single)[0])


def test_timing_decodes_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Image data are copied, also on the way back."""
    workdir = tmp_path / "work"
    make_clip(FIVE, workdir)

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("image data are decoded")

    monkeypatch.setattr("PIL.Image._getdecoder", fail)
    monkeypatch.setattr("luigi_gif.gif.lzw.count_image_pixels", fail)
    luigi_gif.CombineGif(url="unused", workdir=str(workdir), fps=30, **HELD).run()
    told = json.loads((workdir / "run.json").read_text())["clips"]["clip.gif"]
    assert told["frames"] == 8


def test_another_timing_writes_no_frame(pipeline: Pipeline) -> None:
    """CombineGif alone runs; with the same timing again, nothing does."""
    pipeline.run()
    frames = {name: file for name, file in pipeline.files().items() if name != "clip.gif"}
    for changed in ({"fps": 30}, {"hold_first_ms": 500}, {"hold_last_ms": 500}, {"bounce": True}):
        assert pipeline.run(**changed) == ["CombineGif"]
        assert pipeline.run(**changed) == []
    assert {name: file for name, file in pipeline.files().items() if name != "clip.gif"} == frames
    assert len(by_pillow(pipeline.workdir / "clip.gif")) == FRAMES * 2 - 2


@pytest.mark.parametrize("waypoints", [1, 4])
@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_frame_that_stands_for_others_shows_for_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waypoints: int, every: int
) -> None:
    """Wherever frames are parted for workers, forwards and backwards; the last one is shown.

    The first one, where it turns, also shows for the others on their way back.
    """
    waypoints_every(monkeypatch, waypoints)
    delays = [20 + 10 * n for n in range(10)]
    bundle = DELIMITER.join(gif(n % 3 + 1, duration=delay) for n, delay in enumerate(delays))
    make_clip(bundle, tmp_path / "work")
    begins = sorted({0, *range(9, 0, -every)})
    sums = [sum(delays[begin:end]) for begin, end in pairwise([*begins, 10])]
    for only_changes in (False, True):
        options = {"every": every, "only_changes": only_changes}
        path, _ = combined(tmp_path / "work", **options)
        assert by_pillow(path) == sums
        path, _ = combined(tmp_path / "work", **options, bounce=True)
        turned = sums[0] + sum(delays[1 : begins[1]])
        assert by_pillow(path) == [turned, *sums[1:], *sums[-2:0:-1]]
        _, made = combined(tmp_path / "work", **options, frame_duration_ms=33)
        assert made.duration_ms == 330


def test_a_time_too_long_for_an_image_is_shared_by_several(tmp_path: Path) -> None:
    """A GIF shows one for 655.35 s at the most."""
    make_clip(DELIMITER.join([gif(1), gif(2), gif(3)]), tmp_path / "work")
    path, made = combined(tmp_path / "work", every=2, frame_duration_ms=400_000)
    assert by_pillow(path) == [400_000, 400_000, 400_000]
    assert made.duration_ms == 1_200_000


def test_two_ways_to_say_how_long_frames_show_are_one_too_many() -> None:
    """The error names both."""
    with pytest.raises(ParameterError, match="--fps and --frame-duration-ms"):
        luigi_gif.CombineGif(fps=12, frame_duration_ms=80)


def test_more_frames_a_second_than_players_show_are_refused() -> None:
    """The error says how many can be had, and why."""
    with pytest.raises(ParameterError, match=r"(?s)--fps.+to 50: players show .+ 20 ms"):
        luigi_gif.CombineGif(fps=60)


def test_what_is_not_asked_for_is_not_noted_in_a_clip() -> None:
    """So clips that were made before these options are current, and have the same bytes."""
    recipe = luigi_gif.CombineGif(url="x").recipe()
    assert list(recipe) == ["source", "frame_duration_ms", "plays", "optimize"]
