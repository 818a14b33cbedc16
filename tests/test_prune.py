"""luigi-gif prune: what of old work directories is removed, and what never is."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from campaigns.prune import campaign
from pytest_mock import MockerFixture
from support.clips import clip_here, clip_of, note_of_clip
from support.images import DELIMITER, gif
from support.numbered import picture
from support.page_server import Server

import luigi_gif
from luigi_gif import cli, clip_page, storage
from luigi_gif.errors import StorageError
from luigi_gif.pruning import Limits, Pruning

DAY_S = 86_400.0
NOW = time.time() + 100 * DAY_S
"""All that the tests make is a hundred days old then."""
MONTH, YEAR = 30 * DAY_S, 365 * DAY_S
KEEP = Limits(MONTH, None)
ALL = Limits(MONTH, MONTH)
INTERMEDIATES = {
    "image-data.img", "image-data.img.json", "frames.json",
    "frames/manifest.json", "frames/records.json",
    *(f"frames/frame_{number:02d}.gif" for number in range(3)),
}  # fmt: skip
LEFT = {"clip.gif", "run.json", ".lock"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a work directory, and the source of its clip beside it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "source.img").write_bytes(DELIMITER.join(map(gif, (1, 2, 3))))
    clip_here(str(folder / "source.img"), folder / "clips" / "a")
    return folder


@pytest.fixture
def clips(made: Path, tmp_path: Path) -> Path:
    """A copy of it for one test, with the times that the files had."""
    return Path(shutil.copytree(made / "clips", tmp_path / "clips"))


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def prune(folder: Path | str, limits: Limits, now: float = NOW) -> set[str]:
    """What is removed, which is what a dry run names, and nothing else."""
    before = files(Path(folder))
    named = list(Pruning(str(folder), limits, now, is_dry=True).run())
    assert files(Path(folder)) == before
    pruning = Pruning(str(folder), limits, now)
    removed = list(pruning.run())
    assert not pruning.errors
    assert len(set(named)) == len(named)
    assert set(named) == set(removed) == before - files(Path(folder))
    return set(removed)


def in_a(names: set[str]) -> set[str]:
    return {f"a/{name}" for name in names}


def test_what_a_clip_does_not_need_goes_first(clips: Path) -> None:
    """The clip, its history and the lock stay, and the folder of the frames goes."""
    assert prune(clips, KEEP) == in_a(INTERMEDIATES)
    assert files(clips) == in_a(LEFT)
    assert not (clips / "a" / "frames").exists()
    assert prune(clips, KEEP) == set()


def test_with_the_clip_all_of_it_goes(clips: Path) -> None:
    """Also the folders that are empty then, but not the one that was named."""
    (clips / "2026" / "11").mkdir(parents=True)
    (clips / "a" / "items").mkdir()
    (clips / "a").rename(clips / "2026" / "11" / "a")
    assert len(prune(clips, ALL)) == len(INTERMEDIATES | LEFT)
    assert list(clips.iterdir()) == []


def test_a_work_directory_may_be_named_itself(clips: Path) -> None:
    """It stays, empty."""
    assert prune(clips / "a", ALL) == INTERMEDIATES | LEFT
    assert list((clips / "a").iterdir()) == []


@pytest.mark.parametrize(
    ("age_days", "expected"), [(29, set()), (31, INTERMEDIATES), (400, INTERMEDIATES | LEFT)]
)
def test_what_is_younger_stays(clips: Path, age_days: int, expected: set[str]) -> None:
    """Of clips, and of the rest."""
    now = time.time() + age_days * DAY_S
    assert prune(clips, Limits(MONTH, YEAR), now) == in_a(expected)


def test_the_time_that_was_noted_counts(clips: Path) -> None:
    """Not that of the files, which a copy may have changed; where none was noted, that."""
    for path in (clips / "a").rglob("*"):
        os.utime(path, (NOW, NOW))
    assert len(prune(clips, Limits(None, MONTH))) == len(INTERMEDIATES | LEFT)


def test_what_was_used_at_a_time_to_come_is_left_and_named(clips: Path) -> None:
    """By a machine whose clock was wrong."""
    pruning = Pruning(str(clips), ALL, time.time() - 2 * DAY_S)
    assert list(pruning.run()) == []
    ((workdir, reason),) = pruning.kept_back
    assert (workdir, "yet to come" in reason) == ("a", True)


@pytest.mark.parametrize("age_days", [29, 31])
def test_without_a_note_the_newest_file_counts(clips: Path, age_days: int) -> None:
    """Here that of the manifest of the frames."""
    for name in ("run.json", "image-data.img.json"):
        (clips / "a" / name).unlink()
    for path in (clips / "a").rglob("*"):
        os.utime(path, (0, 0))
    newest = clips / "a" / "frames" / "manifest.json"
    os.utime(newest, (NOW - age_days * DAY_S,) * 2)
    assert bool(prune(clips, KEEP)) == (age_days == 31)


def test_a_clip_is_current_without_the_rest(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far a pruning has come that was interrupted; the next one goes on with it."""
    remove = storage.LocalFolder.remove

    def remove_and_die(folder: storage.LocalFolder, name: str) -> None:
        remove(folder, name)
        raise KeyboardInterrupt

    options = {"url": made / "source.img", "workdir": tmp_path / "a"}
    clip_of(luigi_gif.CombineGif(**options))
    with monkeypatch.context() as patch:
        patch.setattr(storage.LocalFolder, "remove", remove_and_die)
        for count in range(len(INTERMEDIATES), 0, -1):
            assert len(files(tmp_path)) == count + len(LEFT)
            assert luigi_gif.CombineGif(**options).complete()
            with pytest.raises(KeyboardInterrupt):
                list(Pruning(str(tmp_path), KEEP, NOW).run())
    assert files(tmp_path) == in_a(LEFT)
    assert luigi_gif.CombineGif(**options).complete()
    assert not luigi_gif.CombineGif(**options, plays=1).complete()


