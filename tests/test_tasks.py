"""What is done is skipped, what was interrupted goes on, what changed is made anew."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageSequence
from pytest_mock import MockerFixture
from support.images import DELIMITER, gif, true_color
from support.pipeline import BUNDLE, FRAMES, SIZE, STEPS, Pipeline, frame, waypoints_every

import luigi_gif
from luigi_gif import storage
from luigi_gif.errors import ParameterError
from luigi_gif.frames import batch_writer, write_frames
from luigi_gif.frames import batches as frame_batches
from luigi_gif.frames import manifest as manifests


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
    assert names == ["frames/frame_00.gif", "frames/frame_01.gif", "frames/manifest.json"]
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


def test_a_bundle_of_the_user_is_used_and_never_overwritten(pipeline: Pipeline) -> None:
    """A file without a receipt; when it changes, what depends on it is made anew."""
    pipeline.workdir.mkdir()
    mine = pipeline.workdir / "image-data.img"
    mine.write_bytes(DELIMITER.join([gif(1), gif(2)]))
    assert pipeline.run() == STEPS[1:]
    assert pipeline.run() == []
    first = pipeline.clip()
    mine.write_bytes(DELIMITER.join([gif(1), gif(2), gif(3)]))
    assert pipeline.run() == STEPS[1:]
    assert any("made of another bundle" in line for line in pipeline.log)
    assert pipeline.clip() != first
    assert pipeline.server.requests == []


@pytest.mark.parametrize("data", [b"", gif(1) + DELIMITER + gif(2)])
def test_a_bundle_that_changed_is_set_aside(pipeline: Pipeline, data: bytes) -> None:
    """It may be the user's, so it is kept; the run fails and names it, the next one is right."""
    pipeline.run()
    first = pipeline.clip()
    bundle = pipeline.workdir / "image-data.img"
    bundle.write_bytes(data)
    assert pipeline.run() == ["DownloadData"]
    assert not pipeline.ok
    assert any("the bundle was changed after it was downloaded" in line for line in pipeline.log)
    aside = pipeline.workdir / "image-data.img.altered"
    assert aside.read_bytes() == data
    assert pipeline.clip() == first
    pipeline.run()
    assert pipeline.ok
    assert pipeline.clip() == first
    assert aside.read_bytes() == data


def test_a_bundle_that_was_set_aside_can_be_used(pipeline: Pipeline) -> None:
    """As the error says: with its name, and without the receipt."""
    pipeline.run()
    first = pipeline.clip()
    bundle = pipeline.workdir / "image-data.img"
    bundle.write_bytes(gif(1) + DELIMITER + gif(2))
    pipeline.run()
    (pipeline.workdir / "image-data.img.altered").rename(bundle)
    (pipeline.workdir / "image-data.img.json").unlink()
    assert pipeline.run() == STEPS[1:]
    assert pipeline.clip() != first


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


@pytest.mark.parametrize("name", ["frames.json", "frames/manifest.json"])
def test_a_damaged_note_is_made_anew(pipeline: Pipeline, name: str) -> None:
    """An emptied, cut or altered index or manifest ends in no traceback and no wrong clip."""
    pipeline.run()
    before = pipeline.files()
    for text in (
        b"",
        b"{}",
        b'{"count"',
        b"[]",
        b'{"recipe": null, "sha256": 1, "written": [], "stretches": []}',
    ):
        for needed in ("clip.gif", "frames/manifest.json"):
            (pipeline.workdir / needed).unlink()
        (pipeline.workdir / name).write_bytes(text)
        pipeline.run()
        assert pipeline.ok, text
        after = pipeline.files()
        for made in ("frames/frame_07.gif", "clip.gif", "frames/manifest.json", "frames.json"):
            assert after[made][0] == before[made][0], (text, made)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"recipe": null}'])
def test_a_damaged_receipt_is_no_reason_to_overwrite(pipeline: Pipeline, text: bytes) -> None:
    """The bundle beside it may be anyone's, unless the index knows it too."""
    pipeline.run()
    before = pipeline.files()
    (pipeline.workdir / "image-data.img.json").write_bytes(text)
    assert pipeline.run(plays=1) == ["CombineGif"]
    (pipeline.workdir / "frames.json").unlink()
    assert pipeline.run(plays=2) == ["DownloadData"]
    assert not pipeline.ok
    assert pipeline.files()["image-data.img.altered"] == before["image-data.img"]
    pipeline.run(plays=2)
    assert pipeline.ok


PRODUCTS = (
    "image-data.img",
    "image-data.img.json",
    "frames.json",
    "frames/manifest.json",
    "frames/frame_05.gif",
    "clip.gif",
)


