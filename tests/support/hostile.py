"""Files that unpack to very much: what an archive of a few kilobytes may hold."""

from __future__ import annotations

import struct
import tarfile
import zlib
from collections.abc import Iterable
from typing import IO, NamedTuple

MIB = 1 << 20


def zeros_deflated(mib: int) -> bytes:
    """So many MiB of zeros: a thousandth of them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join([*(compressor.compress(bytes(MIB)) for _ in range(mib)), compressor.flush()])


class Member(NamedTuple):
    """One of a zip file; its checksum, which nobody gets to, is wrong."""

    name: bytes
    packed: int
    """In bytes, as is its size."""
    size: int

    def header(self) -> bytes:
        """What stands before its data (APPNOTE 6.3.10, 4.3.7)."""
        method = 8 if self.packed else 0
        numbers = (20, 0, method, 0, 0x21, 0, self.packed, self.size, len(self.name), 0)
        return struct.pack("<4s5H3I2H", b"PK\3\4", *numbers) + self.name

    def entry(self, offset: int) -> bytes:
        """What the directory says of it (4.3.12)."""
        header = self.header()[4:30]
        return b"PK\1\2\x14\0" + header + struct.pack("<3H2I", 0, 0, 0, 0, offset) + self.name


def zip_file(members: Iterable[tuple[Member, int]], size: int) -> bytes:
    """The directory of a zip file, for members at these offsets in ``size`` bytes before it."""
    entries = [member.entry(offset) for member, offset in members]
    directory, count = b"".join(entries), len(entries)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF),
                      len(directory), size, 0)  # fmt: skip
    if count < 0xFFFF:
        return directory + end
    record = struct.pack(
        "<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), size
    )
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, size + len(directory), 1)
    return directory + record + locator + end


def zip_of_zeros(mib: int) -> bytes:
    """A zip file of one member."""
    data = zeros_deflated(mib)
    member = Member(b"a.png", len(data), mib * MIB)
    before = member.header() + data
    return before + zip_file([(member, 0)], len(before))


def overlapping_zip(count: int, mib: int) -> bytes:
    """A zip file whose members share their data, and quote the headers of those behind them.

    See https://www.bamsoftware.com/hacks/zipbomb/.
    """
    data = zeros_deflated(mib)
    member = Member(b"%03d.png" % (count - 1), len(data), mib * MIB)
    behind, members = member.header() + data, [(member, len(member.header()) + len(data))]
    for number in reversed(range(count - 1)):
        quoted = member.header()
        stored = struct.pack("<B2H", 0, len(quoted), len(quoted) ^ 0xFFFF)  # RFC 1951, 3.2.4
        packed = member.packed + len(stored) + len(quoted)
        member = Member(b"%03d.png" % number, packed, member.size + len(quoted))
        behind = member.header() + stored + behind
        members.append((member, len(behind)))
    places = [(member, len(behind) - from_end) for member, from_end in reversed(members)]
    return behind + zip_file(places, len(behind))


def zip_of_empty_files(count: int) -> bytes:
    """A zip file of so many members without a byte."""
    members = [Member(b"%07d.png" % number, 0, 0) for number in range(count)]
    step = len(members[0].header())
    before = b"".join(member.header() for member in members)
    return before + zip_file(((each, step * i) for i, each in enumerate(members)), len(before))


def write_tar_of_zeros(file: IO[bytes], count: int, mib: int) -> None:
    """Write a tar file of so many members, each of so many MiB."""
    for number in range(count):
        member = tarfile.TarInfo(f"{number}.png")
        member.size = mib * MIB
        file.write(member.tobuf(tarfile.GNU_FORMAT))
        for _ in range(mib):
            file.write(bytes(MIB))
    file.write(bytes(1024))
