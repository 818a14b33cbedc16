"""Where a copy of a clip may go, a file or an object, and how it gets there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import shutil
import stat
from collections.abc import Mapping
from typing import IO

from luigi_gif import clips, frames, redaction, run_history, settings, sources, storage, urls
from luigi_gif.errors import ForeignFileError, ParameterError
from luigi_gif.publish_parameters import bad_place, check_place_name

_CALLED = "the place of the clip"
_SAME_SCHEME = {"s3a": "s3", "gcs": "gs", "az": "abfs", "abfss": "abfs"}


class ClipCopy:
    """A copy of the clip at a path, or at the URL of an object on a store.

    Parameters
    ----------
    given : str
        That path or URL.
    clip_path : str
        The clip's own, as it is shown.
    url, match : str
        The parameters of its task.
    noted : mapping, optional
        The ``version`` and ``digest`` of the copy that is known to lie there: it need not be read.

    Raises
    ------
    ParameterError, ForeignFileError
        For a place where none may go, so that this is known before any work.
    StorageError
        For one that cannot be looked at.
    """

    _copied = "the clip"
    _content_type = "image/gif"

    def __init__(
        self,
        given: str,
        clip_path: str,
        url: str,
        match: str = "",
        noted: Mapping[str, object] | None = None,
    ) -> None:
        self._given = given
        self._check_name()
        self._noted = noted or {}
        self._is_known = False
        self._is_local = urls.is_local(given)
        self._folder, self._name = open_place(given)
        self._path = self._folder.path(self._name)
        self.is_clip = self._path == (os.path.realpath(clip_path) if self._is_local else clip_path)
        """Whether it is the clip itself, which needs no copy."""
        if self._is_local:
            self._check_local_folder()
        if not self.is_clip:
            self._check_is_no_source(url, match)
            self._check_is_no_frame()
            if self._is_local:
                self._check_local_file()
            self._check_is_ours()

    def exists(self) -> bool:
        """Whether there is a copy already, of whichever clip."""
        return bool(self._folder.size(self._name))

    def holds(self, digest: str) -> bool:
        """Whether what lies there is, to its last byte, the clip with this digest."""
        if self._is_known:
            return self._noted.get("digest") == digest
        if self._digest() != digest:
            return False
        existing = self._status()
        return existing is not None and existing.whole

    def version_of(self, digest: str) -> str | None:
        """The version of the copy that was just put there, if it is still this clip's."""
        version = self._folder.version(self._name)
        # In this order: whoever puts another one there meanwhile has another version, too.
        return version if self._digest() == digest else None

    def publish(self, target: storage.FileTarget, *, replaces: bool = True) -> str:
        """Copy the clip, which appears whole; its place, as it was given.

        Raises StorageError, or ForeignFileError where a file of somebody's appeared meanwhile, or,
        unless it ``replaces``, where there is any clip.
        """
        if self.is_clip:
            return shown_place(self._given)
        if self._is_local:
            self._folder.sweep()  # what runs of work directories left that are there no more
        headers = storage.HttpHeaders(self._content_type, settings.publish.current().cache_control)
        # Of this clip, whose work directory is locked: what a killed run left is found again.
        token = hashlib.sha256(target.path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        writing = self._folder.atomic_writer(self._name, headers=headers, token=token)
        with target.open() as source, writing as file:
            shutil.copyfileobj(source, file, storage.COPY_BYTES)
            self._check_is_ours()
            if not replaces and self.exists():
                raise self._is_taken("another clip")
            if self._is_local:
                self._keep_mode(file)
        return shown_place(self._given)

    def _keep_mode(self, file: IO[bytes]) -> None:
        """Give a new file the mode of the one that it replaces, which others may read."""
        with contextlib.suppress(OSError):
            os.fchmod(file.fileno(), stat.S_IMODE(os.stat(self._path).st_mode))

    def _check_name(self) -> None:
        check_place_name(self._given)

    def _status(self) -> clips.ClipStatus | None:
        return clips.read_clip_status(self._folder, self._name)

    def _digest(self) -> str | None:
        return clips.clip_digest(self._folder, self._name)

    def _check_local_folder(self) -> None:
        folder = os.path.dirname(self._path)
        if os.path.isdir(self._path):
            raise self._is_a_folder()
        if self.is_clip:
            return
        if not os.path.isdir(folder):
            raise self._error(f"no folder {folder}", "make it (mkdir -p), or correct the path")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise self._error(f"{folder} may not be written to", "name a file elsewhere")

    def _check_is_no_frame(self) -> None:
        folder, subfolder = posixpath.split(self._folder.url)
        if subfolder == frames.SUBFOLDER and storage.open_folder(folder).exists(frames.MANIFEST):
            raise self._error("a folder of frame files", "name a file elsewhere")

    def _check_is_no_source(self, url: str, match: str) -> None:
        for each in urls.split_sources(url):
            if urls.is_local(each) != self._is_local:
                continue
            source, path = comparable_place(each), comparable_place(self._given)
            if source == path:
                raise self._error("the source itself", "name another file")
            if sources.would_be_item(source, match, path):
                got = "a picture of the source, as the next run would take it"
                raise self._error(got, "name a file elsewhere, or leave it out by --match")

    def _check_local_file(self) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):  # but too long a name is another error
                os.lstat(f"{self._path}.{'0' * 8}{storage.TEMPORARY_SUFFIX}")
            mode = os.lstat(self._path).st_mode  # of a link that leads to itself, its own
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._error(error.strerror or str(error), "correct the path") from None
        if not stat.S_ISREG(mode):
            raise self._error("a device, a pipe or a link without an end", "name a file")

    def _check_is_ours(self) -> None:
        version = self._folder.version(self._name)
        self._is_known = version is not None and version == self._noted.get("version")
        if self._is_known:  # each look costs a request
            return
        if not self._is_local and self._folder.is_folder(self._name):
            raise self._is_a_folder()
        if self._name in run_history.recorded_clips(self._folder):
            # Each of the two runs would then replace it whenever the other had.
            next_step = "name a file elsewhere, or this folder as --workdir"
            raise self._error("the clip of a run whose work directory it is in", next_step)
        existing = self._status()
        if existing is not None and not existing.whole:
            changed = existing.origin is not None
            raise self._is_taken("one that was changed" if changed else "another file")

    def _is_taken(self, got: str) -> ForeignFileError:
        return ForeignFileError(
            f"the place of {self._copied} is taken by one that this pipeline did not put there",
            where=redaction.public_url(self._given),
            expected="no file, or one of this pipeline as it was written",
            got=got,
            next_step="move it away, or name another place",
        )

    def _is_a_folder(self) -> ParameterError:
        inside = posixpath.join(redaction.public_url(self._given), "clip.gif")
        return self._error("a folder", f"name a file in it, such as {inside}")

    def _error(self, got: str, next_step: str) -> ParameterError:
        return bad_place(self._given, got, next_step)


def open_place(place: str) -> tuple[storage.Folder, str]:
    """The folder and the name of a file or an object. Raises ParameterError.

    Through links: the file that one leads to is written, the link stays.
    """
    if not urls.is_local(place):
        parent, _, name = urls.normal_url(place).rpartition("/")
        return storage.open_folder(parent, called=_CALLED), name
    try:
        folder, name = os.path.split(os.path.realpath(urls.local_path(place)))
    except (OSError, ValueError) as error:  # the folder that the command runs in is gone
        got = getattr(error, "strerror", None) or str(error)
        raise bad_place(place, got, "name it by its full path") from None
    return storage.open_folder(folder, called=_CALLED), name


def shown_place(place: str) -> str:
    """The path as it was given, or the URL without secrets."""
    return urls.local_path(place) if urls.is_local(place) else redaction.public_url(place)


def comparable_place(url: str) -> str:
    """A path or URL as it is compared with others: through links, and by one name of a scheme."""
    if urls.is_local(url):
        return os.path.realpath(urls.local_path(url))
    scheme, mark, rest = urls.normal_url(url).rstrip("/").partition("://")
    return f"{_SAME_SCHEME.get(scheme, scheme)}{mark}{rest}"
