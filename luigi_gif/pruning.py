"""What of old work directories is not needed any more, and its removal."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from luigi_gif import clip_page, storage
from luigi_gif.errors import ForeignFileError, PipelineError, StorageError
from luigi_gif.own_files import MARKS, SUBFOLDERS, OwnFiles
from luigi_gif.storage import LOCK

_AHEAD_S = 86_400.0
"""So much later than this one's may another machine's clock be."""


class Limits(NamedTuple):
    """How long what of a work directory is kept, in seconds; None is for ever."""

    intermediates_s: float | None
    """Bundles, items, indexes and frames."""
    clips_s: float | None
    """Clips, and with them all else."""


class KeptBack(NamedTuple):
    """A work directory of which something old stays."""

    workdir: str
    """Relative to the folder."""
    reason: str


class Pruning:
    """One pass over the work directories in a folder.

    Parameters
    ----------
    location : str
        The folder, which may be a work directory itself: a path, or any fsspec URL.
    limits : Limits
    now : float
        The time that ages count from, in seconds since 1970 UTC.
    is_dry : bool
        Whether nothing is removed, or changed in any way.

    Raises
    ------
    ParameterError
        For a URL that cannot be used.
    """

    def __init__(self, location: str, limits: Limits, now: float, *, is_dry: bool = False) -> None:
        self._root = storage.open_folder(location)
        self._limits = limits
        self._now = now
        self._is_dry = is_dry
        self._posters = clip_page.Posters(self._root)
        self.kept_back: list[KeptBack] = []
        self.errors: list[PipelineError] = []
        """Why something old could not be looked at or removed."""

    def run(self) -> Iterator[str]:
        """Remove what is old; the name of each file, relative to the folder, once it is gone.

        Raises StorageError where the folder cannot be listed.
        """
        workdirs = self._root.find(MARKS, SUBFOLDERS)
        for workdir in reversed(workdirs):  # those within another before it: it may be empty then
            prefix = f"{workdir}/" if workdir else ""
            others = {each.removeprefix(prefix) for each in workdirs if each.startswith(prefix)}
            try:
                for name in self._prune(workdir, others):
                    path = posixpath.join(workdir, name)
                    yield path
                    yield from self._remove_posters(path)
            except PipelineError as error:
                self.errors.append(error)
            except FileNotFoundError as error:
                self.errors.append(_vanished(self._root.path(workdir), error))

    def _prune(self, workdir: str, others: set[str]) -> Iterator[str]:
        folder = self._root
        if workdir:
            folder = storage.open_folder(posixpath.join(folder.url, workdir))
        own = OwnFiles(folder, others)
        if own.last_used is not None and own.last_used > self._now + _AHEAD_S:
            reason = "it was used at a time that is yet to come, as its notes or files say"
            self.kept_back.append(KeptBack(workdir, reason))
        if not (self._is_old(own) and own.has_any()):
            return
        if not (self._exceeds(own, self._limits.clips_s) or own.may_have_intermediates()):
            return  # as of each night that was pruned before
        if user := folder.user():
            self.kept_back.append(KeptBack(workdir, f"{user}, works there"))
        elif self._is_dry:
            for names in self._batches(own, workdir):
                yield from names
        else:
            yield from self._remove(folder, others, workdir)

    def _remove(self, folder: storage.Folder, others: set[str], workdir: str) -> Iterator[str]:
        had_lock = folder.is_file(LOCK)
        subfolders = set(SUBFOLDERS)  # a run may have left them empty
        with folder.locked(0):
            own = OwnFiles(folder, others)
            if self._is_old(own):  # still: a run may have ended just now
                for names in self._batches(own, workdir):
                    folder.remove_many(names)
                    subfolders.update(map(posixpath.dirname, names))
                    yield from (name for name in names if had_lock or name != LOCK)
            if not had_lock:
                folder.remove(LOCK)
            for subfolder in sorted(subfolders, key=len, reverse=True):
                _remove_empty(folder, subfolder)
        _remove_empty(self._root, workdir)

    def _remove_posters(self, path: str) -> Iterator[str]:
        """Remove those of a clip that went, which a page in the folder has."""
        if self._limits.clips_s is None:
            return
        for name in self._posters.of_clip(path):
            if not self._is_dry:
                self._root.remove(name)
                _remove_empty(self._root, posixpath.dirname(name))
            yield name

    def _is_old(self, own: OwnFiles) -> bool:
        limits = self._limits
        return self._exceeds(own, limits.intermediates_s) or self._exceeds(own, limits.clips_s)

    def _exceeds(self, own: OwnFiles, limit_s: float | None) -> bool:
        last_used = own.last_used
        return limit_s is not None and last_used is not None and self._now - last_used > limit_s

    def _batches(self, own: OwnFiles, workdir: str) -> Iterator[list[str]]:
        """The files that go, some at a time, in their order."""
        with_clips, has_gathered = self._exceeds(own, self._limits.clips_s), own.has_gathered()
        if has_gathered:
            reason = "its bundle has pictures that --accumulate gathered"
            self.kept_back.append(KeptBack(workdir, reason))
        yield from own.intermediates(claim=not self._is_dry)
        if with_clips:
            yield own.clips()
            if not has_gathered:
                yield own.rest()


def _remove_empty(folder: storage.Folder, subfolder: str) -> None:
    """Remove a subfolder if it is empty, and those that it is in, but not the folder itself."""
    with contextlib.suppress(ForeignFileError):  # a link, which is its user's
        while subfolder:
            folder.remove_folder(subfolder)
            subfolder = posixpath.dirname(subfolder)


def _vanished(workdir: str, error: FileNotFoundError) -> StorageError:
    return StorageError(
        "a file vanished while it was looked at",
        where=str(error.filename or workdir),
        expected="the file",
        got="nothing",
        next_step="run again when nothing else changes the work directory",
    )
