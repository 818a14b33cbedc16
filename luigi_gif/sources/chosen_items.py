"""Which items a source has, and which of them become frames."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import NamedTuple

from luigi_gif import bundles, redaction, urls
from luigi_gif.errors import LUIGI_LOGGER, ParameterError, SourceError
from luigi_gif.sources import assembling, dated_items
from luigi_gif.sources.item import Item, Items, SourceUnusable
from luigi_gif.sources.listing import Listing
from luigi_gif.sources.local_items import LocalItems, is_pattern
from luigi_gif.sources.selection import NO_IMAGE, LeftOut, Selection, choose
from luigi_gif.sources.several import SeveralItems
from luigi_gif.sources.source_errors import unusable_source_error
from luigi_gif.sources.store_items import StoreItems, names_many_objects
from luigi_gif.wording import counted

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
    accumulates: bool = False
    """Whether it is one picture, each version of which becomes an item."""


def listed_items(url: str, fetched: Callable[[Iterable[Item], list[str]], Items]) -> Items | None:
    """The items of a folder, a prefix, a pattern, or several sources; None for all else.

    Of several sources, those that are one file at a URL are items to be fetched; ``fetched``
    makes a source of them, and of a URL of each host of http(s).
    """
    several = urls.split_sources(url)
    if len(several) == 1:
        return StoreItems(url) if names_many_objects(url) else local_items(url)
    from luigi_gif.sources.link_list import item_at  # which few runs need

    hosts = {
        urls.host_of(each): each for each in several if urls.scheme_of(each) in urls.HTTP_SCHEMES
    }
    sources: list[Items] = []
    for is_web_file, run in groupby(several, _is_web_file):
        if is_web_file:
            sources.append(fetched([item_at(each) for each in run], list(hosts.values())))
        else:
            sources += [listed_items(each, fetched) or _single_file(each) for each in run]
    return SeveralItems(sources)


def _is_web_file(url: str) -> bool:
    return not (urls.is_local(url) or names_many_objects(url))


def _single_file(path: str) -> Items:
    return LocalItems(urls.local_path(path))


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


def choose_items(source: Source, items: Items) -> Listing[Item]:
    """Those that become frames, in order; close it. Raises SourceError where there is none."""
    left_out: Counter[str] = Counter()
    without_time = 0
    examples: list[Item] = []

    def count(each: LeftOut) -> None:
        nonlocal without_time
        left_out[each.rule] += 1
        if each.rule in ("since", "until") and not _fits_time_format(source, each.item):
            without_time += 1
        if each.rule == NO_IMAGE and len(examples) < _MAX_EXAMPLES:
            examples.append(each.item)

    listing = Listing(Item, chosen(source, items, count))
    listed = len(listing) + left_out.total()
    images = listed - left_out[NO_IMAGE]
    if images < listed:
        logger.info("%d of %d items are no images, and left out", listed - images, listed)
    if listing:
        if source.selection.time_format:
            _warn_of_other_times(source, listing)
        return listing
    got = f"none of {images:,} is wanted" if images else f"none in {counted(listed, 'file')}"
    if without_time:
        got += f"; {counted(without_time, 'name')} without a time that fits --time-format"
    got += _unusable_example(items, examples)
    raise SourceError(
        "there is no image to make frames of",
        where=redaction.public_url(source.url),
        expected=f"images ({', '.join(bundles.FORMATS)})",
        got=got,
        next_step=_advice_on_none(source) if images else _advice_on_no_image(source.url),
    )


def _advice_on_none(source: Source) -> str:
    since, until = source.selection.since, source.selection.until
    if since is not None and until is not None and since > until:
        return "give a --since that is before --until"
    return "loosen --match, --since, --until and the like"


def _advice_on_no_image(url: str) -> str:
    if urls.is_local(url):
        with contextlib.suppress(OSError), os.scandir(urls.local_path(url)) as entries:
            if any(entry.is_dir() for entry in entries):
                pattern = f"{glob.escape(redaction.public_url(url))}/**/*"
                return f"for the folders in it, write '{pattern}'"
    return "correct the URL"


def _fits_time_format(source: Source, item: Item) -> bool:
    """Whether a name has a time as --time-format says; also where nothing is said."""
    selection = source.selection
    if not selection.time_format or dated_items.is_dated(source.url):
        return True
    return selection.time_of(item._replace(time=None)) is not None


def _warn_of_other_times(source: Source, items: Iterable[Item]) -> None:
    """Tell how many names have no time in the format that --time-format gives."""
    others = (item for item in items if not _fits_time_format(source, item))
    first = next(others, None)
    if first is not None:
        message = "%s, such as %s, without a time that fits --time-format: that of the file counts"
        count = 1 + sum(1 for _ in others)
        logger.warning(message, counted(count, "name"), redaction.escaped(first.name))


def _unusable_example(items: Items, examples: list[Item]) -> str:
    """What one of the files is that are no images, if that is known."""
    for item in examples:
        if words := assembling.unusable_pictures(items, item):
            return f"; {redaction.escaped(item.name)} is {words}"
    return ""


def chosen(
    source: Source, items: Items, leave_out: Callable[[LeftOut], None] = lambda _: None
) -> Iterator[Item]:
    """Those that become frames, in order; the others go to ``leave_out``. Raises SourceError."""
    selection = source.selection
    if selection.sort == "auto" or (selection.sort == "given" and not items.is_ordered):
        selection = selection._replace(sort=items.order)
    if source.accumulates or dated_items.is_dated(source.url):
        # Their times are known; names may hold a part of them, or one that is none.
        selection = selection._replace(time_of=lambda item: item.time)
    is_image = partial(assembling.may_be_image, items)
    try:
        yield from choose(items.items(), selection, is_image, leave_out)
    except SourceUnusable as error:
        raise unusable_source_error(source.url, error) from None


def version_of(items: Iterable[Item]) -> str | None:
    """64 hexadecimal digits that change with these files of this machine; None for none."""
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
    if since > until:
        raise ParameterError(
            "there is no time to take pictures of",
            where=redaction.public_url(source.url),
            expected="a --since that is before --until, or before now",
            got="a later one",
            next_step="correct one of them",
        )
    yield from dated_items.dated_items(source.url, since, until, step_s, source.selection.zone)
