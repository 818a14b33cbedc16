"""Folders, patterns and archives as sources: which frames come of them, and in which order."""

from __future__ import annotations

import errno
import hashlib
import importlib
import io
import json
import os
import re
import stat
import struct
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image
from pytest_mock import MockerFixture
from support.clips import clip_here
from support.explained import explained
from support.images import DELIMITER, gif, saved
from support.numbered import picture, shown
from support.pipeline import Pipeline

import luigi_gif
from luigi_gif import bundles, settings
from luigi_gif.errors import BundleError, DownloadError, ParameterError, SourceError, StorageError
from luigi_gif.fetching import translating_errors
from luigi_gif.frames import load_manifest
from luigi_gif.sources import (
    Selection,
    assembling,
    fetched_file,
    local_items,
    store_items,
    time_reader,
)
from luigi_gif.storage import open_folder

COUNT = 12
NO_FRAMES = {
    "readme.txt": b"hello",
    ".hidden.png": b"\x89PNG",
    "Thumbs.db": b"\xd0\xcf\x11\xe0",
    "__MACOSX/._0.png": b"junk",
    "sub/.cache/0.png": b"junk",
}


ONLY_THE_LAST = Selection(match="*[0t]*", last=1)
PICTURES = {f"frame_{number}.png": picture(number) for number in range(COUNT)}


