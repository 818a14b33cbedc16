"""The files of a work directory as Luigi's own tasks use them."""

from __future__ import annotations

import io
import os
import uuid
from pathlib import Path

import luigi
import pytest
from luigi.format import Nop
from luigi.target import FileSystemException, FileSystemTarget

import luigi_gif
from luigi_gif import storage
from luigi_gif.errors import ForeignFileError


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> storage.Folder:
    if request.param == "local":
        return storage.open_folder(tmp_path)
    return storage.open_folder(f"memory://{uuid.uuid4()}")


def test_a_target_is_a_file_system_target(folder: storage.Folder) -> None:
    """Luigi's helpers for files take it: it has a path, a file system, and can be removed."""
    target = storage.FileTarget(folder, "sub/clip.gif")
    assert isinstance(target, FileSystemTarget)
    assert target.path == str(target) == folder.path("sub/clip.gif")
    assert not target.exists()
    assert not target.fs.exists(target.path)
    folder.write("sub/clip.gif", b"GIF89a")
    assert target.exists()
    assert target.fs.exists(target.path)
    target.remove()
    assert not target.exists()
    target.remove()


def test_a_target_opens_as_bytes_or_through_its_format(folder: storage.Folder) -> None:
    """Mode r reads UTF-8 text, or with Nop the bytes; mode rb always reads the bytes."""
    folder.write("note", "größer\nzwei\n".encode())
    target = storage.FileTarget(folder, "note")
    with target.open("r") as text:
        assert list(text) == ["größer\n", "zwei\n"]
    with target.open("rb") as file:
        assert file.read() == "größer\nzwei\n".encode()
    with storage.FileTarget(folder, "note", format=Nop).open("r") as file:
        assert file.read(3) == "gr\u00f6".encode()[:3]


def test_an_open_target_may_be_closed_by_hand(folder: storage.Folder) -> None:
    """As scripts do that know no with statement; closing it twice does no harm."""
    folder.write("note", b"x" * 100_000)
    file = storage.FileTarget(folder, "note").open()
    assert file.read(3) == b"xxx"
    file.close()
    file.close()
    assert file.closed


def test_a_target_is_only_read(folder: storage.Folder) -> None:
    """Whatever the mode that would write it."""
    for mode in ("w", "wb", "a", "r+"):
        with pytest.raises(io.UnsupportedOperation, match="only the pipeline writes its files"):
            storage.FileTarget(folder, "note").open(mode)


def test_a_target_that_is_not_there_is_not_opened(folder: storage.Folder) -> None:
    """Python's own error says so, as for any file."""
    with pytest.raises(FileNotFoundError):
        storage.FileTarget(folder, "note").open()


def test_the_file_system_of_a_target_ends_at_its_folder(
    folder: storage.Folder, tmp_path: Path
) -> None:
    """Neither the folder itself nor what lies elsewhere is removed through it."""
    fs = storage.FileTarget(folder, "note").fs
    for path in (tmp_path.parent / "other", folder.path("")):
        with pytest.raises(FileSystemException, match="is not in"):
            fs.remove(path)


def test_a_folder_is_not_removed_as_a_file(tmp_path: Path) -> None:
    """It may hold the user's own files."""
    (tmp_path / "mine").mkdir()
    with pytest.raises(ForeignFileError):
        storage.FileTarget(storage.open_folder(tmp_path), "mine").remove()
    assert (tmp_path / "mine").is_dir()


def test_paths_are_taken_as_objects(tmp_path: Path) -> None:
    """pathlib.Path does wherever a text does: folders, names, parameters."""
    folder = storage.open_folder(tmp_path)
    assert folder.url == storage.LocalFolder(tmp_path).url == str(tmp_path)
    target = storage.FileTarget(folder, Path("sub") / "clip.gif")
    assert (target.name, os.fspath(target)) == ("sub/clip.gif", str(tmp_path / "sub/clip.gif"))
    task = luigi_gif.CombineGif(
        url=tmp_path / "b.img", workdir=tmp_path / "work", gif_file=Path("out") / "clip.gif"
    )
    assert (task.url, task.workdir) == (str(tmp_path / "b.img"), str(tmp_path / "work"))
    assert os.fspath(task.output()) == str(tmp_path / "work/out/clip.gif")


def test_an_object_has_no_path_of_this_machine() -> None:
    """What takes a path would else look for a file of that name."""
    target = storage.FileTarget(storage.open_folder("memory://somewhere"), "clip.gif")
    with pytest.raises(TypeError, match="use open"):
        os.fspath(target)


def test_a_task_of_luigi_reads_what_the_pipeline_made(tmp_path: Path) -> None:
    """It requires a step of the pipeline and opens its own input."""
    storage.open_folder(tmp_path).write("note", b"made")

    class Made(luigi.ExternalTask):
        def output(self) -> storage.FileTarget:
            return storage.FileTarget(storage.open_folder(tmp_path), "note")

    class Reads(luigi.Task):
        def requires(self) -> Made:
            return Made()

        def output(self) -> luigi.LocalTarget:
            return luigi.LocalTarget(tmp_path / "read")

        def run(self) -> None:
            with self.input().open("r") as source, self.output().open("w") as copy:
                copy.write(source.read())

    assert luigi.build([Reads()], local_scheduler=True, no_lock=True)
    assert (tmp_path / "read").read_text() == "made"
