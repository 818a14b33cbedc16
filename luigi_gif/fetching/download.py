"""A URL to a checked file: http(s) by ``web``, everything else as a file or an object."""

from __future__ import annotations

import collections
import contextlib
import logging
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from luigi_gif import sources, storage, urls
from luigi_gif.errors import (
    LUIGI_LOGGER,
    BundleError,
    DownloadError,
    StorageError,
    TransientDownloadError,
)
from luigi_gif.fetching import file_source, http_download, partial_file
from luigi_gif.urls import public_url

if TYPE_CHECKING:
    from luigi_gif import settings as sections
    from luigi_gif.integrations import Progress, ProgressReporter

MAX_DELAY_S = 600.0
"""A server may ask for a longer one, but nobody waits for it."""

_MAX_PIXELS = 64 * 10**6
"""Of a frame that is decoded to see whether it is whole."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


def fetch_bundle(
    url: str,
    folder: storage.LocalFolder,
    name: str,
    settings: sections.download,
    *,
    sha256: str | None,
    strict: bool,
    watch: ProgressReporter,
) -> tuple[dict[str, Any], sources.BundleIndex | None]:
    """Write the bundle at ``url`` to the file ``name``, and check it.

    What an earlier run left there is gone on with where the source can tell
    that it is of the same bundle. With ``strict`` each frame's structure is
    looked at. ``sha256`` are the 64 hexadecimal digits that are expected.

    Returns what is known of the bundle (size in bytes, sha256, etag, last_modified), and
    what it holds if ``strict``.

    Raises DownloadError where it cannot be had whole, BundleError where it is
    not a bundle or not the one that is expected, StorageError where it cannot
    be kept.
    """
    import tenacity

    deadline = time.monotonic() + settings.deadline
    with partial_file.open_partial(folder, name, url) as part:
        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(settings.retries + 1)
            | tenacity.stop_before_delay(settings.deadline),
            wait=lambda state: _delay_s(state, settings),
            retry=tenacity.retry_if_exception_type(TransientDownloadError),
            before_sleep=lambda state: _log_retry(state, settings),
            reraise=True,
        )
        is_whole = attempts(_attempt, url, folder, settings, part, watch, deadline, strict)
        if sha256 is not None:
            check_sha256(public_url(url), part.sha256(), sha256)
        index = _index(part, url) if strict else None
        if not is_whole and sha256 is None:
            _check_end(part, url)
        return {"size": part.known.size, "sha256": part.sha256(), **part.about}, index


def _attempt(
    url: str,
    folder: storage.LocalFolder,
    settings: sections.download,
    part: partial_file.PartialFile,
    watch: ProgressReporter,
    deadline: float,
    strict: bool,
) -> bool:
    """One try; whether the source said how long the bundle is."""
    known = part.known
    if known.size and known.size == known.total:
        return True
    with _answer(url, settings, known, deadline) as answer:
        _check_size(answer.total or 0, settings, url)
        part.begin(answer)
        _check_room(answer, folder)
        if answer.start:
            logger.info("goes on behind the %s bytes that are there", f"{answer.start:,}")
        with watch.progress("B", answer.total, answer.start) as progress:
            for piece in _whole_pieces(_counted(answer, progress)):
                if part.known.size == 0:
                    _check_beginning(piece, url, strict)
                part.append(piece)
                _check_size(part.known.size, settings, url)
    size, total, _ = part.known
    if size == 0:
        _check_beginning(b"", url, strict)
    if not answer.is_bounded:
        logger.warning("the source does not say how long the bundle is: only its frames can tell")
    elif total is not None and size != total:
        raise http_download.broken_off(public_url(url), f"{total:,} bytes", f"{size:,} bytes")
    return answer.is_bounded


def _answer(
    url: str, settings: sections.download, known: http_download.ResumeState, deadline: float
) -> contextlib.AbstractContextManager[http_download.Response]:
    if urls.is_local(url):
        return file_source.open_file(url, settings, deadline)
    if urls.scheme_of(url) in urls.HTTP_SCHEMES:
        return http_download.get(urls.normal_url(url), settings, known, deadline)
    return file_source.open_object(urls.normal_url(url), settings, known, deadline)


def _index(part: partial_file.PartialFile, url: str) -> sources.BundleIndex:
    """What it holds. Raises BundleError where the structure of a frame is not whole."""
    try:
        return sources.index_bundle(part.reader(), strict=True)
    except sources.BadFrame as error:
        raise BundleError(
            f"frame {error.number} of the bundle is not usable",
            where=f"{public_url(url)}, at byte {error.offset:,} of {part.known.size:,}",
            expected=error.frame_error.expected,
            got=error.frame_error.got,
            next_step="run again, in case it was cut off on its way, or mend the bundle at its "
            "source, or leave such frames out with --on-bad-frame skip",
        ) from None


def _check_end(part: partial_file.PartialFile, url: str) -> None:
    """A bundle whose length nobody told has to end with a whole frame."""
    for last in collections.deque(sources.iter_frames(part.reader()), maxlen=1):
        fault = last.error
        if fault is None and not last.is_whole:
            fault = _undecodable(last)
        if fault is not None:
            raise BundleError(
                "the bundle seems to be cut off",
                where=f"{public_url(url)}, at byte {last.offset:,} of {part.known.size:,}",
                expected=f"{fault.expected}, as the source does not say how long the bundle is",
                got=fault.got,
                next_step="run again; if the last frame is damaged at its source, --sha256 "
                "vouches for the whole",
            )


def _undecodable(frame: sources.Frame) -> sources.FrameError | None:
    """What a decoder says of an image whose structure does not tell whether it is whole.

    Where its last bytes are missing, so may be the frames that stood behind it. Only a JPEG
    may lack its last marker, as what webcams send.
    """
    if frame.format == "GIF":
        return sources.FrameError("a whole GIF", "one without its last bytes")
    from luigi_gif import imaging  # NumPy and Pillow, which plain GIFs do without
    from luigi_gif.errors import Undecodable

    try:
        notes = imaging.decode_image(frame.data, _MAX_PIXELS).notes
    except Undecodable as error:
        return sources.FrameError(error.expected, f"{frame.format} data: {error.got}")
    return sources.FrameError("a whole image", notes[0]) if notes else None


def _check_size(size: int, settings: sections.download, url: str) -> None:
    if size > settings.max_bytes:
        raise DownloadError(
            "the bundle is too large",
            where=public_url(url),
            expected=f"at most {settings.max_bytes:,} bytes (--download-max-bytes)",
            got=f"{size:,} bytes or more",
            next_step="raise --download-max-bytes, or correct --url",
        )


def _check_room(answer: http_download.Response, folder: storage.LocalFolder) -> None:
    if answer.total is None:
        return
    room, needed = folder.free_bytes(), answer.total - answer.start
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


def _counted(answer: http_download.Response, progress: Progress) -> Iterator[bytes]:
    size = answer.start
    for piece in answer.pieces:
        yield piece
        size += len(piece)
        progress(size, size)


def _whole_pieces(source: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of sources.PIECE_BYTES or more, the last one excepted: servers may send them tiny.

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


def _check_beginning(piece: bytes, url: str, strict: bool) -> None:
    if not sources.may_be_bundle(piece, strict=strict):
        # It may be a page that repeats the URL.
        beginning = piece[: sources.BEGINNING_BYTES].decode("latin-1")
        shown = urls.without_secrets(beginning, url).encode("latin-1")
        raise BundleError(
            "this is not a bundle of images",
            where=public_url(url),
            expected=f"complete images ({', '.join(sources.FORMATS)}) "
            "with four newlines between them",
            got=sources.looks_like(shown),
            next_step=sources.advice(piece),
        )


def _delay_s(state: Any, settings: sections.download) -> float:
    """As the settings say, or as the server asks, and then a little apart from others."""
    import tenacity

    asked = min(state.outcome.exception().retry_after_s, MAX_DELAY_S)
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
