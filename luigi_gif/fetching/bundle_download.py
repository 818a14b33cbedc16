"""A URL to a checked file: over http(s), or as a file or an object of a store."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from luigi_gif import bundles, storage, urls
from luigi_gif.errors import LUIGI_LOGGER, DownloadError, StorageError
from luigi_gif.fetching import bundle_checks, file_source, http_download, partial_file
from luigi_gif.fetching.download_errors import broken_off_error
from luigi_gif.fetching.retry_rule import new_attempts
from luigi_gif.fetching.source_response import Response, ResumeState
from luigi_gif.redaction import public_url

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import Progress, ProgressReporter

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


def fetch_bundle(
    url: str,
    folder: storage.LocalFolder,
    name: str,
    config: settings.download,
    *,
    sha256: str | None,
    strict: bool,
    reporter: ProgressReporter,
) -> tuple[dict[str, object], bundles.BundleIndex | None]:
    """Write the bundle at ``url`` to the file ``name``, and check it.

    An interrupted download is resumed if the source confirms the version. With
    ``strict`` the structure of each frame is checked. ``sha256`` is the expected
    digest, 64 hexadecimal digits.

    Returns what is known of the bundle (size in bytes, sha256, etag, last_modified), and
    what it holds if ``strict``.

    Raises DownloadError if it cannot be fetched whole, BundleError if it is not
    a bundle or not the expected one, StorageError if it cannot be written.
    What is tried again is in retry_rule.py.
    """
    deadline = time.monotonic() + config.deadline
    with partial_file.open_partial(folder, name, url) as partial:
        attempts = new_attempts(config)
        is_whole = attempts(_attempt, url, folder, config, partial, reporter, deadline, strict)
        if sha256 is not None:
            bundle_checks.check_sha256(public_url(url), partial.sha256(), sha256)
        index = bundle_checks.index_fetched(partial, url) if strict else None
        if not is_whole and sha256 is None:
            bundle_checks.check_end(partial, url)
        return {"size": partial.state.size, "sha256": partial.sha256(), **partial.about}, index


def _attempt(
    url: str,
    folder: storage.LocalFolder,
    config: settings.download,
    partial: partial_file.PartialFile,
    reporter: ProgressReporter,
    deadline: float,
    strict: bool,
) -> bool:
    """One try; whether the source said how long the bundle is."""
    state = partial.state
    if state.size and state.size == state.total:
        return True
    with _open_source(url, config, state, deadline) as response:
        bundle_checks.check_size(response.total or 0, config, url)
        partial.begin(response)
        _check_free_bytes(response, folder)
        if response.start:
            logger.info("goes on behind the %s bytes that are there", f"{response.start:,}")
        with reporter.track("B", response.total, response.start) as progress:
            for piece in _whole_pieces(_with_progress(response, progress)):
                if partial.state.size == 0:
                    bundle_checks.check_beginning(piece, url, strict)
                partial.append(piece)
                bundle_checks.check_size(partial.state.size, config, url)
    size, total, _ = partial.state
    if size == 0:
        bundle_checks.check_beginning(b"", url, strict)
    if not response.is_bounded:
        logger.warning("the source does not say how long the bundle is: only its frames can tell")
    elif total is not None and size != total:
        raise broken_off_error(public_url(url), f"{total:,} bytes", f"{size:,} bytes")
    return response.is_bounded


def _open_source(
    url: str, config: settings.download, state: ResumeState, deadline: float
) -> contextlib.AbstractContextManager[Response]:
    if urls.is_local(url):
        return file_source.open_file(url, config, deadline)
    if urls.scheme_of(url) in urls.HTTP_SCHEMES:
        return http_download.open_url(urls.normal_url(url), config, state, deadline)
    return file_source.open_object(urls.normal_url(url), config, state, deadline)


def _check_free_bytes(response: Response, folder: storage.LocalFolder) -> None:
    if response.total is None:
        return
    free, needed = folder.free_bytes(), response.total - response.start
    if free is not None and free < needed:
        raise StorageError(
            "there is no room for the bundle",
            where=folder.url,
            expected=f"{needed:,} bytes free",
            got=f"{free:,} bytes free",
            next_step="free some space (a run takes about three times its bundle) and run again",
        )


def _with_progress(response: Response, progress: Progress) -> Iterator[bytes]:
    size = response.start
    for piece in response.pieces:
        yield piece
        size += len(piece)
        progress(size, size)


def _whole_pieces(source: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of file_source.PIECE_BYTES or more, the last one excepted: servers may send them tiny.

    What came before an error is given before it is raised.
    """
    waiting: list[bytes] = []
    size = 0
    try:
        for piece in source:
            waiting.append(piece)
            size += len(piece)
            if size >= file_source.PIECE_BYTES:
                yield b"".join(waiting)
                waiting, size = [], 0
    except (DownloadError, KeyboardInterrupt):
        if size:
            yield b"".join(waiting)
        raise
    if size:
        yield b"".join(waiting)
