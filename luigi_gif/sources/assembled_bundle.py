"""The chosen items of a source to a bundle; those that are in the earlier one are taken from it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import bundles, fetching, frames, storage
from luigi_gif.sources import assembling
from luigi_gif.sources.chosen_items import choose_items, version_of
from luigi_gif.sources.item import Item, Items, SourceUnusable
from luigi_gif.sources.job import Job, translated
from luigi_gif.sources.listing import Listing
from luigi_gif.sources.reused_items import ReusedItems

if TYPE_CHECKING:
    from luigi_gif.integrations import Progress, ProgressReporter

ASSEMBLED_SUFFIX = ".assembled"


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
    bad_items: int = 0
    """How many of them cannot be used."""


class UnchangedSource(NamedTuple):
    """A source of which the same bundle would be made again."""

    receipt: dict[str, object]
    """What is known of it now, beyond what is known of the bundle."""


def assemble(job: Job, items: Items, *, is_local: bool = False) -> SourceBundle | UnchangedSource:
    """A bundle of the items that are wanted.

    ``is_local`` says whether they are files of this machine, and the source no more. Raises
    SourceError, DownloadError and StorageError.
    """
    earlier = job.earlier
    with translated(job.source), choose_items(job.source, items) as chosen:
        receipt: dict[str, object] = {"source": version_of(chosen)} if is_local else {}
        if earlier is not None:
            if earlier.is_of_items(items, chosen):
                return UnchangedSource(receipt)
            items = ReusedItems(items, earlier)
        made = _bundle_of(job, items, chosen)
        made.receipt.update(receipt)
        return made


def _bundle_of(job: Job, items: Items, chosen: Listing[Item]) -> SourceBundle:
    source, staging = job.source, job.staging
    file_name = f"{job.name}{ASSEMBLED_SUFFIX}{storage.PARTIAL_SUFFIX}"
    assembly = assembling.Assembly(items, strict=source.strict)
    noted = assembly.noted
    with (
        fetching.open_partial(staging, file_name, source.url) as bundle,
        _tracked(job.reporter, items, len(chosen)) as progress,
    ):
        bundle.clear()
        for piece in fetching.whole_pieces(assembly.pieces(chosen)):
            bundle.append(piece)
            progress(len(noted), bundle.state.size)
            fetching.check_size(bundle.state.size, job.config, source.url)
        if not noted:
            first = next(iter(chosen)).name
            raise SourceUnusable("an image", f"none of {len(chosen):,}: {first} and so on")
        index = None
        if source.strict:
            index = assembly.index or bundles.index_bundle(bundle.reader(), strict=False)
        receipt: dict[str, object] = {"size": bundle.state.size, "sha256": bundle.sha256()}
    return SourceBundle(file_name, receipt, index, noted, assembly.bad_items)


def _tracked(
    reporter: ProgressReporter, items: Items, count: int
) -> contextlib.AbstractContextManager[Progress]:
    """What is told how far the bundle has come; there is one line of progress at a time."""
    if items.tells_progress:
        return contextlib.nullcontext(lambda done, size: None)
    return reporter.track("images", count, 0)
