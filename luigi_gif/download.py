"""A URL to a checked file: http(s) by ``web``, everything else as a file or an object."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import time
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any

from luigi_gif import bundle, partial, storage, store, urls, web
from luigi_gif.errors import (
    LUIGI_LOGGER,
    BundleError,
    DownloadError,
    StorageError,
    TransientDownloadError,
)
from luigi_gif.urls import public_text, public_url

if TYPE_CHECKING:
    from luigi_gif import settings as sections
    from luigi_gif.report import Progress, Watch

PIECE_BYTES = 1 << 20
MOST_DELAY_S = 600.0
"""A server may ask for a longer one, but nobody waits for it."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


def fetch(
    url: str,
    folder: storage.LocalFolder,
    name: str,
    settings: sections.download,
    *,
    sha256: str | None,
    strict: bool,
    watch: Watch,
) -> dict[str, Any]:
    """Write the bundle at ``url`` to the file ``name``, and check it.

    What an earlier run left there is gone on with where the source can tell
    that it is of the same bundle. With ``strict`` each frame's structure is
    looked at. ``sha256`` are the 64 hexadecimal digits that are expected.

    Returns what is known of the bundle: size in bytes, sha256, etag, last_modified.

    Raises DownloadError where it cannot be had whole, BundleError where it is
    not a bundle or not the one that is expected, StorageError where it cannot
    be kept.
    """
    import tenacity

    deadline = time.monotonic() + settings.deadline
    with partial.opened(folder, name, url) as part:
        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(settings.retries + 1)
            | tenacity.stop_before_delay(settings.deadline),
            wait=lambda state: _delay_s(state, settings),
            retry=tenacity.retry_if_exception_type(TransientDownloadError),
            before_sleep=lambda state: _log_retry(state, settings),
            reraise=True,
        )
        attempts(_attempt, url, folder, settings, part, watch, deadline)
        if sha256 is not None:
            check_sha256(public_url(url), part.sha256(), sha256)
        if strict:
            _check_structure(part, url)
        return {"size": part.known.size, "sha256": part.sha256(), **part.about}


def source_version(url: str) -> str | None:
    """A text that changes whenever a local source does.

    None for a source that is not a file of this machine, or is not there (any more).
    """
    if not urls.is_local(url):
        return None
    try:
        status = os.stat(urls.local_path(url))
    except (OSError, ValueError):
        return None
    return _file_version(status) if stat.S_ISREG(status.st_mode) else None


def _file_version(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_dev}-{status.st_ino}"


def _attempt(
    url: str,
    folder: storage.LocalFolder,
    settings: sections.download,
    part: partial.Partial,
    watch: Watch,
    deadline: float,
) -> None:
    known = part.known
    if known.size and known.size == known.total:
        return
    with _answer(url, settings, known, deadline) as answer:
        _check_size(answer.total or 0, settings, url)
        part.begin(answer)
        _check_room(answer, folder)
        if answer.start:
            logger.info("goes on behind the %s bytes that are there", f"{answer.start:,}")
        with watch.progress("B", answer.total, answer.start) as progress:
            for piece in _whole_pieces(_counted(answer, progress)):
                if part.known.size == 0:
                    _check_beginning(piece, url)
                part.append(piece)
                _check_size(part.known.size, settings, url)
    size, total, _ = part.known
    if size == 0:
        _check_beginning(b"", url)
    if total is None:
        logger.warning("the source does not say how long the bundle is: only its frames can tell")
    elif size != total:
        raise web.broken_off(url, f"{total:,} bytes", f"{size:,} bytes")


def _answer(
    url: str, settings: sections.download, known: web.Known, deadline: float
) -> contextlib.AbstractContextManager[web.Answer]:
    if urls.is_local(url):
        return _file(url)
    if urls.scheme_of(url) in urls.HTTP_SCHEMES:
        return web.get(urls.normal_url(url), settings, known, deadline)
    return _object(urls.normal_url(url), known)


def _check_structure(part: partial.Partial, url: str) -> None:
    try:
        bundle.survey(part.reader(), strict=True)
    except bundle.BadFrame as error:
        raise BundleError(
            f"frame {error.number} of the bundle is not usable",
            where=f"{public_url(url)}, at byte {error.offset:,} of {part.known.size:,}",
            expected=error.fault.expected,
            got=error.fault.got,
            next_step="run again, in case it was cut off on its way, or mend the bundle at its "
            "source, or leave such frames out with --on-bad-frame skip",
        ) from None


