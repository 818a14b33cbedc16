"""What has arrived of a download: a file, and a checkpoint that says which bytes are verified.

The rest is asked for in http_download.py.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO

from luigi_gif import storage, urls
from luigi_gif.errors import LUIGI_LOGGER, BundleError, StorageError
from luigi_gif.fetching.file_source import PIECE_BYTES
from luigi_gif.fetching.source_response import Response, ResumeState, Validators

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


class PartialFile:
    """A file that grows, with the SHA-256 of what is in it. Use :func:`open_partial`.

    A note beside it, which is there first, says that it is the pipeline's. Where the source
    names the bundle's version, it says after each piece how many bytes there are and what
    their SHA-256 is. The next run resumes from as much as is still so, however this one ended.
    """

    def __init__(
        self,
        folder: storage.LocalFolder,
        name: str,
        source: str,
        file: IO[bytes],
        hasher: ThreadPoolExecutor,
    ) -> None:
        self.state = ResumeState(0, None, None)
        """How far it has come."""
        self.about: dict[str, str | None] = {"etag": None, "last_modified": None}
        """What the source says of it."""
        self.is_bounded = True
        """Whether the source says how long it is, so that a break can be told from the end."""
        self.place: str | None = None
        self.charset: str | None = None
        """Where it was found and how it is encoded, as its response said; not kept in the note."""
        self.validators = Validators()
        self.time: float | None = None
        """As its response said; neither is kept in the note."""
        self._folder = folder
        self._name = name
        self._note = _note_name(name)
        self._source = source
        self._file = file
        self._hasher = hasher
        self._hashed: Future[None] | None = None
        self._is_noted = True
        """Whether the note tells all that is there, if it can."""
        self._digest = hashlib.sha256()

    def resume(self) -> None:
        """Take over what an earlier run has left, as far as the checkpoint verifies it."""
        note = self._folder.read_json(self._note) or {}
        size = rest = note.get("size", 0)
        while rest and (piece := self._file.read(min(rest, storage.COPY_BYTES))):
            self._digest.update(piece)
            rest -= len(piece)
        if (note.get("url"), note.get("sha256")) != (self._source, self._digest.hexdigest()):
            self.clear()
            return
        self._file.seek(size)
        self._file.truncate()
        self.state = ResumeState(size, note["total"], note["validator"], note.get("resource"))
        self.about = {key: note[key] for key in self.about}
        self.is_bounded = note.get("is_bounded", True)

    def begin(self, response: Response) -> None:
        """Get ready for its pieces: what is there stays, or goes if the response starts at 0."""
        if response.start == 0 and self.state.size:
            self.clear()
        self.state = ResumeState(
            response.start, response.total, response.validator, response.validators.resource
        )
        self.about = {"etag": response.etag, "last_modified": response.last_modified}
        self.is_bounded = response.is_bounded
        self.place, self.charset = response.place, response.charset
        self.validators, self.time = response.validators, response.time

    def append(self, piece: bytes) -> None:
        """Add a piece; it is hashed while the next one is on its way, if there may be one."""
        self.save_checkpoint()
        self._file.write(piece)
        self._wait()  # else pieces pile up in memory, if the source is faster
        if len(piece) < PIECE_BYTES:
            self._digest.update(piece)
        else:
            self._hashed = self._hasher.submit(self._digest.update, piece)
        self.state = self.state._replace(size=self.state.size + len(piece))
        # Last: an interrupt before this leaves the note as it was, and right.
        self._is_noted = False

    def save_checkpoint(self) -> None:
        """Note which bytes are verified, if a later run can resume from them."""
        if not self._is_noted and self.state.validator is not None:
            self._write_note()

    def note_whole(self) -> None:
        """Note that nothing is missing: the next run need not ask for it."""
        self.state = self.state._replace(total=self.state.size)
        self._write_note()

    def sha256(self) -> str:
        """Of what is there, 64 hexadecimal digits."""
        self._wait()
        return self._digest.hexdigest()

    def reader(self) -> Callable[[int], bytes]:
        """Reads what is there, from its beginning."""
        self._file.seek(0)
        return self._file.read

    def clear(self) -> None:
        """Drop what is there."""
        self._wait()
        self._is_noted = True
        _claim(self._folder, self._name)
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.state = ResumeState(0, None, None)

    def finish(self) -> None:
        """Make sure that it is on the disk; its checkpoint stays until the file is renamed."""
        self._folder.sync(self._name, self._file)

    def _write_note(self) -> None:
        self._file.flush()
        about = {**self.about, "is_bounded": self.is_bounded, "sha256": self.sha256()}
        note = {"url": self._source, **self.state._asdict(), **about}
        self._folder.write_json(self._note, note, durable=False)
        self._is_noted = True

    def _wait(self) -> None:
        """For what is being hashed."""
        if self._hashed is not None:
            self._hashed.result()
            self._hashed = None

    def suspend(self) -> None:
        """Keep what the next run can resume from, and only that."""
        if self.state.size and self.state.validator is not None:
            self.save_checkpoint()
        else:
            self.discard()

    def discard(self) -> None:
        """Remove the file and its note."""
        self._folder.remove(self._name)
        remove_checkpoint(self._folder, self._name)


def remove_checkpoint(folder: storage.LocalFolder, name: str) -> None:
    """Remove the note of a file that is not there any more."""
    folder.remove(_note_name(name))


def discard_partial(folder: storage.LocalFolder, name: str) -> None:
    """Remove a file, if a note says that it is the pipeline's, and the note."""
    if folder.read_json(_note_name(name)) is not None:
        folder.remove(name)
        remove_checkpoint(folder, name)


@contextmanager
def open_partial(
    folder: storage.LocalFolder, name: str, url: str, version: str = "", *, durable: bool = True
) -> Iterator[PartialFile]:
    """What an earlier run left of this version of a URL in the file ``name``, or nothing yet.

    If the block raises, it is kept for the next run, but for what is no bundle
    and where the disk refuses more.

    A file that no note claims is the user's: it is set aside. Only if ``durable`` does the file
    outlive a power cut.

    Raises StorageError.
    """
    if folder.read_json(_note_name(name)) is None:
        if folder.size(name):
            new_name = folder.path(folder.quarantine(name))
            logger.warning("%s was not made by this pipeline: it is %s now", name, new_name)
        _claim(folder, name)
    with ThreadPoolExecutor(1, "hash") as hasher, folder.update(name) as file:
        source = f"{urls.url_digest(url)} {version}".rstrip()
        partial = PartialFile(folder, name, source, file, hasher)
        partial.resume()
        try:
            yield partial
            if durable:
                partial.finish()
        except (BundleError, StorageError, OSError):
            partial.discard()
            raise
        except BaseException:
            partial.suspend()
            raise


def _note_name(name: str) -> str:
    return f"{name}.json"


def _claim(folder: storage.LocalFolder, name: str) -> None:
    """Say that the file is the pipeline's, and that none of its bytes counts."""
    folder.write_json(_note_name(name), {"size": 0}, durable=False)
