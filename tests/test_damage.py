"""A file that was damaged, or changed under a run, is named or made anew: no clip shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture
from support.images import DELIMITER, gif
from support.paths import ROOT
from support.pipeline import STEPS, Pipeline

import luigi_gif
from luigi_gif import storage
from luigi_gif.errors import StorageError


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


@pytest.mark.slow
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


def test_luigi_gif_mends_a_damaged_frame_in_the_same_run(
    tmp_path: Path, luigi_gif_here: Callable[..., int]
) -> None:
    """The damaged file may be the user's work: it is set aside."""
    workdir = tmp_path / "work"
    asked = (str(ROOT / "examples" / "sample.img"), "--workdir", str(workdir))
    assert luigi_gif_here(*asked) == 0
    path = workdir / "frames" / "frame_05.gif"
    written, first = path.read_bytes(), (workdir / "clip.gif").read_bytes()
    path.write_bytes(written[:-50] + b"x" + written[-49:])
    (workdir / "clip.gif").unlink()
    assert luigi_gif_here(*asked) == 0
    assert (workdir / "clip.gif").read_bytes() == first
    assert path.read_bytes() == written
    assert [each.name for each in path.parent.glob("frame_05.gif.*")] == ["frame_05.gif.altered"]


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
        found = luigi_gif.bundles.bundle_frames.BundleIndex(1, {"GIF": 1}, [(0, 0)], len(gif(1)))
        path.write_bytes(DELIMITER.join([gif(1), gif(2)]))
        return found

    monkeypatch.setattr("luigi_gif.bundles.index_bundle", change)
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


@pytest.mark.parametrize("name", ["frames.json", "frames/manifest.json"])
def test_a_note_of_another_version_is_made_anew(pipeline: Pipeline, name: str) -> None:
    """Its checksum is right, but it does not hold what this version needs."""
    pipeline.run()
    first = pipeline.clip()
    for needed in ("clip.gif", "frames/manifest.json"):
        (pipeline.workdir / needed).unlink()
    storage.open_folder(str(pipeline.workdir)).write_json(name, {"recipe": {}, "other": 1})
    pipeline.run()
    assert pipeline.ok
    assert pipeline.clip() == first


def test_what_vanishes_as_soon_as_it_is_made_is_named(pipeline: Pipeline) -> None:
    """Else Luigi would only say that a task is not complete."""
    url = pipeline.server.url("/bundle")
    task = luigi_gif.DownloadData(url=url, workdir=str(pipeline.workdir))
    task.run()
    (pipeline.workdir / "image-data.img").unlink()
    with pytest.raises(StorageError, match="what was just made is not there any more"):
        task.complete()
