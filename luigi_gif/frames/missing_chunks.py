"""Which chunks have to be written: those whose frame files are not as the manifest says."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from luigi_gif import storage
from luigi_gif.frames.frame_files import digits_for, list_frame_files
from luigi_gif.frames.manifest import Manifest, is_earlier


class MissingChunks(NamedTuple):
    """What one listing of the frame files says."""

    missing: list[int]
    """Indexes of the chunks whose files do not all exist in their full size."""
    partially_written: set[int]
    """Those of them that have some files."""
    orphaned_files: list[str]
    """Names of frame files of an earlier run that belong to none."""


def find_missing_chunks(folder: storage.Folder, manifest: Manifest) -> MissingChunks:
    """Compare the frame files with the manifest; no file is opened.

    Files under other names than those of frames are the user's, and are left out; so are
    frames that neither this manifest nor an earlier one has claimed.
    """
    count = manifest.frame_count
    digits = digits_for(count)
    firsts = [chunk.first_number for chunk in manifest.chunks]
    found = [[0, 0] for _ in firsts]
    orphaned = []
    for file in list_frame_files(folder, digits):
        if file.number < count and file.digits == digits:
            totals = found[bisect_right(firsts, file.number) - 1]
            totals[0] += 1
            totals[1] += file.size_bytes
        elif is_earlier(manifest.earlier, file.digits, file.number):
            orphaned.append(file.name)
    missing = [
        index
        for index, (chunk, result) in enumerate(zip(manifest.chunks, manifest.results, strict=True))
        if result is None or found[index] != [result.file_count(chunk), result.size_bytes]
    ]
    return MissingChunks(missing, {index for index in missing if found[index][0]}, orphaned)
