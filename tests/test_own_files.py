"""What the pipeline did not write it does not touch: links, what is no file, the user's own."""

from __future__ import annotations

import itertools
import json
import os
import socket
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from support.images import DELIMITER, gif
from support.page_server import Server
from support.pipeline import BUNDLE, FRAMES, STEPS, Pipeline, frame, waypoints_every

import luigi_gif
from luigi_gif import storage
from luigi_gif.errors import ForeignFileError, ParameterError, StorageError
from luigi_gif.frames import batch_writer, claims, write_frames
from luigi_gif.frames import manifest as manifests
from luigi_gif.frames.frame_files import frame_file_name

OURS = (
    ".lock",
    "image-data.img.json",
    "image-data.img.part",
    "image-data.img.part.json",
    "frames.json",
    "frames/manifest.json",
    "frames/frame_05.gif",
    "clip.gif",
    "run.json",
)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a path of a socket has 108 bytes at the most
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


KINDS: dict[str, Callable[[Path], None]] = {
    "a named pipe": pipe,
    "a folder": Path.mkdir,
    "a socket": unix_socket,
    "a symbolic link": lambda path: path.symlink_to(path.parent / "nothing"),
}


PLACES = [
    *((name, "a named pipe") for name in (*OURS, "image-data.img")),
    *itertools.product((".lock", "clip.gif", "image-data.img"), [*KINDS][1:]),
]


@pytest.mark.parametrize(("name", "kind"), PLACES)
def test_what_is_no_file_is_named_and_left_alone(pipeline: Pipeline, name: str, kind: str) -> None:
    """In the place of any file: nothing waits for it, and the run fails in words."""
    path = pipeline.workdir / name
    path.parent.mkdir(parents=True)
    KINDS[kind](path)
    before = path.lstat()
    pipeline.run()
    assert pipeline.ok == (name == "run.json")  # which is for people: a warning will do
    assert any(str(path) in line for line in pipeline.log)
    assert any(f"{kind}, which is left as it is" in line for line in pipeline.log)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert not (path.parent / "nothing").exists()


@pytest.mark.parametrize("name", OURS)
def test_nothing_is_written_through_a_link(pipeline: Pipeline, tmp_path: Path, name: str) -> None:
    """The file that it leads to stays as it is, and so does the link."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path = pipeline.workdir / name
    path.parent.mkdir(parents=True)
    path.symlink_to(victim)
    pipeline.run()
    assert pipeline.ok == (name == "run.json")
    assert any(str(path) in line for line in pipeline.log)
    assert victim.read_bytes() == b"precious"
    assert path.is_symlink()


def test_no_subfolder_leads_out(pipeline: Pipeline, tmp_path: Path) -> None:
    """A frames/ that is a link is not written to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "frame_00.gif").write_bytes(b"precious")
    pipeline.workdir.mkdir()
    (pipeline.workdir / "frames").symlink_to(outside)
    pipeline.run()
    assert not pipeline.ok
    assert any("got:      a symbolic link" in line for line in pipeline.log)
    assert [path.read_bytes() for path in outside.iterdir()] == [b"precious"]


def test_a_work_directory_may_be_reached_through_a_link(pipeline: Pipeline, tmp_path: Path) -> None:
    """The user named it; and a bundle of the user's may be a link too: it is only read."""
    (tmp_path / "disk").mkdir()
    pipeline.workdir.symlink_to(tmp_path / "disk")
    (tmp_path / "mine.img").write_bytes(DELIMITER.join([gif(1), gif(2)]))
    (tmp_path / "disk" / "image-data.img").symlink_to(tmp_path / "mine.img")
    pipeline.run()
    assert pipeline.ok
    assert (tmp_path / "disk" / "clip.gif").exists()
    assert (tmp_path / "disk" / "image-data.img").is_symlink()


def test_a_download_writes_to_no_second_name(tmp_path: Path) -> None:
    """What a backup has linked is not altered in place."""
    folder = storage.LocalFolder(str(tmp_path / "work"))
    folder.write("x.part", b"old")
    os.link(tmp_path / "work" / "x.part", tmp_path / "backup")
    with folder.update("x.part") as file:
        file.write(b"new bytes")
    assert (tmp_path / "backup").read_bytes() == b"old"
    assert folder.read("x.part") == b"new bytes"


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


