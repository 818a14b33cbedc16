"""What becomes of each frame: its size, its delay, and of a bad one an error or a gap."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageSequence
from pytest_mock import MockerFixture
from support.images import DELIMITER, gif, saved
from support.pipeline import BUNDLE, FRAMES, SIZE, Pipeline, frame, mixed

import luigi_gif
from luigi_gif import storage
from luigi_gif.frames import frame_files
from luigi_gif.frames import manifest as manifests


def test_images_that_a_clip_does_not_show_are_counted(pipeline: Pipeline) -> None:
    """A frame that is an animation itself shows its first image, with a warning."""
    others = [Image.open(io.BytesIO(gif(color))) for color in (2, 3)]
    several = gif(1, save_all=True, append_images=others)
    pipeline.server.pages["/bundle"] = DELIMITER.join([several, gif(2), several])
    pipeline.run()
    told = "left out: 4 images, as a clip shows the first of each frame (frames 0, 2)"
    assert told in pipeline.log
    with Image.open(pipeline.workdir / "clip.gif") as image:
        assert len(list(ImageSequence.Iterator(image))) == 3


@pytest.mark.parametrize(
    ("size", "canvas"), [("32x24", (32, 24)), ("32x", (32, 38)), ("x24", (32, 24))]
)
def test_frames_are_resized(pipeline: Pipeline, size: str, canvas: tuple[int, int]) -> None:
    """A side that is left out follows from each frame's own aspect ratio."""
    pipeline.server.pages["/bundle"] = mixed()
    pipeline.run(size=luigi_gif.CombineGif.size.parse(size))
    with Image.open(pipeline.workdir / "clip.gif") as image:
        assert image.size == canvas
        assert len(list(ImageSequence.Iterator(image))) == 6


def test_a_frame_that_has_the_size_is_left_as_it_is(pipeline: Pipeline) -> None:
    """It is the very bytes of the bundle."""
    pipeline.run(size=SIZE)
    assert (pipeline.workdir / "frames" / "frame_07.gif").read_bytes() == frame(7)


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (gif(2)[:-6], "expected a whole GIF"),
        (b"words", "data that begin with b'words"),
        (b"\x89PNG\r\n\x1a\nrubbish", "PNG data: no beginning of one"),
    ],
)
def test_bad_frames_are_left_out_if_asked(pipeline: Pipeline, damaged: bytes, reason: str) -> None:
    """They are counted and listed with their number, place and fault; without asking, they fail."""
    pipeline.server.pages["/bundle"] = DELIMITER.join([gif(1), damaged, gif(3)])
    pipeline.run()
    assert not pipeline.ok
    assert any("frame 1 of the bundle is not usable" in line for line in pipeline.log)
    pipeline.run(on_bad_frame="skip")
    assert pipeline.ok
    manifest = manifests.load_manifest(storage.open_folder(str(pipeline.workdir)))
    assert manifest is not None
    (skipped,) = manifest.skipped
    assert (skipped.number, skipped.offset) == (1, len(gif(1)) + 4)
    assert reason in skipped.reason
    assert any(line.startswith("1 of 3 frames are bad and left out") for line in pipeline.log)
    assert {path.name for path in (pipeline.workdir / "frames").glob("*.gif")} == {
        "frame_00.gif",
        "frame_02.gif",
    }
    with Image.open(pipeline.workdir / "clip.gif") as image:
        assert len(list(ImageSequence.Iterator(image))) == 2
    assert pipeline.run(on_bad_frame="skip") == []


def test_a_bundle_of_bad_frames_gives_no_clip(pipeline: Pipeline) -> None:
    """Not even an empty one."""
    pipeline.server.pages["/bundle"] = DELIMITER.join([gif(1)[:-6], b"words"])
    pipeline.run(on_bad_frame="skip")
    assert not pipeline.ok
    assert any("no frame of the bundle is usable" in line for line in pipeline.log)
    assert not (pipeline.workdir / "clip.gif").exists()


def test_a_small_file_cannot_ask_for_many_pixels(pipeline: Pipeline) -> None:
    """A frame beyond --max-megapixels is refused by its header."""
    for large in (gif(1, (1200, 900)), png := io.BytesIO()):
        if isinstance(large, io.BytesIO):
            Image.new("RGB", (1200, 900)).save(png, "PNG")
            large = png.getvalue()
        pipeline.server.pages["/bundle"] = large
        pipeline.run(max_megapixels=1, workdir=str(pipeline.workdir / str(len(large))))
        assert not pipeline.ok
        assert any("1200x900 pixels" in line for line in pipeline.log)


def test_delays_that_players_do_not_keep_are_raised(pipeline: Pipeline) -> None:
    """10 ms become 20, with a warning that counts them; 0 is no delay, and becomes 100."""
    pipeline.server.pages["/bundle"] = DELIMITER.join(
        [gif(1, duration=10), gif(2, duration=30), gif(3)]
    )
    pipeline.run()
    assert any(
        line.startswith("1 frame asked to show for less than 20 ms") for line in pipeline.log
    )
    with Image.open(pipeline.workdir / "clip.gif") as image:
        shown = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert shown == [20, 30, 100]


@pytest.mark.parametrize(
    ("lack", "said"),
    [
        (MemoryError(), "there is not enough memory"),
        (OSError(24, "Too many open files"), "a frame cannot be decoded on this machine"),
    ],
)
@pytest.mark.parametrize(
    ("bundle", "size", "count"),
    [(mixed(), None, 6), (BUNDLE, (5, None), FRAMES)],
    ids=["decoded", "resized"],
)
def test_what_the_machine_lacks_leaves_no_frame_out(
    pipeline: Pipeline,
    mocker: MockerFixture,
    lack: Exception,
    said: str,
    bundle: bytes,
    size: tuple[int, None] | None,
    count: int,
) -> None:
    """The run fails, also with --on-bad-frame skip; the next one shows every frame."""
    pipeline.server.pages["/bundle"] = bundle
    decoder = mocker.patch("PIL.ImageFile.ImageFile.load", side_effect=lack)
    pipeline.run(on_bad_frame="skip", size=size)
    assert not pipeline.ok
    assert any(said in line for line in pipeline.log)
    mocker.stop(decoder)
    pipeline.run(on_bad_frame="skip", size=size)
    assert pipeline.ok
    with Image.open(pipeline.workdir / "clip.gif") as image:
        assert image.n_frames == count


def test_a_frame_with_a_part_missing_is_named(pipeline: Pipeline) -> None:
    """It is shown; the warning says what of it is missing."""
    noise = Image.effect_noise((64, 160), 90).convert("RGB")
    cut = saved(noise, "JPEG", quality=90)[:-40]
    pipeline.server.pages["/bundle"] = DELIMITER.join([gif(1), cut, gif(2)])
    pipeline.run(on_bad_frame="skip")
    assert pipeline.ok
    told = "1 of 3 frames: a JPEG that is cut off, with pixels missing in its last rows (frames 1)"
    assert told in pipeline.log


def test_frame_files_of_a_million_frames_are_listed_in_parts(tmp_path: Path) -> None:
    """A listing is held in memory; names with another number of digits may be among them."""
    folder = storage.open_folder(str(tmp_path))
    names = ["frame_0000000.gif", "frame_0123456.gif", "frame_1234567.gif"]
    for name in [*names, "frame_mine.gif", "mine.gif"]:
        folder.write(f"frames/{name}", b"x")
    listed = frame_files.list_frame_files(folder, frame_files.digits_for(2_000_000))
    assert sorted(file.name for file in listed) == names
