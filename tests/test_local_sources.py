"""A local source is looked at in every run; what is of it is made anew only where it differs."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import luigi
import pytest
from PIL import Image, ImageSequence
from pytest_mock import MockerFixture
from support.clips import clip_here
from support.images import DELIMITER, gif

import luigi_gif
from luigi_gif import fetching
from luigi_gif.errors import LUIGI_LOGGER, DownloadError, SourceError

STEPS = ["DownloadData", "SplitFrames", "WriteFrames", "CombineGif"]


class Runs:
    """Runs of CombineGif in one process, without clearing what Luigi remembers of tasks."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.source = folder / "source.img"
        self.work = folder / "work"
        self._caplog = caplog

    def run(self, source: Path | None = None, **parameters: Any) -> list[str]:
        """The steps that made something; in self.log what was said."""
        task = luigi_gif.CombineGif(url=source or self.source, workdir=self.work, **parameters)
        self._caplog.clear()
        with self._caplog.at_level(logging.INFO, LUIGI_LOGGER):
            assert luigi.build([task], local_scheduler=True, no_lock=True)
        self.log = [record.getMessage() for record in self._caplog.records]
        return [step for step in STEPS if any(f"{step} made " in line for line in self.log)]

    def colors(self) -> list[Any]:
        """Of the clip's frames."""
        with Image.open(self.work / "clip.gif") as image:
            frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]
        return [frame.getpixel((0, 0)) for frame in frames]


RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def bundle(*colors: int) -> bytes:
    return DELIMITER.join(map(gif, colors))


@pytest.fixture
def runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Runs:
    runs = Runs(tmp_path, caplog)
    runs.source.write_bytes(bundle(1, 2))
    assert runs.run() == STEPS
    return runs


def replace(path: Path, data: bytes) -> None:
    """As other programs do it: under another name first."""
    other = path.with_suffix(".new")
    other.write_bytes(data)
    other.replace(path)


def test_a_source_that_changed_is_fetched_again(runs: Runs) -> None:
    """In the next run of the same process, too, and where it is as large as before."""
    assert runs.run() == []
    replace(runs.source, bundle(2, 3))
    assert runs.run() == STEPS
    assert runs.colors() == [GREEN, BLUE]
    assert runs.run() == []


