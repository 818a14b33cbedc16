"""All that a URL gives, to a file that grows until it is whole, whatever it may be."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from luigi_gif import storage
from luigi_gif.errors import LUIGI_LOGGER, DownloadError, StorageError
from luigi_gif.fetching.bundle_checks import check_size
from luigi_gif.fetching.download_errors import broken_off_error
from luigi_gif.fetching.file_source import PIECE_BYTES
from luigi_gif.fetching.source_response import Validators
from luigi_gif.redaction import public_url

if TYPE_CHECKING:
    import tenacity

    from luigi_gif.fetching.partial_file import PartialFile
    from luigi_gif.fetching.source_opener import SourceOpener
    from luigi_gif.fetching.source_response import Response
    from luigi_gif.integrations import Progress

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


class Reporter(Protocol):
    """Who is told how far a body has come; also an integrations.ProgressReporter."""

    def track(
        self, unit: str, total: int | None, begin: int
    ) -> AbstractContextManager[Progress]: ...


class Body:
    """What a URL gives, on its way to a file.

    Parameters
    ----------
    check_beginning : callable
        Takes the first piece, of PIECE_BYTES or all there is, and raises for what is not wanted.
    known : Validators, optional
        Of the version that is not wanted, if any.
    """

    def __init__(
        self,
        url: str,
        folder: storage.LocalFolder,
        opener: SourceOpener,
        reporter: Reporter,
        check_beginning: Callable[[bytes], None],
        known: Validators | None = None,
    ) -> None:
        self._url = url
        self._folder = folder
        self._opener = opener
        self._config = opener.config
        self._reporter = reporter
        self._check_beginning = check_beginning
        self._known = known or Validators()

    def fetch(self, partial: PartialFile, attempts: tenacity.Retrying) -> None:
        """Bring the file to its end, from as much as is there.

        Raises DownloadError, StorageError, Stopped, NotModified, and what check_beginning raises.
        """
        attempts(self._attempt, partial, time.monotonic() + self._config.deadline)

    def _attempt(self, partial: PartialFile, deadline: float) -> None:
        if partial.state.is_whole:
            return
        with self._opener.open(self._url, partial.state, deadline, self._known) as response:
            check_size(response.total or 0, self._config, self._url)
            partial.begin(response)
            self._check_free_bytes(response)
            if response.start:
                logger.info("goes on behind the %s bytes that are there", f"{response.start:,}")
            with self._reporter.track("B", response.total, response.start) as progress:
                for piece in whole_pieces(_with_progress(response, progress)):
                    self._opener.check()
                    if partial.state.size == 0:
                        self._check_beginning(piece)
                    partial.append(piece)
                    check_size(partial.state.size, self._config, self._url)
        self._opener.check()  # what is stopped looks like the end of a body without a length
        size, total = partial.state.size, partial.state.total
        if size == 0:
            self._check_beginning(b"")
        if total is not None and size != total:
            raise broken_off_error(public_url(self._url), f"{total:,} bytes", f"{size:,} bytes")

    def _check_free_bytes(self, response: Response) -> None:
        if response.total is None:
            return
        free, needed = self._folder.free_bytes(), response.total - response.start
        if free is not None and free < needed:
            raise StorageError(
                "there is no room for the file",
                where=self._folder.url,
                expected=f"{needed:,} bytes free",
                got=f"{free:,} bytes free",
                next_step="free some space (a run takes about three times its bundle) and run "
                "again",
            )


def _with_progress(response: Response, progress: Progress) -> Iterator[bytes]:
    size = response.start
    for piece in response.pieces:
        yield piece
        size += len(piece)
        progress(size, size)


def whole_pieces(source: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of PIECE_BYTES or more, the last one excepted: servers may send them tiny.

    What came before an error is given before it is raised.
    """
    waiting: list[bytes] = []
    size = 0
    try:
        for piece in source:
            waiting.append(piece)
            size += len(piece)
            if size >= PIECE_BYTES:
                yield b"".join(waiting)
                waiting, size = [], 0
    except (DownloadError, KeyboardInterrupt):
        if size:
            yield b"".join(waiting)
        raise
    if size:
        yield b"".join(waiting)
