"""Good frames that are not shown: those like the one before, ignored ones, blank ones."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaigns import healthy
from PIL import Image, ImageSequence
from support.clips import make_clip
from support.images import DELIMITER, gif, saved
from support.pipeline import Pipeline, frame, waypoints_every
from support.right_clips import EXECUTORS, shown_frames

import luigi_gif
from luigi_gif import frames, imaging, storage
from luigi_gif import gif as container
from luigi_gif.errors import ParameterError
from luigi_gif.frames import duplicates
from luigi_gif.frames.manifest import Chunk, ChunkResult, Manifest, UnwantedFrame

DUPLICATES = (1, 1, 2, 3, 3, 3, 1)
"""Which picture each frame of a bundle shows."""
BLUE_SHA256 = hashlib.sha256(gif(3)).hexdigest()
LOOK = imaging.Look(10**6)
NOTHING_NOTED = ChunkResult(0, 0, 0, 0, True, 0, 0, 0, [])


def bundle_of(shown: tuple[int, ...]) -> bytes:
    """A bundle of these pictures; each frame shows for another time, 50 ms and more."""
    pictures = []
    for number, each in enumerate(shown):
        with Image.open(io.BytesIO(frame(each))) as image:
            pictures.append(saved(image, "GIF", optimize=False, duration=50 + 10 * number))
    return DELIMITER.join(pictures)


def delays_ms(clip: bytes) -> list[int]:
    with Image.open(io.BytesIO(clip)) as image:
        return [each.info["duration"] for each in ImageSequence.Iterator(image)]


def manifest_of(pipeline: Pipeline) -> Manifest:
    manifest = frames.load_manifest(storage.open_folder(str(pipeline.workdir)))
    assert manifest is not None
    return manifest


@pytest.mark.parametrize("frames_a_chunk", [1, 100])
@pytest.mark.parametrize(
    ("asked", "delays"),
    [("merge", [110, 70, 270, 110]), ("drop", [50, 70, 80, 110])],
)
def test_a_frame_like_the_one_before_is_not_shown(
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    frames_a_chunk: int,
    asked: str,
    delays: list[int],
) -> None:
    """Its time is added to that one, or dropped; the log counts, and the manifest lists them."""
    waypoints_every(monkeypatch, frames_a_chunk)
    pipeline.server.pages["/bundle"] = bundle_of(DUPLICATES)
    pipeline.run(duplicates=asked)
    assert delays_ms(pipeline.clip()) == delays
    words = {"merge": "merged into it", "drop": "left out"}[asked]
    told = f"3 of 7 frames have the same pixels as the one before, and are {words} (frames 1, 4, 5)"
    assert told in pipeline.log
    listed = [(each.number, each.shown_number) for each in manifest_of(pipeline).duplicates]
    assert listed == [(1, 0), (4, 3), (5, 3)]
    assert b"the same pixels as frame 3" in pipeline.files()["frames/manifest.json"][0]


def test_to_drop_in_the_place_of_merging_writes_no_frame(pipeline: Pipeline) -> None:
    """WriteFrames only finds duplicates; asked for nothing, it forgets them."""
    pipeline.server.pages["/bundle"] = bundle_of(DUPLICATES)
    pipeline.run()
    plain = pipeline.clip()
    assert pipeline.run(duplicates="merge") == ["WriteFrames", "CombineGif"]
    assert pipeline.run(duplicates="merge") == []
    assert pipeline.run(duplicates="drop") == ["CombineGif"]
    pipeline.run()
    assert pipeline.clip() == plain


def test_a_duration_for_all_frames_counts_merged_ones(pipeline: Pipeline) -> None:
    """A frame that stands for three shows three times as long."""
    pipeline.server.pages["/bundle"] = bundle_of(DUPLICATES)
    pipeline.run(duplicates="merge", frame_duration_ms=40)
    assert delays_ms(pipeline.clip()) == [80, 40, 120, 40]


@pytest.mark.parametrize("options", [{"bounce": True}, {"optimize": "lossless"}])
def test_a_clip_of_merged_frames_is_as_one_of_fewer_that_show_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """Forwards, backwards, and where only changes are stored; each frame in a chunk of its own."""
    waypoints_every(monkeypatch, 1)
    pictures = bundle_of(DUPLICATES).split(DELIMITER)
    fewer = []
    for number, delay_ms in ((0, 110), (2, 70), (3, 270), (6, 110)):
        with Image.open(io.BytesIO(pictures[number])) as image:
            fewer.append(saved(image, "GIF", optimize=False, duration=delay_ms))
    clips = [
        make_clip(bundle_of(DUPLICATES), tmp_path / "merged", duplicates="merge", **options),
        make_clip(DELIMITER.join(fewer), tmp_path / "fewer", **options),
    ]
    assert shown_frames(clips[0]) == shown_frames(clips[1])


def test_a_caption_does_not_tell_duplicates_apart(pipeline: Pipeline) -> None:
    """Though each frame gets another one."""
    pipeline.server.pages["/bundle"] = bundle_of(DUPLICATES)
    pipeline.run(duplicates="drop", caption="{number}")
    assert manifest_of(pipeline).shown_count == len(delays_ms(pipeline.clip())) == 4


def test_bad_and_unwanted_frames_do_not_part_duplicates(pipeline: Pipeline) -> None:
    """The one before is the one that is shown before."""
    placeholder = frame(9)
    between = [frame(1), gif(2)[:-6], frame(1), placeholder, gif(3), frame(1), frame(2)]
    pipeline.server.pages["/bundle"] = DELIMITER.join(between)
    ignored = hashlib.sha256(placeholder).hexdigest()
    pipeline.run(
        on_bad_frame="skip", duplicates="drop", ignore_sha256=ignored.upper(), drop_blank=True
    )
    manifest = manifest_of(pipeline)
    assert [each.number for each in manifest.duplicates] == [2, 5]
    assert [(each.number, each.option) for each in manifest.unwanted] == [
        (3, "ignore-sha256"),
        (4, "drop-blank"),
    ]
    assert len(delays_ms(pipeline.clip())) == manifest.shown_count == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"drop_blank": True}, "frame 1 at byte {at}: one color"),
        (
            {"ignore_sha256": [BLUE_SHA256]},
            f"frame 1 at byte {{at}}: ignored, as its SHA-256 is {BLUE_SHA256}",
        ),
    ],
    ids=["blank", "ignored"],
)
def test_an_unwanted_frame_is_no_bad_one(
    pipeline: Pipeline, options: dict[str, Any], reason: str
) -> None:
    """It ends no run; it has no file, and its reason is listed and counted."""
    pipeline.server.pages["/bundle"] = DELIMITER.join([frame(0), gif(3), frame(2)])
    pipeline.run()
    pipeline.run(**options)
    assert pipeline.ok
    at = f"{len(frame(0)) + len(DELIMITER):,}"
    assert manifest_of(pipeline).reasons == [(1, reason.format(at=at))]
    option = next(iter(options)).replace("_", "-")
    assert f"1 of 3 frames are left out by --{option} (frames 1)" in pipeline.log
    assert "frames/frame_01.gif" not in pipeline.files()
    assert len(delays_ms(pipeline.clip())) == 2


def test_too_few_frames_leave_the_old_clip(pipeline: Pipeline) -> None:
    """The error says how many there are, and why others are not shown."""
    pipeline.server.pages["/bundle"] = DELIMITER.join([frame(1), gif(3), frame(2)])
    assert pipeline.run(min_frames=3)
    before = pipeline.clip()
    pipeline.run(min_frames=3, drop_blank=True)
    assert not pipeline.ok
    error = next(line for line in pipeline.log if line.startswith("the clip has too few frames"))
    assert "expected: at least 3 (see --min-frames)" in error
    assert "got:      2 of 3; 1 are left out, the first is frame 1 at byte 148: one color" in error
    assert pipeline.clip() == before
    pipeline.run(min_frames=2, drop_blank=True)
    assert pipeline.ok


def test_a_clip_of_fewer_frames_is_not_current(pipeline: Pipeline) -> None:
    """Also where nothing else is asked for than before."""
    pipeline.run()
    assert pipeline.run(min_frames=100) == ["CombineGif"]
    assert not pipeline.ok


def test_a_manifest_notes_only_what_is_asked_for(pipeline: Pipeline) -> None:
    """Without these options it is what it was before there were any."""
    pipeline.run()
    manifest = storage.open_folder(str(pipeline.workdir)).read_json(frames.MANIFEST)
    assert manifest is not None
    assert {len(row) for row in manifest["written"]} == {9}


def test_a_frame_that_is_lost_is_mended_to_the_same(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files, manifest and clip; only its chunk is written again."""
    waypoints_every(monkeypatch, 2)
    pipeline.server.pages["/bundle"] = bundle_of(DUPLICATES)
    pipeline.run(duplicates="merge")
    before = {name: content for name, (content, _) in pipeline.files().items()}
    (pipeline.workdir / "frames" / "frame_04.gif").unlink()
    (pipeline.workdir / "clip.gif").unlink()
    assert pipeline.run(duplicates="merge") == ["WriteFrames", "CombineGif"]
    assert {name: content for name, (content, _) in pipeline.files().items()} == before


