"""Sources that mean harm, or are none, by both commands: one clear error each, soon and in little.

usage: python tests/campaigns/hostile.py [NAME...]

Each ends with exit code 30 and one error, after at most 10 s of the processor and with at most 500
MB of memory, and writes nothing outside its work directory. The largest are gigabytes once they
are unpacked; they are made anew each time, which takes some minutes and 3 GB of the disk.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.commands import ERROR, LUIGI_GIF, luigi_command, luigi_environment  # noqa: E402
from support.hostile import (  # noqa: E402
    overlapping_zip,
    write_tar_of_zeros,
    zip_of_empty_files,
    zip_of_zeros,
)
from support.page_server import Server  # noqa: E402

MAX_CPU_S = 10.0
MAX_MB = 500
LINES = 10_000_000
GIB = 1 << 30


def campaign(names: list[str], folder: Path) -> Iterator[str]:
    """A line for each source and command: how long it took, its memory, and the error.

    Raises AssertionError where something is not as promised.
    """
    for name in names or SOURCES:
        source = folder / name.replace(" ", "-")
        SOURCES[name](source)
        with closing(Server()) as server:
            url = str(source / "*.png") if "pattern" in name else str(source)
            if name == "page without pictures":
                server.pages["/page"] = source.read_bytes()
                url = server.url("/page")
            for command in (
                [*LUIGI_GIF, url],
                luigi_command("CombineGif", "--url", url),
            ):
                yield f"{name}, {command[2]}: {_run(command, folder / 'run')}"


# In a process of its own, as a command has the memory of the one that starts it for a moment.
_MEASURE = """
import json, os, subprocess, sys, time
begin = time.monotonic()
process = subprocess.Popen(sys.argv[1:])
_, status, used = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
cpu_s = used.ru_utime + used.ru_stime
print(json.dumps([process.returncode, time.monotonic() - begin, cpu_s, used.ru_maxrss / 1000]))
"""


def _run(command: list[str], folder: Path) -> str:
    with tempfile.TemporaryDirectory(dir=folder.parent) as place, tempfile.TemporaryFile() as log:
        measured = subprocess.run(
            [sys.executable, "-c", _MEASURE, *command],
            cwd=place, stdout=subprocess.PIPE, stderr=log, env=luigi_environment(), check=False,
        )  # fmt: skip
        code, seconds, cpu_s, megabytes = json.loads(measured.stdout.splitlines()[-1])
        log.seek(0)
        said = log.read().decode()
        errors = ERROR.findall(said)
        assert code == 30, said
        assert len(errors) == 1, said
        assert "Traceback" not in said, said
        assert {path.name for path in Path(place).iterdir()} <= {"data"}, said
        assert not list(Path(place).rglob("x.png")), said
        facts = f"{seconds:.1f} s, {cpu_s:.1f} s of the processor, {megabytes:.0f} MB"
        assert cpu_s <= MAX_CPU_S, facts
        assert megabytes <= MAX_MB, facts
        what = " | ".join(" ".join(line.split()) for line in errors[0].splitlines()[:4])
        return f"{facts}; {what}"


def _tar_of(name: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with tarfile.open(path, "w") as archive:
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))

    return make


def _encrypted_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.png", b"x")
    data = bytearray(path.read_bytes())
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(header) + flags] |= 1
    path.write_bytes(data)


def _bomb(open_packed: Callable[[Path], Any], count: int, mib: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with open_packed(path) as file:
            write_tar_of_zeros(file, count, mib)

    return make


def _zstd(path: Path) -> Any:
    from backports import zstd

    return zstd.open(path, "wb")


def _nested_zip(path: Path) -> None:
    inner = zip_of_zeros(42)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(100):
            archive.writestr(f"{number}.zip", inner)


def _large_page(path: Path) -> None:
    links = b"".join(b'<a href="%06d.png">x</a><br>\n' % number for number in range(10_000))
    with path.open("wb") as file:
        file.write(b"<!DOCTYPE html>\n")
        while file.tell() < GIB:
            file.write(links)


def _long_list(path: Path) -> None:
    with path.open("wb") as file:
        for begin in range(0, LINES, 1000):
            numbers = range(begin, begin + 1000)
            file.write(b"".join(b"none/%08d.png\n" % number for number in numbers))


def _large_file(path: Path) -> None:
    path.mkdir()
    with (path / "a.png").open("wb") as file:
        os.truncate(file.fileno(), 5 * GIB)


SOURCES: dict[str, Callable[[Path], object]] = {
    "zip that overlaps": lambda path: path.write_bytes(overlapping_zip(250, 21)),
    "zip of zeros": lambda path: path.write_bytes(zip_of_zeros(42)),
    "zip of 4 GB of zeros": lambda path: path.write_bytes(zip_of_zeros(4000)),
    "zip in a zip": _nested_zip,
    "zip of a million empty files": lambda path: path.write_bytes(zip_of_empty_files(1_000_000)),
    "zip that is encrypted": _encrypted_zip,
    "tar with ..": _tar_of("../x.png"),
    "tar with an absolute name": _tar_of("/x.png"),
    "tar.gz of 4 GB of zeros": _bomb(partial(gzip.open, mode="wb"), 1, 4000),
    "tar.bz2 of 2 GB of zeros": _bomb(partial(bz2.open, mode="wb"), 10, 200),
    "tar.xz of 2 GB of zeros": _bomb(partial(lzma.open, mode="wb", preset=0), 10, 200),
    "tar.zst of 4 GB of zeros": _bomb(_zstd, 20, 200),
    "text that is no list": lambda path: path.write_text("Dear diary,\nI saw a GIF.\n" * 99),
    "folder that is empty": Path.mkdir,
    "folder of 5 GB": _large_file,
    "pattern that fits nothing": Path.mkdir,
    "page without pictures": lambda path: path.write_text("<!DOCTYPE html><a href=x.txt>x</a>"),
    "page of 1 GB": _large_page,
    "list of 10 million lines": _long_list,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Sources that mean harm, by both commands.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*SOURCES, []])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(options.names, Path(folder)):
            print(line, flush=True)
    print("all as promised")


if __name__ == "__main__":
    main()
