"""The page as HTML, which needs no other file than the clips and their posters."""

from __future__ import annotations

from collections.abc import Sequence

from luigi_gif.clip_page import templating
from luigi_gif.clip_page.atom_feed import FEED
from luigi_gif.clip_page.entries import Entry
from luigi_gif.integrations import format_size

PAGE = "index.html"


def render_page(title: str, entries: Sequence[Entry]) -> str:
    """The page of these clips, in this order, up to its signature."""
    size_bytes = sum(file.bytes for entry in entries for file in entry.files)
    return templating.render(
        "page.html",
        title=title,
        feed=FEED,
        entries=entries,
        count=f"{len(entries):,} clip{'' if len(entries) == 1 else 's'}",
        size=format_size(size_bytes),
    )