def test_frames_of_the_user_are_never_replaced(pipeline: Pipeline) -> None:
    """No manifest claims them: the run names one; with it away, others of any number stay."""
    names = ("frame_00.gif", "frame_000.gif", "frame_001.gif", "frame_1.gif", "mine.gif")
    mine = {name: gif(3, (9, number + 1)) for number, name in enumerate(names)}
    folder = pipeline.workdir / "frames"
    folder.mkdir(parents=True)
    for name, data in mine.items():
        (folder / name).write_bytes(data)
    for _ in range(2):  # that the first run has left a manifest claims nothing
        pipeline.run()
        assert not pipeline.ok
        assert any(f"where:    {folder}/frame_00.gif" in line for line in pipeline.log)
        assert {name: (folder / name).read_bytes() for name in names} == mine
    (folder / "frame_00.gif").rename(folder / "frame_00.gif.mine")
    pipeline.run()
    assert pipeline.ok
    assert (folder / "frame_00.gif").read_bytes() == frame(0)
    pipeline.server.pages["/bundle"] = DELIMITER.join([gif(1), gif(2)])
    pipeline.run(url=pipeline.server.url("/bundle?other"))
    assert pipeline.ok
    left = {path.name: path.read_bytes() for path in folder.glob("*.gif")}
    assert left == {**mine, "frame_00.gif": gif(1), "frame_01.gif": gif(2)}


def test_frames_that_are_right_need_no_manifest(pipeline: Pipeline) -> None:
    """They are left as they are, and become its own."""
    pipeline.run()
    before = pipeline.files()
    (pipeline.workdir / "frames" / "manifest.json").unlink()
    (pipeline.workdir / "clip.gif").unlink()
    pipeline.run()
    assert pipeline.ok
    after = pipeline.files()
    for name, state in before.items():
        if name.startswith("frames/frame_"):
            assert after[name] == state
    assert after["frames/manifest.json"][0] == before["frames/manifest.json"][0]


