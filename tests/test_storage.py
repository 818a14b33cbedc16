"""Files appear whole or not at all, on a local folder and on a store."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec
import fsspec.implementations.memory
import pytest
from pytest_mock import MockerFixture

from luigi_gif import storage
from luigi_gif.errors import ParameterError, StorageError
from luigi_gif.storage import process_owner, regular_files, staging, store_calls


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> storage.Folder:
    url = str(tmp_path / "work") if request.param == "local" else f"memory://{uuid.uuid4()}"
    return storage.open_folder(url)


def test_what_is_written_can_be_read(folder: storage.Folder) -> None:
    """Whole, in part, and from the end; a part may lie beyond it."""
    folder.write("sub/name", b"0123456789")
    assert folder.read("sub/name") == b"0123456789"
    assert folder.read("sub/name", 2, 5) == folder.read_range("sub/name", 2, 5) == b"234"
    assert folder.read("sub/name", -1) == b"9"
    assert folder.read("sub/name", 8, 99) == b"89"
    assert folder.size("sub/name") == 10
    with folder.open("sub/name") as file:
        assert file.read() == b"0123456789"


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 2), (10, 99)])
def test_a_range_may_be_empty(folder: storage.Folder, start: int, end: int) -> None:
    """That is no error, on any store."""
    folder.write("name", b"0123456789")
    assert folder.read("name", start, end) == b""


def test_any_number_of_files_is_written(folder: storage.Folder) -> None:
    """A store gets them in groups, the last one at the end."""
    names = [f"sub/{number}" for number in range(store_calls.AT_ONCE + 2)]
    with folder.writer() as write:
        for name in names:
            write(name, name.encode())
    assert all(folder.read(name) == name.encode() for name in names)


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
    with folder.atomic_writer("name") as file:
        file.write(b"an attempt that fails")
        file.seek(0)
        file.truncate()
        file.write(b"new")
        assert folder.read("name") == b"old"
    assert folder.read("name") == b"new"


def test_what_fails_leaves_what_was_there(folder: storage.Folder) -> None:
    """And nothing else."""
    folder.write("name", b"old")
    with pytest.raises(ZeroDivisionError), folder.atomic_writer("name") as file:
        file.write(b"new" * (1 // 0))
    assert folder.read("name") == b"old"
    assert [name for name, _ in folder.entries("")] == ["name"]


def write_at_once(folder: storage.Folder) -> None:
    folder.write("name", b"data")


def write_in_a_block(folder: storage.Folder) -> None:
    with folder.atomic_writer("name") as file:
        file.write(b"data")


@pytest.mark.parametrize("write", [write_at_once, write_in_a_block])
def test_an_interrupt_leaves_nothing_of_a_file_that_was_being_made(
    tmp_path: Path, mocker: MockerFixture, write: Callable[[storage.Folder], None]
) -> None:
    """A signal that comes during a call of the system is handled when that returns."""

    def interrupted(path: str, flags: int) -> int:
        os.close(os.open(path, flags | os.O_CREAT))
        raise KeyboardInterrupt

    folder = storage.LocalFolder(tmp_path)
    mocker.patch.object(regular_files, "create", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(folder)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_refuses_a_probe_file_says_so(
    folder: storage.Folder, mocker: MockerFixture
) -> None:
    """That it cannot be removed, either, is another matter."""
    for method in ("write", "remove"):
        error = StorageError(f"cannot {method}", where="x", expected="", got="", next_step="")
        mocker.patch.object(folder, method, side_effect=error)
    with pytest.raises(StorageError, match="cannot write"), folder.share():
        pass


def test_an_interrupt_leaves_no_probe_file(folder: storage.Folder, mocker: MockerFixture) -> None:
    """Even if it comes while that is written."""
    write = folder.write

    def interrupted(name: str, data: bytes) -> None:
        write(name, data)
        raise KeyboardInterrupt

    mocker.patch.object(folder, "write", interrupted)
    with pytest.raises(KeyboardInterrupt), folder.share():
        pass
    assert not list(folder.entries(""))


def test_what_is_no_json_object_is_as_good_as_nothing(folder: storage.Folder) -> None:
    """A damaged receipt or manifest counts as missing."""
    folder.write_json("name", {"a": 1})
    assert folder.read_json("name") == {"a": 1}
    for text in (b"", b"{", b"[1]", b"\xff", b'{"a": 1}', b'{"crc32": "00000000", "a": 1}'):
        folder.write("name", text)
        assert folder.read_json("name") is None


def test_what_is_noted_last_is_written_in_place(folder: storage.Folder) -> None:
    """So that a run that is killed then leaves no temporary file; shorter text is as good."""
    folder.overwrite_json("note", {"long": "a" * 100})
    inode = os.stat(folder.path("note")).st_ino if folder.url.startswith("/") else None
    folder.overwrite_json("note", {"short": 1})
    assert folder.read_json("note") == {"short": 1}
    assert inode is None or os.stat(folder.path("note")).st_ino == inode


@pytest.mark.parametrize("method", ["atomic_writer", "update"])
def test_large_files_are_written_back_early(tmp_path: Path, method: str) -> None:
    """More than the kernel is told of at a time arrives as it was written."""
    folder = storage.open_folder(str(tmp_path))
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
    folder = storage.open_folder(str(tmp_path))
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
    folder = storage.open_folder(str(tmp_path))
    mocker.patch("os.fsync", side_effect=OSError(errno.ENOSPC, "full"))
    with pytest.raises(StorageError), folder.atomic_writer("name") as file:
        file.write(b"new")
    mocker.stopall()
    assert os.listdir(tmp_path) == []


def test_a_lock_keeps_others_waiting(tmp_path: Path) -> None:
    """Whoever comes second goes on when the first is done."""
    order = []
    first_has_it = threading.Event()

    def second() -> None:
        first_has_it.wait()
        with storage.open_folder(str(tmp_path)).locked():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with storage.open_folder(str(tmp_path)).locked():
        first_has_it.set()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_leftovers_of_dead_runs_are_swept(tmp_path: Path) -> None:
    """Files of other names stay."""
    folder = storage.open_folder(str(tmp_path))
    folder.write("mine", b"")
    folder.write(f"clip.gif.0123456789abcdef{storage.TEMPORARY_SUFFIX}", b"")
    with folder.locked():
        folder.sweep()
    assert sorted(os.listdir(tmp_path)) == [storage.LOCK, "mine"]


def test_a_store_that_nobody_knows_is_named() -> None:
    """With what is wrong with it."""
    with pytest.raises(ParameterError, match="Protocol not known: nonsense"):
        storage.open_folder("nonsense://bucket")


def test_a_local_folder_may_be_a_url(tmp_path: Path) -> None:
    """file:// is a local folder like any other."""
    storage.open_folder(f"file://{tmp_path}").write("name", b"x")
    assert storage.FileTarget(storage.open_folder(str(tmp_path)), "name").exists()