def test_what_is_noted_of_items_goes_too(tmp_path: Path) -> None:
    """The clip is current without their names, though its captions have them."""
    for number in (1, 2):
        put(tmp_path / "pictures" / f"{number}.png", picture(number))
    options = {"url": tmp_path / "pictures", "workdir": tmp_path / "a", "caption": "{name}"}
    clip_of(luigi_gif.CombineGif(**options))
    removed = prune(tmp_path, KEEP)
    assert {"a/frames/records.json", "a/image-data.img.items.json"} < removed
    assert files(tmp_path / "a") == LEFT
    assert luigi_gif.CombineGif(**options).complete()
    prune(tmp_path, ALL)
    assert os.listdir(tmp_path) == ["pictures"]


def test_a_bundle_that_the_user_put_there_stays(tmp_path: Path) -> None:
    """With the index that says that the clip was made of it."""
    workdir = tmp_path / "a"
    workdir.mkdir()
    (workdir / "image-data.img").write_bytes(gif(1))
    clip_here("none.img", workdir)
    names = ("manifest.json", "records.json", "frame_00.gif")
    assert prune(tmp_path, KEEP) == {f"a/frames/{name}" for name in names}
    assert luigi_gif.CombineGif(url="none.img", workdir=workdir).complete()


ALTERED: dict[str, Callable[[Path], object]] = {
    "image-data.img": lambda path: put(path, b"mine"),
    "clip.gif": lambda path: put(path, path.read_bytes()[:-1] + b"\0"),
    "frames/frame_01.gif": lambda path: put(path, gif(3, (4, 4))),
    "frames.json": lambda path: put(path, path.read_bytes().replace(b"frames", b"Frames")),
    "run.json": lambda path: put(path, b'{"mine": true}'),
    ".lock": lambda path: put(path, b"mine"),
}
NEW: dict[str, Callable[[Path], object]] = {
    "frames/frame_03.gif": lambda path: put(path, gif(1)),
    "frames/frame_001.gif": lambda path: put(path, gif(1)),
    "frames/notes.txt": lambda path: put(path, b"mine"),
    "items/notes.txt": lambda path: put(path, b"mine"),
    f"items/{'a' * 64}": lambda path: put(path, b"mine"),
    "image-data.img.part": lambda path: put(path, b"mine"),
    "image-data.img.altered": lambda path: put(path, b"mine"),
    "copy.gif": lambda path: shutil.copy(path.with_name("clip.gif"), path),
    "copy.json": lambda path: shutil.copy(path.with_name("image-data.img.json"), path),
    "frames/copy.json": lambda path: shutil.copy(path.with_name("manifest.json"), path),
    "other.img.json": lambda path: put(path, b"{}"),
    "link.gif": lambda path: path.symlink_to(__file__),
    "b/clip.gif": lambda path: put(path, (path.parents[1] / "clip.gif").read_bytes()),
    "b/frames/frame_00.gif": lambda path: put(path, gif(1)),
}


@pytest.mark.parametrize("name", [*ALTERED, *NEW])
def test_a_file_of_the_user_stays(clips: Path, name: str) -> None:
    """Whatever its name, and also a file of the pipeline that was altered; all others go."""
    path = clips / "a" / name
    (ALTERED | NEW)[name](path)
    content = path.read_bytes()
    prune(clips, ALL)
    assert path.read_bytes() == content
    stays = {f"a/{name}"}
    if name in ALTERED and name != "clip.gif" and name != ".lock":
        stays |= files(clips)  # and what tells that it was altered
    assert files(clips) <= stays
    assert len(files(clips)) < 7


