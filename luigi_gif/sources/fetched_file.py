"""A file that was fetched, judged by its content: the items in it, or that it is a bundle."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING

from luigi_gif import bundles, fetching, redaction, storage, urls
from luigi_gif.errors import SourceError
from luigi_gif.sources import frame_choice, frames_in_image, video_formats
from luigi_gif.sources.chosen_items import Source
from luigi_gif.sources.http_urls import file_name
from luigi_gif.sources.item import Item, Items, SourceUnusable
from luigi_gif.sources.job import Job
from luigi_gif.sources.link_list import check_is_no_list
from luigi_gif.sources.local_versions import with_local_versions
from luigi_gif.sources.open_file_item import OpenBundleItem, OpenFileItem
from luigi_gif.sources.source_errors import leading_page_error
from luigi_gif.sources.web_items import WebItems
from luigi_gif.wording import counted

if TYPE_CHECKING:
    from luigi_gif.sources.ffmpeg_program import Ffmpeg
    from luigi_gif.sources.video_file import VideoFile

UNPACKED_SUFFIX = ".unpacked"
MAX_PAGE_BYTES = 1 << 24
"""Of a page, which is held in memory."""
_OPEN_TAG = re.compile(rb"<[A-Za-z/!]")


def is_container(url: str, beginning: bytes) -> bool:
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
    if _OPEN_TAG.search(page, page.rfind(b">") + 1):
        # Its server was writing it, or broke off without having said how long it is.
        raise SourceUnusable("a whole page", "one that ends within a tag")
    url = fetched.place or job.source.url
    links = page_links.image_links(page, url, fetched.charset)
    if not links.items and links.rest is None:
        if target := page_links.refresh_target(page, url, fetched.charset):
            raise leading_page_error(job.source.url, target)
        shown = fetching.public_beginning(page, job.source.url, job.config)
        got = f"{bundles.looks_like(shown)}, with {links.left_out:,} other links"
        raise SourceUnusable("a bundle, or a page that links to pictures", got)
    if links.are_shown and job.earlier is not None and job.earlier.is_of_links:
        raise SourceUnusable(
            "a page that links to pictures, as it did before",
            f"one that only shows {counted(len(links.items), 'picture')}, as under maintenance",
            "run again later, or, if the page is to be so, name another --workdir",
        )
    listed: Iterable[Item] = links.items
    if links.rest is not None:
        listed = listing_parts.items_of_parts(
            links, url, job.staging, job.config, job.reporter, MAX_PAGE_BYTES
        )
    items = WebItems(listed, job.staging, job.config, job.reporter, job.source.url)
    items.is_told_by_file = links.rest is None
    items.are_links = not links.are_shown
    return items


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