@pytest.mark.parametrize("name", PRODUCTS)
def test_no_damage_reaches_a_clip(pipeline: Pipeline, name: str) -> None:
    """Whatever was hurt is named or made anew, and the second run at the latest is right."""
    pipeline.run()
    first = pipeline.clip()
    path = pipeline.workdir / name
    for damage in ("altered", "cut", "emptied"):
        data = path.read_bytes()
        middle = len(data) // 2
        damaged = {
            "altered": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "cut": data[:-1],
            "emptied": b"",
        }
        path.write_bytes(damaged[damage])
        for product in PRODUCTS[max(2, PRODUCTS.index(name) + 1) :]:
            (pipeline.workdir / product).unlink()  # so that the damaged one is needed
        pipeline.run()
        if not pipeline.ok:
            # A checksum is of several frames: the first of them is named.
            named = str(path.parent if path.parent.name == "frames" else path)
            named = named.removesuffix(".json")
            assert any(f"where:    {named}" in line for line in pipeline.log), damage
            pipeline.run()
        assert pipeline.ok, damage
        assert pipeline.clip() == first, damage


def test_a_damaged_frame_is_noticed_and_mended(pipeline: Pipeline) -> None:
    """Of the same size even: the run fails and names it, the next one writes it anew."""
    pipeline.run()
    first = pipeline.clip()
    path = pipeline.workdir / "frames" / "frame_05.gif"
    data = bytearray(path.read_bytes())
    data[-50] ^= 1
    path.write_bytes(data)
    (pipeline.workdir / "clip.gif").unlink()
    assert pipeline.run() == ["CombineGif"]
    assert not pipeline.ok
    assert any("a frame file is not what was written" in line for line in pipeline.log)
    assert pipeline.run() == ["WriteFrames", "CombineGif"]
    assert pipeline.clip() == first


def test_a_clip_of_somebody_else_is_left_alone(pipeline: Pipeline) -> None:
    """The error names it; elsewhere the clip can be made."""
    pipeline.workdir.mkdir()
    mine = pipeline.workdir / "clip.gif"
    mine.write_bytes(gif(1))
    pipeline.run()
    assert not pipeline.ok
    assert any(f"where:    {mine}" in line for line in pipeline.log)
    assert mine.read_bytes() == gif(1)
    assert pipeline.run(gif_file="other/clip.gif") == ["CombineGif"]
    assert pipeline.ok
    assert (pipeline.workdir / "other" / "clip.gif").exists()


def test_a_checksum_guards_the_bundle(pipeline: Pipeline) -> None:
    """A wrong one leaves no bundle; the right one may be written in capitals."""
    pipeline.run(sha256="0" * 64)
    assert not pipeline.ok
    assert "image-data.img" not in pipeline.files()
    right = hashlib.sha256(BUNDLE).hexdigest()
    pipeline.run(sha256=right.upper())
    assert pipeline.ok
    assert pipeline.run() == pipeline.run(sha256=right) == []
    assert pipeline.run(sha256="0" * 64) == ["DownloadData"]
    assert not pipeline.ok
    assert pipeline.files()["image-data.img"][0] == BUNDLE


def test_a_checksum_guards_a_bundle_of_the_user_too(pipeline: Pipeline) -> None:
    """Which is not touched."""
    pipeline.workdir.mkdir()
    mine = pipeline.workdir / "image-data.img"
    mine.write_bytes(BUNDLE)
    pipeline.run(sha256="0" * 64)
    assert not pipeline.ok
    assert mine.read_bytes() == BUNDLE
    pipeline.run(sha256=hashlib.sha256(BUNDLE).hexdigest())
    assert pipeline.ok


def test_names_may_be_chosen(pipeline: Pipeline) -> None:
    """Of the bundle and of the clip."""
    pipeline.run(data_file="in/frames.bin", gif_file="out.gif")
    assert pipeline.ok
    assert {"in/frames.bin", "in/frames.bin.json", "out.gif"} < set(pipeline.files())


@pytest.mark.parametrize("name", ["frames.json", "a.json", "frames/x.gif", ".lock"])
def test_names_of_the_pipeline_are_not_to_be_had(name: str) -> None:
    """They would be overwritten, or swept."""
    with pytest.raises(ParameterError, match="does not use itself"):
        luigi_gif.CombineGif(gif_file=name)


@pytest.mark.parametrize("name", ["", "/clip.gif", "../clip.gif", "a/../../b", "."])
def test_names_stay_inside_the_work_directory(name: str) -> None:
    """Whatever leads out of it is refused."""
    with pytest.raises(ParameterError, match="a relative path inside the work directory"):
        luigi_gif.CombineGif(gif_file=name)


