"""Choose from a million items, and make a bundle of them: as much memory as for ten thousand.

usage: python tests/campaigns/listings.py [--items 10000 1000000]

The items lie nowhere: they are listed in no order, and each is the same GIF of 43 bytes. Each
number of them has a process of its own for each of these, whose peak of resident memory may be at
the most 1.2 times that of the first number:

- version: the version of a folder of so many, as each run asks for it;
- explain: what is chosen, and why all but a few are left out;
- bundle: all are chosen, in natural order, and become a bundle with its index and its notes;
- last: the last tenth by their time, in the same way.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest import mock

from luigi_gif import DownloadData, bundles, frames, settings, sources, storage
from luigi_gif.integrations import ProgressReporter
from luigi_gif.sources import chosen_items, source_bundle
from luigi_gif.sources.item import Item, Items

PICTURE = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90400000000002c00000000010001000002024401003b"
)
MAX_GROWTH = 1.2
PARTS = ("version", "explain", "bundle", "last")


class SimulatedItems(Items):
    """As many pictures as one likes, which lie nowhere."""

    def __init__(self, count: int) -> None:
        self.count = count

    def items(self) -> Iterator[Item]:
        for number in range(self.count):
            place = number * 7919 % self.count
            name = f"cam/frame_{place}.gif"
            yield Item(name, f"/pictures/{name}", len(PICTURE), place / 3, f"43-{number}-2049")

    def read(self, item: Item, size: int) -> bytes:
        return PICTURE[:size]


def look_at(part: str, count: int, folder: storage.LocalFolder) -> None:
    """Do one of the parts. Raises AssertionError where it is not right."""
    items, reporter = SimulatedItems(count), ProgressReporter(DownloadData())
    with (
        mock.patch.object(chosen_items, "local_items", return_value=items),
        mock.patch.object(chosen_items, "listed_items", return_value=items),
        mock.patch.object(source_bundle, "listed_items", return_value=items),
    ):
        if part == "version":
            assert sources.source_version(source_of(sources.Selection()))
        elif part == "explain":
            source = source_of(sources.Selection(every=1000))
            lines = sources.explain_source(source, settings.download(), reporter)
            assert sum(1 for _ in lines) == count
        elif part == "bundle":
            make_bundle(sources.Selection(), range(count), folder)
        else:
            tenth = count // 10
            selection = sources.Selection(sort="time", last=tenth)
            make_bundle(selection, range(count - tenth, count), folder)


def source_of(selection: sources.Selection) -> sources.Source:
    return sources.Source("/pictures", selection, strict=True, sha256=None)


def make_bundle(selection: sources.Selection, chosen: range, folder: storage.LocalFolder) -> None:
    """As DownloadData does; it is to be of the chosen numbers."""
    made = sources.fetch_source(
        source_of(selection),
        folder,
        "bundle",
        settings.download(),
        ProgressReporter(DownloadData()),
    )
    assert isinstance(made, sources.SourceBundle)
    with made.items as noted:
        frames.note_items(folder, "bundle", (each[:3] for each in noted))
    with folder.open(made.file_name) as file:
        assert made.bundle_index == bundles.index_bundle(file.read, strict=True)
    for number in (0, len(chosen) // 2, len(chosen) - 1):
        name = frames.item_name(folder, "bundle", number)
        assert name == f"cam/frame_{chosen[number]}.gif", f"{number}: {name}"


def campaign(counts: Iterable[int]) -> Iterator[str]:
    """One line for each part and number. Raises AssertionError where memory grows."""
    for part in PARTS:
        fewest = 0.0
        for count in counts:
            begin = time.monotonic()
            command = [sys.executable, __file__, "--part", part, "--items", str(count)]
            peak_mib = float(subprocess.run(command, check=True, capture_output=True).stdout)
            fewest = fewest or peak_mib
            seconds = time.monotonic() - begin
            yield f"{part:8} {count:10,} items: {peak_mib:6.1f} MiB, {seconds:.1f} s"
            assert peak_mib <= MAX_GROWTH * fewest, f"{peak_mib / fewest:.2f} times the fewest"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--part", choices=PARTS, help="in this process; its peak is printed")
    options = parser.parse_args()
    if not options.part:
        for line in campaign(options.items):
            print(line, flush=True)
        return
    with tempfile.TemporaryDirectory() as name:
        look_at(options.part, options.items[0], storage.LocalFolder(Path(name)))
    unit = 1 if sys.platform == "darwin" else 1 << 10
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / (1 << 20))


if __name__ == "__main__":
    main()
