"""Which files of a work directory are the pipeline's: what proves it, never a name alone.

A JSON note has the checksum of its text, a bundle a receipt with its SHA-256, a frame file a
manifest with the checksum of its chunk, a clip a comment with its CRC-32, a file beside it a note
with its own, and what has arrived in part a note that claims it. A file that was altered since is
its user's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from luigi_gif import also, arrived_files, clips, frames, run_history, storage
from luigi_gif.arrived_files import PARTIAL_NOTE
from luigi_gif.bundle_file import BundleFile
from luigi_gif.json_object import number_of, time_of
from luigi_gif.storage import HISTORY, INDEX, ITEMS, LOCK, PARTIAL_SUFFIX

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

SUBFOLDERS = frozenset({frames.SUBFOLDER, ITEMS})
_JSON = ".json"
_DATA_FILE, _CLIP = "image-data.img", "clip.gif"
"""The names that a run uses if it is given no others."""
MARKS = frozenset({HISTORY, LOCK, INDEX, f"{_DATA_FILE}{_JSON}"})
"""A folder with one of these is a work directory: a store has no lock, a first run no history."""
_TIMES = frozenset({"ended", "made", "asked"})
"""What notes call the time of what a run did."""


class OwnFiles:
    """The pipeline's files in a work directory.

    Its methods raise StorageError and ForeignFileError, and FileNotFoundError for what vanishes
    meanwhile.

    Parameters
    ----------
    folder : Folder
        The work directory.
    others : collection of str
        The work directories that lie in it, by their names in there.
    """

    def __init__(self, folder: storage.Folder, others: Collection[str] = ()) -> None:
        self._folder = folder
        self._others = others

    @cached_property
    def last_used(self) -> float | None:
        """When a run was here last, as it noted itself, else when it wrote here last.

        In seconds since 1970 UTC; None where nothing of it is here.
        """
        return (
            _newest_time(self._folder.read_json(HISTORY))
            or _newest_time([*self._receipts.values()])
            or self._last_written()
        )

    def has_any(self) -> bool:
        """Whether there is any: the lock alone may be that of another program."""
        looks: tuple[Callable[[], Iterable[object]], ...] = (
            lambda: map(self._is_note, (HISTORY, INDEX, frames.MANIFEST)),
            lambda: self._receipts,
            self._temporary,
            lambda: arrived_files.partial_files(self._folder, self._candidates),
            self._items,
            self.clips,
        )
        return any(any(look()) for look in looks)

    def may_have_intermediates(self) -> bool:
        """Whether there is anything beside clips and notes for people, by one listing."""
        names = {HISTORY, LOCK, _CLIP, *run_history.recorded_clips(self._folder)}
        return any(each.name not in names for each in self._listed)

    def has_gathered(self) -> bool:
        """Whether a bundle here has pictures that nobody else has any more (--accumulate)."""
        return any(map(_has_gathered, self._receipts.values()))

    def intermediates(self, *, claim: bool) -> Iterator[list[str]]:
        """All but clips and notes for people, in an order in which they may go, some at a time.

        Those of one list may go in any order. ``claim`` is for a caller that removes them.
        A finished clip is current without them, and so without some of them.
        """
        yield [*self._temporary(), *arrived_files.partial_files(self._folder, self._candidates)]
        yield from self._items()
        yield from frames.frame_files_to_remove(self._folder, claim=claim)
        bundles = [name for name in self._data_files if self._may_go(name)]
        if self._is_note(INDEX) and not self._is_index_needed(bundles):
            yield [INDEX]
        notes = [
            note
            for name in bundles
            for note in BundleFile(self._folder, name).note_names
            if self._is_note(note)
        ]
        # A bundle whose receipt is gone would be its user's.
        yield [name for name in bundles if self._folder.is_file(name)]
        yield notes

    def clips(self) -> list[str]:
        """The clips that were made here and the files beside them: a copy of one is its user's."""
        found = filter(self._is_own_clip, self._clip_names & self._candidates)
        beside = (
            file.name
            for file in self._files_beside
            if file.name in self._candidates and self._is_own_file(file)
        )
        return sorted([*found, *beside])

    def rest(self) -> list[str]:
        """What is left of the pipeline's once all others are gone.

        Without the history, nobody would know that the lock is the pipeline's.
        """
        has_lock = LOCK in self._candidates and storage.is_own_lock(self._folder.read(LOCK))
        names = [LOCK] if has_lock else []
        return [*names, HISTORY] if self._is_note(HISTORY) else names

    @cached_property
    def _clip_names(self) -> set[str]:
        return {_CLIP, *run_history.recorded_clips(self._folder)}

    @cached_property
    def _files_beside(self) -> list[also.AlsoFile]:
        """Those that may be beside clips of these names."""
        names = product(self._clip_names, also.FORMATS)
        return [also.file_beside(name, format_) for name, format_ in names]

    @cached_property
    def _candidates(self) -> set[str]:
        """Regular files whose names a run may have given; of folders with many others, too."""
        wanted = {*MARKS, *self._clip_names, *(file.name for file in self._files_beside)}
        found, waiting = set(), [""]
        while waiting:
            subfolder = waiting.pop()
            for each in self._listed if subfolder == "" else self._folder.scan(subfolder):
                name = posixpath.join(subfolder, each.name)
                if not each.is_folder:
                    if name in wanted or name.endswith((_JSON, PARTIAL_SUFFIX)):
                        found.add(name)
                elif name not in SUBFOLDERS and name not in self._others:
                    waiting.append(name)
        return found

    @cached_property
    def _listed(self) -> list[storage.Listed]:
        return list(self._folder.scan(""))

    @cached_property
    def _subfolders(self) -> frozenset[str]:
        """Of those of the pipeline, the ones that are there, and no link to elsewhere."""
        return SUBFOLDERS & {each.name for each in self._listed if each.is_folder}

    @cached_property
    def _receipts(self) -> dict[str, JsonObject]:
        """What is noted of bundles, by their names."""
        notes = (HISTORY, INDEX)
        suffixes = (PARTIAL_NOTE, frames.NAMES_SUFFIX, frames.SOURCES_SUFFIX)
        found = {}
        for name in sorted(self._candidates):
            if name in notes or not name.endswith(_JSON) or name.endswith(suffixes):
                continue
            if self._folder.json_checksum(name) is None:
                continue  # it may be any size
            receipt = self._folder.read_json(name) or {}
            if {"recipe", "size", "sha256"} <= receipt.keys():
                found[name.removesuffix(_JSON)] = receipt
        return found

    @cached_property
    def _data_files(self) -> list[str]:
        """The names of bundles; a receipt alone, under any name, may be its user's copy of one."""
        begun = {
            name.removesuffix(PARTIAL_NOTE)
            for name in self._candidates
            if name.endswith(PARTIAL_NOTE)
        }
        names = {name for name in self._receipts if self._folder.is_file(name)}
        return sorted(names | ({_DATA_FILE, *begun} & self._receipts.keys()))

    def _may_go(self, data_file: str) -> bool:
        is_link = self._folder.exists(data_file) and not self._folder.is_file(data_file)
        if is_link or _has_gathered(self._receipts[data_file]):
            return False
        return BundleFile(self._folder, data_file).is_own()

    def _is_index_needed(self, bundles: list[str]) -> bool:
        """Whether a bundle stays of which only the index says whether the clip is of it."""
        version = (self._folder.read_json(INDEX) or {}).get("version")
        size = str(version).partition("-")[0]
        for subfolder in {"", *map(posixpath.dirname, self._candidates)} - SUBFOLDERS:
            for name, size_bytes in self._folder.entries(subfolder):
                path = posixpath.join(subfolder, name)
                is_candidate = str(size_bytes) == size and path not in bundles
                if is_candidate and self._folder.version(path) == version:
                    return True
        return False

    def _temporary(self) -> Iterator[str]:
        used = {"", *map(posixpath.dirname, self._candidates)} | self._subfolders
        for subfolder in sorted(used):
            yield from storage.temporary_files(self._folder, subfolder)

    def _items(self) -> Iterator[list[str]]:
        if ITEMS in self._subfolders:
            yield from arrived_files.items(self._folder)

    def _is_note(self, name: str) -> bool:
        return self._folder.is_file(name) and self._folder.is_whole_json(name)

    def _is_own_clip(self, name: str) -> bool:
        status = clips.read_clip_status(self._folder, name)
        return status is not None and status.whole

    def _is_own_file(self, file: also.AlsoFile) -> bool:
        status = also.read_file_status(self._folder, file)
        return status is not None and status.whole

    def _last_written(self) -> float | None:
        """The newest time of the files here that the pipeline uses, but for the lock."""
        names = {*self._candidates - {LOCK}, frames.MANIFEST} | {
            f"{ITEMS}/{each.name}" for each in self._folder.scan(ITEMS)
        }
        times = [self._folder.modified(name) for name in names] or [self._folder.modified(LOCK)]
        return max((time for time in times if time is not None), default=None)


def _has_gathered(receipt: JsonObject) -> bool:
    """Whether a bundle, or the one before it that may still be there, was gathered."""
    return any(each.get("accumulated") for each in (receipt, receipt.get("before") or {}))


def _newest_time(note: Any) -> float:
    """In seconds since 1970 UTC; 0 where there is none."""
    return max(map(_timestamp, _times(note)), default=0.0)


def _times(note: Any) -> Iterator[object]:
    """The times in a note, as they stand there."""
    if isinstance(note, list):
        for each in note:
            yield from _times(each)
    elif isinstance(note, dict):
        for name, value in note.items():
            if name in _TIMES:
                yield value
            else:
                yield from _times(value)


def _timestamp(time: Any) -> float:
    """A time of a note in seconds since 1970 UTC; 0 for what is none."""
    seconds, moment = number_of(time), time_of(time)
    return seconds or (moment.timestamp() if moment is not None else 0.0)