@pytest.mark.parametrize(
    "parameters",
    [
        {"plays": -1},
        {"plays": 65_537},
        {"frame_duration_ms": 5},
        {"sha256": "x"},
        {"plays": "1"},
        {"plays": 1.5},
    ],
)
def test_values_that_cannot_be_used_are_refused(parameters: dict[str, Any]) -> None:
    """The error names the flag."""
    (name,) = parameters
    with pytest.raises(ParameterError, match=f"--{name.replace('_', '-')}"):
        luigi_gif.CombineGif(**parameters)


def test_secrets_of_a_url_are_shown_nowhere(pipeline: Pipeline, tmp_path: Path) -> None:
    """Neither in the log, nor in a file, nor in what Luigi makes of the task."""
    url = pipeline.server.url("/bundle?token=hunter2").replace("http://", "http://user:hunter2@")
    pipeline.run(url=url)
    assert pipeline.ok
    task = luigi_gif.CombineGif(url=url)
    assert "hunter2" not in f"{task!r} {task.task_id} {json.dumps(task.to_str_params())}"
    assert [line for line in pipeline.log if "hunter2" in line] == []
    for name, (data, _) in pipeline.files().items():
        assert b"hunter2" not in data, name


def test_every_way_to_run_makes_the_same_clip(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The serial twin, and any number of threads."""
    waypoints_every(monkeypatch, 4)
    pipeline.run()
    first = pipeline.workdir
    made = ["clip.gif", *(str(path.relative_to(first)) for path in first.glob("frames/*"))]
    assert len(made) == 1 + FRAMES + 1
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


def test_images_that_a_clip_does_not_show_are_counted(pipeline: Pipeline) -> None:
    """A frame that is an animation itself shows its first image, with a warning."""
    others = [Image.open(io.BytesIO(gif(color))) for color in (2, 3)]
    several = gif(1, save_all=True, append_images=others)
    pipeline.server.pages["/bundle"] = DELIMITER.join([several, gif(2), several])
    pipeline.run()
    told = "4 images are left out: a clip shows the first of each frame (frames 0, 2)"
    assert told in pipeline.log
    with Image.open(pipeline.workdir / "clip.gif") as image:
        assert len(list(ImageSequence.Iterator(image))) == 3


@functools.cache
def mixed() -> bytes:
    """A picture in each format, of thousands of colors and two sizes, two with a hole."""
    return DELIMITER.join(true_color(number) for number in range(6))


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
    assert any(line.startswith("1 frames ask to show for less than 20 ms") for line in pipeline.log)
    with Image.open(pipeline.workdir / "clip.gif") as image:
        shown = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert shown == [20, 30, 100]


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


def test_a_bundle_that_changes_before_its_frames_are_written_is_noticed(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that finds other frames than were counted says so."""
    pipeline.workdir.mkdir()
    bundle = pipeline.workdir / "image-data.img"
    bundle.write_bytes(DELIMITER.join([gif(1), gif(2)]))
    task = luigi_gif.CombineGif(workdir=str(pipeline.workdir))
    task.requires().requires().run()
    version = storage.open_folder(str(pipeline.workdir)).version("image-data.img")
    bundle.write_bytes(gif(1) + b"\n" * (len(gif(2)) + 4))
    # As where a file system keeps times in steps of 2 s.
    monkeypatch.setattr(storage.LocalFolder, "version", lambda *_: version)
    with pytest.raises(luigi_gif.errors.BundleError, match="changed while it was used"):
        task.requires().run()


def test_a_bundle_that_changes_while_it_is_split_is_noticed(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found in the old one is not noted for the new one."""
    pipeline.workdir.mkdir()
    path = pipeline.workdir / "image-data.img"
    path.write_bytes(gif(1))

    def change(read: Any, *, strict: bool) -> Any:
        found = luigi_gif.sources.bundle_frames.BundleIndex(1, {"GIF": 1}, [(0, 0)], len(gif(1)))
        path.write_bytes(DELIMITER.join([gif(1), gif(2)]))
        return found

    monkeypatch.setattr("luigi_gif.sources.index_bundle", change)
    with pytest.raises(luigi_gif.errors.BundleError, match="changed while it was used"):
        luigi_gif.SplitFrames(workdir=str(pipeline.workdir)).run()
    assert not (pipeline.workdir / "frames.json").exists()


def test_a_download_that_cannot_be_kept_leaves_the_old_one(
    pipeline: Pipeline, mocker: MockerFixture
) -> None:
    """A disk that is full at the very end, too."""
    pipeline.run()
    before = pipeline.files()
    pipeline.server.pages["/other"] = gif(1)
    mocker.patch("os.fsync", side_effect=OSError(28, "full"))
    pipeline.run(url=pipeline.server.url("/other"))
    assert not pipeline.ok
    assert pipeline.files() == before