def test_a_work_directory_on_the_web_is_refused() -> None:
    """It can only be read; at once, and without what its URL hides."""
    with pytest.raises(ParameterError, match="can only be read") as raised:
        storage.open_folder("HTTP://me:s3cret@host/data?token=s3cret")
    assert "s3cret" not in str(raised.value)


def test_a_lock_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """The error names the process that holds it, and the setting."""
    folder = storage.open_folder(str(tmp_path))
    with folder.locked(), pytest.raises(StorageError) as error:
        storage.open_folder(str(tmp_path)).locked(0.02).__enter__()
    assert f"process {os.getpid()} on {socket.gethostname()}, since " in error.value.got
    assert "--storage-lock-timeout" in error.value.expected
    assert error.value.where == str(tmp_path / storage.LOCK)
    with folder.locked(0):
        pass


def test_a_lock_of_another_program_is_waited_for_a_moment_only(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    """However long runs are waited for: it may be held for ever, and nobody knows by whom."""
    mocker.patch("luigi_gif.storage.folder_lock.STRANGER_S", 0.02)
    with open(tmp_path / storage.LOCK, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="no run of this pipeline"):
            storage.open_folder(str(tmp_path)).locked(3600).__enter__()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_used(
    tmp_path: Path, mocker: MockerFixture, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    """With a warning that says what to mind; temporary files of others are then left alone."""
    mocker.patch("fcntl.flock", side_effect=OSError(number, os.strerror(number)))
    folder = storage.open_folder(str(tmp_path))
    theirs = f"clip.gif.0123456789abcdef{storage.TEMPORARY_SUFFIX}"
    folder.write(theirs, b"of a run that goes on")
    with folder.locked():
        folder.write("name", b"1")
        folder.sweep()
    assert "let one run at a time use this work directory" in caplog.text
    assert folder.size(theirs) is not None
    folder.remove(theirs)


@pytest.mark.parametrize("status", [os.statvfs_result([4096, 4096, *[0] * 8]), OSError(38, "no")])
def test_room_that_is_not_known_is_not_none(
    tmp_path: Path, mocker: MockerFixture, status: object
) -> None:
    """0 blocks of 0 say nothing; 0 of some are none."""
    folder = storage.LocalFolder(str(tmp_path))
    mocker.patch("os.statvfs", side_effect=[status])
    assert folder.free_bytes() is None
    mocker.patch("os.statvfs", return_value=os.statvfs_result([4096, 4096, 9, *[0] * 7]))
    assert folder.free_bytes() == 0


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_flush_is_used(
    tmp_path: Path, mocker: MockerFixture, number: int
) -> None:
    """Neither files nor folders; what else goes wrong there is an error."""
    mocker.patch("os.fsync", side_effect=OSError(number, os.strerror(number)))
    folder = storage.open_folder(str(tmp_path))
    folder.write("name", b"1", durable=True)
    with folder.atomic_writer("other") as file:
        file.write(b"2")
    assert (folder.read("name"), folder.read("other")) == (b"1", b"2")
    mocker.patch("os.fsync", side_effect=OSError(errno.EIO, "broken"))
    with pytest.raises(StorageError):
        folder.write("name", b"3", durable=True)


def test_advice_that_the_kernel_does_not_take_is_none(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    """Some file systems, and some sandboxes, refuse posix_fadvise."""
    mocker.patch("os.posix_fadvise", side_effect=OSError(errno.EINVAL, "no"))
    folder = storage.open_folder(str(tmp_path))
    data = os.urandom(9 << 20)
    with folder.atomic_writer("name") as file:
        file.write(data)
    assert folder.read_range("name", 0, len(data)) == data


def test_an_error_of_the_caller_is_not_of_the_file(folder: storage.Folder) -> None:
    """What is raised where a file is open passes as it is, and nothing is left."""
    folder.write("name", b"1")
    for opened in (folder.open("name"), folder.atomic_writer("name"), folder.writer()):
        with pytest.raises(FileNotFoundError, match="another"), opened:
            raise FileNotFoundError("another")
    assert list(folder.entries("")) == [("name", 1)]


def test_a_disk_that_breaks_while_a_file_is_open_is_named(tmp_path: Path) -> None:
    """It is the file's own error then."""
    folder = storage.open_folder(str(tmp_path))
    folder.write("name", b"1")
    with folder.open("name") as file:
        os.close(file.fileno())  # every call then fails
        with pytest.raises(StorageError) as error:
            file.read(1)
        os.open(tmp_path / "name", os.O_RDONLY)  # for the block to close
    assert error.value.where == str(tmp_path / "name")


def test_a_file_may_be_gone_from_a_listing(tmp_path: Path) -> None:
    """Links and folders are not in it either."""
    folder = storage.open_folder(str(tmp_path))
    folder.write("sub/name", b"1")
    (tmp_path / "sub" / "link").symlink_to(tmp_path / "sub" / "name")
    (tmp_path / "sub" / "folder").mkdir()
    assert list(folder.entries("sub")) == [("name", 1)]


def test_a_version_knows_what_keeps_its_time(tmp_path: Path) -> None:
    """A file of the same size and time of change, in place or in its place, is another one."""
    folder = storage.open_folder(str(tmp_path))
    path = tmp_path / "name"
    path.write_bytes(b"1")
    os.utime(path, ns=(0, 0))
    versions = {folder.version("name")}
    (tmp_path / "other").write_bytes(b"2")
    os.utime(tmp_path / "other", ns=(0, 0))
    (tmp_path / "other").replace(path)
    versions.add(folder.version("name"))
    assert len(versions) == 2


def test_a_current_folder_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a relative path needs it."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(StorageError, match="the current folder is not there"):
        storage.open_folder("work")
    assert storage.open_folder(str(tmp_path)).size("name") is None


def test_a_store_needs_a_folder_for_temporary_files(mocker: MockerFixture) -> None:
    """The error names TMPDIR, not the clip."""
    folder = storage.open_folder(f"memory://{uuid.uuid4()}")
    no = FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")
    mocker.patch("tempfile.TemporaryDirectory", side_effect=no)
    for block in (folder.atomic_writer("clip.gif"), folder.staging_dir()):
        with pytest.raises(StorageError, match="TMPDIR") as error, block:
            pass
        assert "No usable temporary directory" in error.value.got


def test_temporary_folders_of_processes_that_were_killed_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of one that lives, nor what does not say whose it is."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.Popen(["true"])
    here = process_owner.this_process()
    owners = {"dead": here._replace(pid=dead.pid, started="1"), "living": here}
    dead.wait()
    for name, owner in owners.items():
        (tmp_path / f"luigi-gif-{name}").mkdir()
        (tmp_path / f"luigi-gif-{name}" / ".owner").write_bytes(owner.to_json())
    (tmp_path / "luigi-gif-other").mkdir()
    (tmp_path / "luigi-gif-link").symlink_to("luigi-gif-dead")
    staging._sweep_once.cache_clear()
    with storage.temporary_folder() as folder:
        own = process_owner.parse_owner(folder.read(".owner"))
        assert own is not None
        assert not own.is_gone()
    assert sorted(os.listdir(tmp_path)) == ["luigi-gif-link", "luigi-gif-living", "luigi-gif-other"]


def probe(process: process_owner.Owner, token: str) -> tuple[str, bytes]:
    return storage.FolderHandle("", token).probe_file, process.to_json()


def test_what_ended_runs_left_on_a_store_is_swept() -> None:
    """Not what a run at work has put there, here or on another machine, nor the user's."""
    folder = storage.open_folder(f"memory://{uuid.uuid4()}")
    here = process_owner.this_process()
    dead = subprocess.Popen(["true"])
    runs = {
        "0" * 16: here,
        "1" * 16: here._replace(pid=dead.pid, started="1"),
        "2" * 16: here._replace(machine="another"),
        "3" * 16: here._replace(machine="another", since=here.since - 8 * 86_400),
        "4" * 16: None,
    }
    dead.wait()
    for token, process in runs.items():
        if process is not None:
            folder.write(*probe(process, token))
        folder.write(storage.FolderHandle("", token).block_file("frames", 7), b"part")
    folder.write("shared.luigi-gif-tmp", b"mine")
    folder.write("frames/part_1", b"mine")
    for subfolder in ("", "frames"):
        folder.sweep(subfolder)
        folder.sweep(subfolder)
    left = {name for subfolder in ("", "frames") for name, _ in folder.entries(subfolder)}
    kept = {f"shared.{digit * 16}.luigi-gif-tmp" for digit in "02"}
    parts = {f"part_7.{digit * 16}.luigi-gif-tmp" for digit in "02"}
    assert left == {*kept, *parts, "shared.luigi-gif-tmp", "part_1"}


class SlowFileSystem(fsspec.implementations.memory.MemoryFileSystem):  # type: ignore[misc]
    """A store whose library knows no time-out, and does not answer."""

    protocol = "slow"
    goes_on = threading.Event()

    def info(self, path: str, **_: object) -> dict[str, object]:
        self.goes_on.wait()
        raise FileNotFoundError(path)


def test_a_library_without_a_time_out_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each caller gets an exception of its own, and the store is not asked again at once."""
    fsspec.register_implementation("slow", SlowFileSystem, clobber=True)
    monkeypatch.setattr(store_calls, "ANSWER_S", 0.05)
    folder = storage.open_folder(f"slow://{uuid.uuid4()}")
    errors = []
    try:
        for _ in range(3):
            with pytest.raises(StorageError, match="no answer within") as error:
                folder.size("name")
            errors.append(error.value.__context__)
        assert len([thread for thread in threading.enumerate() if thread.name == "store"]) == 1
    finally:
        SlowFileSystem.goes_on.set()
    assert len({*map(id, errors)}) == 3


def test_a_file_of_a_store_is_moved_within_a_time(folder: storage.Folder) -> None:
    """It gets a name that nothing has."""
    for number in range(3):
        folder.write("name", b"%d" % number)
        aside = folder.quarantine("name")
        assert folder.read(aside) == b"%d" % number
    assert sorted(name for name, _ in folder.entries("")) == [
        "name.altered",
        "name.altered-2",
        "name.altered-3",
    ]
