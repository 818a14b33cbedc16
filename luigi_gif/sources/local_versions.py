"""Which version of files of this machine a source has, however it names them."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from itertools import chain

from luigi_gif import fetching, urls
from luigi_gif.errors import ParameterError, SourceError
from luigi_gif.sources import dated_items
from luigi_gif.sources.chosen_items import Source, chosen, list_dated_items, local_items, version_of
from luigi_gif.sources.item import Item, SourceUnusable
from luigi_gif.sources.selection import in_order

_BEGINNING_BYTES = 1 << 16
"""As many tell a list."""


def source_version(source: Source) -> str | None:
    """64 hexadecimal digits that change whenever a local source does, or what is wanted of it.

    Of a list, dated paths and several sources, those of its files that are of this machine count.
    None for a source that has none, or none (any more) that is there.
    """
    items = local_items(source.url)
    try:
        if items is not None:
            return version_of(chosen(source, items))
        if dated_items.is_dated(source.url):
            is_local = urls.is_local(source.url)
            return _version_of_places(list_dated_items(source)) if is_local else None
        several = urls.split_sources(source.url)
        if len(several) > 1:
            return version_of(chain.from_iterable(map(_local_files, several)))
        return _version_of_file(source.url)
    except (SourceError, SourceUnusable, ParameterError):
        return None


def with_local_versions(items: Iterable[Item]) -> Iterator[Item]:
    """The items, those of this machine with the version that their files have now."""
    for item in items:
        version = fetching.source_version(item.place) if urls.is_local(item.place) else None
        time = None
        if version is not None:
            with contextlib.suppress(OSError):
                time = os.stat(urls.local_path(item.place)).st_mtime
        yield item._replace(version=version or item.version, time=item.time or time)


def _version_of_places(items: Iterable[Item]) -> str | None:
    """That of the items that are files of this machine, and are there."""
    local = (item for item in items if urls.is_local(item.place))
    return version_of(item for item in with_local_versions(local) if item.version)


def _local_files(url: str) -> Iterator[Item]:
    items = local_items(url)
    if items is not None:
        yield from in_order(items.items(), "natural")
    elif urls.is_local(url):
        path = urls.local_path(url)
        yield Item(path, path, version=fetching.source_version(url) or "")


def _version_of_file(url: str) -> str | None:
    """That of a file, and of the files of this machine that it lists."""
    from luigi_gif.sources import link_list  # which few runs need

    version = fetching.source_version(url)
    listed = None
    if version is not None:
        with contextlib.suppress(OSError), open(urls.local_path(url), "rb") as file:
            if link_list.looks_like_link_list(file.read(_BEGINNING_BYTES)):
                file.seek(0)
                path = os.path.abspath(urls.local_path(url))
                listed = _version_of_places(link_list.local_items_in(file, path))
    if version is None or listed is None:
        return version
    return hashlib.sha256(f"{version} {listed}".encode()).hexdigest()
