"""A file that changed, or another one in its place, never passes for the old one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from luigi.task_register import Register
from support.clips import clip_of
from support.numbered import picture, shown
from support.page_server import Server

import luigi_gif
from luigi_gif import fetching, sources
from luigi_gif.sources.local_items import LocalItems


def clip(**options: Any) -> luigi_gif.CombineGif:
    """The task as another run has it."""
    Register.clear_instance_cache()
    return luigi_gif.CombineGif(**options)


def same_times(path: Path, like: os.stat_result) -> None:
    os.utime(path, ns=(like.st_atime_ns, like.st_mtime_ns))


def write_over(path: Path, data: bytes) -> None:
    """In place, as many bytes, and with the time from before."""
    before = path.stat()
    path.write_bytes(data)
    same_times(path, before)


def move_over(path: Path, data: bytes) -> None:
    """As mv does it with what cp -p has made."""
    before, other = path.stat(), path.with_name("other")
    other.write_bytes(data)
    same_times(other, before)
    other.rename(path)


def remove_and_copy(path: Path, data: bytes) -> None:
    """The new file may get the number that the old one had."""
    before = path.stat()
    path.unlink()
    path.write_bytes(data)
    same_times(path, before)


def turn_link(path: Path, data: bytes) -> None:
    """What was a link to one folder leads to another."""
    link = path.parent
    other = Path(shutil.copytree(link, link.with_name("other"), copy_function=shutil.copy2))
    write_over(other / path.name, data)
    link.unlink()
    link.symlink_to(other)


CHANGES = [write_over, move_over, remove_and_copy, turn_link]
SOURCES: dict[str, Callable[[Path], str]] = {
    "file": lambda folder: str(folder / "link" / "20261123_0100.png"),
    "folder": lambda folder: str(folder / "link"),
    "pattern": lambda folder: str(folder / "li*" / "*.png"),
    "list": lambda folder: str(folder / "list.txt"),
    "dated": lambda folder: str(folder / "link" / "%Y%m%d_%H00.png"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures behind a link, and a list of them."""
    (tmp_path / "pictures").mkdir()
    for hour in (1, 2):
        (tmp_path / "pictures" / f"20261123_0{hour}00.png").write_bytes(picture(hour))
    (tmp_path / "link").symlink_to("pictures")
    (tmp_path / "list.txt").write_text("link/20261123_0100.png\nlink/20261123_0200.png\n")
    return tmp_path


def task_of(kind: str, folder: Path) -> luigi_gif.CombineGif:
    times = {"since": "2026-11-23", "until": "2026-11-23T06", "step": "1h"}
    options: dict[str, Any] = times if kind == "dated" else {}
    return clip(url=SOURCES[kind](folder), workdir=folder / "work", **options)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", SOURCES)
def test_a_changed_picture_is_seen(
    folder: Path, kind: str, change: Callable[[Path, bytes], None]
) -> None:
    """Though path, size and time are those from before; without a change there is none."""
    source = task_of(kind, folder).source()
    before = sources.source_version(source)
    assert sources.source_version(source) == before is not None
    change(folder / "link" / "20261123_0100.png", picture(3))
    assert sources.source_version(source) not in (before, None)


@pytest.mark.parametrize("kind", ["list", "dated"])
def test_a_changed_picture_is_shown(folder: Path, kind: str) -> None:
    """Also one that a list or a dated path names; else the clip is current."""
    assert shown(clip_of(task_of(kind, folder))) == [1, 2]
    assert task_of(kind, folder).complete()
    write_over(folder / "link" / "20261123_0100.png", picture(3))
    assert not task_of(kind, folder).complete()
    assert shown(clip_of(task_of(kind, folder))) == [3, 2]
    assert task_of(kind, folder).complete()


def test_a_changed_picture_beside_others_of_the_web_is_seen(folder: Path, server: Server) -> None:
    """Of several sources, and of a list, those of this machine are looked at, no other one."""
    server.pages["/5.png"] = picture(5)
    path = folder / "pictures" / "20261123_0100.png"
    listed = folder / "mixed.txt"
    listed.write_text(f"{server.url('/5.png')}\n{path}\n")
    for number, url in enumerate(([server.url("/5.png"), path], listed)):
        path.write_bytes(picture(1))
        workdir = folder / str(number)
        assert shown(clip_of(clip(url=url, workdir=workdir))) == [5, 1]
        server.requests.clear()
        assert clip(url=url, workdir=workdir).complete()
        write_over(path, picture(3))
        assert not clip(url=url, workdir=workdir).complete()
        assert server.requests == []
        assert shown(clip_of(clip(url=url, workdir=workdir))) == [5, 3]


def test_one_relative_path_is_another_file_in_another_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in one work directory, with the same name, size and time."""
    for name, number in (("a", 1), ("b", 2)):
        (folder / name).mkdir()
        (folder / name / "x.png").write_bytes(picture(number))
        os.utime(folder / name / "x.png", (0, 0))
    for name, number in (("a", 1), ("b", 2), ("a", 1)):
        monkeypatch.chdir(folder / name)
        task = clip(url="x.png", workdir=folder / "work")
        assert not task.complete()
        assert shown(clip_of(task)) == [number]
        assert clip(url="x.png").workdir.startswith(str(folder / name))


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the system tell less of files."""
    stat = os.stat

    def tell(**changes: Callable[[int], int]) -> None:
        listed = ("st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size")

        def told(*arguments: Any, **options: Any) -> os.stat_result:
            found = stat(*arguments, **options)
            names = [name for name in dir(found) if name.startswith("st_")]
            fields = {name: getattr(found, name) for name in names}
            fields |= {name: change(fields[name]) for name, change in changes.items()}
            times = list(found)[len(listed) :]
            values = [*(fields.pop(name) for name in listed), *times]
            return os.stat_result(values, fields)

        monkeypatch.setattr(os, "stat", told)

    return tell


def versions(path: Path) -> tuple[str | None, str]:
    """Of a file by itself, and as an item of its folder."""
    items = {item.place: item.version for item in LocalItems(str(path.parent)).items()}
    return fetching.source_version(str(path)), items[str(path)]


def test_where_files_have_no_numbers_their_content_counts(
    tmp_path: Path, telling: Callable[..., None]
) -> None:
    """Whatever else the file system tells."""
    telling(st_ino=lambda _: 0, st_mtime_ns=lambda _: 0, st_ctime_ns=lambda _: 0)
    path = tmp_path / "x.png"
    path.write_bytes(picture(1))
    before = versions(path)
    assert versions(path) == before
    path.write_bytes(picture(2))
    assert len({*before, *versions(path)}) == 4


def test_a_change_within_a_tick_of_the_clock_is_seen(
    tmp_path: Path, telling: Callable[..., None]
) -> None:
    """Kernels, and more so file systems, note times in steps: here of 10 ms."""
    telling(
        st_mtime_ns=lambda time: time // 10**7 * 10**7,
        st_ctime_ns=lambda time: time // 10**7 * 10**7,
    )
    path = tmp_path / "x.png"
    path.write_bytes(picture(1))
    seen: set[str | None] = set()
    for number in range(12):
        path.write_bytes(picture(number % 2))
        seen.update(versions(path))
    assert len(seen) == 24