def test_duplicates_do_not_depend_on_chunks() -> None:
    """Any cuts, chunks without a frame among them, written in any order, give the same list."""
    draw = random.Random(5)
    for _ in range(200):
        shown = [draw.randrange(3) for _ in range(draw.randrange(1, 12))]
        cuts = sorted(draw.choices(range(len(shown) + 1), k=draw.randrange(5)))
        pieces = [range(*ends) for ends in zip([0, *cuts], [*cuts, len(shown)], strict=True)]
        whole = settled(shown, [range(len(shown))], draw)
        assert settled(shown, pieces, draw) == whole
        assert [number for number, _ in whole] == [
            number for number in range(1, len(shown)) if shown[number] == shown[number - 1]
        ]


def settled(shown: list[int], pieces: list[range], draw: random.Random) -> list[tuple[int, int]]:
    """Numbers of duplicates, and of the frames that are shown for them."""
    results: list[ChunkResult | None] = [None] * len(pieces)
    for index in draw.sample(range(len(pieces)), len(pieces)):
        finder = duplicates.DuplicateFinder()
        for number in pieces[index]:
            finder.add(duplicates.ComparedFrame(number, 0, 10, str(shown[number])))
        results[index] = NOTHING_NOTED._replace(duplicates=finder.found, ends=finder.ends)
        duplicates.settle_duplicates(results)
    return [
        (each.number, each.shown_number)
        for result in results
        if result
        for each in result.duplicates
    ]


