"""Remove the frame files of a work directory that nobody needs any more: the pipeline's only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import islice

from luigi_gif import storage
from luigi_gif.frames.claims import own_files
from luigi_gif.frames.frame_files import (
    SUBFOLDER,
    FrameFile,
    digits_for,
    frame_file_name,
    list_frame_files,
)
from luigi_gif.frames.manifest import MANIFEST, EarlierFiles, Manifest, is_earlier, load_manifest
from luigi_gif.frames.record_table import RECORDS

_AT_ONCE = 1000
_TABLE = "CREATE TABLE files (digits INTEGER, number INTEGER)"


def frame_files_to_remove(folder: storage.Folder, *, claim: bool) -> Iterator[list[str]]:
    """The names of frame files that are the pipeline's, as nobody has changed them since.

    They are given some at a time, in the order of their numbers. The manifest comes last, unless
    it is needed to tell that a frame file was altered. ``claim`` is for a caller that removes
    them: if it is killed, those that it has left are still known, though the checksum of a chunk
    does not prove a part of it.
    """
    # Not through a link in the place of its folder: nothing there may be removed.
    manifest = load_manifest(folder) if folder.is_file(MANIFEST) else None
    notes = [[name] for name in (RECORDS, MANIFEST) if _is_note(folder, name)]
    if manifest is None:
        if not folder.exists(MANIFEST):
            yield from notes
        return
    altered: set[str] = set()
    own = list(own_files(folder, manifest, altered.add))
    if claim:
        _claim(folder, manifest, own, altered)
    keeps_manifest = False
    with contextlib.closing(storage.TemporaryDatabase(_TABLE)) as found:
        for file in list_frame_files(folder, digits_for(manifest.frame_count)):
            name = f"{SUBFOLDER}/{file.name}"
            if name not in altered and is_earlier(own, file.digits, file.number):
                found.insert("INSERT INTO files VALUES (?, ?)", [(file.digits, file.number)])
            else:
                keeps_manifest |= _is_of(manifest, file)
        rows = found.select("SELECT number, digits FROM files ORDER BY digits, number")
        names = (frame_file_name(number, digits) for number, digits in rows)
        while some := list(islice(names, _AT_ONCE)):
            yield some
    if not keeps_manifest:
        yield from notes


def _claim(
    folder: storage.Folder, manifest: Manifest, own: list[EarlierFiles], altered: set[str]
) -> None:
    """Publish that these files may be removed, whatever they hold, and that they are not there."""
    digits = digits_for(manifest.frame_count)
    altered_chunks = {
        index
        for index, chunk in enumerate(manifest.chunks)
        if altered and any(frame_file_name(number, digits) in altered for number in chunk.numbers)
    }
    for index in range(len(manifest.chunks)):
        if index not in altered_chunks:
            manifest.results[index] = None
    manifest.earlier[:] = own
    manifest.save(folder)


def _is_note(folder: storage.Folder, name: str) -> bool:
    return folder.is_file(name) and folder.is_whole_json(name)


def _is_of(manifest: Manifest, file: FrameFile) -> bool:
    """Whether a file has the name of a frame of this manifest."""
    count = manifest.frame_count
    return file.digits == digits_for(count) and file.number < count
