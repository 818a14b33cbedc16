"""Which items of a source would become frames, and why others would not: before any is read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from luigi_gif import fetching, redaction, storage, urls
from luigi_gif.sources import archive_items, fetched_file, source_bundle
from luigi_gif.sources.chosen_items import Source, chosen
from luigi_gif.sources.item import Item, Items
from luigi_gif.sources.job import Job, translated
from luigi_gif.sources.listing import Listing
from luigi_gif.sources.selection import NO_IMAGE, LeftOut

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import ProgressReporter

_FILE_NAME = "source"


class _ListsNothing(Exception):
    """A file is no page, list or archive."""


def explain_source(
    source: Source, config: settings.download, reporter: ProgressReporter
) -> Iterator[str]:
    """A line for each chosen item, and then for each that is left out, with the reason.

    A page, a list or an archive elsewhere is fetched for it into a temporary folder, and nothing
    that it names. Nothing for one file that is a frame, or of which some frames are wanted.
    Raises SourceError, ParameterError, DownloadError or StorageError.
    """
    with storage.temporary_folder() as folder:
        job = Job(source, folder, _FILE_NAME, config, reporter)
        items = source_bundle.known_items(job)
        if items is not None:
            yield from _lines(source, items)
            return
        with translated(source), _opened(job) as items:
            if items is not None:
                yield from _lines(source, items)


@contextlib.contextmanager
def _opened(job: Job) -> Iterator[Items | None]:
    """The items of a page, a list or an archive; None for any other file."""
    url = job.source.url
    if not urls.is_local(url):
        try:
            fetched = _fetched(job)
        except _ListsNothing:
            yield None
            return
        path = job.staging.path(f"{_FILE_NAME}{storage.PARTIAL_SUFFIX}")
    else:
        fetched = fetching.FetchedBundle({}, None, None, None)
        path = urls.local_path(url)
        if not (os.path.isfile(path) and os.access(path, os.R_OK)):
            yield None  # a run says why
            return
    with open(path, "rb") as file:
        is_list = fetched_file.lists_items(file.read(archive_items.BEGINNING_BYTES))
        file.seek(0)
        if not is_list:
            yield None
            return
        with fetched_file.opened(job, file, fetched) as items:
            yield items


def _fetched(job: Job) -> fetching.FetchedBundle:
    """A file elsewhere. Raises _ListsNothing after its first bytes, if they say so."""
    return fetching.fetch_bundle(
        job.source.url,
        job.staging,
        f"{_FILE_NAME}{storage.PARTIAL_SUFFIX}",
        job.config,
        sha256=job.source.sha256,
        strict=False,
        reporter=job.reporter,
        is_container=_must_list,
    )


def _must_list(beginning: bytes) -> bool:
    if not fetched_file.lists_items(beginning):
        raise _ListsNothing
    return True


def _lines(source: Source, items: Items) -> Iterator[str]:
    with Listing(lambda item, rule: LeftOut(Item(*item), rule)) as left_out:
        for number, item in enumerate(chosen(source, items, left_out.append)):
            yield f"frame {number}: {_describe(item)}"
        for item, rule in left_out:
            reason = "it is no image" if rule == NO_IMAGE else f"--{rule}"
            yield f"left out: {_describe(item)} ({reason})"


def _describe(item: Item) -> str:
    """An item's name, and its time if it is known."""
    name = redaction.escaped(item.name)
    if item.time is None:
        return name
    return f"{name}, {datetime.fromtimestamp(item.time, UTC):%Y-%m-%dT%H:%M:%SZ}"
