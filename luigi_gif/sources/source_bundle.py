"""What --url names to a bundle in the work directory: fetched, or assembled of its items."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO, TYPE_CHECKING, NamedTuple

from luigi_gif import bundles, fetching, frames, redaction, storage, urls
from luigi_gif.errors import ParameterError, SourceError
from luigi_gif.sources import assembling, dated_items, frame_choice, frames_in_image, video_formats
from luigi_gif.sources.chosen_items import (
    Source,
    choose_items,
    list_dated_items,
    listed_items,
    local_items,
    version_of,
)
from luigi_gif.sources.http_urls import file_name
from luigi_gif.sources.item import Item, Items, SourceUnusable
from luigi_gif.sources.link_list import check_is_no_list
from luigi_gif.sources.listing import Listing
from luigi_gif.sources.open_file_item import OpenBundleItem, OpenFileItem
from luigi_gif.sources.source_errors import (
    bad_item_error,
    leading_page_error,
    unusable_source_error,
)
from luigi_gif.sources.web_items import WebItems, url_of_only_host, with_local_versions

if TYPE_CHECKING:
    from luigi_gif import settings
    from luigi_gif.integrations import Progress, ProgressReporter
    from luigi_gif.sources.ffmpeg_program import Ffmpeg
    from luigi_gif.sources.video_file import VideoFile

ASSEMBLED_SUFFIX = ".assembled"
UNPACKED_SUFFIX = ".unpacked"
MAX_PAGE_BYTES = 1 << 24
"""Of a page, which is held in memory."""


class SourceBundle(NamedTuple):
    """A bundle that was made of a source."""

    file_name: str
    """In the staging folder."""
    receipt: dict[str, object]
    """What is known of it; under ``source`` which version of a local source it was made of."""
    bundle_index: bundles.BundleIndex | None
    """What it holds, where that is known."""
    items: Listing[frames.ItemSource]
    """Of which it was made, if of several; to be closed."""


class Job(NamedTuple):
    """One source on its way to a bundle."""

    source: Source
    staging: storage.LocalFolder
    name: str
    """What its files in the staging folder begin with."""
    config: settings.download
    reporter: ProgressReporter


def fetch_source(
    source: Source,
    staging: storage.LocalFolder,
    name: str,
    config: settings.download,
    reporter: ProgressReporter,
) -> SourceBundle:
    """Make a bundle of a source, in files of the staging folder that begin with ``name``.

    Raises SourceError, BundleError, DownloadError or StorageError.
    """
    job = Job(source, staging, name, config, reporter)
    known = known_items(job)
    if known is not None:
        return _assemble(job, known, is_local=local_items(source.url) is not None)
    version = fetching.source_version(source.url)
    part = f"{name}{storage.PARTIAL_SUFFIX}"
    with translated(source):
        fetched = fetching.fetch_bundle(
            source.url,
            staging,
            part,
            config,
            sha256=source.sha256,
            strict=source.strict,
            reporter=reporter,
            is_container=partial(_is_container, source.url),
        )
    with translated(source), staging.open(part) as file, opened(job, file, fetched) as items:
        if items is None:
            noted = Listing(frames.ItemSource)
            made = SourceBundle(part, fetched.receipt, fetched.bundle_index, noted)
        else:
            made = _assemble(job, items)
            made.receipt["source_sha256"] = fetched.receipt["sha256"]
    if version is not None:
        made.receipt["source"] = version
    return made


def known_items(job: Job) -> Items | None:
    """Those of a source that need not be fetched to be listed; None for all else."""
    source = job.source
    if dated_items.is_dated(source.url):
        dated = list_dated_items(source)
        return WebItems(
            dated, job.staging, job.config, job.reporter, source.url, order="given", gaps=True
        )

    def fetched_items(items: Iterable[Item], hosts: list[str]) -> Items:
        trusted = url_of_only_host(hosts, job.config)
        return WebItems(items, job.staging, job.config, job.reporter, trusted, order="given")

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


def _is_container(url: str, beginning: bytes) -> bool:
    """Whether a file holds images, or names them, and is no bundle, judged by its beginning.

    Raises SourceError for a video, if nothing can decode it: before all of it is fetched.
    """
    if video_formats.format_of(beginning):
        _ffmpeg(url)
        return True
    if frames_in_image.is_sequence(beginning) or lists_items(beginning):
        return True
    check_is_no_list(beginning, url)
    return False


def lists_items(beginning: bytes) -> bool:
    """Whether a file is an archive, a page or a list, judged by its beginning."""
    from luigi_gif.sources import archive_items, link_list, page_links  # which few runs need

    if video_formats.format_of(beginning):
        return False
    return (
        archive_items.is_archive(beginning)
        or page_links.is_page(beginning)
        or link_list.looks_like_link_list(beginning)
    )


def _assemble(job: Job, items: Items, *, is_local: bool = False) -> SourceBundle:
    """``is_local`` says whether the items are files of this machine, and the source no more."""
    source, staging = job.source, job.staging
    file_name = f"{job.name}{ASSEMBLED_SUFFIX}{storage.PARTIAL_SUFFIX}"
    assembly = assembling.Assembly(items, strict=source.strict)
    noted = assembly.noted
    with (
        translated(source),
        choose_items(source, items) as chosen,
        fetching.open_partial(staging, file_name, source.url) as bundle,
        _tracked(job.reporter, items, len(chosen)) as progress,
    ):
        bundle.clear()
        for piece in fetching.whole_pieces(assembly.pieces(chosen)):
            bundle.append(piece)
            progress(len(noted), bundle.state.size)
            fetching.check_size(bundle.state.size, job.config, source.url)
        if not noted:
            raise SourceUnusable("an image", "gaps only")
        index = None
        if source.strict:
            index = assembly.index or bundles.index_bundle(bundle.reader(), strict=False)
        receipt: dict[str, object] = {"size": bundle.state.size, "sha256": bundle.sha256()}
        if is_local:
            receipt["source"] = version_of(chosen)
    return SourceBundle(file_name, receipt, index, noted)


def _tracked(
    reporter: ProgressReporter, items: Items, count: int
) -> contextlib.AbstractContextManager[Progress]:
    """What is told how far the bundle has come; there is one line of progress at a time."""
    if items.tells_progress:
        return contextlib.nullcontext(lambda done, size: None)
    return reporter.track("images", count, 0)


@contextlib.contextmanager
def opened(job: Job, file: IO[bytes], fetched: fetching.FetchedBundle) -> Iterator[Items | None]:
    """The items of a fetched file; None where it is a bundle."""
    from luigi_gif.sources import archive_items, link_list, page_links

    beginning = bundles.read_beginning(file.read, archive_items.BEGINNING_BYTES)
    file.seek(0)
    if archive_items.is_archive(beginning):
        with _opened_archive(job, file, beginning) as archive:
            yield archive
    elif video_formats.format_of(beginning):
        frame_choice.check_choice(job.source.url, job.source.selection, has_times=True)
        with _opened_video(job) as video:
            yield video
    elif page_links.is_page(beginning):
        yield _items_of_page(job, file.read(MAX_PAGE_BYTES + 1), fetched)
    elif link_list.looks_like_link_list(beginning):
        yield _items_of_list(job, file, fetched)
    else:
        yield _image_of_frames(job.source, file, beginning, fetched.bundle_index)


@contextlib.contextmanager
def _opened_archive(job: Job, file: IO[bytes], beginning: bytes) -> Iterator[Items]:
    from luigi_gif.sources import archive_items

    opener = archive_items.decompressor(beginning)
    if opener is None:
        yield archive_items.open_archive(file)
        return
    name = f"{job.name}{UNPACKED_SUFFIX}{storage.PARTIAL_SUFFIX}"
    try:
        with job.staging.update(name) as whole:
            whole.truncate()
            size = 0
            for piece in archive_items.unpacked_pieces(opener, file):
                size += len(piece)
                fetching.check_size(size, job.config, job.source.url)
                whole.write(piece)
            whole.seek(0)
            yield archive_items.open_archive(whole)
    finally:
        job.staging.remove(name)


def _opened_video(job: Job) -> VideoFile:
    from luigi_gif.sources.video_file import VideoFile

    return VideoFile(
        file_name(job.source.url),
        job.staging.path(f"{job.name}{storage.PARTIAL_SUFFIX}"),
        _ffmpeg(job.source.url),
        job.source.selection,
        job.reporter,
        strict=job.source.strict,
        timeout_s=job.config.read_timeout,
    )


def _ffmpeg(url: str) -> Ffmpeg:
    """What decodes a video. Raises SourceError."""
    from luigi_gif.sources.ffmpeg_program import find_ffmpeg

    found = find_ffmpeg()
    if found is None:
        raise SourceError(
            "a video needs the program ffmpeg",
            where=redaction.public_url(url),
            expected="ffmpeg on PATH, or in the package imageio-ffmpeg",
            got="neither",
            next_step="pip install 'luigi_gif[video]', or install ffmpeg, and run again",
        )
    return found


def _items_of_page(job: Job, page: bytes, fetched: fetching.FetchedBundle) -> Items:
    from luigi_gif.sources import listing_parts, page_links

    if len(page) > MAX_PAGE_BYTES:
        raise SourceUnusable(f"a page of at most {MAX_PAGE_BYTES:,} bytes", "a larger one")
    url = fetched.place or job.source.url
    links = page_links.image_links(page, url, fetched.charset)
    if not links.items and links.rest is None:
        if target := page_links.refresh_target(page, url, fetched.charset):
            raise leading_page_error(job.source.url, target)
        shown = fetching.public_beginning(page, job.source.url, job.config)
        got = f"{bundles.looks_like(shown)}, with {links.left_out:,} other links"
        raise SourceUnusable("a bundle, or a page that links to pictures", got)
    items: Iterable[Item] = links.items
    if links.rest is not None:
        items = listing_parts.items_of_parts(
            links, url, job.staging, job.config, job.reporter, MAX_PAGE_BYTES
        )
    return WebItems(items, job.staging, job.config, job.reporter, job.source.url)


def _items_of_list(job: Job, file: IO[bytes], fetched: fetching.FetchedBundle) -> Items:
    from luigi_gif.sources import link_list

    is_local = urls.is_local(job.source.url)
    base = os.path.abspath(urls.local_path(job.source.url)) if is_local else job.source.url
    items = with_local_versions(link_list.parse_link_list(file, fetched.place or base, is_local))
    return WebItems(items, job.staging, job.config, job.reporter, job.source.url, order="given")


def _image_of_frames(
    source: Source, file: IO[bytes], beginning: bytes, index: bundles.BundleIndex | None
) -> Items | None:
    """An image of several frames, or a bundle of which some are wanted; None for all else."""
    selection = source.selection
    is_image = frames_in_image.is_sequence(beginning)
    if not is_image and frames_in_image.may_hold_frames(beginning):
        index = index or bundles.index_bundle(file.read, strict=False)
        file.seek(0)
        is_image = index.frame_count <= 1  # else a bundle, of which each image is one frame
    frame_choice.check_choice(source.url, selection, has_times=is_image)
    if is_image:
        return OpenFileItem(file_name(source.url), file, selection)
    if (selection.every, selection.first, selection.last) != (1, None, None):
        return OpenBundleItem(file_name(source.url), file, selection)
    return None


def _no_checksum_error(url: str) -> ParameterError:
    return ParameterError(
        "a checksum is that of one file",
        where=redaction.public_url(url),
        expected="no --sha256 with a folder, a pattern, a prefix or several sources",
        got="--sha256",
        next_step="leave it out",
    )


@contextlib.contextmanager
def translated(source: Source) -> Iterator[None]:
    """Name the source and the item of what cannot be used."""
    try:
        yield
    except assembling.BadItemError as error:
        raise bad_item_error(source.url, error.item, error.error) from None
    except SourceUnusable as error:
        raise unusable_source_error(source.url, error) from None
