"""Which items a source has, and which of them become frames."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import NamedTuple

from luigi_gif import bundles, fetching, redaction, urls
from luigi_gif.errors import LUIGI_LOGGER, ParameterError, SourceError
from luigi_gif.sources import assembling, dated_items
from luigi_gif.sources.item import Item, Items, SourceUnusable
from luigi_gif.sources.listing import Listing
from luigi_gif.sources.local_items import LocalItems, is_pattern
from luigi_gif.sources.selection import NO_IMAGE, LeftOut, Selection, choose
from luigi_gif.sources.several import SeveralItems
from luigi_gif.sources.source_errors import unusable_source_error
from luigi_gif.sources.store_items import StoreItems, names_many_objects

_MAX_EXAMPLES = 16

logger = logging.getLogger(f"{LUIGI_LOGGER}.sources")


class Source(NamedTuple):
    """What --url names, and what the user wants of it."""

    url: str
    selection: Selection
    strict: bool
    """Whether a frame that cannot be used ends the run."""
    sha256: str | None
    """Of the file at the URL, if it is known."""
    zone: tzinfo = UTC
    """Of the times in a URL."""


def listed_items(url: str) -> Items | None:
    """The items of a folder, a prefix or a pattern; None for all else."""
    several = urls.split_sources(url)
    if len(several) > 1:
        return SeveralItems([listed_items(each) or _single_item(each) for each in several])
    return StoreItems(url) if names_many_objects(url) else local_items(url)


def local_items(url: str) -> Items | None:
    """The items of this machine; None where a URL names one file, or something elsewhere."""
    several = urls.split_sources(url)
    if len(several) > 1:
        if not all(map(urls.is_local, several)):
            return None
        return SeveralItems([LocalItems(urls.local_path(each)) for each in several])
    if not urls.is_local(url):
        return None
    path = urls.local_path(url)
    return LocalItems(path) if os.path.isdir(path) or is_pattern(path) else None


def _single_item(url: str) -> Items:
    if urls.is_local(url):
        return LocalItems(urls.local_path(url))
    raise SourceError(
        "this cannot be one of several sources",
        where=redaction.public_url(url),
        expected="a file, a folder, a pattern, or a prefix of a store",
        got="a file at a URL",
        next_step="fetch it, and name the file",
    )


def choose_items(source: Source, items: Items) -> Listing[Item]:
    """Those that become frames, in order; close it. Raises SourceError where there is none."""
    left_out: Counter[str] = Counter()
    examples: list[Item] = []

    def count(each: LeftOut) -> None:
        left_out[each.rule] += 1
        if each.rule == NO_IMAGE and len(examples) < _MAX_EXAMPLES:
            examples.append(each.item)

    chosen = Listing(Item, _chosen(source, items, count))
    listed = len(chosen) + left_out.total()
    images = listed - left_out[NO_IMAGE]
    if images < listed:
        logger.info("%d of %d items are no images, and left out", listed - images, listed)
    if chosen:
        return chosen
    got = f"none of {images:,} is wanted" if images else f"none in {listed:,} files"
    got += _unusable_example(items, examples)
    raise SourceError(
        "there is no image to make frames of",
        where=redaction.public_url(source.url),
        expected=f"images ({', '.join(bundles.FORMATS)})",
        got=got,
        next_step="loosen --match, --since, --until and the like" if images else "correct --url",
    )


def _unusable_example(items: Items, examples: list[Item]) -> str:
    """What one of the files is that are no images, if that is known."""
    for item in examples:
        if words := assembling.unusable_pictures(items, item):
            return f"; {redaction.escaped(item.name)} is {words}"
    return ""


def _chosen(
    source: Source, items: Items, leave_out: Callable[[LeftOut], None] = lambda _: None
) -> Iterator[Item]:
    """Those that become frames, in order; the others go to ``leave_out``. Raises SourceError."""
    selection = source.selection
    if selection.sort == "auto":
        selection = selection._replace(sort=items.order)
    if dated_items.is_dated(source.url):  # their times are known, their names may hold a part
        selection = selection._replace(time_of=lambda item: item.time)
    is_image = partial(assembling.may_be_image, items)
    try:
        yield from choose(items.items(), selection, is_image, leave_out)
    except SourceUnusable as error:
        raise unusable_source_error(source.url, error) from None


def source_version(source: Source) -> str | None:
    """64 hexadecimal digits that change whenever a local source does, or what is wanted of it.

    None for a source that is not of this machine, or is not there (any more).
    """
    items = local_items(source.url)
    if items is None:
        return fetching.source_version(source.url)
    try:
        return version_of(_chosen(source, items))
    except SourceError:
        return None


def version_of(items: Iterable[Item]) -> str | None:
    """What :func:`source_version` gives where these files of this machine are chosen."""
    digest = hashlib.sha256()
    is_there = False
    for item in items:
        is_there = True
        digest.update(repr((item.name, item.version)).encode())
    return digest.hexdigest() if is_there else None


def list_dated_items(source: Source) -> Iterator[Item]:
    """The items of a URL with the fields of a time in it. Raises ParameterError."""
    since, until, step_s = source.selection.since, source.selection.until, source.selection.step_s
    if since is None or not step_s:
        raise ParameterError(
            "a URL with the fields of a time needs to know which times",
            where=redaction.public_url(source.url),
            expected="--since and --step, such as --since 24h --step 10m",
            got="not both",
            next_step="give them; until when, says --until, by default now",
        )
    until = datetime.now(UTC).timestamp() if until is None else until
    # Whole steps: every ten minutes is at 18:20, whenever it is asked for.
    since = -(-since // step_s) * step_s
    yield from dated_items.dated_items(source.url, since, until, step_s, source.zone)


def explain_source(source: Source) -> Iterator[str]:
    """A line for each chosen item, and then for each that is left out, with the reason.

    Nothing for a source that has to be fetched to be listed. Raises SourceError.
    """
    items = listed_items(source.url)
    if items is None:
        return
    with Listing(lambda item, rule: LeftOut(Item(*item), rule)) as left_out:
        for number, item in enumerate(_chosen(source, items, left_out.append)):
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