def test_a_manifest_with_all_of_it_is_read_as_it_was_saved(tmp_path: Path) -> None:
    """Words for people aside."""
    folder = storage.open_folder(str(tmp_path))
    finder = duplicates.DuplicateFinder()
    for number in range(3):
        finder.add(duplicates.ComparedFrame(number, 40 * number, 5, "same"))
    unwanted = [UnwantedFrame(3, 120, "frame 3 ...", "drop-blank")]
    result = NOTHING_NOTED._replace(unwanted=unwanted, duplicates=finder.found, ends=finder.ends)
    manifest = Manifest({}, "", [Chunk(0, 4, 0, 160)], [result], set(), [], counted=True)
    manifest.save(folder)
    assert frames.load_manifest(folder) == manifest
    assert manifest.reasons == [
        (1, "frame 1 at byte 40: the same pixels as frame 0"),
        (2, "frame 2 at byte 80: the same pixels as frame 0"),
        (3, "frame 3 ..."),
    ]


def test_pixels_tell_whether_pictures_are_the_same() -> None:
    """Whatever their files are; what is below transparent pixels does not count, the size does."""
    pixels = np.full((4, 6, 4), (200, 30, 30, 255), np.uint8)
    half = pixels.copy()
    half[:, 3:, 3] = 0
    below = half.copy()
    below[:, 3:, :3] = 7
    assert sha256_of(half, "PNG") == sha256_of(below, "WebP") == sha256_of(half, "GIF")
    assert len({sha256_of(each, "PNG") for each in (pixels, half, pixels.reshape(6, 4, 4))}) == 3


@pytest.mark.parametrize("data", [gif(2), gif(2, (30, 40))])
def test_a_copied_gif_is_compared_as_it_is_shown(data: bytes) -> None:
    """As another file of the same pixels is."""
    with Image.open(io.BytesIO(data)) as image:
        same = saved(image.convert("RGB"), "BMP")
    copied = imaging.pixel_facts_of_gif(container.read_first_image(data)[0], LOOK)
    assert copied == facts_of(same)


def test_what_a_gif_leaves_free_of_its_screen_is_transparent() -> None:
    """So it is like a picture with a transparent border."""
    small = container.read_first_image(gif(2))[0]
    placed = small._replace(screen=(6, 4), position=(2, 1))
    pixels = np.zeros((4, 6, 4), np.uint8)
    with Image.open(io.BytesIO(gif(2))) as image:
        pixels[1:3, 2:5] = np.asarray(image.convert("RGBA"))
    assert imaging.pixel_facts_of_gif(placed, LOOK).sha256 == sha256_of(pixels, "PNG")
    assert not imaging.pixel_facts_of_gif(placed, LOOK).one_color