def write_all(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def tar_of(files: dict[str, bytes], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def tar_appended(path: Path, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    with tarfile.open(path, "a") as archive:
        archive.addfile(member, io.BytesIO(data))


def zip_appended(path: Path, name: str, data: bytes) -> None:
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures, and what is no frame."""
    folder = tmp_path / "pictures"
    write_all(folder, PICTURES | NO_FRAMES | {"sub/frame_99.png": picture(3)})
    return folder


def test_a_folder_is_a_source(folder: Path, tmp_path: Path) -> None:
    """Its own pictures in natural order; no hidden file, no text, nothing of folders in it."""
    assert shown(clip_here(folder, tmp_path / "work")) == list(range(COUNT))


@pytest.mark.parametrize("more", [b"", b"\0"])
def test_what_is_read_of_items_is_the_index_of_their_bundle(
    pipeline: Pipeline, tmp_path: Path, mocker: MockerFixture, more: bytes
) -> None:
    """The bundle is read once more only where an item is no plain image."""
    write_all(tmp_path / "pictures", {"0.gif": gif(1), "1.gif": gif(2) + more, "2.png": picture(1)})
    read = mocker.spy(bundles, "index_bundle")
    pipeline.run(url=tmp_path / "pictures")
    assert read.call_count == (1 if more else 0)
    folder = open_folder(str(pipeline.workdir))
    with folder.open("image-data.img") as file:
        expected = json.loads(json.dumps(bundles.index_bundle(file.read, strict=True).to_json()))
    index = folder.read_json("frames.json") or {}
    assert {key: index.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("*_?.png", range(10)), ("**/*_9*.png", [9, 3]), ("frame_[23].png", [2, 3])],
)
def test_a_pattern_is_a_source(
    folder: Path, tmp_path: Path, pattern: str, expected: list[int]
) -> None:
    """With * and ? for characters, and ** for any folders."""
    assert shown(clip_here(folder / pattern, tmp_path / "work")) == list(expected)


def zstd_of(data: bytes) -> bytes:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    compressed: bytes = importlib.import_module(name).compress(data)
    return compressed


ARCHIVES: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zip_of,
    "tar": tar_of,
    "tar.gz": lambda files: tar_of(files, "w:gz"),
    "tar.bz2": lambda files: tar_of(files, "w:bz2"),
    "tar.xz": lambda files: tar_of(files, "w:xz"),
    "tar.zst": lambda files: zstd_of(tar_of(files)),
}


@pytest.mark.parametrize("kind", list(ARCHIVES))
def test_an_archive_is_a_source(tmp_path: Path, kind: str) -> None:
    """Told by its content, whatever its name; its pictures in natural order."""
    files = {f"a/{name}": data for name, data in reversed(PICTURES.items())}
    (tmp_path / "download").write_bytes(ARCHIVES[kind](NO_FRAMES | files))
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == list(range(COUNT))


def test_a_tar_may_be_older_than_posix(tmp_path: Path) -> None:
    """It has no mark: it is told by the sum of its header."""
    (tmp_path / "0.png").write_bytes(picture(4))
    subprocess.run(["tar", "--format=v7", "-czf", "download", "0.png"], cwd=tmp_path, check=True)
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == [4]


@pytest.mark.parametrize("kind", list(ARCHIVES))
def test_a_damaged_archive_is_an_error(tmp_path: Path, kind: str) -> None:
    """Cut off in the middle."""
    data = ARCHIVES[kind](PICTURES)
    (tmp_path / "download").write_bytes(data[: len(data) // 2])
    # Of bzip2 nothing is known before its first block is whole.
    with pytest.raises((SourceError, BundleError)) as caught:
        clip_here(tmp_path / "download", tmp_path / "work")
    assert str(tmp_path / "download") in caught.value.where


def test_a_tar_that_is_cut_between_two_members_is_an_error(tmp_path: Path) -> None:
    """Its end is missing, and the pictures behind it."""
    (tmp_path / "download").write_bytes(tar_of(PICTURES)[: 6 * 1024])
    with pytest.raises(SourceError, match="at 6,144 bytes"):
        clip_here(tmp_path / "download", tmp_path / "work")


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png", "..\\x.png"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_leads_out_of_an_archive_is_an_error(
    tmp_path: Path, kind: str, name: str
) -> None:
    """Nothing is written there."""
    (tmp_path / "download").write_bytes(ARCHIVES[kind]({name: picture(1)}))
    with pytest.raises(SourceError, match="leads out of it"):
        clip_here(tmp_path / "download", tmp_path / "work")
    assert not list(tmp_path.rglob("x.png"))


def test_a_link_that_leads_out_of_an_archive_is_an_error(tmp_path: Path) -> None:
    """One that stays in it is left out."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, target in (("a/in.png", "../frame.png"), ("a/out.png", "../../frame.png")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
    (tmp_path / "download").write_bytes(file.getvalue())
    with pytest.raises(SourceError, match=r"a/out\.png, a link to"):
        clip_here(tmp_path / "download", tmp_path / "work")


@pytest.mark.parametrize("kind", list(ARCHIVES))
def test_members_below_a_dot_are_not_hidden(tmp_path: Path, kind: str) -> None:
    """``tar -c .`` writes all names so."""
    files = {f"./{name}": data for name, data in PICTURES.items()}
    (tmp_path / "download").write_bytes(ARCHIVES[kind](files | {"./.hidden.png": b"junk"}))
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == list(range(COUNT))


@pytest.mark.parametrize("append", [tar_appended, zip_appended])
def test_of_members_of_one_name_the_last_counts(
    tmp_path: Path, append: Callable[[Path, str, bytes], None]
) -> None:
    """As for whoever unpacks an archive to which a newer picture was appended."""
    for name, number in (("a.png", 1), ("b.png", 2), ("a.png", 3), ("./b.png", 4)):
        append(tmp_path / "download", name, picture(number))
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == [3, 4]


def test_a_hard_link_of_a_tar_is_a_frame(tmp_path: Path) -> None:
    """So a file that has two names is stored."""
    (tmp_path / "0.png").write_bytes(picture(4))
    (tmp_path / "1.png").hardlink_to(tmp_path / "0.png")
    with tarfile.open(tmp_path / "download", "w") as archive:
        for name in ("0.png", "1.png"):
            archive.add(tmp_path / name, name)
        assert archive.getmember("1.png").islnk()
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == [4, 4]


@pytest.mark.parametrize("format_", ["gnu", "posix"])
def test_a_sparse_member_of_a_tar_is_read_with_its_zeros(tmp_path: Path, format_: str) -> None:
    """As GNU tar stores a picture whose zeros take no room on the disk."""
    data = saved(Image.new("RGB", (600, 600), (0, 0, 0)), "BMP")
    with (tmp_path / "0.bmp").open("wb") as file:
        file.write(data[:4096])
        file.truncate(len(data))
    command = ["tar", "--sparse", f"--format={format_}", "-cf", "download", "0.bmp"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "download").stat().st_size < len(data) / 10
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == [0]


def zip_link(name: str, target: str) -> bytes:
    file = io.BytesIO(zip_of({"0.png": picture(1)}))
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo(name)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, target)
    return file.getvalue()


def test_a_link_that_stays_in_a_zip_is_left_out(tmp_path: Path) -> None:
    """What is stored of it is a name, not a picture."""
    (tmp_path / "download").write_bytes(zip_link("latest.png", "0.png"))
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == [1]


def test_a_link_that_leads_out_of_a_zip_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "download").write_bytes(zip_link("a/latest.png", "../../0.png"))
    with pytest.raises(SourceError, match=r"latest\.png, a link to \.\./\.\./0"):
        clip_here(tmp_path / "download", tmp_path / "work")


def test_a_member_of_a_zip_may_have_no_time(tmp_path: Path) -> None:
    """Month 0 is what tools write that have none."""
    data = zip_of({"0.png": picture(1)})
    (day,) = struct.unpack_from("<H", data, 12)
    data = data.replace(struct.pack("<H", day), b"\0\0")
    assert zipfile.ZipFile(io.BytesIO(data)).infolist()[0].date_time[:3] == (1980, 0, 0)
    (tmp_path / "download").write_bytes(data)
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == [1]


def test_the_checksum_of_an_archive_is_that_of_its_file(tmp_path: Path) -> None:
    """A run that is given it ends well, and the next one is done."""
    data = zip_of(PICTURES)
    (tmp_path / "download").write_bytes(data)
    options = {"url": tmp_path / "download", "sha256": hashlib.sha256(data).hexdigest()}
    clip_here(options.pop("url"), tmp_path / "work", **options)
    done = luigi_gif.CombineGif(
        url=str(tmp_path / "download"), workdir=str(tmp_path / "work"), **options
    )
    assert done.complete()
    with pytest.raises(BundleError, match="SHA-256"):
        clip_here(tmp_path / "download", tmp_path / "other", sha256="0" * 64)


def test_a_folder_has_no_checksum(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="a checksum is that of one file"):
        clip_here(folder, tmp_path / "work", sha256="0" * 64)


def test_what_unpacks_zstd_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "download").write_bytes(zstd_of(tar_of(PICTURES)))
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SourceError) as caught:
        clip_here(tmp_path / "download", tmp_path / "work")
    assert "luigi_gif[zstd]" in caught.value.expected


