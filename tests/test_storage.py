"""Files appear whole or not at all, on a local folder and on a store."""

from __future__ import annotations

import errno
import os
import threading
import uuid
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from luigi_gif import storage
from luigi_gif.errors import ParameterError, StorageError


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> storage.Folder:
    url = str(tmp_path / "work") if request.param == "local" else f"memory://{uuid.uuid4()}"
    return storage.folder(url)


def test_what_is_written_can_be_read(folder: storage.Folder) -> None:
    """Whole, in part, and from the end; a part may lie beyond it."""
    folder.write("sub/name", b"0123456789")
    assert folder.read("sub/name") == b"0123456789"
    assert folder.read("sub/name", 2, 5) == folder.read_once("sub/name", 2, 5) == b"234"
    assert folder.read("sub/name", -1) == b"9"
    assert folder.read("sub/name", 8, 99) == b"89"
    assert folder.size("sub/name") == 10
    with folder.open("sub/name") as file:
        assert file.read() == b"0123456789"


def test_what_is_not_there_is_an_answer(folder: storage.Folder) -> None:
    """It has no size and no version, lists as nothing, and removing it is no error."""
    assert folder.size("name") is None
    assert folder.version("name") is None
    assert folder.read_json("name") is None
    assert list(folder.entries("sub")) == []
    folder.remove("name")
    with pytest.raises(FileNotFoundError):
        folder.read("name")


def test_a_version_changes_with_the_file(folder: storage.Folder) -> None:
    """And only then."""
    folder.write("name", b"1")
    first = folder.version("name")
    assert folder.version("name") == first
    folder.write("name", b"22")
    assert folder.version("name") != first


def test_a_listing_has_names_and_sizes(folder: storage.Folder) -> None:
    """Of the files of one subfolder."""
    folder.write("sub/a", b"1")
    folder.write("sub/b", b"22")
    folder.write("sub/deeper/c", b"333")
    assert sorted(folder.entries("sub")) == [("a", 1), ("b", 2)]


def test_what_is_published_appears_at_the_end(folder: storage.Folder) -> None:
    """Before that, what was there is still there; seeking back and beginning anew is possible."""
    folder.write("name", b"old")
    with folder.publish("name") as file:
        file.write(b"an attempt that fails")
        file.seek(0)
        file.truncate()
        file.write(b"new")
        assert folder.read("name") == b"old"
    assert folder.read("name") == b"new"


def test_what_fails_leaves_what_was_there(folder: storage.Folder) -> None:
    """And nothing else."""
    folder.write("name", b"old")
    with pytest.raises(ZeroDivisionError), folder.publish("name") as file:
        file.write(b"new" * (1 // 0))
    assert folder.read("name") == b"old"
    assert [name for name, _ in folder.entries("")] == ["name"]


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[1]", b"\xff", b'{"a": 1}', b'{"crc32": "00000000", "a": 1}']
)
def test_what_is_no_json_object_is_as_good_as_nothing(folder: storage.Folder, text: bytes) -> None:
    """A damaged receipt or manifest counts as missing."""
    folder.write_json("name", {"a": 1})
    assert folder.read_json("name") == {"a": 1}
    folder.write("name", text)
    assert folder.read_json("name") is None


@pytest.mark.parametrize("method", ["publish", "update"])
def test_large_files_are_written_back_early(tmp_path: Path, method: str) -> None:
    """More than the kernel is told of at a time arrives as it was written."""
    folder = storage.folder(str(tmp_path))
    data = os.urandom(1 << 20)
    with getattr(folder, method)("name") as file:
        for _ in range(20):
            file.write(data)
    assert folder.read("name") == data * 20


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "on a disk"), (errno.EIO, "mend the cause")],
)
def test_a_disk_that_refuses_is_named(
    tmp_path: Path, mocker: MockerFixture, number: int, advice: str
) -> None:
    """The error says which file, why, and what to do; no temporary file is left."""
    folder = storage.folder(str(tmp_path))
    folder.write("name", b"old")
    mocker.patch("os.write", side_effect=OSError(number, os.strerror(number)))
    with pytest.raises(StorageError) as error:
        folder.write("name", b"new")
    mocker.stopall()
    assert error.value.where == str(tmp_path / "name")
    assert error.value.got == os.strerror(number)
    assert advice in error.value.next_step
    assert os.listdir(tmp_path) == ["name"]
    assert folder.read("name") == b"old"


def test_a_full_disk_is_noticed_when_a_file_is_published(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    """Even where it shows only at the fsync."""
    folder = storage.folder(str(tmp_path))
    mocker.patch("os.fsync", side_effect=OSError(errno.ENOSPC, "full"))
    with pytest.raises(StorageError), folder.publish("name") as file:
        file.write(b"new")
    mocker.stopall()
    assert os.listdir(tmp_path) == []


def test_a_lock_keeps_others_waiting(tmp_path: Path) -> None:
    """Whoever comes second goes on when the first is done."""
    order = []
    first_has_it = threading.Event()

    def second() -> None:
        first_has_it.wait()
        with storage.folder(str(tmp_path)).locked():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with storage.folder(str(tmp_path)).locked():
        first_has_it.set()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_leftovers_of_dead_runs_are_swept(tmp_path: Path) -> None:
    """Files of other names stay."""
    folder = storage.folder(str(tmp_path))
    folder.write("mine", b"")
    folder.write(f"clip.gif.0123456789abcdef{storage.TEMPORARY_SUFFIX}", b"")
    with folder.locked():
        folder.sweep()
    assert sorted(os.listdir(tmp_path)) == [storage.LOCK, "mine"]


def test_a_store_that_nobody_knows_is_named() -> None:
    """With what is wrong with it."""
    with pytest.raises(ParameterError, match="Protocol not known: nonsense"):
        storage.folder("nonsense://bucket")


def test_a_local_folder_may_be_a_url(tmp_path: Path) -> None:
    """file:// is a local folder like any other."""
    storage.folder(f"file://{tmp_path}").write("name", b"x")
    assert storage.FileTarget(storage.folder(str(tmp_path)), "name").exists()


def test_a_work_directory_on_the_web_is_refused() -> None:
    """It can only be read; at once, and without what its URL hides."""
    with pytest.raises(ParameterError, match="can only be read") as raised:
        storage.folder("HTTP://me:s3cret@host/data?token=s3cret")
    assert "s3cret" not in str(raised.value)