def sha256_of(pixels: np.ndarray, format_: str) -> str:
    return facts_of(saved(Image.fromarray(pixels), format_, lossless=True)).sha256


def facts_of(data: bytes, **look: Any) -> imaging.PixelFacts:
    facts = imaging.to_gif(data, LOOK._replace(**look), with_facts=True).facts
    assert facts is not None
    return facts


@pytest.mark.parametrize(
    ("pixels", "blank"),
    [
        ([(9, 9, 9, 255)] * 4, True),
        ([(9, 9, 9, 255)] * 3 + [(9, 9, 8, 255)], False),
        ([(9, 9, 9, 0), (8, 7, 6, 0), (1, 2, 3, 100), (5, 5, 5, 0)], True),
        ([(9, 9, 9, 255)] * 3 + [(9, 9, 9, 0)], False),
        ([(9, 9, 9, 255)] * 3 + [(9, 9, 9, 200)], True),
    ],
    ids=["one color", "nearly", "transparent", "with a hole", "half transparent"],
)
def test_one_color_is_what_is_shown(pixels: list[tuple[int, ...]], blank: bool) -> None:
    """Nothing to see is one color, too."""
    data = saved(Image.fromarray(np.array(pixels, np.uint8).reshape(2, 2, 4)), "PNG")
    assert facts_of(data).one_color is blank


def test_one_color_is_looked_for_in_the_part_that_is_kept() -> None:
    """Before it is laid on a background."""
    picture = Image.new("RGB", (8, 8), (9, 9, 9))
    picture.putpixel((0, 0), (200, 0, 0))
    data = saved(picture, "PNG")
    crop = luigi_gif.CombineGif(crop="4x8+4+0").crop
    assert not facts_of(data).one_color
    assert facts_of(data, crop=crop).one_color
    assert facts_of(data, crop=crop, size=(9, 9), fit="contain").one_color


@pytest.mark.parametrize(
    ("parameters", "flag"),
    [
        ({"duplicates": "no"}, "--duplicates"),
        ({"ignore_sha256": "1234"}, "--ignore-sha256"),
        ({"ignore_sha256": ["0" * 64, "x" * 64]}, "--ignore-sha256"),
        ({"min_frames": 0}, "--min-frames"),
        ({"drop_blank": "perhaps"}, "--drop-blank"),
    ],
)
def test_wrong_values_are_refused(parameters: dict[str, Any], flag: str) -> None:
    """When the task is made, with the flag."""
    with pytest.raises(ParameterError, match=flag):
        luigi_gif.CombineGif(**parameters)


def test_checksums_are_the_same_in_any_order() -> None:
    """And in capitals; so a clip stays current."""
    digests = ["A" * 64, "b" * 64]
    tasks = [
        luigi_gif.CombineGif(ignore_sha256=given)
        for given in (digests, ", ".join(reversed(digests)), [*digests, "a" * 64])
    ]
    assert {task.ignore_sha256 for task in tasks} == {("a" * 64, "b" * 64)}


def test_what_is_left_out_is_told_by_make_gif(tmp_path: Path) -> None:
    """In the order of the frames, with the names of the pictures' files."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in {"a": frame(0), "b": frame(0), "c": gif(2), "d": frame(1)}.items():
        (folder / f"{name}.gif").write_bytes(data)
    made = luigi_gif.make_gif(folder, tmp_path / "clip", duplicates="merge", drop_blank=True)
    assert made.frames == 2
    assert [reason.rpartition(": ")[2] for reason in made.left_out] == [
        "the same pixels as frame 0 (b.gif)",
        "one color (c.gif)",
    ]


def test_exactly_the_right_pictures_are_shown(
    luigi_gif_here: Callable[..., int], cluster: str, tmp_path: Path
) -> None:
    """The short form of tests/campaigns/healthy.py, by one thread, threads and a cluster."""
    executors = {name: options(cluster) for name, options in EXECUTORS.items()}
    everything = healthy.OPTIONS[-1:]
    (line,) = healthy.campaign(100, 2, tmp_path, luigi_gif_here, executors, everything)
    assert "83 shown" in line


def test_frames_that_are_left_out_are_told_with_the_names_of_their_items(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """So that one need not count."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, color in enumerate((None, "red", "blue")):
        image = Image.radial_gradient("L") if color is None else Image.new("RGB", (8, 6), color)
        image.save(folder / f"cam_{number}.png")
    luigi_gif.make_gif(folder, tmp_path / "clip.gif", drop_blank=True)
    assert "by --drop-blank (frames 1 (cam_1.png), 2 (cam_2.png))" in caplog.text
