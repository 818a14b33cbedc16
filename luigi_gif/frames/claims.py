"""Whose a file in frames/ is: this run's, an earlier run's, or the user's.

A manifest claims the names of its frame files before one is written. What lies
under a name that no manifest had claimed by then is the user's. Frame files of
an earlier manifest are replaced or removed only if its checksums prove that
nobody has changed them since.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from luigi_gif import storage
from luigi_gif.frames import writing


def take_over(folder: storage.Folder, manifest: writing.Manifest) -> list[str]:
    """Note in a new manifest what it may replace of the one that lies there, and what not.

    Returns the new names of frame files that were altered since they were written: they are
    set aside.
    """
    old = writing.load_manifest(folder)
    if old is None:
        return []
    aside: list[str] = []
    manifest.earlier.extend(_merged([*old.earlier, *_proven(folder, old, aside)]))
    digits = writing.digits_for(manifest.frames)
    for number in writing.numbers_there(folder, manifest):
        if not writing.is_earlier(manifest.earlier, digits, number):
            manifest.unclaimed.add(writing.stretch_of(manifest, number))
    return aside


def _proven(
    folder: storage.Folder, old: writing.Manifest, aside: list[str]
) -> Iterator[writing.Earlier]:
    """The frame files of a manifest that nobody has changed; the others are set aside.

    Where a run has not noted a checksum yet, as it was killed, its claim has to do.
    """
    digits = writing.digits_for(old.frames)
    for place, (stretch, written) in enumerate(zip(old.stretches, old.written, strict=True)):
        if place in old.unclaimed:
            continue
        numbers = range(stretch.number, stretch.number + stretch.frames)
        if written is not None:
            skipped = {frame.number for frame in written.skipped}
            names = [writing.file_name(each, digits) for each in numbers if each not in skipped]
            contents = list(folder.read_many(names, written.bytes // stretch.frames))
            crc32 = 0
            for content in contents:
                crc32 = zlib.crc32(content or b"", crc32)
            if None in contents or crc32 != written.crc32:
                pairs = zip(names, contents, strict=True)
                aside += [folder.quarantine(name) for name, content in pairs if content]
                continue
        yield writing.Earlier(digits, numbers.start, numbers.stop)


def _merged(ranges: list[writing.Earlier]) -> Iterator[writing.Earlier]:
    last = None
    for each in sorted(ranges):
        if last and each.digits == last.digits and each.start <= last.end:
            last = last._replace(end=max(last.end, each.end))
            continue
        if last:
            yield last
        last = each
    if last:
        yield last
