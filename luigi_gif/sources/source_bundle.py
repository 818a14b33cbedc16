"""What --url names to a bundle in the work directory: fetched, or assembled of its items."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from luigi_gif import fetching, frames, redaction, storage
from luigi_gif.errors import ParameterError
from luigi_gif.sources import dated_items
from luigi_gif.sources.assembled_bundle import (
    ASSEMBLED_SUFFIX,
    SourceBundle,
    UnchangedSource,
    assemble,
)
from luigi_gif.sources.chosen_items import Source, list_dated_items, listed_items, local_items
from luigi_gif.sources.fetched_file import UNPACKED_SUFFIX, is_container, opened
from luigi_gif.sources.item import Item, Items
from luigi_gif.sources.job import Job, translated
from luigi_gif.sources.listing import Listing
from luigi_gif.sources.local_versions import source_version, with_local_versions
from luigi_gif.sources.web_items import WebItems, url_of_only_host

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import ProgressReporter
    from luigi_gif.sources.earlier_bundle import EarlierBundle


def fetch_source(
    source: Source,
    staging: storage.LocalFolder,
    name: str,
    config: settings.download,
    reporter: ProgressReporter,
    earlier: EarlierBundle | None = None,
) -> SourceBundle | UnchangedSource:
    """Make a bundle of a source, in files of the staging folder that begin with ``name``.

    With an earlier bundle, the source is asked whether it has changed, and only what has is
    fetched.

    Raises SourceError, BundleError, DownloadError or StorageError.
    """
    job = Job(source, staging, name, config, reporter, earlier)
    if source.accumulates:
        from luigi_gif.sources.gathering import gather  # which few runs need

        return gather(job)
    known = known_items(job)
    if known is not None and local_items(source.url) is not None:
        return assemble(job, known, is_local=True)
    version = source_version(source)
    try:
        made = assemble(job, known) if known is not None else _bundle_of_file(job)
    except fetching.NotModified:
        made = UnchangedSource({})
    if version is not None:
        made.receipt["source"] = version
    return made


def _bundle_of_file(job: Job) -> SourceBundle | UnchangedSource:
    """A bundle of the file at the URL, or of the items in it. Raises NotModified."""
    source, earlier = job.source, job.earlier
    part = f"{job.name}{storage.PARTIAL_SUFFIX}"
    with translated(source):
        fetched = fetching.fetch_bundle(
            source.url,
            job.staging,
            part,
            job.config,
            sha256=source.sha256,
            strict=source.strict,
            reporter=job.reporter,
            is_container=partial(is_container, source.url),
            known=earlier.known_version(source.selection) if earlier is not None else None,
        )
    sha256, validators = fetched.receipt["sha256"], fetched.validators
    with translated(source), job.staging.open(part) as file, opened(job, file, fetched) as items:
        lists = isinstance(items, WebItems)
        if earlier is not None and not lists and earlier.is_of_file(sha256):
            return UnchangedSource({"validators": validators})
        if items is None:
            receipt = fetched.receipt | {"validators": validators}
            noted = Listing(frames.ItemSource)
            return SourceBundle(part, receipt, fetched.bundle_index, noted)
        made = assemble(job, items)
        made.receipt.update({"source_sha256": sha256, "lists": lists})
        bad_items = made.bad_items if isinstance(made, SourceBundle) else 0
        if isinstance(items, WebItems):
            made.receipt["links"] = items.are_links
        is_told_by_file = not isinstance(items, WebItems) or items.is_told_by_file
        if is_told_by_file and not bad_items:
            made.receipt["validators"] = validators
        return made


def known_items(job: Job) -> Items | None:
    """Those of a source that need not be fetched to be listed; None for all else."""
    source = job.source
    if dated_items.is_dated(source.url):
        dated = with_local_versions(list_dated_items(source))
        return WebItems(
            dated, job.staging, job.config, job.reporter, source.url, order="given", gaps=True
        )

    def fetched_items(items: Iterable[Item], hosts: list[str]) -> Items:
        trusted = url_of_only_host(hosts, job.config)
        return WebItems(
            items,
            job.staging,
            job.config,
            job.reporter,
            trusted,
            order="given",
            keeps_names=False,  # each is a picture that the user named: it may be overwritten
        )

    listed = listed_items(source.url, fetched_items)
    if listed is not None and source.sha256 is not None:
        raise _no_checksum_error(source.url)
    return listed


def remove_leftovers(staging: storage.LocalFolder, name: str) -> None:
    """Remove what is not needed any more once a source is a bundle."""
    for suffix in ("", ASSEMBLED_SUFFIX):
        fetching.discard_partial(staging, f"{name}{suffix}{storage.PARTIAL_SUFFIX}")
    staging.remove(f"{name}{UNPACKED_SUFFIX}{storage.PARTIAL_SUFFIX}")  # of a killed run
    fetching.discard_items(staging)


def _no_checksum_error(url: str) -> ParameterError:
    return ParameterError(
        "a checksum is that of one file",
        where=redaction.public_url(url),
        expected="no --sha256 with a folder, a pattern, a prefix or several sources",
        got="--sha256",
        next_step="leave it out",
    )