def test_links_that_lead_round_in_circles_are_not_gone_through(
    folder: Path, tmp_path: Path
) -> None:
    """By ``**``; what a link leads to by itself is taken."""
    for name in ("loop", "sub/loop", "sub/again"):
        (folder / name).symlink_to(folder)
    (folder / "frame_20.png").symlink_to("frame_5.png")
    assert shown(clip_here(folder / "**" / "*_[29]*.png", tmp_path / "a")) == [2, 9, 5, 3]
    assert shown(clip_here(folder / "l*" / "*_2.png", tmp_path / "b")) == [2]


@pytest.mark.parametrize("pattern", ["**/**/frame_9*.png", "**/sub/**/*_9*", "**/sub/*"])
def test_what_fits_a_pattern_in_several_ways_is_one_frame(
    folder: Path, tmp_path: Path, pattern: str
) -> None:
    (folder / "sub" / "sub").mkdir()
    (folder / "sub" / "sub" / "frame_99.png").write_bytes(picture(4))
    found = shown(clip_here(folder / pattern, tmp_path / "work"))
    assert sorted(found) == ([3, 4, 9] if pattern.startswith("**/**") else [3, 4])


def test_a_lack_of_the_machine_is_no_fault_of_a_picture(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be left out for good."""
    really_open = os.open

    def refuse(path: str, *arguments: int, **options: int) -> int:
        if str(path).endswith("frame_3.png"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match="Too many open files"):
        clip_here(folder, tmp_path / "work", on_bad_frame="skip")


STORE_URL = "memory://pictures-of-a-test/"


@pytest.fixture
def store() -> Iterator[MemoryFileSystem]:
    """A store in memory with twelve pictures."""
    store = fsspec.filesystem("memory")
    for number in range(COUNT):
        store.pipe(f"/pictures-of-a-test/{number}.png", picture(number))
    yield store
    store.rm("/pictures-of-a-test", recursive=True)


@pytest.mark.usefixtures("store")
def test_a_store_may_tell_times_of_a_listing_in_another_way(tmp_path: Path) -> None:
    """That of fsspec in memory does: its objects have not changed."""
    assert shown(clip_here(STORE_URL, tmp_path / "work")) == list(range(COUNT))


def reads_of(
    monkeypatch: pytest.MonkeyPatch, fail: Callable[[str, int], None] = lambda name, count: None
) -> Counter[str]:
    """How often each object is read from now on; ``fail`` is told of each and may raise."""
    reads: Counter[str] = Counter()
    really_read = MemoryFileSystem.cat_file

    def read(store: MemoryFileSystem, path: str, **options: int) -> bytes:
        name = path.rpartition("/")[2]
        reads[name] += 1
        fail(name, reads[name])
        return bytes(really_read(store, path, **options))

    monkeypatch.setattr(MemoryFileSystem, "cat_file", read)
    monkeypatch.setattr(settings.download.retry_delay, "_default", 0.0)
    return reads


@pytest.mark.usefixtures("store")
def test_a_store_that_breaks_off_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as any download is tried."""

    def fail(name: str, count: int) -> None:
        if name == "3.png" and count < 3:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    reads = reads_of(monkeypatch, fail)
    assert shown(clip_here(STORE_URL, tmp_path / "work")) == list(range(COUNT))
    assert reads["3.png"] == 3


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("error", "tries"), [(ConnectionResetError, 3), (PermissionError, 1)])
def test_what_a_store_cannot_give_now_is_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError], tries: int
) -> None:
    """It is no fault of the object, which --on-bad-frame skip would leave out for good."""

    def fail(name: str, _: int) -> None:
        if name == "3.png":
            raise error("not now")

    reads = reads_of(monkeypatch, fail)
    with pytest.raises(DownloadError, match="not now") as caught:
        clip_here(STORE_URL, tmp_path / "work", on_bad_frame="skip")
    assert caught.value.where == f"3.png of {STORE_URL}"
    assert reads["3.png"] == tries


