"""What is checked of a bundle that is fetched: that it is one, whole, and the one that is expected.

Each check raises BundleError, but for that of the size.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import TYPE_CHECKING

from luigi_gif import bundles, imaging, redaction
from luigi_gif.errors import BundleError, DownloadError, MissingDecoder, Undecodable
from luigi_gif.redaction import public_url

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.fetching.partial_file import PartialFile

_MAX_PIXELS = 64 * 10**6
"""Of a frame that is decoded to see whether it is whole."""


def check_beginning(piece: bytes, url: str, config: settings.download, strict: bool) -> None:
    """``piece`` is the first of the bundle, or all of it."""
    if not bundles.may_be_bundle(piece, strict=strict):
        raise BundleError(
            "this is not a bundle of images",
            where=public_url(url),
            expected=f"complete images ({', '.join(bundles.FORMATS)}), with four newlines between "
            "them; or an archive, a page, a list or a video",
            got=bundles.looks_like(public_beginning(piece, url, config)),
            next_step=bundles.advice(piece),
        )


def public_beginning(data: bytes, url: str, config: settings.download) -> bytes:
    """As much as tells what data are; they may be a page that repeats the URL and the headers."""
    beginning = data[: bundles.BEGINNING_BYTES].decode("latin-1")
    return redaction.without_secrets(beginning, url, headers=config.headers).encode("latin-1")


def check_size(size: int, config: settings.download, url: str) -> None:
    """Raise DownloadError for a bundle of so many bytes or more, if that is too much."""
    if size > config.max_bytes:
        raise DownloadError(
            "the source is too large",
            where=public_url(url),
            expected=f"at most {config.max_bytes:,} bytes (--download-max-bytes)",
            got=f"{size:,} bytes or more",
            next_step="raise --download-max-bytes, or correct the URL",
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


def index_fetched(partial: PartialFile, url: str) -> bundles.BundleIndex:
    """What it holds. Raises BundleError where the structure of a frame is not whole."""
    try:
        return bundles.index_bundle(partial.reader(), strict=True)
    except bundles.BadFrame as error:
        raise BundleError(
            f"frame {error.number} of the bundle is not usable",
            where=f"{public_url(url)}, at byte {error.offset:,} of {partial.state.size:,}",
            expected=error.frame_error.expected,
            got=error.frame_error.got,
            next_step="run again, in case it was cut off on its way, or mend the bundle at its "
            "source, or leave such frames out with --on-bad-frame skip",
        ) from None


def check_end(partial: PartialFile, url: str) -> None:
    """A bundle whose length nobody told has to end with a whole frame."""
    cut = find_cut_end(partial.reader())
    if cut is not None:
        offset, (expected, got) = cut
        raise BundleError(
            "the bundle seems to be cut off",
            where=f"{public_url(url)}, at byte {offset:,} of {partial.state.size:,}",
            expected=f"{expected}, as the source does not say how long the bundle is",
            got=got,
            next_step="run again; if the last frame is damaged at its source, --sha256 "
            "vouches for the whole",
        )


def find_cut_end(read: Callable[[int], bytes]) -> tuple[int, bundles.FrameError] | None:
    """Where the last frame begins, and what it lacks; None where it ends as its format says."""
    for last in collections.deque(bundles.iter_frames(read), maxlen=1):
        error = last.error
        if error is None and not last.is_whole:
            error = _undecodable(last)
        if error is not None:
            return last.offset, error
    return None


def _undecodable(frame: bundles.Frame) -> bundles.FrameError | None:
    """What a decoder says of an image whose structure does not tell whether it is whole.

    Where its last bytes are missing, so may be the frames that stood behind it. Only a JPEG
    may lack its last marker, as what webcams send.
    """
    if frame.format == "GIF":
        return bundles.FrameError("a whole GIF", "one without its last bytes")
    try:
        notes = imaging.decode_image(frame.data, _MAX_PIXELS).notes
    except (Undecodable, MissingDecoder) as error:
        return bundles.FrameError(error.expected, f"{frame.format} data: {error.got}")
    return bundles.FrameError("a whole image", notes[0]) if notes else None