def _check_size(size: int, settings: sections.download, url: str) -> None:
    if size > settings.max_bytes:
        raise DownloadError(
            "the bundle is too large",
            where=public_url(url),
            expected=f"at most {settings.max_bytes:,} bytes (--download-max-bytes)",
            got=f"{size:,} bytes or more",
            next_step="raise --download-max-bytes, or correct --url",
        )


def _check_room(answer: web.Answer, folder: storage.LocalFolder) -> None:
    if answer.total is None:
        return
    room, needed = folder.room(), answer.total - answer.start
    if room is not None and room < needed:
        raise StorageError(
            "there is no room for the bundle",
            where=folder.url,
            expected=f"{needed:,} bytes free",
            got=f"{room:,} bytes free",
            next_step="free some space (a run takes about three times its bundle) and run again",
        )


def check_sha256(where: str, digest: str, expected: str) -> None:
    """Raise BundleError unless the bundle has the digest that is expected."""
    if digest != expected:
        raise BundleError(
            "the bundle is not the one that was asked for",
            where=where,
            expected=f"SHA-256 {expected}",
            got=f"SHA-256 {digest}",
            next_step="check --sha256, and the source of the bundle",
        )


def _counted(answer: web.Answer, progress: Progress) -> Iterator[bytes]:
    size = answer.start
    for piece in answer.pieces:
        yield piece
        size += len(piece)
        progress(size, size)


def _whole_pieces(source: Iterable[bytes]) -> Iterator[bytes]:
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


def _check_beginning(piece: bytes, url: str) -> None:
    if not bundle.begins_with_image(piece):
        raise BundleError(
            "this is not a bundle of images",
            where=public_url(url),
            expected="complete images with four newlines between them",
            got=bundle.looks_like(piece),
            next_step="open the URL in a browser, and correct --url",
        )


@contextlib.contextmanager
def _file(url: str) -> Iterator[web.Answer]:
    with contextlib.ExitStack() as stack:
        with _readable(url):
            file = stack.enter_context(open(urls.local_path(url), "rb"))
        status = os.fstat(file.fileno())
        total = status.st_size if stat.S_ISREG(status.st_mode) else None
        yield web.Answer(0, total, None, None, None, _pieces(file, url))


@contextlib.contextmanager
def _object(url: str, known: web.Known) -> Iterator[web.Answer]:
    with contextlib.ExitStack() as stack:
        with _readable(url):
            objects = store.Store(url)
            info = objects.ask("info", objects.root)
            version = store.version(info)
            start = known.size if version == known.validator else 0
            file = stack.enter_context(objects.open(objects.root, start))
        yield web.Answer(start, int(info["size"]), version, None, None, _pieces(file, url))


def _pieces(file: IO[bytes], url: str) -> Iterator[bytes]:
    with _readable(url):
        while piece := file.read(PIECE_BYTES):
            yield piece


@contextlib.contextmanager
def _readable(url: str) -> Iterator[None]:
    """Turn what the operating system or a store raises into a DownloadError."""
    try:
        yield
    except Exception as error:  # a store may raise anything
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, FileNotFoundError):
            number = errno.ENOENT
        first_line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DownloadError(
            "the bundle cannot be read",
            where=public_url(url),
            expected="a file or an object that can be read",
            got=os.strerror(number) if number else public_text(first_line),
            next_step="correct --url, or mend what stands in the way, and run again",
        ) from error


def _delay_s(state: Any, settings: sections.download) -> float:
    """As the settings say, or as the server asks, and then a little apart from others."""
    import tenacity

    asked = min(state.outcome.exception().retry_after_s, MOST_DELAY_S)
    if asked <= settings.retry_delay:
        return settings.retry_delay
    return asked + tenacity.wait_random(0, asked / 10)(state)


def _log_retry(state: Any, settings: sections.download) -> None:
    error = state.outcome.exception()
    logger.warning(
        "%s: %s; try %d of %d in %.3g s",
        error.what,
        error.got,
        state.attempt_number + 1,
        settings.retries + 1,
        state.next_action.sleep,
    )
