"""Whose a file in frames/ is: this run's, an earlier run's, or the user's.

A manifest claims the names of its frame files before one is written. What lies
under a name that no manifest had claimed by then is the user's. Frame files of
an earlier manifest are replaced or removed only if its checksums, or their
records, prove that nobody has changed them since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from isal import isal_zlib

from luigi_gif import storage
from luigi_gif.frames.frame_files import digits_for, frame_file_name, list_frame_files
from luigi_gif.frames.manifest import (
    EarlierFiles,
    Manifest,
    find_chunk_index,
    is_earlier,
    load_manifest,
)
from luigi_gif.frames.record_table import NotedRecords


def claim_existing_files(folder: storage.Folder, manifest: Manifest) -> list[str]:
    """Note in a new manifest which files of the existing one it may replace, and which not.

    Returns the new names of frame files that were altered since they were written: they are
    set aside.
    """
    old = load_manifest(folder)
    if old is None:
        return []
    quarantined: list[str] = []
    manifest.earlier.extend(
        own_files(folder, old, lambda name: quarantined.append(folder.quarantine(name)))
    )
    digits = digits_for(manifest.frame_count)
    for file in list_frame_files(folder, digits):
        if file.digits != digits or file.number >= manifest.frame_count:
            continue
        if not is_earlier(manifest.earlier, digits, file.number):
            manifest.unclaimed.add(find_chunk_index(manifest, file.number))
    return quarantined


def own_files(
    folder: storage.Folder, manifest: Manifest, altered: Callable[[str], object]
) -> Iterator[EarlierFiles]:
    """The frame files that are the pipeline's: a manifest's, and those before it.

    ``altered`` is called with the name of each file of a chunk that somebody has changed.
    """
    return _merged([*manifest.earlier, *_proven(folder, manifest, altered)])


def _proven(
    folder: storage.Folder, old: Manifest, altered: Callable[[str], object]
) -> Iterator[EarlierFiles]:
    """The frame files of a manifest that nobody has changed.

    Where a run has not noted a checksum yet, as it was killed, its claim has to do. Where that of
    a chunk does not fit, the records tell of each of its files.
    """
    digits = digits_for(old.frame_count)
    records = NotedRecords(folder, digits)
    for index, (chunk, result) in enumerate(zip(old.chunks, old.results, strict=True)):
        if index in old.unclaimed:
            continue
        numbers = list(chunk.numbers) if result is None else result.file_numbers(chunk)
        if result is not None:
            names = [frame_file_name(each, digits) for each in numbers]
            contents = list(folder.read_many(names, result.size_bytes // chunk.frame_count))
            crc32 = 0
            for content in contents:
                crc32 = isal_zlib.crc32(content or b"", crc32)
            if None in contents or crc32 != result.crc32:
                noted = records.of(chunk.numbers)
                for number, name, content in zip(numbers, names, contents, strict=True):
                    record = noted.get(number)
                    if content and record is not None and record.is_of(content):
                        yield EarlierFiles(digits, number, number + 1)
                    elif content:
                        altered(name)
                continue
        if len(numbers) == chunk.frame_count:
            yield EarlierFiles(digits, chunk.numbers.start, chunk.numbers.stop)
        else:  # what has the name of a frame that was left out is the user's
            yield from (EarlierFiles(digits, number, number + 1) for number in numbers)


def _merged(ranges: list[EarlierFiles]) -> Iterator[EarlierFiles]:
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
