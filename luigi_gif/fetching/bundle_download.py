"""A URL to a checked file: over http(s), or as a file or an object of a store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import bundles, storage
from luigi_gif.errors import LUIGI_LOGGER
from luigi_gif.fetching import bundle_checks
from luigi_gif.fetching.body_download import Body
from luigi_gif.fetching.file_source import PIECE_BYTES
from luigi_gif.fetching.partial_file import PartialFile, open_partial
from luigi_gif.fetching.retry_rule import new_attempts
from luigi_gif.fetching.source_opener import SourceOpener
from luigi_gif.fetching.source_response import Validators
from luigi_gif.redaction import public_url

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import ProgressReporter

logger = logging.getLogger(f"{LUIGI_LOGGER}.download")


class FetchedBundle(NamedTuple):
    """A file that was fetched."""

    receipt: dict[str, object]
    """What is known of it: size in bytes, sha256, etag, last_modified."""
    bundle_index: bundles.BundleIndex | None
    """What it holds, if that was looked for."""
    place: str | None
    """The URL that it came from, behind all redirects."""
    charset: str | None
    """The encoding of a text, as the server says."""
    validators: Validators = Validators()
    """By which it can be asked whether it has changed."""
    time: float | None = None
    """When it was changed last, as the source says, in seconds since 1970 UTC."""


def fetch_bundle(
    url: str,
    folder: storage.LocalFolder,
    name: str,
    config: settings.download,
    *,
    sha256: str | None,
    strict: bool,
    reporter: ProgressReporter,
    is_container: Callable[[bytes], bool] = lambda _: False,
    known: Validators | None = None,
) -> FetchedBundle:
    """Write the bundle at ``url`` to the file ``name``, and check it.

    An interrupted download is resumed if the source confirms the version. With
    ``strict`` the structure of each frame is checked. ``sha256`` is the expected
    digest, 64 hexadecimal digits. What ``is_container`` says to hold images in another
    way, judged by its first piece, is fetched too; its caller checks it.

    With ``known``, those of the version that was fetched before, the source is asked anew, and
    NotModified is raised where it says that it is still of that version.

    Raises DownloadError if it cannot be fetched whole, BundleError if it is not
    a bundle or not the expected one, StorageError if it cannot be written.
    What is tried again is in retry_rule.py.
    """
    with (
        SourceOpener(config, 1, url) as opener,
        open_partial(folder, name, url) as partial,
    ):

        def check_beginning(piece: bytes) -> None:
            if not is_container(piece):
                bundle_checks.check_beginning(piece, url, config, strict)

        if known is not None and partial.state.is_whole:
            partial.clear()  # since an earlier run broke off there may be another version
        body = Body(url, folder, opener, reporter, check_beginning, known)
        body.fetch(partial, new_attempts(config))
        index = _checked(partial, url, sha256, is_container, strict=strict)
        size, digest = partial.state.size, partial.sha256()
        about: dict[str, object] = {"size": size, "sha256": digest, **partial.about}
        return FetchedBundle(
            about, index, partial.place, partial.charset, partial.validators, partial.time
        )


def _checked(
    partial: PartialFile,
    url: str,
    sha256: str | None,
    is_container: Callable[[bytes], bool],
    *,
    strict: bool,
) -> bundles.BundleIndex | None:
    """What a file that has arrived holds, if that is looked for. Raises as fetch_bundle()."""
    if not partial.is_bounded:
        message = "the source does not say how long the bundle is: only its frames can tell"
        logger.warning(message)
    if sha256 is not None:
        bundle_checks.check_sha256(public_url(url), partial.sha256(), sha256)
    if is_container(bundles.read_beginning(partial.reader(), PIECE_BYTES)):
        return None
    index = bundle_checks.index_fetched(partial, url) if strict else None
    if not partial.is_bounded and sha256 is None:
        bundle_checks.check_end(partial, url)
    return index