@pytest.mark.parametrize("parameters", [{}, {"size": (9, None)}])
def test_an_altered_frame_is_set_aside(
    pipeline: Pipeline, parameters: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where frames of another kind take its place; the next run at the latest is right."""
    waypoints_every(monkeypatch, 4)
    pipeline.run(**parameters)
    right = pipeline.clip()
    pipeline.run()
    path = pipeline.workdir / "frames" / "frame_05.gif"
    mine = path.read_bytes()[:-1] + b"!"
    path.write_bytes(mine)
    (pipeline.workdir / "clip.gif").unlink()
    pipeline.run(**parameters)
    if not pipeline.ok:
        pipeline.run(**parameters)
    assert pipeline.ok
    assert pipeline.clip() == right
    assert path.with_name("frame_05.gif.altered").read_bytes() == mine
    manifest = json.loads((pipeline.workdir / "frames" / "manifest.json").read_bytes())
    assert {"earlier", "unclaimed"}.isdisjoint(manifest)
    assert [path.name for path in path.parent.glob("*.altered*")] == ["frame_05.gif.altered"]


def test_a_run_with_other_flags_takes_over_what_a_killed_one_left(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is taken for the user's, and nothing of it stays."""
    waypoints_every(monkeypatch, 4)
    pipeline.run()
    right = pipeline.clip()
    pipeline.server.pages["/other"] = DELIMITER.join([gif(1), gif(2), gif(3)] * 40)
    monkeypatch.setattr(write_frames, "write_batch", killed(batch_writer.write_batch, after=2))
    pipeline.run(url=pipeline.server.url("/other"), size=(9, None))
    assert not pipeline.ok
    manifest = manifests.load_manifest(storage.open_folder(str(pipeline.workdir)))
    assert manifest is not None
    assert [*map(tuple, manifest.earlier)] == [(2, 0, FRAMES)]
    monkeypatch.undo()
    waypoints_every(monkeypatch, 4)
    pipeline.run()
    assert pipeline.ok
    assert pipeline.clip() == right
    names = {path.name for path in (pipeline.workdir / "frames").iterdir()}
    frames = {f"frame_{number:02d}.gif" for number in range(FRAMES)}
    assert names == {"manifest.json", "records.json", *frames}


def killed(function: Callable[..., object], after: int) -> Callable[..., object]:
    """The function, which raises once it has done its work so often."""
    calls = []

    def call(*args: object) -> object:
        calls.append(args)
        if len(calls) > after:
            raise StorageError("killed", where="", expected="", got="", next_step="")
        return function(*args)

    return call


def test_what_nobody_has_changed_is_proven_by_checksums(tmp_path: Path) -> None:
    """Ranges of it are merged, and no file of a chunk that differs is among them."""
    folder = storage.open_folder(str(tmp_path))
    chunks = [manifests.Chunk(number, 2, 0, 0) for number in (0, 2, 4, 6)]
    old = manifests.new_manifest({}, {"sha256": "", "waypoints": [(0, 0)], "frames": 8, "end": 0})
    old = old._replace(chunks=chunks, results=[None] * 4)
    for number in range(8):
        folder.write(frame_file_name(number, 2), b"%d" % number)
    for index in range(4):
        data = b"%d%d" % (2 * index, 2 * index + 1)
        old.results[index] = manifests.ChunkResult(2, zlib.crc32(data), 1, 1, True, 0, 0, 0, [])
    old.results[3] = None
    folder.write(frame_file_name(3, 2), b"x")
    old.save(folder)
    new = old._replace(recipe={"other": 1}, results=[None] * 4, unclaimed=set(), earlier=[])
    assert claims.claim_existing_files(folder, new) == [
        "frames/frame_02.gif.altered",
        "frames/frame_03.gif.altered",
    ]
    assert new.earlier == [manifests.EarlierFiles(2, 0, 2), manifests.EarlierFiles(2, 4, 8)]
    assert new.unclaimed == set()


def test_an_edited_clip_is_set_aside(pipeline: Pipeline) -> None:
    """And another one under another name; a warning says which."""
    pipeline.run()
    right = pipeline.clip()
    path = pipeline.workdir / "clip.gif"
    for number, aside in enumerate(("clip.gif.altered", "clip.gif.altered-2")):
        mine = right[:-1] + b"%d;" % number
        path.write_bytes(mine)
        pipeline.run()
        assert pipeline.ok
        assert pipeline.clip() == right
        assert (pipeline.workdir / aside).read_bytes() == mine
        assert any(aside in line for line in pipeline.log)


def test_each_altered_bundle_is_kept(pipeline: Pipeline) -> None:
    """None that was set aside is overwritten by the next."""
    bundle = pipeline.workdir / "image-data.img"
    mine = [gif(1), DELIMITER.join([gif(1), gif(2)]), b""]
    pipeline.run()
    for data in mine:
        bundle.write_bytes(data)
        pipeline.run()
        assert not pipeline.ok
        pipeline.run()
        assert pipeline.ok
    kept = [path.read_bytes() for path in sorted(pipeline.workdir.glob("*.altered*"))]
    assert kept == mine


@pytest.mark.parametrize(
    "name", ["frames.json", "run.json", "frames/manifest.json", "image-data.img.part.json"]
)
def test_a_json_file_of_the_user_is_set_aside(pipeline: Pipeline, name: str) -> None:
    """One that never had the pipeline's checksum."""
    mine = b'{"my": "settings"}'
    path = pipeline.workdir / name
    path.parent.mkdir(parents=True)
    path.write_bytes(mine)
    folder = storage.open_folder(str(pipeline.workdir))
    folder.write_json(name, {"a": 1})
    assert folder.read_json(name) == {"a": 1}
    assert path.with_name(f"{path.name}.altered").read_bytes() == mine


def test_a_part_that_no_note_claims_is_set_aside(pipeline: Pipeline) -> None:
    """A download never overwrites it, also not one that fails; the pipeline's own is gone."""
    part = pipeline.workdir / "image-data.img.part"
    part.parent.mkdir()
    part.write_bytes(b"mine")
    pipeline.run(sha256="0" * 64)
    assert not pipeline.ok
    pipeline.run()
    assert pipeline.ok
    assert part.with_name("image-data.img.part.altered").read_bytes() == b"mine"
    assert [path.name for path in part.parent.glob("*.part*")] == ["image-data.img.part.altered"]


def test_a_bundle_that_comes_during_a_download_is_set_aside(pipeline: Pipeline) -> None:
    """It is the user's: the download does not replace it."""
    bundle = pipeline.workdir / "image-data.img"

    def answer(handler: BaseHTTPRequestHandler) -> None:
        bundle.write_bytes(b"mine")
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BUNDLE)))
        handler.end_headers()
        handler.wfile.write(BUNDLE)

    pipeline.server.pages["/bundle"] = answer
    pipeline.run()
    assert pipeline.ok
    assert bundle.read_bytes() == BUNDLE
    assert bundle.with_name("image-data.img.altered").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["clip.gif", "frames/frame_03.gif", "image-data.img.part"])
