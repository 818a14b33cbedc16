"""What a file beside a clip says of itself: of what it was made, and whether it is still whole.

A note at its end holds both, as a clip's comment does. So it can be moved away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from isal import isal_zlib

from luigi_gif import containers, storage
from luigi_gif.also.also_files import AlsoFile
from luigi_gif.clips import ClipStatus
from luigi_gif.errors import ForeignFileError

# Of this process, as those of clips are: Luigi asks several tasks for the same file.
_whole_versions: dict[str, str | None] = {}
"""The version of each file that was written or read whole, by path."""


def read_file_status(folder: storage.Folder, file: AlsoFile) -> ClipStatus | None:
    """Look at a file; None if it does not exist, or is empty and thus nobody's.

    One of this pipeline is read to its end, once for each of its versions.
    """
    try:
        last_bytes = _last_bytes(folder, file)
        if not last_bytes:
            return None
        note = containers.find_note(file.container, last_bytes)
        if note is None:
            return ClipStatus(whole=False, origin=None)
        return ClipStatus(_is_whole(folder, file, note), note.origin)
    except FileNotFoundError:  # another run has just moved it
        return None


def file_digest(folder: storage.Folder, file: AlsoFile) -> str | None:
    """A text that tells a file of this pipeline from others; None where it is none.

    It is that of the note, which holds a checksum of all bytes: only the last ones are read.
    """
    try:
        note = containers.find_note(file.container, _last_bytes(folder, file))
    except FileNotFoundError:
        return None
    return note and hashlib.sha256(note.end).hexdigest()


def read_body(folder: storage.Folder, file: AlsoFile) -> Iterator[bytes]:
    """All of a file of this pipeline that stands in front of its note. Raises StorageError."""
    note = containers.find_note(file.container, _last_bytes(folder, file))
    left = (folder.size(file.name) or 0) - len(note.end if note else b"")
    with folder.open(file.name) as opened:
        while left > 0 and (piece := opened.read(min(storage.COPY_BYTES, left))):
            left -= len(piece)
            yield piece


def check_place_beside(folder: storage.Folder, file: AlsoFile) -> None:
    """Raise ForeignFileError where a file of the user's has the name of one beside a clip."""
    existing = read_file_status(folder, file)
    if existing is not None and existing.origin is None:
        raise ForeignFileError(
            "the place of a file beside the clip is taken by one that this pipeline did not make",
            where=folder.path(file.name),
            expected="no file, or one that --also has made",
            got="another file, which is left as it is",
            next_step=f"move it away, or leave {file.format} out of --also",
        )


def remember_whole(folder: storage.Folder, file: AlsoFile) -> None:
    """Spare this process to read a file that it has just written."""
    _whole_versions[folder.path(file.name)] = folder.version(file.name)


def _is_whole(folder: storage.Folder, file: AlsoFile, note: containers.FileNote) -> bool:
    """Whether the note fits all that stands in front of it."""
    path, version = folder.path(file.name), folder.version(file.name)
    if version == _whole_versions.get(path, ""):
        return True
    crc32 = 0
    for piece in read_body(folder, file):
        crc32 = isal_zlib.crc32(piece, crc32)
    whole = containers.encode_note(file.container, note.text, crc32) == note.end
    if whole:
        _whole_versions[path] = version
    return whole


def _last_bytes(folder: storage.Folder, file: AlsoFile) -> bytes:
    return folder.read(file.name, -containers.NOTE_BYTES)
