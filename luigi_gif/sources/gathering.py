"""One picture that is overwritten now and then: each that was seen is an item (--accumulate)."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import deque
from collections.abc import Iterator
from typing import IO

from luigi_gif import bundles, fetching, redaction, storage
from luigi_gif.errors import LUIGI_LOGGER, BundleError, ParameterError, PipelineError, SourceError
from luigi_gif.sources import dated_items, frames_in_image
from luigi_gif.sources.assembled_bundle import SourceBundle, UnchangedSource, assemble
from luigi_gif.sources.chosen_items import Source, local_items
from luigi_gif.sources.fetched_file import is_container, lists_items
from luigi_gif.sources.http_urls import file_name
from luigi_gif.sources.item import Item, ItemError, Items
from luigi_gif.sources.job import Job, translated
from luigi_gif.sources.listing import Listing
from luigi_gif.sources.store_items import names_many_objects
from luigi_gif.sources.video_formats import format_of
from luigi_gif.urls import split_sources

logger = logging.getLogger(f"{LUIGI_LOGGER}.sources")


def gather(job: Job) -> SourceBundle | UnchangedSource:
    """A bundle of the pictures that were gathered before, and of the one that is there now.

    The same bundle where that is the last one still.

    Raises SourceError for a source that is not one picture, and what fetch_source raises.
    """
    source, earlier = job.source, job.earlier
    version = fetching.source_version(source.url)
    part = f"{job.name}{storage.PARTIAL_SUFFIX}"
    with Listing(Item, _gathered(job)) as items, translated(source):
        known = earlier.validators if earlier is not None and items else fetching.Validators()
        try:
            fetched = _fetch(job, part, known)
        except fetching.NotModified:
            return _bundle_of(job, items, None, {"validators": known})
        with job.staging.open(part) as file:
            if not _is_usable(source, file, fetched):
                return _bundle_of(job, items, None, {})
            _append(items, source, fetched)
            about: dict[str, object] = {"validators": fetched.validators}
            if version is not None:
                about["source"] = version
            return _bundle_of(job, items, file, about)


def check_names_one(url: str) -> None:
    """Raise ParameterError for what names many pictures."""
    several = len(split_sources(url)) > 1 or names_many_objects(url) or dated_items.is_dated(url)
    if several or local_items(url) is not None:
        raise _not_one_picture(url, "several pictures", ParameterError)


def _not_one_picture(
    url: str, got: str, kind: type[PipelineError] = SourceError, *, had_one: bool = False
) -> PipelineError:
    cure = "leave out --accumulate; --refresh asks a source of many pictures for new ones"
    return kind(
        "--accumulate is for one picture that is overwritten",
        where=redaction.public_url(url),
        expected="one picture, such as https://example.org/latest.jpg",
        got=got,
        next_step="run again later: it was a picture before" if had_one else cure,
    )


def _gathered(job: Job) -> Iterator[Item]:
    """What earlier runs have gathered."""
    if job.earlier is not None:
        for noted in job.earlier.noted():
            yield Item(noted.name, job.source.url, None, noted.time, noted.version)


def _fetch(job: Job, part: str, known: fetching.Validators) -> fetching.FetchedBundle:
    """The picture that is there now. Raises NotModified, and SourceError for what is none."""
    source = job.source

    def check(beginning: bytes) -> bool:
        if lists_items(beginning) or format_of(beginning):
            had_one = next(_gathered(job), None) is not None
            raise _not_one_picture(source.url, bundles.looks_like(beginning), had_one=had_one)
        return is_container(source.url, beginning)

    return fetching.fetch_bundle(
        source.url,
        job.staging,
        part,
        job.config,
        sha256=None,
        strict=source.strict,
        reporter=job.reporter,
        is_container=check,
        known=known,
    )


def _is_usable(source: Source, file: IO[bytes], fetched: fetching.FetchedBundle) -> bool:
    """Whether it is a picture that can be decoded: who overwrites it may be halfway.

    One that cannot would be in the clips of all later runs. Raises BundleError for it, unless
    such pictures are left out.
    """
    beginning = bundles.read_beginning(file.read, 1 << 20)
    file.seek(0)
    if frames_in_image.is_sequence(beginning):
        return True
    index = fetched.bundle_index or bundles.index_bundle(file.read, strict=False)
    if index.frame_count > 1:
        raise _not_one_picture(source.url, f"a bundle of {index.frame_count:,} pictures")
    file.seek(0)
    fault = fetching.find_cut_end(file.read)
    if fault is None:
        return True
    _, (expected, got) = fault
    if source.strict:
        raise BundleError(
            "the picture is not whole",
            where=redaction.public_url(source.url),
            expected=expected,
            got=got,
            next_step="run again, in case it was just being written, or leave such pictures out "
            "with --on-bad-frame skip",
        )
    logger.warning("the picture is not gathered, as it is not whole: %s", got)
    return False


def _append(items: Listing[Item], source: Source, fetched: fetching.FetchedBundle) -> None:
    """Add the picture, unless it is the last one still."""
    last = next(iter(deque(items, maxlen=1)), None)
    sha256 = str(fetched.receipt["sha256"])
    if last is not None and last.version == sha256:
        return
    seen = fetched.time
    if seen is None or (last is not None and last.time is not None and seen <= last.time):
        seen = time.time()  # it was overwritten since, whatever the source says
    items.append(Item(file_name(source.url), source.url, None, seen, sha256))


def _bundle_of(
    job: Job, items: Listing[Item], file: IO[bytes] | None, about: dict[str, object]
) -> SourceBundle | UnchangedSource:
    made = assemble(job, _GatheredItems(items, file))
    made.receipt.update({"accumulated": True, **about})
    return made


class _GatheredItems(Items):
    """Pictures of earlier runs, which are in the earlier bundle, and perhaps a new one behind."""

    order = "given"
    peeks = False

    def __init__(self, items: Listing[Item], file: IO[bytes] | None) -> None:
        self._items = items
        self._file = file

    def items(self) -> Iterator[Item]:
        """In the order in which they were seen."""
        return iter(self._items)

    def is_named_by_user(self, item: Item) -> bool:
        """It is one URL."""
        return True

    def read(self, item: Item, size: int) -> bytes:
        """The first bytes of the new one. Raises ItemError for one that was gathered before."""
        data = b""
        if self._file is not None:
            self._file.seek(0)
            data = self._file.read(size)
        if hashlib.sha256(data).hexdigest() != item.version:
            raise ItemError("a picture that was gathered before", "damaged data in the bundle")
        return data
