"""Frame files keep their bytes where only their numbers change: they are renamed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from luigi_gif import storage
from luigi_gif.frames.frame_files import SUBFOLDER, digits_for, frame_file_name
from luigi_gif.frames.manifest import Manifest, find_chunk_index, is_earlier
from luigi_gif.frames.record_table import (
    FALLING,
    IN_THE_WAY,
    KEPT,
    RISING,
    EarlierFrame,
    RecordTable,
)

_Name: TypeAlias = Callable[[EarlierFrame], str]


def rename_frames(
    folder: storage.Folder, handle: storage.FolderHandle, manifest: Manifest, records: RecordTable
) -> int:
    """Give the files of an earlier run the numbers that their frames have now; how many.

    Only files are renamed that the manifest may replace. Where a run was killed meanwhile, some
    have their new names already. Those are told by their size; what is taken for another all the
    same is made again, as whoever takes a file looks at its bytes.
    """

    def earlier_name(frame: EarlierFrame) -> str:
        return frame_file_name(frame.earlier_number, records.earlier_digits)

    def new_name(frame: EarlierFrame) -> str:
        return frame_file_name(frame.number, digits)

    def aside_name(frame: EarlierFrame) -> str:
        return handle.aside_file(SUBFOLDER, frame.number)

    digits = digits_for(manifest.frame_count)
    rename = partial(_rename, folder, manifest, records)
    if records.earlier_digits != digits:
        return rename(KEPT, earlier_name, new_name)
    # No file may be overwritten that is still to be renamed. Those whose numbers fall make room for
    # each other from the first one on, those whose numbers rise from the last one on. Where items
    # changed places, some of the latter are in the way of the former, and are put aside first.
    aside = rename(IN_THE_WAY, earlier_name, aside_name)
    count = rename(FALLING, earlier_name, new_name) + rename(RISING, earlier_name, new_name)
    if aside:
        count += rename(IN_THE_WAY, aside_name, new_name)
        folder.remove_many(map(aside_name, records.moves(IN_THE_WAY)))  # a store still has them
    return count


def _rename(
    folder: storage.Folder,
    manifest: Manifest,
    records: RecordTable,
    query: str,
    old: _Name,
    new: _Name,
) -> int:
    """Rename some files, one after another; how many were there."""
    moves = (
        storage.Move(old(frame), new(frame), frame.record.size_bytes)
        for frame in records.moves(query)
        if _may_move(manifest, records, frame)
    )
    return folder.rename_many(moves, records.average_bytes)


def _may_move(manifest: Manifest, records: RecordTable, frame: EarlierFrame) -> bool:
    """Whether a file may be replaced, and no file of the user's can have its new name."""
    digits, earlier = digits_for(manifest.frame_count), manifest.earlier
    if not is_earlier(earlier, records.earlier_digits, frame.earlier_number):
        return False
    return (
        is_earlier(earlier, digits, frame.number)
        or find_chunk_index(manifest, frame.number) not in manifest.unclaimed
    )