def test_a_source_is_never_written_over(tmp_path: Path, name: str) -> None:
    """One in the work directory, under a name that the run writes to: an error before any work."""
    with pytest.raises(ParameterError, match="the source lies where this run writes"):
        luigi_gif.CombineGif(url=str(tmp_path / name), workdir=str(tmp_path))
    with pytest.raises(ParameterError, match="the source lies where this run writes"):
        luigi_gif.CombineGif(url=["a.png", str(tmp_path / name)], workdir=str(tmp_path))
    luigi_gif.CombineGif(url=f"file://{tmp_path}/image-data.img", workdir=str(tmp_path))


@pytest.mark.parametrize("url", ["", ".", "*", "*.img", "clip.*", "frames/", "../*/*", "**/*.gif"])
def test_a_run_does_not_write_among_the_pictures_of_its_source(tmp_path: Path, url: str) -> None:
    """The next one would take them, and the one behind that one yet more."""
    with pytest.raises(ParameterError, match=r"would be a picture of the next|run writes"):
        luigi_gif.CombineGif(url=f"{tmp_path}/{url}", workdir=str(tmp_path))


@pytest.mark.parametrize("url", ["*.png", "clip?.gif", "pictures/", "../*.gif", "**/*.jpg"])
def test_pictures_may_lie_beside_what_a_run_writes(tmp_path: Path, url: str) -> None:
    """If their pattern tells them apart, or --match."""
    luigi_gif.CombineGif(url=f"{tmp_path}/{url}", workdir=str(tmp_path))
    luigi_gif.CombineGif(url=str(tmp_path), workdir=str(tmp_path), match="*.png")


def test_a_lock_file_of_the_user_keeps_its_content(tmp_path: Path) -> None:
    """It locks all the same."""
    (tmp_path / ".lock").write_bytes(b"mine")
    folder = storage.open_folder(str(tmp_path))
    with (
        folder.locked(),
        pytest.raises(StorageError, match="a program that is no run of this pipeline"),
    ):
        storage.open_folder(str(tmp_path)).locked(0).__enter__()
    assert (tmp_path / ".lock").read_bytes() == b"mine"


def test_only_names_of_the_pipeline_are_swept(tmp_path: Path) -> None:
    """A file, link or folder of another name, or kind, stays."""
    folder = storage.open_folder(str(tmp_path))
    (tmp_path / "mine.luigi-gif-tmp").touch()
    (tmp_path / "clip.gif.0123456789abcdef.luigi-gif-tmp").mkdir()
    (tmp_path / "x.0123456789abcdef.luigi-gif-tmp").symlink_to(tmp_path)
    (tmp_path / "y.0123456789abcdef.luigi-gif-tmp").touch()
    with folder.locked():
        folder.sweep()
    assert sorted(os.listdir(tmp_path)) == [
        ".lock",
        "clip.gif.0123456789abcdef.luigi-gif-tmp",
        "mine.luigi-gif-tmp",
        "x.0123456789abcdef.luigi-gif-tmp",
    ]
    for path in tmp_path.glob("*.luigi-gif-tmp"):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def test_a_folder_that_appears_meanwhile_is_left_alone(
    tmp_path: Path,
) -> None:
    """The place of a file is looked at again before it gets its name."""

    def publish() -> None:
        with storage.open_folder(str(tmp_path)).atomic_writer("clip.gif") as file:
            file.write(b"new")
            (tmp_path / "clip.gif").mkdir()

    with pytest.raises(ForeignFileError, match="a folder"):
        publish()
    assert os.listdir(tmp_path) == ["clip.gif"]


def test_a_server_is_not_asked_where_the_place_is_taken(pipeline: Pipeline, server: Server) -> None:
    """A link to nothing in the bundle's place is noticed before anything is fetched."""
    pipeline.workdir.mkdir()
    (pipeline.workdir / "image-data.img").symlink_to("nothing")
    pipeline.run()
    assert not pipeline.ok
    assert server.requests == []


def test_a_bundle_of_the_user_without_an_image_is_named(pipeline: Pipeline) -> None:
    """It is left as it is."""
    pipeline.workdir.mkdir()
    mine = pipeline.workdir / "image-data.img"
    mine.write_bytes(DELIMITER * 3)
    pipeline.run()
    assert not pipeline.ok
    assert any("the bundle holds no image" in line for line in pipeline.log)
    assert mine.read_bytes() == DELIMITER * 3