@pytest.mark.parametrize("name", ["frames", "items", "image-data.img", "clip.gif"])
def test_nothing_is_removed_through_a_link(clips: Path, tmp_path: Path, name: str) -> None:
    """What one leads to is elsewhere; all others go, as a dry run says."""
    path = clips / "a" / name
    if name == "items":
        note = {"size": 0}
        storage.LocalFolder(path).write_json(f"{'a' * 64}.json", note)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    before = files(tmp_path / "elsewhere")
    removed = prune(clips, ALL)
    assert removed >= {f"a/{each}" for each in ("image-data.img.json", "frames.json")} - {
        f"a/{name}.json"
    }
    assert path.is_symlink()
    assert (tmp_path / "elsewhere").exists()
    assert files(tmp_path / "elsewhere") == before


def test_what_is_no_work_directory_is_not_touched(clips: Path) -> None:
    """Whatever it holds, be it the lock of another program."""
    other = clips / "other"
    for name in (".lock", "notes.json", "clip.gif", "frames/frame_00.gif"):
        put(other / name, b"")
        os.utime(other / name, (0, 0))
    before = (other / ".lock").stat()
    assert len(prune(clips, ALL)) == len(INTERMEDIATES | LEFT)
    assert (other / ".lock").stat() == before
    assert len(files(other)) == 4


def test_where_a_run_works_nothing_is_removed(clips: Path) -> None:
    """It is told who works there; a dry run says so, too."""
    with storage.open_folder(clips / "a").locked():
        before = files(clips)
        for is_dry in (True, False):
            pruning = Pruning(str(clips), ALL, NOW, is_dry=is_dry)
            assert list(pruning.run()) == []
            ((workdir, reason),) = pruning.kept_back
            assert (workdir, f"process {os.getpid()} " in reason) == ("a", True)
        assert files(clips) == before


def test_what_was_interrupted_goes_too(server: Server, tmp_path: Path) -> None:
    """Items and a part of a bundle that a killed run left, and its temporary files."""
    server.pages["/1.gif"], server.pages["/2.gif"] = gif(1), gif(2)
    server.pages["/"] = b'<a href="1.gif">1</a><a href="2.gif">2</a><a href="3.gif">3</a>'
    task = luigi_gif.CombineGif(url=server.url("/"), workdir=tmp_path / "a")
    task.alone = True
    with pytest.raises(luigi_gif.errors.PipelineError):
        task.run()
    token = "0123456789abcdef"
    for name in (f"clip.gif.{token}.luigi-gif-tmp", f"frames/x.{token}.luigi-gif-tmp"):
        put(tmp_path / "a" / name, b"part")
    storage.open_folder(tmp_path / "a").write_json("image-data.img.part.json", {"size": 0})
    for name in ("image-data.img.part", "image-data.img.unpacked.part"):
        put(tmp_path / "a" / name, b"part")
    removed = prune(tmp_path, KEEP)
    assert len([name for name in removed if ".part" in name]) == 3
    assert len([name for name in removed if name.startswith("a/items/")]) == 4
    assert len([name for name in removed if name.endswith("-tmp")]) == 2
    assert prune(tmp_path, ALL) == {"a/.lock"} or files(tmp_path) <= {"a/.lock"}


