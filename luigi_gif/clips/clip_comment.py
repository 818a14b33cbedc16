"""What a finished clip says of itself: of what it was made, and whether it is still whole.

Its first comment holds both. So a clip needs no file beside it, and can be moved away. The
checksum is put into it in combining.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

from isal import isal_zlib

from luigi_gif import gif, storage
from luigi_gif.errors import ForeignFileError

_HEAD_BYTES = 4096
"""Enough for all that stands before the first image of a clip."""
_MARK = b"luigi_gif "
_NO_CRC32 = b"00000000"

# Of this process, not of a task: Luigi asks several tasks for the same clip, and reads of a large
# one take long. A version that is not known any more is only read once more.
_whole_versions: dict[str, str | None] = {}
"""The version of each clip that was written or read whole, by path."""


class ClipStatus(NamedTuple):
    """What exists under the name of a clip."""

    whole: bool
    """Whether it is as it was written."""
    origin: dict[str, object] | None
    """Of what this pipeline made it; None where it did not."""


def read_clip_status(folder: storage.Folder, name: str) -> ClipStatus | None:
    """Look at the clip ``name``; None if it does not exist, or is empty and thus nobody's.

    One of this pipeline is read to its end, once for each of its versions.
    """
    try:
        head = folder.read(name, 0, _HEAD_BYTES)
        if not head:
            return None
        origin = _origin(gif.read_first_comment(head) or b"")
        return ClipStatus(origin is not None and _is_whole(folder, name), origin)
    except FileNotFoundError:  # or another run has just moved it
        return None


def clip_digest(folder: storage.Folder, name: str) -> str | None:
    """64 hexadecimal digits that tell a clip from any other; None where there is none of ours.

    They are the SHA-256 of its comment: that holds the checksum of all of its bytes, its recipe
    and the SHA-256 of its bundle. So only the beginning of a clip is read.
    """
    try:
        comment = gif.read_first_comment(folder.read(name, 0, _HEAD_BYTES)) or b""
    except FileNotFoundError:
        return None
    return None if _origin(comment) is None else hashlib.sha256(comment).hexdigest()


def check_place(folder: storage.Folder, name: str) -> None:
    """Raise ForeignFileError where a file of the user's has the name of a clip."""
    existing = read_clip_status(folder, name)
    if existing is not None and existing.origin is None:
        raise ForeignFileError(
            "the clip's place is taken by a file that this pipeline did not make",
            where=folder.path(name),
            expected="no file, or a clip of this pipeline",
            got="another file, which is left as it is",
            next_step="move it away, or name another --workdir",
        )


def comment_for(origin: Mapping[str, object]) -> bytes:
    """The comment of a clip that is made of ``origin``, with room for its checksum."""
    return _MARK + _NO_CRC32 + json.dumps(origin, separators=(",", ":")).encode()


def checksum_offset(head: bytes) -> int:
    """Where in a clip that begins with ``head`` its checksum stands, in bytes.

    It is the CRC-32 of the clip with zeros there, in eight hexadecimal digits.
    """
    return head.index(_MARK) + len(_MARK)


def remember_whole(folder: storage.Folder, name: str) -> None:
    """Spare this process to read a clip that it has just written."""
    _whole_versions[folder.path(name)] = folder.version(name)


def _origin(comment: bytes) -> dict[str, object] | None:
    if not comment.startswith(_MARK):
        return None
    try:
        origin = json.loads(comment[len(_MARK) + len(_NO_CRC32) :])
    except ValueError:
        return None
    return origin if isinstance(origin, dict) else None


def _is_whole(folder: storage.Folder, name: str) -> bool:
    """Whether the checksum in a clip of this pipeline is that of its bytes."""
    path, version = folder.path(name), folder.version(name)
    if version == _whole_versions.get(path, ""):
        return True
    with folder.open(name) as file:
        head = file.read(_HEAD_BYTES)
        begin = checksum_offset(head)
        end = begin + len(_NO_CRC32)
        crc32 = isal_zlib.crc32(head[:begin] + _NO_CRC32 + head[end:])
        while piece := file.read(storage.COPY_BYTES):
            crc32 = isal_zlib.crc32(piece, crc32)
    whole = head[begin:end] == b"%08x" % crc32
    if whole:
        _whole_versions[path] = version
    return whole
