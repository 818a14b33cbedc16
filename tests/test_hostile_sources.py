"""Sources that mean harm: one clear error each, early, and nothing written elsewhere."""

from __future__ import annotations

import gzip
import importlib
import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from support.clips import clip_here
from support.commands import fails, run_luigi_gif
from support.hostile import (
    MIB,
    overlapping_zip,
    write_tar_of_zeros,
    zip_of_empty_files,
    zip_of_zeros,
)
from support.numbered import picture, shown

from luigi_gif.errors import SourceError
from luigi_gif.sources import archive_items
from luigi_gif.sources.local_items import LocalItems


def zstd_file(file: IO[bytes]) -> Any:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return importlib.import_module(name).open(file, "wb")


OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    "tar.gz": lambda file: gzip.GzipFile(fileobj=file, mode="wb"),
    "tar.zst": zstd_file,
}


def test_a_zip_of_42_kb_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    """Before a byte of it is unpacked; also where bad frames are left out."""
    bomb = overlapping_zip(250, 21)
    assert len(bomb) < 46_000
    (tmp_path / "bomb").write_bytes(bomb)
    for way in ("fail", "skip"):
        result = run_luigi_gif(tmp_path, "bomb", "--on-bad-frame", way)
        fails(result, "at most 200 times its size", "5,506,175,625 bytes or more, of 45,184")
    assert {path.name for path in tmp_path.iterdir()} == {"bomb", "data"}


@pytest.mark.parametrize("kind", list(OPENERS))
def test_a_compressed_tar_that_unpacks_to_very_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As soon as that shows; what was unpacked is removed."""
    monkeypatch.setattr(archive_items, "FREE_BYTES", 4 * MIB)
    with (tmp_path / "bomb").open("wb") as file, OPENERS[kind](file) as packed:
        write_tar_of_zeros(packed, 8, 1)
    with pytest.raises(SourceError, match="at most 200 times its size") as caught:
        clip_here(tmp_path / "bomb", tmp_path / "work")
    assert caught.value.got.startswith("5,242,880 bytes or more")
    assert not list((tmp_path / "work").glob("*unpacked*"))


def test_an_archive_may_unpack_to_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it is no more than one image may have."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.png", picture(0))
        archive.writestr("zeros", bytes(4 * MIB))
    (tmp_path / "pictures").write_bytes(file.getvalue())
    assert shown(clip_here(tmp_path / "pictures", tmp_path / "work")) == [0]
    monkeypatch.setattr(archive_items, "FREE_BYTES", MIB)
    with pytest.raises(SourceError, match="at most 200 times"):
        clip_here(tmp_path / "pictures", tmp_path / "other")


@pytest.mark.parametrize("count", [9, 70_000])
def test_an_archive_of_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """By what its end says, before they are listed."""
    monkeypatch.setattr(archive_items, "MAX_MEMBERS", 8)
    (tmp_path / "many").write_bytes(zip_of_empty_files(count))
    with pytest.raises(SourceError) as caught:
        clip_here(tmp_path / "many", tmp_path / "work")
    assert caught.value.expected.startswith("an archive of at most 8 files")
    assert caught.value.got == f"{count:,} files or more"


def test_what_is_no_image_is_not_unpacked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A megabyte tells."""
    asked = []
    read = zipfile.ZipExtFile.read

    def noted(file: zipfile.ZipExtFile, size: int) -> bytes:
        asked.append(size)
        return read(file, size)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", noted)
    (tmp_path / "zeros").write_bytes(zip_of_zeros(40))
    with pytest.raises(SourceError, match=r"a\.png is not usable") as caught:
        clip_here(tmp_path / "zeros", tmp_path / "work")
    assert caught.value.got == "data that begin with zeros"
    assert asked == [MIB]


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is known."""
    (tmp_path / "pictures").mkdir()
    with (tmp_path / "pictures/a.png").open("wb") as file:
        os.truncate(file.fileno(), 5 << 30)
    monkeypatch.setattr(LocalItems, "read", None)
    with pytest.raises(SourceError) as caught:
        clip_here(tmp_path / "pictures", tmp_path / "work")
    assert (caught.value.expected, caught.value.got) == (
        "at most 536,870,912 bytes of an image",
        "5,368,709,120",
    )