def test_one_failure_does_not_stop_the_rest(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named at the end."""
    shutil.copytree(clips / "a", clips / "b")
    remove = storage.LocalFolder.remove

    def refuse(folder: storage.LocalFolder, name: str) -> None:
        if folder.url.endswith("b"):
            raise StorageError("no", where="b", expected="", got="", next_step="")
        remove(folder, name)

    monkeypatch.setattr(storage.LocalFolder, "remove", refuse)
    pruning = Pruning(str(clips), KEEP, NOW)
    assert set(pruning.run()) == in_a(INTERMEDIATES)
    assert [error.where for error in pruning.errors] == ["b"]


def test_pictures_that_were_gathered_are_never_removed(clips: Path) -> None:
    """Nobody else has them any more."""
    folder = storage.open_folder(clips / "a")
    receipt = folder.read_json("image-data.img.json")
    assert receipt is not None
    folder.write_json("image-data.img.json", receipt | {"accumulated": True})
    prune(clips, ALL)
    assert {"a/image-data.img", "a/image-data.img.json"} <= files(clips)
    assert not (clips / "a" / "clip.gif").exists()


def test_a_store_is_pruned_alike(made: Path, tmp_path: Path) -> None:
    """There is no lock, but a run that writes frames can be known."""
    url = f"memory://{uuid.uuid4()}"
    clip_of(luigi_gif.CombineGif(url=made / "source.img", workdir=f"{url}/a"))
    folder = storage.open_folder(f"{url}/a")
    folder.write("frames/notes.txt", b"mine")
    with folder.share():
        pruning = Pruning(url, ALL, NOW)
        assert list(pruning.run()) == []
        assert [each.workdir for each in pruning.kept_back] == ["a"]
    expected = in_a(INTERMEDIATES | LEFT - {".lock"})
    assert set(Pruning(url, ALL, NOW, is_dry=True).run()) == expected
    assert set(Pruning(url, ALL, NOW).run()) == expected
    assert [each.name for each in folder.scan("")] == ["frames"]
    assert [each.name for each in folder.scan("frames")] == ["notes.txt"]


def test_of_any_tree_exactly_what_is_named_goes(tmp_path: Path) -> None:
    """Whatever the user has put there or altered, and however often it is interrupted."""
    for _ in campaign(3, 7, tmp_path):
        pass


def test_frames_go_in_the_order_of_their_numbers(clips: Path, mocker: MockerFixture) -> None:
    """In whatever order their folder lists them."""
    listed = storage.LocalFolder.entries
    mocker.patch.object(
        storage.LocalFolder, "entries", lambda *arguments: sorted(listed(*arguments), reverse=True)
    )
    names = list(Pruning(str(clips), KEEP, NOW, is_dry=True).run())
    frames = [f"a/frames/frame_{number:02d}.gif" for number in range(3)]
    assert [name for name in names if name in frames] == frames


def test_the_command_prints_paths_or_how_many(
    clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path a line, relative to the folder, of a dry run; else only a summary."""
    assert cli.main(["prune", str(clips), "--keep", "0s", "--dry-run"]) == 0
    dry = capsys.readouterr()
    assert set(dry.out.splitlines()) == in_a(INTERMEDIATES)
    assert cli.main(["prune", str(clips), "--keep", "1d"]) == 0
    assert capsys.readouterr().err.endswith("removed 0 files\n")
    assert cli.main(["prune", str(clips), "--keep", "0s"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"{clips}: removed {len(INTERMEDIATES)} files\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["."], "--keep"),
        ([".", "--keep", "30"], "30d"),
        ([".", "--keep-clips", "old"], "--keep-clips"),
        (["nowhere", "--keep", "1d"], "no such folder"),
        (["file://elsewhere/x", "--keep", "1d"], "no such folder"),
        (["https://example.org/", "--keep", "1d"], "web"),
        ([".", "--keep", "1d", "--dryrun"], "--dry-run"),
    ],
)
def test_what_cannot_be_meant_is_an_error(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, in words."""
    try:
        code = cli.main(["prune", *arguments])
    except SystemExit as ended:
        code = ended.code  # type: ignore[assignment]
    assert code == 2
    assert words in capsys.readouterr().err


def test_a_file_beside_a_clip_goes_with_it(tmp_path: Path) -> None:
    """One that was altered stays, as it may be its user's by now."""
    source = tmp_path / "source.img"
    source.write_bytes(DELIMITER.join(map(gif, (1, 2, 3))))
    clip_here(str(source), tmp_path / "clips" / "a", also="webp,apng")
    altered = tmp_path / "clips" / "a" / "clip.apng"
    altered.write_bytes(altered.read_bytes() + b"mine")
    assert "a/clip.webp" not in prune(tmp_path / "clips", KEEP)
    assert "a/clip.webp" in prune(tmp_path / "clips", ALL)
    assert altered.exists()


def test_a_poster_goes_with_its_clip(clips: Path) -> None:
    """Of a page in the folder; one that was altered, and that of a clip which stays, do not."""
    for name in ("b", "c"):
        shutil.copytree(clips / "a", clips / name)
    note_of_clip(clips / "c", made="2100-01-01T00:00:00+00:00")
    clip_page.write_page(str(clips))
    made = clip_page.Posters(storage.open_folder(str(clips)))
    poster = {name: next(made.of_clip(f"{name}/clip.gif")) for name in "abc"}
    with (clips / poster["b"]).open("ab") as file:
        file.write(b"altered")
    assert not [name for name in prune(clips, KEEP) if name.startswith("posters/")]
    removed = prune(clips, ALL)
    assert [name for name in removed if name.startswith("posters/")] == [poster["a"]]
    assert files(clips / "posters") == {Path(poster[name]).name for name in "bc"}
