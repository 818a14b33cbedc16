"""What is done is skipped, what was interrupted goes on, what changed is made anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.images import DELIMITER, gif
from support.pipeline import FRAMES, STEPS, Pipeline, mixed, waypoints_every

import luigi_gif
from luigi_gif import storage
from luigi_gif.frames import batch_writer, write_frames
from luigi_gif.frames import batches as frame_batches


def test_every_step_runs_once_and_says_why(pipeline: Pipeline) -> None:
    """The first run makes all, the second nothing, and no request reaches the server."""
    assert pipeline.run() == STEPS
    assert pipeline.ok
    assert f"DownloadData runs: {pipeline.workdir}/image-data.img is not there" in pipeline.log
    before = pipeline.files()
    assert pipeline.run() == []
    assert pipeline.ok
    assert pipeline.files() == before
    assert pipeline.server.requests == ["/bundle"]
    for step in STEPS:
        assert sum(line.startswith(f"{step} skipped: ") for line in pipeline.log) == 1


def test_a_frame_that_is_gone_is_written_again(pipeline: Pipeline) -> None:
    """With the clip, and nothing else."""
    pipeline.run()
    before = pipeline.files()
    (pipeline.workdir / "frames" / "frame_05.gif").unlink()
    (pipeline.workdir / "clip.gif").unlink()
    assert pipeline.run() == ["WriteFrames", "CombineGif"]
    after = pipeline.files()
    assert {name: data for name, (data, _) in before.items()} == {
        name: data for name, (data, _) in after.items()
    }
    assert after["image-data.img"] == before["image-data.img"]
    assert after["frames.json"] == before["frames.json"]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"GIF89a")])
def test_only_a_frame_that_is_missing_is_written_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    """Or one that is cut off, which is kept; all others, also of its chunk, are as before."""
    waypoints_every(monkeypatch, 4)
    pipeline.run()
    before = pipeline.files()
    damage(pipeline.workdir / "frames" / "frame_09.gif")
    (pipeline.workdir / "clip.gif").unlink()
    pipeline.run()
    changed = {
        name
        for name, state in pipeline.files().items()
        if state != before.get(name) and name.startswith("frames/frame")
    }
    assert changed - {"frames/frame_09.gif.altered"} == {"frames/frame_09.gif"}
    assert len(changed) == (1 if damage is Path.unlink else 2)
    assert any(f"1 of {FRAMES} frame files" in line for line in pipeline.log)


def test_another_way_to_play_runs_the_last_step_alone(pipeline: Pipeline) -> None:
    """And back again."""
    pipeline.run()
    first = pipeline.clip()
    for name, value in (("plays", 3), ("frame_duration_ms", 40)):
        assert pipeline.run(**{name: value}) == ["CombineGif"]
        assert any(f"made with another {name}" in line for line in pipeline.log)
        assert pipeline.clip() != first
        assert pipeline.run() == ["CombineGif"]
        assert pipeline.clip() == first


def test_another_url_in_the_same_folder_serves_nothing_stale(pipeline: Pipeline) -> None:
    """Frames of the first that the second has no place for are removed."""
    pipeline.run()
    pipeline.server.pages["/other"] = DELIMITER.join([gif(1), gif(2)])
    assert pipeline.run(url=pipeline.server.url("/other")) == STEPS
    assert pipeline.ok
    names = sorted(name for name in pipeline.files() if name.startswith("frames/"))
    assert names == [
        "frames/frame_00.gif",
        "frames/frame_01.gif",
        "frames/manifest.json",
        "frames/records.json",
    ]
    assert pipeline.files()["image-data.img"][0] == pipeline.server.pages["/other"]


def test_urls_that_differ_in_their_query_are_different(pipeline: Pipeline) -> None:
    """Though both are shown alike."""
    pipeline.run(url=pipeline.server.url("/bundle?id=1"))
    assert pipeline.run(url=pipeline.server.url("/bundle?id=2")) == STEPS
    assert pipeline.run(url=pipeline.server.url("/bundle?id=2")) == []


def test_two_urls_have_two_folders(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no work directory is named."""
    monkeypatch.chdir(tmp_path)
    pipeline.run(workdir="")
    pipeline.run(url=pipeline.server.url("/bundle?2"), workdir="")
    folders = sorted(path.name for path in (tmp_path / "data").iterdir())
    assert len(folders) == 2
    assert all(name.startswith("bundle-") for name in folders)


def test_what_a_finished_clip_was_made_of_may_go(pipeline: Pipeline) -> None:
    """It stays finished."""
    pipeline.run()
    for name in pipeline.files():
        if name != "clip.gif":
            (pipeline.workdir / name).unlink()
    assert pipeline.run() == []
    assert pipeline.ok


