"""A bundle that is a file, a pipe or an object is read as one version of it, or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.registry import known_implementations
from pytest_mock import MockerFixture
from support.fetched import Fetch

from luigi_gif.errors import DownloadError, TransientDownloadError
from luigi_gif.fetching import file_source
from luigi_gif.storage import store_calls


def on_read(mocker: MockerFixture, number: int, change: Callable[[], None]) -> None:
    """Have something happen behind the read of this number."""
    reads = 0
    versioned = file_source._versioned

    def counting(read: Callable[[], bytes], *more: Any) -> Any:
        def counted() -> bytes:
            nonlocal reads
            reads += 1
            piece = read()
            if reads == number:
                change()
            return piece

        return versioned(counted, *more)

    mocker.patch("luigi_gif.fetching.file_source._versioned", counting)


@pytest.mark.parametrize("number", [1, 2])
def test_a_file_that_changes_while_it_is_read_is_read_again(
    fetch: Fetch, tmp_path: Path, sample: bytes, mocker: MockerFixture, number: int
) -> None:
    """Of the same size, and at any time before the end: never two versions put together."""
    path = tmp_path / "a.img"
    path.write_bytes(sample)
    new = sample[:-1] + b"\n"

    def change() -> None:
        path.write_bytes(new)
        os.utime(path, ns=(1, number))

    on_read(mocker, number, change)
    mocker.patch("luigi_gif.fetching.file_source.PIECE_BYTES", len(sample))
    assert fetch(str(path))[0] == new


def test_a_file_that_never_rests_is_an_error(
    fetch: Fetch, tmp_path: Path, sample: bytes, mocker: MockerFixture
) -> None:
    """After the tries that are set."""
    path = tmp_path / "a.img"
    path.write_bytes(sample)
    times = iter(range(1000))
    versioned = file_source._versioned

    def restless(read: Callable[[], bytes], *more: Any) -> Any:
        def disturbed() -> bytes:
            os.utime(path, ns=(1, next(times)))
            return read()

        return versioned(disturbed, *more)

    mocker.patch("luigi_gif.fetching.file_source._versioned", restless)
    with pytest.raises(TransientDownloadError, match="changed while it was read"):
        fetch(str(path), retries=1)


def test_an_object_that_is_replaced_while_it_is_read_is_read_again(
    fetch: Fetch, sample: bytes, mocker: MockerFixture
) -> None:
    """Of the same size; what came before is dropped."""
    url = "memory://replaced/a.img"
    fsspec.filesystem("memory").pipe("/replaced/a.img", sample)
    new = sample[:-1] + b"\n"
    mocker.patch("luigi_gif.storage.AT_ONCE_BYTES", 50_000)
    on_read(mocker, 3, lambda: fsspec.filesystem("memory").pipe("/replaced/a.img", new))
    assert fetch(url)[0] == new


def test_an_object_without_a_version_is_not_resumed(
    fetch: Fetch, sample: bytes, mocker: MockerFixture
) -> None:
    """What came of it may be of another one."""
    fsspec.filesystem("memory").pipe("/bare/a.img", sample)
    mocker.patch("luigi_gif.storage.object_version", return_value=None)
    opened = mocker.spy(store_calls.Store, "open")
    mocker.patch("luigi_gif.storage.AT_ONCE_BYTES", 50_000)
    on_read(mocker, 2, lambda: fsspec.filesystem("memory").pipe("/bare/a.img", sample))
    assert fetch("memory://bare/a.img")[0] == sample
    assert [call.args[2] for call in opened.call_args_list] == [0, 0]


def test_a_pipe_is_read_to_its_end(fetch: Fetch, tmp_path: Path, sample: bytes) -> None:
    """Such as that of a shell's <(command)."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(sample,))
    writer.start()
    assert fetch(str(path))[0] == sample
    writer.join()


def test_a_pipe_without_a_writer_is_an_error(fetch: Fetch, tmp_path: Path) -> None:
    """After the connect timeout, not never."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(DownloadError, match="nothing comes from the source") as raised:
        fetch(str(path), connect_timeout=0.1)
    assert "--download-connect-timeout" in raised.value.got


def test_a_writer_that_falls_silent_is_an_error(fetch: Fetch, tmp_path: Path) -> None:
    """It holds the pipe open."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.write(descriptor, b"GIF89a")
        with pytest.raises(DownloadError, match="nothing comes from the source") as raised:
            fetch(str(path), read_timeout=0.1)
        assert "--download-read-timeout" in raised.value.got
    finally:
        os.close(descriptor)


def test_a_device_is_no_bundle(fetch: Fetch) -> None:
    """Its first bytes tell; and the deadline ends one that would be a bundle."""
    with pytest.raises(Exception, match="not a bundle"):
        fetch("/dev/zero")


@pytest.mark.parametrize(
    ("url", "got", "next_step"),
    [
        ("/no/such", "No such file", "correct the URL"),
        ("/", "Is a directory", "correct the URL"),
        ("host.example/a.img", "No such file", "https://"),
        ("nonsense://host/a?token=s3cret", "not known", "before ://"),
        ("memory://no/such", "No such file", "the bucket and the name"),
        ("/no/such\nINFO: made", r"No such file", "correct the URL"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_cause(
    fetch: Fetch, url: str, got: str, next_step: str
) -> None:
    """The path, the bucket, the scheme: what is to be changed is named."""
    with pytest.raises(DownloadError, match="cannot be read") as raised:
        fetch(url)
    assert got in raised.value.got
    assert next_step in raised.value.next_step
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert len(str(raised.value).splitlines()) == 5


def test_a_local_source_has_a_version(tmp_path: Path) -> None:
    """Another content, time or file gives another one; what is no file of this machine has none."""
    path = tmp_path / "a b.img"
    path.write_bytes(b"1")
    first = file_source.source_version(str(path))
    assert first == file_source.source_version(f"FILE://{tmp_path}/a%20b.img")
    os.utime(path, ns=(1, 1))
    second = file_source.source_version(str(path))
    (tmp_path / "other").write_bytes(b"1")
    os.utime(tmp_path / "other", ns=(1, 1))
    (tmp_path / "other").rename(path)
    assert len({first, second, file_source.source_version(str(path))}) == 3
    for url in ("https://host/a", str(tmp_path), f"{path}x", "file://other.example/a"):
        assert file_source.source_version(url) is None


def test_what_a_store_needs_and_lacks_is_named(fetch: Fetch, mocker: MockerFixture) -> None:
    """With the extras that install it."""
    known = {"lacking": {"class": "no_such_package.FileSystem", "err": "it is not installed"}}
    mocker.patch.dict(known_implementations, known)
    with pytest.raises(DownloadError, match=r"luigi_gif\[s3\]") as error:
        fetch("lacking://bucket/bundle.img")
    assert error.value.got == "it is not installed"


def test_a_folder_of_a_store_is_no_bundle(fetch: Fetch) -> None:
    """The error is that of a folder on a disk."""
    fsspec.filesystem("memory").pipe("/sources/folder/bundle.img", b"x")
    with pytest.raises(DownloadError, match="Is a directory"):
        fetch("memory://sources/folder")


def test_a_file_that_takes_too_long_ends_at_the_deadline(
    fetch: Fetch, tmp_path: Path, sample: bytes, mocker: MockerFixture
) -> None:
    """As a download does; a disk may be a slow one of the network."""
    (tmp_path / "a.img").write_bytes(sample)
    clock = mocker.patch("luigi_gif.fetching.file_source.time")
    clock.monotonic.return_value = float("inf")
    with pytest.raises(DownloadError, match="takes too long"):
        fetch(str(tmp_path / "a.img"))