def test_a_source_that_changed_behind_an_old_time_is_fetched_again(runs: Runs) -> None:
    """As cp -p does it."""
    before = runs.source.stat()
    runs.source.write_bytes(bundle(3, 3))
    os.utime(runs.source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert runs.run() == STEPS
    assert runs.colors() == [BLUE, BLUE]


def test_a_clip_alone_tells_of_which_source_it_is(runs: Runs) -> None:
    """It stays while the source does, touched or not, and is made anew once that has changed."""
    clip = (runs.work / "clip.gif").read_bytes()
    leave_the_clip_alone(runs.work)
    assert runs.run() == []
    os.utime(runs.source)
    assert runs.run() == []
    assert (runs.work / "clip.gif").read_bytes() == clip
    assert str(runs.source).encode() not in clip
    replace(runs.source, bundle(3))
    assert runs.run() == STEPS
    assert runs.colors() == [BLUE]


def test_a_source_is_read_once_beside_a_clip(runs: Runs, mocker: MockerFixture) -> None:
    """What docs/operations.md leaves of an old night has a note, so that it is not read again."""
    note = (runs.work / "run.json").read_bytes()
    leave_the_clip_alone(runs.work)
    (runs.work / "run.json").write_bytes(note)
    read = mocker.spy(fetching, "file_sha256")
    assert runs.run() == []
    assert read.call_count == 0
    os.utime(runs.source)
    assert runs.run() == []
    assert read.call_count == 1


def test_a_clip_is_the_same_for_the_same_bundle(runs: Runs, tmp_path: Path) -> None:
    """Whatever the time of its source."""
    first = (runs.work / "clip.gif").read_bytes()
    shutil.rmtree(runs.work)
    replace(runs.source, runs.source.read_bytes())
    assert runs.run() == STEPS
    assert (runs.work / "clip.gif").read_bytes() == first


def leave_the_clip_alone(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "clip.gif":
            path.unlink()


def test_a_source_that_was_touched_is_only_looked_at(runs: Runs) -> None:
    """Frames and clip keep their time of change."""
    files = [*(runs.work / "frames").glob("*.gif"), runs.work / "clip.gif"]
    before = [path.stat().st_mtime_ns for path in files]
    os.utime(runs.source)
    assert runs.run() == ["DownloadData"]
    assert [path.stat().st_mtime_ns for path in files] == before
    assert runs.run() == []


def test_a_source_that_is_gone_changes_nothing(runs: Runs) -> None:
    """There is nothing to hold the clip against."""
    runs.source.unlink()
    assert runs.run() == []
    leave_the_clip_alone(runs.work)
    assert runs.run() == []


def test_a_link_that_leads_elsewhere_is_another_source(runs: Runs, tmp_path: Path) -> None:
    """Though both files have the same time and size."""
    other, link = tmp_path / "other.img", tmp_path / "latest.img"
    other.write_bytes(bundle(3, 3))
    shutil.copystat(runs.source, other)
    link.symlink_to(runs.source)
    assert runs.run(link) == STEPS
    link.unlink()
    link.symlink_to(other)
    assert runs.run(link) == STEPS
    assert runs.colors() == [BLUE, BLUE]


def test_a_source_that_changes_during_a_run_is_for_the_next(
    runs: Runs, mocker: MockerFixture
) -> None:
    """The run ends well, with the bundle that it has fetched."""
    replace(runs.source, bundle(2, 2))
    split = luigi_gif.bundles.bundle_frames.index_bundle

    def change(*arguments: Any, **options: Any) -> Any:
        replace(runs.source, bundle(3, 3))
        return split(*arguments, **options)

    patch = mocker.patch("luigi_gif.bundles.index_bundle", side_effect=change)
    assert runs.run() == STEPS
    assert runs.colors() == [GREEN, GREEN]
    mocker.stop(patch)
    assert runs.run() == STEPS
    assert runs.colors() == [BLUE, BLUE]


def test_a_bundle_that_the_user_put_there_is_used_whatever_the_source(runs: Runs) -> None:
    """It has no receipt."""
    (runs.work / "image-data.img").write_bytes(bundle(2, 2))
    (runs.work / "image-data.img.json").unlink()
    assert runs.run() == STEPS[1:]
    replace(runs.source, bundle(3, 3))
    assert runs.run() == []
    assert runs.colors() == [GREEN, GREEN]


def test_the_same_relative_path_elsewhere_is_another_source(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One work directory does not make one source of two folders."""
    for name, color in (("a", 1), ("b", 3)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.img").write_bytes(bundle(color))
        monkeypatch.chdir(tmp_path / name)
        assert runs.run(Path("x.img")) == STEPS
    assert runs.colors() == [BLUE]


def test_each_run_of_a_process_says_why(runs: Runs) -> None:
    """Luigi gives the same task object to all of them."""
    for _ in range(2):
        assert runs.run() == []
        for step in STEPS:
            assert sum(line.startswith(f"{step} skipped: ") for line in runs.log) == 1


def test_only_what_was_made_is_told(runs: Runs, mocker: MockerFixture) -> None:
    """A clip that a second run of this process finds current is no success of that run."""
    told = mocker.patch("luigi_gif.integrations.notify_success")
    (runs.work / "clip.gif").unlink()
    assert runs.run() == ["CombineGif"]
    assert runs.run() == []
    assert told.call_count == 1


def test_a_note_for_people_that_cannot_be_written_fails_nothing(
    runs: Runs, mocker: MockerFixture
) -> None:
    """The clip is there; the log says what is missing."""
    (runs.work / "clip.gif").unlink()
    (runs.work / "run.json").unlink()
    (runs.work / "run.json").mkdir()
    assert runs.run() == ["CombineGif"]
    assert runs.colors() == [RED, GREEN]
    assert any("run.json could not be written" in line for line in runs.log)


def test_a_run_that_fails_leaves_no_empty_folder(tmp_path: Path) -> None:
    """One that was there, and be it empty, stays."""
    (tmp_path / "mine").mkdir()
    for name in ("new", "mine"):
        task = luigi_gif.CombineGif(url=tmp_path / "none.img", workdir=tmp_path / name)
        assert not luigi.build([task], local_scheduler=True, no_lock=True)
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "mine").exists()


def test_targets_open_as_luigis_do(runs: Runs) -> None:
    """As bytes, as text, and by what takes a path."""
    task = luigi_gif.CombineGif(url=runs.source, workdir=runs.work)
    assert os.fspath(task.output()) == f"{runs.work}/clip.gif"
    with task.output().open() as clip:
        assert clip.read(6) == b"GIF89a"
    with task.requires().output().open("r") as manifest:
        assert '"crc32"' in manifest.read()
    with pytest.raises(OSError, match="only the pipeline writes"), task.output().open("w"):
        pass


@pytest.mark.parametrize(
    ("missing", "advice"),
    [
        ("picturs", "did you mean pictures?"),
        ("pictures/a.pgn", "did you mean a.png?"),
        ("other/a.png", "correct the URL"),
        ("z.png", "correct the URL"),
        ("www.example.org", "begin the URL with https://"),
        ("example.org/radar", "begin the URL with https://"),
        ("localhost:8877/radar", "begin the URL with https://"),
    ],
)
def test_what_is_not_there_may_be_near_to_what_is(
    tmp_path: Path, missing: str, advice: str
) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").touch()
    with pytest.raises(DownloadError) as error:
        clip_here(tmp_path / missing, tmp_path / "work")
    assert advice in error.value.next_step


def test_names_that_do_not_fit_the_format_of_their_time_are_told(
    runs: Runs, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for day in (1, 2, 3):
        (pictures / f"2026110{day}.gif").write_bytes(gif(day))
    told = "3 names, such as 20261101.gif, without a time that fits --time-format"
    runs.run(pictures, time_format="%d.%m.%Y")
    assert any(line.startswith(told) for line in runs.log)
    runs.run(pictures, time_format="%Y%m%d")
    assert not any("--time-format" in line for line in runs.log)


def test_what_helps_where_nothing_is_chosen_is_told(runs: Runs, tmp_path: Path) -> None:
    """Folders in a folder, times that no name has, and a span that ends before it begins."""
    inner = tmp_path / "pictures" / "inner"
    inner.mkdir(parents=True)
    (inner / "20261101.gif").write_bytes(gif(1))
    for url, options, words in (
        (inner.parent, {}, f"for the folders in it, write '{inner.parent}/**/*'"),
        (inner, {"since": "1h", "until": "2h"}, "give a --since that is before --until"),
        (
            inner,
            {"since": "2026-11-01", "until": "2026-11-01", "time_format": "%d.%m.%Y"},
            "none of 1 is wanted; 1 name without a time that fits --time-format",
        ),
    ):
        with pytest.raises(SourceError) as caught:
            luigi_gif.DownloadData(url=url, workdir=runs.work / words[:5], **options).run()
        assert words in str(caught.value)
