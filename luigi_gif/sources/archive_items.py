"""A tar or zip file: each image in it is an item."""

from __future__ import annotations

import bz2
import calendar
import gzip
import importlib
import io
import lzma
import os
import posixpath
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, cast

from luigi_gif.sources.http_urls import MAX_LENGTH
from luigi_gif.sources.item import Item, ItemError, Items, SourceUnusable
from luigi_gif.sources.left_out import is_hidden

_PIECE_BYTES = 1 << 20
_TAR_BLOCK = 512
_TAR_MARK = 257
"""Offset of ``ustar`` in a tar (POSIX.1-2017, pax, ustar interchange format)."""
_TAR_SUM_AT = 148
_TAR_SUM = re.compile(rb" *[0-7]{3,7}[\0 ]")
"""The sum of a header, in octal digits."""
_ZIP_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 1
"""Bit of a zip member's flags (APPNOTE 6.3.10, 4.4.4)."""
_UNIX_MODE_BIT = 16
"""From which on a zip member's attributes are those of Unix."""
_ZIP_END_BYTES = 1 << 17
"""In which its end is: a comment has 64 KiB at most."""
BEGINNING_BYTES = 1 << 20
"""As many tell whether a compressed file holds a tar: a block of bzip2 has 900 kB."""
MAX_MEMBERS = 600_000
"""They are listed in memory; a year of minutes has 525,600."""
MAX_RATIO = 200
"""So many times its own size an archive may unpack to, if that is ..."""
FREE_BYTES = 1 << 29
"""... more than one image may have."""
BROKEN = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError,
    zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip
"""What the readers raise for data that are no whole archive, or of a kind they do not know."""


def is_archive(beginning: bytes) -> bool:
    """Whether a file is a tar or zip file, judged by its first kilobytes."""
    return (
        beginning.startswith(_ZIP_BEGINNINGS)
        or decompressor(beginning) is not None
        or _is_tar(beginning)
    )


def _is_tar(beginning: bytes) -> bool:
    """Whether it has the mark of a tar or, as those older than POSIX, the sum of its header."""
    if beginning.startswith(b"ustar", _TAR_MARK):
        return True
    if not _TAR_SUM.match(beginning, _TAR_SUM_AT):
        return False
    try:
        tarfile.TarInfo.frombuf(beginning[:_TAR_BLOCK], "utf-8", "surrogateescape")
    except BROKEN:
        return False
    return True


def decompressor(beginning: bytes) -> Callable[[IO[bytes]], IO[bytes]] | None:
    """What unpacks a file to a tar file; None where it does not hold one."""
    for magic, opener in _compressions():
        if beginning.startswith(magic):
            try:
                with opener(io.BytesIO(beginning)) as file:
                    unpacked = _read_what_is_there(file)
            except BROKEN:
                return None
            return opener if _is_tar(unpacked) else None
    return None


def _read_what_is_there(file: IO[bytes]) -> bytes:
    """The first block; of data that are cut off as much as they hold."""
    data = b""
    try:
        while len(data) < _TAR_BLOCK and (piece := file.read(_TAR_BLOCK - len(data))):
            data += piece
    except EOFError:
        pass
    return data


def _compressions() -> Iterator[tuple[bytes, Callable[[IO[bytes]], IO[bytes]]]]:
    yield b"\x1f\x8b", lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file))
    yield b"BZh", lambda file: cast(IO[bytes], bz2.BZ2File(file))
    yield b"\xfd7zXZ\x00", _open_xz
    yield b"\x28\xb5\x2f\xfd", _open_zstandard


def _open_xz(file: IO[bytes]) -> IO[bytes]:
    return lzma.LZMAFile(file)


def _open_zstandard(file: IO[bytes]) -> IO[bytes]:
    """Python has it from 3.14 on."""
    try:
        zstd = importlib.import_module("compression.zstd")
    except ImportError:
        try:
            zstd = importlib.import_module("backports.zstd")
        except ImportError:
            what = "the package backports.zstd (pip install 'luigi_gif[zstd]')"
            raise SourceUnusable(what, "none") from None
    return cast(IO[bytes], zstd.ZstdFile(file))


def unpacked_pieces(opener: Callable[[IO[bytes]], IO[bytes]], file: IO[bytes]) -> Iterator[bytes]:
    """What a compressed file holds.

    Raises SourceUnusable where it is damaged or cut off, or unpacks to very many bytes.
    """
    size = 0
    try:
        with opener(file) as unpacked:
            while piece := unpacked.read(_PIECE_BYTES):
                size += len(piece)
                _check_unpacked(size, file.tell())
                yield piece
    except BROKEN as error:
        raise SourceUnusable("a whole compressed tar file", _words(error)) from None


def open_archive(file: IO[bytes]) -> Items:
    """The members of a zip file, or of a tar file that is not compressed.

    Raises SourceUnusable.
    """
    beginning = file.read(_TAR_BLOCK)
    file.seek(0)
    try:
        return _Zip(file) if beginning.startswith(_ZIP_BEGINNINGS) else _Tar(file)
    except BROKEN as error:
        raise SourceUnusable("a whole tar or zip file", _words(error)) from None


def _check_unpacked(size: int, packed: int) -> None:
    if size > max(FREE_BYTES, MAX_RATIO * packed):
        expected = f"an archive that unpacks to at most {MAX_RATIO} times its size"
        raise SourceUnusable(expected, f"{size:,} bytes or more, of {packed:,}")