def test_a_work_directory_may_be_copied(pipeline: Pipeline, tmp_path: Path) -> None:
    """Its files have other times then, but the bundle is the same: it is read once, and kept."""
    pipeline.run()
    shutil.copytree(pipeline.workdir, tmp_path / "copy", copy_function=shutil.copyfile)
    pipeline.workdir = tmp_path / "copy"
    before = pipeline.files()
    assert pipeline.run() == ["DownloadData"]
    assert pipeline.ok
    assert any("made sure of" in line for line in pipeline.log)
    assert pipeline.run() == []
    after = pipeline.files()
    del before["image-data.img.json"], after["image-data.img.json"]
    assert after == before
    assert pipeline.server.requests == ["/bundle"]


def test_every_way_to_run_makes_the_same_clip(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The serial twin, and any number of threads."""
    waypoints_every(monkeypatch, 4)
    pipeline.run()
    first = pipeline.workdir
    made = ["clip.gif", *(str(path.relative_to(first)) for path in first.glob("frames/*"))]
    assert len(made) == 1 + FRAMES + 2
    monkeypatch.setattr(luigi_gif.execution.executors, "COPYING_LOCAL_FIRST_S", 0.0)
    for workers in (0, 1, 4):
        pipeline.workdir = tmp_path / str(workers)
        monkeypatch.setattr(luigi_gif.settings.dask.workers, "_default", workers)
        pipeline.run()
        for name in made:
            assert (pipeline.workdir / name).read_bytes() == (first / name).read_bytes(), workers


def test_a_store_will_do_for_a_work_directory(pipeline: Pipeline) -> None:
    """The clip is the one of a local folder, and what is done is skipped."""
    pipeline.run()
    first = pipeline.clip()
    workdir = f"memory://{pipeline.workdir.parent.name}"
    assert pipeline.run(workdir=workdir) == STEPS
    assert pipeline.ok
    assert storage.open_folder(workdir).read("clip.gif") == first
    assert pipeline.run(workdir=workdir) == []
    storage.open_folder(workdir).remove("frames/frame_03.gif")
    assert pipeline.run(workdir=workdir, plays=1) == ["WriteFrames", "CombineGif"]


def test_an_interrupted_run_goes_on(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the manifest notes as written is not written again."""
    waypoints_every(monkeypatch, 2)
    monkeypatch.setattr(write_frames, "CHECKPOINT_S", 0.0)
    write_batch = batch_writer.write_batch
    batches = []

    def stop_at_the_third(shared: storage.FolderHandle, batch: frame_batches.Batch) -> Any:
        batches.append(batch)
        if len(batches) == 3:
            raise KeyboardInterrupt
        return write_batch(shared, batch)

    monkeypatch.setattr(write_frames, "write_batch", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run()
    assert pipeline.run() == ["WriteFrames", "CombineGif"]
    written = [task.chunk_index for batch in batches for task in batch.chunk_tasks]
    interrupted = [task.chunk_index for task in batches[2].chunk_tasks]
    assert sorted(written) == sorted([*range(6), *interrupted])


def test_a_run_of_another_url_in_between_is_noticed(pipeline: Pipeline) -> None:
    """Its frames do not end up in this clip."""
    pipeline.run()
    late = luigi_gif.CombineGif(
        url=pipeline.server.url("/bundle"), workdir=str(pipeline.workdir), plays=9
    )
    pipeline.server.pages["/other"] = DELIMITER.join([gif(1), gif(2)])
    pipeline.run(url=pipeline.server.url("/other"))
    before = pipeline.files()
    with pytest.raises(luigi_gif.errors.StorageError, match="has changed meanwhile"):
        late.run()
    assert pipeline.files() == before


@pytest.mark.slow
def test_only_what_a_parameter_shapes_is_made_again(pipeline: Pipeline) -> None:
    """--optimize shapes the clip, --quality and --size the frames, --on-bad-frame what is found."""
    pipeline.server.pages["/bundle"] = mixed()
    assert pipeline.run() == STEPS
    plain = pipeline.clip()
    assert pipeline.run(optimize="lossless") == ["CombineGif"]
    assert pipeline.run(quality="best") == ["WriteFrames", "CombineGif"]
    assert pipeline.run(size=(32, None)) == ["WriteFrames", "CombineGif"]
    assert pipeline.run(on_bad_frame="skip") == ["SplitFrames", "WriteFrames", "CombineGif"]
    assert pipeline.run() == ["SplitFrames", "WriteFrames", "CombineGif"]
    assert pipeline.clip() == plain
    assert not list(pipeline.workdir.rglob("*tmp*"))


def test_leftovers_are_swept_wherever_they_are(pipeline: Pipeline) -> None:
    """Beside the bundle, the frames and the clip; the user's own files stay."""
    names = {"data_file": "in/x.img", "gif_file": "out/x.gif"}
    pipeline.run(**names)
    (pipeline.workdir / "out" / "x.gif").unlink()
    for folder in ("", "in", "frames", "out"):
        (pipeline.workdir / folder / f"x.0123456789abcdef{storage.TEMPORARY_SUFFIX}").touch()
        (pipeline.workdir / folder / "mine").touch()
    assert pipeline.run(**names) == ["CombineGif"]
    assert not list(pipeline.workdir.rglob(f"*{storage.TEMPORARY_SUFFIX}"))
    assert len(list(pipeline.workdir.rglob("mine"))) == 4
