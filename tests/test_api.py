"""One call from Python."""

from __future__ import annotations

import doctest
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.images import gif
from support.numbered import picture, shown

import luigi_gif
from luigi_gif import api, make_gif
from luigi_gif.errors import (
    BundleError,
    ForeignFileError,
    ParameterError,
    PipelineError,
    SourceError,
)
from luigi_gif.frames import MANIFEST


def test_arrays_pictures_and_files_are_frames(tmp_path: Path) -> None:
    """Gray, with colors, and with transparency; all of them in one clip, if wanted."""
    shades: list[Any] = [
        np.full((6, 8), 60, np.uint8),
        np.full((6, 8, 3), (60, 0, 0), np.uint8),
        np.full((6, 8, 4), (60, 0, 0, 255), np.uint8),
        Image.new("RGB", (8, 6), (60, 0, 0)),
        picture(3),
    ]
    result = make_gif(iter(shades), tmp_path / "clip.gif", frame_duration_ms=40)
    assert shown(tmp_path / "clip.gif") == [3] * 5
    assert result == luigi_gif.Result(
        str(tmp_path / "clip.gif"), 5, 8, 6, 200, (tmp_path / "clip.gif").stat().st_size, []
    )


def test_paths_are_a_source(tmp_path: Path) -> None:
    """One, or a list of them, with the options of the command."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = [folder / f"frame_{number}.png" for number in range(12)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    make_gif(folder, tmp_path / "folder.gif", last=2)
    make_gif(paths[:3][::-1], tmp_path / "list.gif", sort="given")
    make_gif(str(folder / "*_?.png"), str(tmp_path / "pattern.gif"), every=3)
    assert shown(tmp_path / "folder.gif") == [10, 11]
    assert shown(tmp_path / "list.gif") == [2, 1, 0]
    assert shown(tmp_path / "pattern.gif") == [0, 3, 6, 9]


def test_nothing_is_left_but_the_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a work directory is named: there the next call finds what is done."""
    monkeypatch.chdir(tmp_path)
    make_gif([gif(1), gif(2)], "clip.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["clip.gif"]
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "0.png").write_bytes(picture(0))
    for _ in range(2):
        make_gif("pictures", "clip.gif", workdir="work")
    assert (tmp_path / "work" / "frames" / "frame_00.gif").exists()


def test_arrays_of_other_numbers_need_a_range(tmp_path: Path) -> None:
    """The values that are black and white, of all frames."""
    values: list[Any] = [np.full((6, 8), 0.3), np.full((6, 8, 3), -7), Image.new("F", (8, 6), 0.6)]
    make_gif(values, tmp_path / "clip.gif", range=(0, 2.55))
    assert shown(tmp_path / "clip.gif") == [round(level / 20) for level in (30, 0, 60)]