def _check_count(count: int) -> None:
    if count > MAX_MEMBERS:
        expected = f"an archive of at most {MAX_MEMBERS:,} files (a folder may have more)"
        raise SourceUnusable(expected, f"{count:,} files or more")


class _Zip(Items):
    def __init__(self, file: IO[bytes]) -> None:
        _check_count(_count_in_zip(file))
        self._zip = zipfile.ZipFile(file)
        self._size = file.seek(0, os.SEEK_END)

    def items(self) -> Iterator[Item]:
        _check_unpacked(sum(info.file_size for info in self._zip.infolist()), self._size)
        # Of those with one name the last counts, as for whoever unpacks them.
        infos = {_name_inside(info.filename): info for info in self._zip.infolist()}
        for name, info in infos.items():
            if info.is_dir() or is_hidden(name):
                continue
            if info.flag_bits & _ENCRYPTED:
                raise SourceUnusable("members that are not encrypted", f"{info.filename}, which is")
            item = Item(name, info.filename, info.file_size, _dos_time(info), f"{info.CRC:08x}")
            if stat.S_ISLNK(info.external_attr >> _UNIX_MODE_BIT):
                _check_link(name, posixpath.dirname(name), self._target(item))
            else:
                yield item

    def read(self, item: Item, size: int) -> bytes:
        try:
            with self._zip.open(item.place) as member:
                return member.read(size)
        except BROKEN as error:
            raise ItemError("a whole member of the zip file", _words(error)) from None

    def _target(self, link: Item) -> str:
        try:
            return self.read(link, MAX_LENGTH).decode("utf-8", "replace")
        except ItemError as error:
            raise SourceUnusable(error.expected, error.got) from None


def _count_in_zip(file: IO[bytes]) -> int:
    """How many files there are, as the end of a zip file says (APPNOTE 6.3.10, 4.3.14 to 16)."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _ZIP_END_BYTES))
    end = file.read()
    count = int.from_bytes(end.rpartition(b"PK\5\6")[2][6:8], "little")
    if count == 0xFFFF:
        locator = end.rpartition(b"PK\6\7")[2]
        file.seek(min(size, int.from_bytes(locator[4:12], "little")))
        record = file.read(40)
        if record.startswith(b"PK\6\6"):
            count = int.from_bytes(record[32:], "little")
    return count


def _dos_time(info: zipfile.ZipInfo) -> float | None:
    """Seconds since 1970, of a time in UTC; None where it has no day, as some tools write it."""
    try:
        return float(calendar.timegm((*info.date_time, 0, 0, 0)))
    except ValueError:
        return None


class _Tar(Items):
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._tar = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115  # it holds nothing
        self._sparse: dict[str, tarfile.TarInfo] = {}
        """By where they begin, those whose zeros are not stored."""

    def items(self) -> Iterator[Item]:
        # Of those with one name the last counts, as for whoever unpacks them.
        members: dict[str, Item] = {}
        try:
            for number, member in enumerate(self._tar, 1):
                _check_count(number)
                name = _name_inside(member.name)
                if member.issym():
                    _check_link(member.name, posixpath.dirname(name), member.linkname)
                elif member.islnk():  # a file that has two names is stored under the first
                    _check_link(member.name, "", member.linkname)
                    linked = members.get(_name_inside(member.linkname))
                    if linked is not None:
                        members[name] = linked._replace(name=name)
                elif member.isfile():
                    place = str(member.offset_data)
                    members[name] = Item(name, place, member.size, float(member.mtime))
                    if member.issparse():
                        self._sparse[place] = member
                # Else it keeps all of them.
                self._tar.members = []  # type: ignore[attr-defined]
        except BROKEN as error:
            raise SourceUnusable("a whole tar file", _words(error)) from None
        # POSIX.1-2017: zeros end it; one that is cut off between two members has none.
        end = self._tar.offset
        self._file.seek(end)
        if self._file.read(_TAR_BLOCK) != bytes(_TAR_BLOCK):
            raise SourceUnusable("zeros at the end of a tar file", f"another end, at {end:,} bytes")
        yield from (item for item in members.values() if not is_hidden(item.name))

    def read(self, item: Item, size: int) -> bytes:
        assert item.size is not None
        wanted = min(size, item.size)
        if sparse := self._sparse.get(item.place):
            return self._read_sparse(sparse, wanted)
        self._file.seek(int(item.place))
        data = self._file.read(wanted)
        if len(data) < wanted:
            raise ItemError(f"{item.size:,} bytes of a tar file", f"its end after {len(data):,}")
        return data

    def _read_sparse(self, member: tarfile.TarInfo, size: int) -> bytes:
        file = self._tar.extractfile(member)
        assert file is not None
        try:
            return file.read(size)
        except BROKEN as error:
            raise ItemError("a whole member of the tar file", _words(error)) from None


def _name_inside(name: str) -> str:
    """The name without a ``./`` in front, as tar writes it for ``.``. Raises SourceUnusable."""
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        raise SourceUnusable("names inside the archive", f"{name}, which leads out of it")
    return posixpath.normpath(name)


def _check_link(name: str, folder: str, target: str) -> None:
    """Raise SourceUnusable for a link ``name`` that leads out of the archive."""
    depth = 0
    for part in f"{folder}/{target}".split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            break
    if depth < 0 or target.startswith("/"):
        raise SourceUnusable("links that stay in the archive", f"{name}, a link to {target}")


def _words(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
