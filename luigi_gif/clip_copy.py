"""Where luigi-gif -o puts a copy of the clip: a new file, or one that an earlier -o made."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import sys

from luigi_gif import clips, frames, integrations, redaction, sources, storage, urls
from luigi_gif.errors import ForeignFileError, ParameterError

STANDARD_OUTPUT = "-"
_SUFFIX = ".gif"


class ClipCopy:
    """A copy of the clip at a path, or on standard output.

    Raises ParameterError or ForeignFileError for a place where none may go, so
    that this is known before any work. ``url`` and ``match`` are the parameters of its task.
    """

    def __init__(self, given: str, clip_path: str, url: str, match: str = "") -> None:
        self._given = given
        self._to_stdout = given == STANDARD_OUTPUT
        if self._to_stdout:
            self._check_stdout()
            return
        self._check_name()
        try:
            # Through links: the file that one leads to is written, the link stays.
            self._path = os.path.realpath(os.path.expanduser(given))
        except OSError as error:  # the folder that the command runs in is gone
            raise self._error(error.strerror or str(error), "name it by its full path") from None
        self._is_clip = self._path == os.path.realpath(clip_path)
        self._check_folder()
        if not self._is_clip:
            self._check_is_no_source(url, match)
            self._check_destination()

    def publish(self, target: storage.FileTarget) -> str | None:
        """Copy the clip, which appears whole; the line that says where it is, if one may.

        Raises StorageError, or ForeignFileError where a file of somebody's
        appeared meanwhile.
        """
        if self._to_stdout:
            with target.open() as source:
                integrations.write_bytes(iter(lambda: source.read(storage.COPY_BYTES), b""))
            return None
        if not self._is_clip:
            self._copy(target)
        return os.path.expanduser(self._given)

    def _copy(self, target: storage.FileTarget) -> None:
        folder, name = os.path.split(self._path)
        with target.open() as source, storage.LocalFolder(folder).atomic_writer(name) as file:
            shutil.copyfileobj(source, file, storage.COPY_BYTES)
            self._check_is_ours()

    def _check_name(self) -> None:
        if re.match(r"[A-Za-z][\w+.-]*:/", self._given):
            raise self._error(
                redaction.public_url(self._given),
                "name the work directory there with --workdir and the clip with --gif-file, "
                "or copy the clip afterwards",
            )
        stem, suffix = os.path.splitext(self._given)
        if suffix and suffix.lower() != _SUFFIX:
            raise self._error(
                f"a name that ends in {suffix}",
                f"name it {stem}{_SUFFIX}; ffmpeg and others make other formats of it",
            )

    def _check_folder(self) -> None:
        folder = os.path.dirname(self._path)
        if self._given.endswith("/") or os.path.isdir(self._path):
            inside = os.path.join(self._given, "clip.gif")
            raise self._error("a folder", f"name a file in it, such as {inside}")
        if self._is_clip:
            return
        if not os.path.isdir(folder):
            raise self._error(f"no folder {folder}", "make it (mkdir -p), or correct the path")
        if os.path.basename(folder) == frames.SUBFOLDER and os.path.exists(
            os.path.join(os.path.dirname(folder), frames.MANIFEST)
        ):
            raise self._error("a folder of frame files", "name a file elsewhere")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise self._error(f"{folder} may not be written to", "name a file elsewhere")

    def _check_is_no_source(self, url: str, match: str) -> None:
        for each in filter(urls.is_local, urls.split_sources(url)):
            source = os.path.realpath(urls.local_path(each))
            if source == self._path:
                raise self._error("the source itself", "name another file")
            if sources.would_be_item(source, match, self._path):
                got = "a picture of the source, as the next run would take it"
                raise self._error(got, "name a file elsewhere, or leave it out by --match")

    def _check_destination(self) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):  # but too long a name is another error
                os.lstat(f"{self._path}.{'0' * 8}{storage.TEMPORARY_SUFFIX}")
            mode = os.lstat(self._path).st_mode  # of a link that leads to itself, its own
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._error(error.strerror or str(error), "correct the path") from None
        if not stat.S_ISREG(mode):
            raise self._error(
                "a device, a pipe or a link without an end",
                f"name a file, or -o {STANDARD_OUTPUT} for standard output",
            )
        self._check_is_ours()

    def _check_is_ours(self) -> None:
        folder, name = os.path.split(self._path)
        existing = clips.read_clip_status(storage.LocalFolder(folder), name)
        if existing is not None and not existing.whole:
            raise ForeignFileError(
                "the place of the copy is taken by a file that this pipeline did not make",
                where=self._given,
                expected="no file, or a clip of this pipeline as it was written",
                got="a clip that was changed" if existing.origin is not None else "another file",
                next_step="move it away, or name another file with -o",
            )

    def _check_stdout(self) -> None:
        if sys.stdout.isatty() or integrations.is_stream_closed("stdout"):
            got = "a terminal" if sys.stdout.isatty() else "a closed standard output"
            raise self._error(got, "send it into a file or a pipe: luigi-gif ... -o - > x.gif")

    def _error(self, got: str, next_step: str) -> ParameterError:
        return ParameterError(
            "a copy of the clip cannot go there",
            where=f"-o {redaction.public_url(self._given)}",
            expected=f"the name of a {_SUFFIX} file, or {STANDARD_OUTPUT} for standard output",
            got=got,
            next_step=next_step,
        )
