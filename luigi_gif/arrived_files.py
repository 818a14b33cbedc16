"""What has arrived in part in a work directory, and the notes that claim it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from luigi_gif import sources, storage
from luigi_gif.storage import ITEMS, PARTIAL_SUFFIX

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

_JSON = ".json"
PARTIAL_NOTE = f"{PARTIAL_SUFFIX}{_JSON}"
"""What the name of the note of a bundle ends in until it is whole."""
_ITEM_NOTE = re.compile("[0-9a-f]{64}" + re.escape(_JSON))


def partial_files(folder: storage.Folder, names: Collection[str]) -> Iterator[str]:
    """Of these files, what has arrived of bundles, and what an archive was unpacked to.

    The file of a note comes before it. Raises StorageError.
    """
    for note in sorted(names):
        claimed = _claimed(folder, note) if note.endswith(PARTIAL_NOTE) else []
        unpacked = f"{note.removesuffix(PARTIAL_NOTE)}{sources.UNPACKED_SUFFIX}"
        if claimed and f"{unpacked}{PARTIAL_SUFFIX}" in names:
            yield f"{unpacked}{PARTIAL_SUFFIX}"
        yield from claimed


def items(folder: storage.Folder) -> Iterator[list[str]]:
    """The items that have arrived, and their notes, one by one. Raises StorageError."""
    for each in folder.scan(ITEMS):
        if _ITEM_NOTE.fullmatch(each.name):
            yield from ([name] for name in _claimed(folder, f"{ITEMS}/{each.name}"))


def _claimed(folder: storage.Folder, note: str) -> list[str]:
    """A file that a note claims, and the note; nothing where the file was altered since."""
    claim = folder.read_json(note)
    name = note.removesuffix(_JSON)
    if claim is None or "size" not in claim:
        return []
    if not folder.is_file(name):
        return [note]
    return [name, note] if _begins_as_noted(folder, name, claim) else []


def _begins_as_noted(folder: storage.Folder, name: str, claim: JsonObject) -> bool:
    """Whether what had arrived when the note was written is there; more may have come."""
    rest: int = claim["size"]
    digest = hashlib.sha256()
    with folder.open(name) as file:
        while rest and (piece := file.read(min(rest, storage.COPY_BYTES))):
            digest.update(piece)
            rest -= len(piece)
    return digest.hexdigest() == claim.get("sha256", digest.hexdigest())