@pytest.mark.parametrize(
    ("url", "got", "next_step"),
    [
        ("htp://127.0.0.1/radar/", "Protocol not known: htp", "correct what stands before ://"),
        ("htp://127.0.0.1/*.png", "Protocol not known: htp", "correct what stands before ://"),
        ("memory://none/", "none, or no such bucket", "mend it, or correct the URL"),
    ],
)
def test_a_prefix_that_cannot_be_listed_is_an_error(
    tmp_path: Path, url: str, got: str, next_step: str
) -> None:
    with pytest.raises((DownloadError, SourceError)) as error:
        clip_here(url, tmp_path)
    assert error.value.got == got
    assert next_step in error.value.next_step


def test_who_has_no_credentials_is_told_what_a_public_bucket_needs() -> None:
    with (
        pytest.raises(DownloadError) as error,
        translating_errors("s3://bucket/radar/"),
    ):
        raise RuntimeError("Unable to locate credentials")
    assert "FSSPEC_S3_ANON=true" in error.value.next_step


@pytest.mark.usefixtures("store")
def test_an_object_that_is_gone_is_a_bad_item(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed, but cannot be read any more."""

    def fail(name: str, _: int) -> None:
        if name == "3.png":
            raise FileNotFoundError(name)

    reads_of(monkeypatch, fail)
    clip = clip_here(STORE_URL, tmp_path / "work", on_bad_frame="skip")
    assert shown(clip) == [number for number in range(COUNT) if number != 3]


@pytest.mark.usefixtures("store")
def test_objects_that_are_large_together_are_not_read_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of these there is room for two."""
    reads = reads_of(monkeypatch)
    source = store_items.StoreItems(STORE_URL)
    items = list(source.items())
    monkeypatch.setattr(store_items, "AT_ONCE_BYTES", 2 * max(item.size or 0 for item in items))
    read: list[str] = []
    for item, data in source.read_each(items, 1 << 20):
        read.append(item.name)
        assert isinstance(data, bytes)
        assert reads.total() <= len(read) + 1
    assert read == [item.name for item in items]


def test_each_of_several_files_is_meant_to_be_a_frame(folder: Path, tmp_path: Path) -> None:
    """Whatever it is called; one that is none is no less missed than one that is not there."""
    (folder / ".hidden").write_bytes(picture(7))
    names = ["frame_3.png", ".hidden"]
    assert shown(clip_here(folder_and(folder, *names), tmp_path / "work")) == [3, 7]
    (folder / "list").write_bytes(zip_of(PICTURES))
    (folder / "link").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    for name, error in (("list", "list is not usable"), ("link", "link"), ("pipe", "pipe")):
        with pytest.raises(SourceError, match=error):
            clip_here(folder_and(folder, "frame_3.png", name), tmp_path / name)


def folder_and(folder: Path, *names: str) -> str:
    return json.dumps([str(folder / name) for name in names])


def test_a_member_that_unpacks_to_too_much_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As much of it is unpacked as one image may have."""
    (tmp_path / "download").write_bytes(zip_of({"0.png": picture(0), "1.png": bytes(3 << 20)}))
    monkeypatch.setattr(assembling, "MAX_ITEM_BYTES", 1 << 20)
    with pytest.raises(SourceError) as caught:
        clip_here(tmp_path / "download", tmp_path / "work")
    assert caught.value.expected.startswith("at most 1,048,576 bytes")


@pytest.mark.parametrize(
    ("files", "got"),
    [({}, "none in 0 files"), ({"a.txt": b"a"}, "none in 1 file")],
)
def test_a_source_without_images_is_an_error(
    tmp_path: Path, files: dict[str, bytes], got: str
) -> None:
    """An empty folder, or one with other files."""
    (tmp_path / "pictures").mkdir()
    write_all(tmp_path / "pictures", files)
    with pytest.raises(SourceError) as caught:
        clip_here(tmp_path / "pictures", tmp_path / "work")
    assert caught.value.got == got


def test_a_folder_that_cannot_be_listed_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that its owner keeps to himself."""

    def scandir(path: Any) -> Any:
        if path == str(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return list_any(path)

    list_any = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(SourceError, match="Permission denied"):
        explained(folder, Selection())


def test_the_choice_of_items_is_explained(folder: Path) -> None:
    """The chosen ones with their times, then each other one with the rule that leaves it out."""
    (folder / "frame_2026-11-25.png").write_bytes(picture(1))
    selection = Selection(match="*[t56]*", last=2, time_of=time_reader("%Y-%m-%d", UTC))
    lines = explained(folder, selection)
    assert lines[0].startswith("frame 0: frame_6.png, ")
    assert lines[1] == "frame 1: frame_2026-11-25.png, 2026-11-25T00:00:00Z"
    reasons = dict(re.findall(r"left out: ([^,]+), .* \((.+)\)", "\n".join(lines[2:])))
    assert reasons.pop("frame_5.png") == "--last"
    assert reasons.pop("readme.txt") == "it is no image"
    assert len(reasons) == COUNT - 2
    assert set(reasons.values()) == {"--match"}


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_the_choice_of_members_is_explained(tmp_path: Path, kind: str) -> None:
    """As that of the files of a folder."""
    (tmp_path / "file").write_bytes(ARCHIVES[kind](PICTURES | NO_FRAMES))
    lines = [re.sub(", [^ ]*", "", line) for line in explained(tmp_path / "file", ONLY_THE_LAST)]
    assert lines[0] == "frame 0: frame_10.png"
    assert "left out: frame_0.png (--last)" in lines
    assert "left out: readme.txt (it is no image)" in lines
    assert len(lines) == COUNT + 1


@pytest.mark.parametrize("name", ["bundle", "animation", "nothing"])
def test_nothing_is_explained_of_one_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "bundle").write_bytes(picture(1) + DELIMITER + picture(2))
    (tmp_path / "animation").write_bytes(gif())
    assert explained(tmp_path / name, Selection()) == []


def test_a_folder_is_given_in_natural_order(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the order in which a machine lists its files means nothing."""
    paths = sorted(map(str, folder.iterdir()), key=lambda path: path[::-1])
    monkeypatch.setattr(local_items.LocalItems, "_paths", lambda _: iter(paths))
    assert shown(clip_here(folder, tmp_path / "work", sort="given")) == list(range(COUNT))


def test_a_page_that_is_too_large_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never taken for a shorter one; a list may be as long as it likes."""
    monkeypatch.setattr(fetched_file, "MAX_PAGE_BYTES", 100)
    (tmp_path / "page").write_text(f"<!DOCTYPE html>{'<a href=1.png>1</a>' * 9}")
    with pytest.raises(SourceError, match="a page of at most 100 bytes"):
        clip_here(tmp_path / "page", tmp_path / "work")
    write_all(tmp_path, PICTURES)
    (tmp_path / "list").write_text("".join(f"{name}\n" for name in PICTURES))
    assert shown(clip_here(tmp_path / "list", tmp_path / "work")) == list(range(COUNT))


def test_a_bad_picture_is_named(folder: Path, tmp_path: Path) -> None:
    """It ends the run, or is left out."""
    (folder / "frame_5.png").write_bytes(picture(5)[:-40])
    with pytest.raises(BundleError, match=r"frame_5\.png"):
        clip_here(folder, tmp_path / "work")
    clip = clip_here(folder, tmp_path / "work", on_bad_frame="skip")
    assert shown(clip) == [number for number in range(COUNT) if number != 5]


def test_a_picture_that_is_none_keeps_its_number(folder: Path, tmp_path: Path) -> None:
    """The manifest says why it is left out; as an error it is named before any frame is made."""
    (folder / "frame_5.png").write_bytes(b"<html>")
    with pytest.raises(SourceError, match=r"frame_5\.png is not usable"):
        clip_here(folder, tmp_path / "work")
    clip = clip_here(folder, tmp_path / "work", on_bad_frame="skip")
    assert shown(clip) == [number for number in range(COUNT) if number != 5]
    assert not (tmp_path / "work/frames/frame_05.gif").exists()
    manifest = load_manifest(open_folder(str(tmp_path / "work")))
    assert manifest is not None
    (skipped,) = manifest.skipped
    assert skipped.number == 5
    assert "an HTML or XML page" in skipped.reason
    assert "(frame_5.png)" in skipped.reason


def test_a_folder_that_did_not_change_is_left_alone(folder: Path, pipeline: Pipeline) -> None:
    """Then one picture comes, and one goes."""
    assert pipeline.run(url=folder) == ["DownloadData", "SplitFrames", "WriteFrames", "CombineGif"]
    assert pipeline.run(url=folder) == []
    (folder / "frame_12.png").write_bytes(picture(12))
    os.remove(folder / "frame_0.png")
    assert pipeline.run(url=folder)
    assert shown(pipeline.workdir / "clip.gif") == list(range(1, COUNT + 1))
    (folder / "notes.txt").write_text("no picture")
    assert pipeline.run(url=folder) == []


def test_other_choices_make_another_clip(folder: Path, pipeline: Pipeline) -> None:
    """A rule is part of the recipe; one that has no effect is not."""
    pipeline.run(url=folder, last=3)
    assert shown(pipeline.workdir / "clip.gif") == [9, 10, 11]
    pipeline.run(url=folder, match="*_[2-7].png", every=2)
    assert shown(pipeline.workdir / "clip.gif") == [2, 4, 6]
    assert pipeline.run(url=folder, match="*_[2-7].png", every=2) == []


def test_a_choice_that_is_no_longer_made_is_a_change(tmp_path: Path, pipeline: Pipeline) -> None:
    """Also of a source at a URL, which is not looked at again."""
    pipeline.server.pages["/all.zip"] = zip_of(PICTURES)
    url = pipeline.server.url("/all.zip")
    for choice, count in (({"last": 2}, 2), ({}, COUNT)):
        clip = clip_here(url, tmp_path / "work", **choice)
        with Image.open(clip) as image:
            assert image.n_frames == count  # type: ignore[attr-defined]


def test_several_sources_are_one_after_another(folder: Path, tmp_path: Path) -> None:
    """In the order given, each in its own."""
    urls = [folder / "frame_3.png", folder / "frame_1.png", folder / "*_1[01].png"]
    task = luigi_gif.CombineGif(url=[str(url) for url in urls], workdir=tmp_path)
    task.alone = True
    task.run()
    assert shown(tmp_path / "clip.gif") == [3, 1, 10, 11]


def test_an_item_that_changes_between_listing_and_reading_is_bad(
    folder: Path, tmp_path: Path
) -> None:
    """Never half of one version and half of another."""
    from luigi_gif.sources.item import ItemError
    from luigi_gif.sources.local_items import LocalItems

    items = LocalItems(str(folder))
    (item,) = (item for item in items.items() if item.name == "frame_1.png")
    (folder / "frame_1.png").write_bytes(gif(1))
    with pytest.raises(ItemError, match="changed since"):
        items.read(item, 1000)
