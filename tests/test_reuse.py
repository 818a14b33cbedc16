"""Frames that were made already are renamed where their numbers change, not made again."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from campaigns import rolling
from PIL import Image
from pytest_mock import MockerFixture
from support import images
from support.images import DELIMITER, saved, true_color
from support.pipeline import STEPS, Pipeline, frame, waypoints_every

import luigi_gif
from luigi_gif import bundles, gif, imaging
from luigi_gif.errors import ForeignFileError
from luigi_gif.frames import frame_to_gif
from luigi_gif.frames.manifest import EarlierFiles, earlier_among, is_earlier


@pytest.fixture(autouse=True)
def chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that frames come to other chunks, and all is done in this thread."""
    waypoints_every(monkeypatch, 2)


@pytest.fixture
def made(mocker: MockerFixture) -> MagicMock:
    """Is called for each frame that is made of a picture."""
    return mocker.patch.object(frame_to_gif, "render_frame", side_effect=frame_to_gif.render_frame)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures lie."""
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def put(folder: Path, numbers: Iterable[int]) -> None:
    """Pictures of thousands of colors, whose names sort by their numbers."""
    for number in numbers:
        (folder / f"{number:03}.png").write_bytes(true_color(number))


def put_still(folder: Path, numbers: Iterable[int], shade: int = 0) -> None:
    """Pictures of a still ground of thousands of colors, with a spot that moves."""
    draw = np.random.default_rng(1)
    ground = draw.integers(0, 200, (60, 80, 3)).astype(np.uint8)
    for number in numbers:
        pixels = ground + np.uint8(shade)
        left = 7 * number % 60
        pixels[20:40, left : left + 20] = shade
        (folder / f"{number:03}.png").write_bytes(saved(Image.fromarray(pixels), "PNG"))


def frame_files(pipeline: Pipeline) -> dict[str, bytes]:
    files = pipeline.files()
    return {name: files[name][0] for name in files if name.startswith("frames/frame_")}


def afresh(pipeline: Pipeline, tmp_path: Path, **parameters: object) -> tuple[object, bytes]:
    """The frames and the clip that a new work directory has."""
    new = Pipeline(pipeline.server, tmp_path / "new", pipeline._caplog)
    new.run(**parameters)
    return frame_files(new), new.clip()


@pytest.mark.parametrize("options", [{}, {"duplicates": "merge", "caption": "{name}"}])
def test_in_a_rolling_window_only_the_new_frame_is_made(
    pipeline: Pipeline, folder: Path, tmp_path: Path, made: MagicMock, options: dict[str, str]
) -> None:
    """The files of the others are renamed; frames and clip are those of a new work directory."""
    options |= {"url": str(folder), "palette": "frame"}
    put(folder, range(5))
    pipeline.run(**options)
    inodes = [path.stat().st_ino for path in sorted(pipeline.workdir.glob("frames/frame*"))]
    (folder / "000.png").unlink()
    put(folder, [5])
    made.reset_mock()
    assert pipeline.run(**options) == STEPS
    assert made.call_count == 1
    assert [path.stat().st_ino for path in sorted(pipeline.workdir.glob("frames/frame*"))][
        :4
    ] == inodes[1:]
    assert any("1 of 5 frame files" in line and "4 were renamed" in line for line in pipeline.log)
    assert afresh(pipeline, tmp_path, **options) == (frame_files(pipeline), pipeline.clip())
    before = pipeline.files()
    assert pipeline.run(**options) == []
    assert pipeline.files() == before


def test_names_with_more_digits_are_new_names_of_the_same_files(
    pipeline: Pipeline, folder: Path, made: MagicMock
) -> None:
    """No file with fewer digits stays."""
    for number in range(100):
        (folder / f"{number:03}.gif").write_bytes(frame(number))
    pipeline.run(url=str(folder))
    (folder / "100.gif").write_bytes(frame(100))
    made.reset_mock()
    pipeline.run(url=str(folder))
    assert made.call_count == 1
    assert [*sorted(frame_files(pipeline))] == [f"frames/frame_{n:03}.gif" for n in range(101)]
    assert frame_files(pipeline)["frames/frame_042.gif"] == frame(42)


@pytest.mark.parametrize("order", [(1, 0, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_pictures_in_another_order_are_renamed(
    pipeline: Pipeline, folder: Path, made: MagicMock, order: tuple[int, ...]
) -> None:
    """No file is overwritten that is still to be renamed."""
    put(folder, range(5))
    pipeline.run(url=str(folder), palette="frame")
    before = list(frame_files(pipeline).values())
    names = sorted(frame_files(pipeline))
    before = [frame_files(pipeline)[name] for name in names]
    for place, number in enumerate(order):
        (folder / f"{place:03}.png").write_bytes(true_color(number))
    made.reset_mock()
    pipeline.run(url=str(folder), palette="frame")
    assert made.call_count == 0
    assert [frame_files(pipeline)[name] for name in names] == [before[number] for number in order]
    assert {path.name for path in (pipeline.workdir / "frames").iterdir()} == {
        "manifest.json",
        "records.json",
        *(name.rpartition("/")[2] for name in names),
    }


def test_of_a_bundle_that_grew_only_what_is_new_is_made(
    pipeline: Pipeline, tmp_path: Path, made: MagicMock
) -> None:
    """As long as its frames keep their numbers."""
    bundle = tmp_path / "bundle.img"
    bundle.write_bytes(DELIMITER.join(true_color(number) for number in range(4)))
    pipeline.run(url=str(bundle), palette="frame")
    bundle.write_bytes(DELIMITER.join(true_color(number) for number in range(5)))
    made.reset_mock()
    pipeline.run(url=str(bundle), palette="frame")
    assert pipeline.ok
    assert made.call_count == 1


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_picture_that_is_in_the_bundle_is_not_looked_over_again(
    pipeline: Pipeline, folder: Path, mocker: MockerFixture, kind: str
) -> None:
    """Its format is noted."""
    looked_over = mocker.spy(bundles, "whole_format")
    for numbers in (range(5), range(5, 6)):
        looked_over.reset_mock()
        for number in numbers:
            picture = Image.linear_gradient("L").rotate(number)
            (folder / f"{number:03}.png").write_bytes(saved(picture, kind))
        pipeline.run(url=str(folder), refresh=True)
        assert looked_over.call_count == len(numbers)


def test_what_stands_at_the_place_of_another_in_a_tar_is_read(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """Also where the oldest of some pictures of one size has made room for a new one."""
    archive = tmp_path / "pictures.tar"
    for first in range(3):
        with tarfile.open(archive, "w") as file:
            for number in range(first, first + 4):
                data = frame(number)
                member = tarfile.TarInfo(f"{number:03}.gif")
                member.size, member.mtime = len(data), 10**9 + number
                file.addfile(member, io.BytesIO(data))
        pipeline.run(url=str(archive), refresh=True)
        made = [frame_files(pipeline)[f"frames/frame_0{number}.gif"] for number in range(4)]
        assert made == [frame(number) for number in range(first, first + 4)]


def test_what_is_not_to_be_shown_any_more_takes_no_frame_to_make(
    pipeline: Pipeline, folder: Path, made: MagicMock
) -> None:
    """Other options of the selection, and of what is left out, leave the other frames alone."""
    put(folder, range(5))
    pipeline.run(url=str(folder), palette="frame", duplicates="merge")
    made.reset_mock()
    assert pipeline.run(url=str(folder), palette="frame", last=3) == STEPS
    assert len(frame_files(pipeline)) == 3
    assert made.call_count == 0


def test_a_frame_file_that_the_user_changed_is_set_aside_and_made_again(
    pipeline: Pipeline, folder: Path, made: MagicMock
) -> None:
    """It is not renamed, and in no clip."""
    put(folder, range(4))
    pipeline.run(url=str(folder), palette="frame")
    (pipeline.workdir / "frames/frame_02.gif").write_bytes(frame(1))
    (folder / "000.png").unlink()
    pipeline.run(url=str(folder), palette="frame")
    assert pipeline.ok
    assert (pipeline.workdir / "frames/frame_02.gif.altered").read_bytes() == frame(1)
    assert frame_files(pipeline)["frames/frame_02.gif"] != frame(1)


def test_no_file_of_the_users_is_renamed_over(pipeline: Pipeline, folder: Path) -> None:
    """It ends the run, as it would without anything to rename."""
    put(folder, range(3))
    pipeline.run(url=str(folder), palette="frame")
    mine = pipeline.workdir / "frames/frame_03.gif"
    mine.write_bytes(frame(1))
    put(folder, [-1])
    (folder / "-01.png").rename(folder / "000-.png")
    pipeline.run(url=str(folder), palette="frame")
    assert not pipeline.ok
    assert mine.read_bytes() == frame(1)


def test_records_that_were_damaged_are_as_good_as_none(
    pipeline: Pipeline, folder: Path, made: MagicMock
) -> None:
    """All frames are made again."""
    put(folder, range(3))
    pipeline.run(url=str(folder), palette="frame")
    records = pipeline.workdir / "frames/records.json"
    text = records.read_bytes()
    records.write_bytes(text.replace(b"000", b"001"))
    put(folder, [3])
    made.reset_mock()
    pipeline.run(url=str(folder), palette="frame")
    assert pipeline.ok
    assert made.call_count == 4


@pytest.mark.parametrize("palette", ["auto", "clip"])
def test_the_colors_of_the_clip_are_kept_for_a_new_frame_that_they_fit(
    pipeline: Pipeline, folder: Path, made: MagicMock, palette: str
) -> None:
    """So it alone is made."""
    put_still(folder, range(6))
    pipeline.run(url=str(folder), palette=palette)
    (folder / "000.png").unlink()
    put_still(folder, [6])
    made.reset_mock()
    pipeline.run(url=str(folder), palette=palette)
    assert made.call_count == 1
    images = [gif.read_first_image(data)[0] for data in frame_files(pipeline).values()]
    assert len({image.color_table for image in images}) == 1


def test_the_colors_of_the_clip_are_chosen_anew_where_a_frame_needs_others(
    pipeline: Pipeline, folder: Path, tmp_path: Path
) -> None:
    """Frames and clip are then those of a new work directory."""
    options = {"url": str(folder), "palette": "clip", "colors": 16}
    put_still(folder, range(5))
    pipeline.run(**options)
    put_still(folder, [5], shade=55)
    Image.new("RGB", (80, 60), "#00ffff").save(folder / "006.png")
    pipeline.run(**options)
    assert any("chosen anew: they do not fit a new frame" in line for line in pipeline.log)
    assert afresh(pipeline, tmp_path, **options) == (frame_files(pipeline), pipeline.clip())


def test_the_colors_of_the_clip_are_chosen_anew_once_most_frames_came_later(
    pipeline: Pipeline, folder: Path, tmp_path: Path
) -> None:
    """However well they fit."""
    put_still(folder, range(5))
    pipeline.run(url=str(folder))
    for number in range(3):
        (folder / f"{number:03}.png").unlink()
    put_still(folder, range(5, 8))
    pipeline.run(url=str(folder))
    assert any("chosen anew: most frames came later" in line for line in pipeline.log)
    new = afresh(pipeline, tmp_path, url=str(folder))
    assert new == (frame_files(pipeline), pipeline.clip())


def test_colors_still_fit_where_the_error_is_at_most_a_decibel_larger() -> None:
    """Than that of the frame that they fitted worst, or where hardly anybody sees it."""
    common = imaging.CommonPalette(bytes([100, 100, 100]), float("inf"))

    def sample(shade: int) -> bytes:
        return bytes([shade, shade, shade, 0]) * 64

    assert imaging.largest_error([sample(100), sample(110)], common) == 100
    assert imaging.still_fits([sample(111)], common, 100.0)
    assert not imaging.still_fits([sample(111), sample(112)], common, 100.0)
    assert imaging.still_fits([sample(102)], common, 0.0)


def test_a_folder_that_changes_at_random_has_the_frames_of_a_new_work_directory(
    tmp_path: Path,
) -> None:
    """Also where runs are killed; and no frame is made again. The campaign has the long form."""
    assert len(list(rolling.campaign(5, 5, tmp_path))) == 5
    assert os.listdir(tmp_path)


def test_what_has_the_name_of_a_frame_that_was_left_out_is_the_users(tmp_path: Path) -> None:
    """A run with another option does not take it for a frame file of the run before."""
    source = tmp_path / "pictures"
    source.mkdir()
    for number, data in enumerate((images.gif(0), b"<html>busy</html>", images.gif(2))):
        (source / f"{number}.gif").write_bytes(data)
    options = {"workdir": tmp_path / "work", "on_bad_frame": "skip"}
    luigi_gif.make_gif(source, tmp_path / "clip.gif", **options)
    (own := tmp_path / "work" / "frames" / "frame_01.gif").write_bytes(b"mine")
    with pytest.raises(ForeignFileError):
        luigi_gif.make_gif(source, tmp_path / "clip.gif", **options, size="2x")
    assert own.read_bytes() == b"mine"


def test_files_of_an_earlier_run_are_found_in_the_gaps_between_others() -> None:
    """By number and digits, whatever ranges they are noted in."""
    earlier = [EarlierFiles(2, 0, 3), EarlierFiles(2, 5, 6), EarlierFiles(3, 7, 9)]
    found = [
        (digits, number)
        for digits in (1, 2, 3, 4)
        for number in range(12)
        if is_earlier(earlier, digits, number)
    ]
    assert found == [(2, 0), (2, 1), (2, 2), (2, 5), (3, 7), (3, 8)]
    assert earlier_among(earlier, 2, range(2, 6)) == earlier[:2]
    assert earlier_among(earlier, 2, range(3, 5)) == []