@pytest.mark.parametrize("kind", ["f8", ">f8", "i4", ">i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("shape", [(16, 16), (8, 16, 2)])
def test_numbers_of_arrays_are_not_rounded(
    tmp_path: Path, kind: str, shape: tuple[int, ...]
) -> None:
    """Large ones differ by less than float32 can tell."""
    levels = np.arange(256).reshape(shape)
    if len(shape) == 3:
        levels = np.concatenate([levels, levels[..., :1]], axis=2)
    make_gif([(levels + 10**9).astype(kind)], tmp_path / "clip.gif", range=(10**9, 10**9 + 255))
    with Image.open(tmp_path / "clip.gif") as clip:
        pixels = np.asarray(clip.convert("RGB"))
    assert np.array_equal(pixels, np.broadcast_to(levels.reshape(*shape[:2], -1), pixels.shape))


@pytest.mark.parametrize("kind", ["f4", "i2", "u1", "?"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_masked_is_transparent(tmp_path: Path, kind: str, channels: int) -> None:
    """It is filled with numbers that mean nothing."""
    values = np.full((6, 8, channels), 1, kind)
    mask = np.zeros((6, 8, channels), bool)
    mask[2, 3, 0] = True
    masked = np.ma.masked_array(values, mask)
    options = {} if kind in "u1?" else {"range": (0, 1)}
    make_gif([masked[..., 0] if channels == 1 else masked], tmp_path / "clip.gif", **options)
    with Image.open(tmp_path / "clip.gif") as clip:
        alpha = np.asarray(clip.convert("RGBA"))[..., 3]
    assert np.array_equal(alpha == 0, mask[..., 0])


def test_a_pillow_image_is_turned_as_its_file_would_be(tmp_path: Path) -> None:
    """By its Exif orientation."""
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(path, exif=exif)
    with Image.open(path) as image:
        sources: list[Any] = [path, image]
        for source in sources:
            made = make_gif([source], tmp_path / "clip.gif")
            assert (made.width, made.height) == (6, 8)


def test_a_source_that_changed_is_noticed(tmp_path: Path) -> None:
    """Also by a second call in the same process, and by one behind a call that failed."""
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        path = tmp_path / "pictures" / f"{number}.png"
        path.write_bytes(b"no picture")
        with pytest.raises(SourceError):
            make_gif(tmp_path / "pictures", tmp_path / "clip.gif", workdir=tmp_path / "work")
        path.write_bytes(picture(number))
        make_gif(tmp_path / "pictures", tmp_path / "clip.gif", workdir=tmp_path / "work")
        assert shown(tmp_path / "clip.gif") == list(range(number + 1))


def test_a_result_is_of_its_own_clip(tmp_path: Path) -> None:
    """Not of the one that was made last in the work directory, whatever else is left there."""
    work = tmp_path / "work"
    options: Any = {"workdir": work, "gif_file": "small.gif", "size": "4x"}
    pictures = [picture(1), picture(2)]
    small = make_gif(pictures, tmp_path / "small.gif", **options)
    large = make_gif([*pictures, b""], tmp_path / "large.gif", workdir=work, on_bad_frame="skip")
    assert (small.width, large.width, small.left_out) == (4, 8, [])
    assert make_gif(pictures, tmp_path / "small.gif", **options) == small
    (work / "run.json").unlink()
    (work / MANIFEST).unlink()
    assert make_gif(pictures, tmp_path / "small.gif", **options) == small


@pytest.mark.parametrize("mode", ["1", "P", "LA", "PA", "CMYK", "YCbCr", "HSV", "RGBa", "I;16"])
def test_a_picture_may_have_any_mode(tmp_path: Path, mode: str) -> None:
    assert make_gif([Image.new(mode, (8, 6))], tmp_path / "clip.gif").frames == 1


def test_images_lie_in_no_work_directory(tmp_path: Path) -> None:
    """What the user has there stays."""
    (tmp_path / "work" / "images").mkdir(parents=True)
    (tmp_path / "work" / "images" / "bundle.img").write_text("the user's")
    make_gif([picture(1)], tmp_path / "clip.gif", workdir=tmp_path / "work")
    assert (tmp_path / "work" / "images" / "bundle.img").read_text() == "the user's"


def test_an_error_names_no_temporary_file(tmp_path: Path) -> None:
    """It is gone by then."""
    options: list[dict[str, Any]] = [{}, {"on_bad_frame": "skip"}]
    for option, where in zip(
        options, ["the source of make_gif(), at byte", "frames/"], strict=True
    ):
        with pytest.raises(PipelineError) as error:
            make_gif([gif(1)[:-9]], tmp_path / "clip.gif", **option)
        assert error.value.where.startswith(where)
        assert tempfile.gettempdir() not in str(error.value)


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    """Each frame in a line."""
    result = make_gif([gif(1), gif(2)[:-9]], tmp_path / "clip.gif", on_bad_frame="skip")
    assert result.frames == 1
    (line,) = result.left_out
    assert line.startswith("frame 1 at byte")


@pytest.mark.parametrize(
    ("source", "options", "error"),
    [
        ("nowhere", {}, PipelineError),
        ([], {}, PipelineError),
        ([b"no image"], {}, PipelineError),
        (None, {}, ParameterError),
        (gif(1), {}, ParameterError),
        (Image.new("L", (8, 6)), {}, ParameterError),
        (np.zeros((6, 8, 3), np.uint8), {}, ParameterError),
        ([1, 2], {}, ParameterError),
        (["a.png", gif(1)], {}, ParameterError),
        ([np.zeros((6, 8))], {}, BundleError),
        ([np.zeros((6, 8, 4))], {"range": (0, 1)}, ParameterError),
        ([np.zeros((0, 8), np.uint8)], {}, ParameterError),
        ([Image.new("F", (8, 6))], {}, BundleError),
        ([gif(1)], {"speed": 2}, ParameterError),
        ([gif(1)], {"size": "huge"}, ParameterError),
        (["nowhere.png"], {}, PipelineError),
        (["nowhere.png", "nothing/*.png"], {}, SourceError),
    ],
)
def test_what_cannot_be_used_is_an_error_of_the_pipeline(
    tmp_path: Path, source: object, options: dict[str, object], error: type[Exception]
) -> None:
    """And nothing is written."""
    with pytest.raises(error):
        make_gif(source, tmp_path / "clip.gif", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "clip.gif").exists()


def test_a_file_that_is_no_clip_is_not_overwritten(tmp_path: Path) -> None:
    """As with -o."""
    (tmp_path / "clip.gif").write_text("the user's")
    with pytest.raises((ForeignFileError, ParameterError)):
        make_gif([gif(1)], tmp_path / "clip.gif")
    assert (tmp_path / "clip.gif").read_text() == "the user's"


def test_the_examples_of_the_docstrings_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as they stand."""
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(api).failed == 0


def test_a_picture_of_a_folder_that_cannot_be_decoded_is_to_be_mended_there(tmp_path: Path) -> None:
    """No bundle has to be deleted: the next run looks at the folder."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    noise = np.random.default_rng(1).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "a.png")
    data = bytearray((folder / "a.png").read_bytes())
    data[200] ^= 255
    (folder / "a.png").write_bytes(data)
    with pytest.raises(PipelineError, match=r"made of a\.png(.|\n)*next: +mend it at its source"):
        make_gif(folder, tmp_path / "clip.gif")


def test_an_error_of_an_image_names_no_file_that_the_user_does_not_know() -> None:
    with pytest.raises(PipelineError, match="give range, or leave") as caught:
        make_gif([np.ones((4, 5), np.float32)], "clip.gif")
    assert caught.value.where == "the source of make_gif(), at byte 0"
