"""A clip as a page and its feed tell of it, in words and links.

What stands in work directories may be anything: the templates escape each text, and each link is
a quoted path that begins with no scheme.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import quote

from luigi_gif.clip_page.posters import anchor_of
from luigi_gif.clip_page.shown_clips import ClipFile, ShownClip
from luigi_gif.integrations import format_size
from luigi_gif.redaction import escaped, public_url
from luigi_gif.urls import is_local, split_sources

_TYPES = {
    "gif": ("GIF", "image/gif"),
    "webp": ("WebP", "image/webp"),
    "apng": ("APNG", "image/apng"),
    "avif": ("AVIF", "image/avif"),
    "mp4": ("MP4", "video/mp4"),
    "webm": ("WebM", "video/webm"),
    "poster": ("Poster", "image/webp"),
}
"""For people, and IANA's media types."""
_USUAL_NAME = "/clip.gif"


class Link(NamedTuple):
    """A link to a file."""

    href: str
    text: str
    type: str
    bytes: int
    size: str
    """The same for people."""


class Entry(NamedTuple):
    """What is told of a clip."""

    anchor: str
    """Stands for it within the page."""
    path: str
    name: str
    made: str
    """In ISO 8601 (UTC); empty where it is not known."""
    facts: str
    source: str
    steps: str
    """How long each step took."""
    seconds: str
    """How long all of them took; empty where that is not known."""
    poster: str
    """A link to its poster; empty where there is none."""
    files: tuple[Link, ...]
    """The clip, and what is beside it."""

    @property
    def clip(self) -> Link:
        """The link to the clip."""
        return self.files[0]

    @property
    def day_and_time(self) -> str:
        """When it was made, for people."""
        day, _, time = self.made.partition("T")
        return f"{day} {time[:5]} UTC"


def entry_of(clip: ShownClip, poster: str | None) -> Entry:
    """What is told of a clip whose poster has this name."""
    path = escaped(clip.clip.path)
    steps = [f"{escaped(step)} {seconds:.2f} s" for step, seconds in clip.seconds.items()]
    return Entry(
        anchor=anchor_of(clip.clip.path),
        path=path,
        name=path.removesuffix(_USUAL_NAME),
        made=clip.made,
        facts=" · ".join(_facts(clip)),
        source=escaped(", ".join(map(_shown_source, _sources(clip.url)))),
        steps=", ".join(steps),
        seconds=f"{sum(clip.seconds.values()):.1f} s" if steps else "",
        poster=poster or "",
        files=tuple(map(_link, (clip.clip, *clip.beside))),
    )


def _sources(url: str) -> list[str]:
    try:
        return split_sources(url)
    except ValueError:  # anything may stand in a work directory
        return []


def _shown_source(url: str) -> str:
    """A URL; of a path its name only, as a page may be public, and the folders are nobody's."""
    if not is_local(url):
        return public_url(url)
    return PurePath(public_url(url)).name


def _facts(clip: ShownClip) -> Iterator[str]:
    measures = clip.measures
    if "frames" in measures:
        yield f"{measures['frames']:,} frame{'' if measures['frames'] == 1 else 's'}"
    if "duration_ms" in measures:
        yield f"{measures['duration_ms'] / 1000:g} s"
    if {"width", "height"} <= measures.keys():
        yield f"{measures['width']}×{measures['height']}"  # noqa: RUF001


def _link(file: ClipFile) -> Link:
    text, type_ = _TYPES[file.format]
    # A colon is quoted, too: no path begins with a scheme.
    href = quote(file.path, errors="surrogateescape")
    return Link(href, text, type_, file.bytes, format_size(file.bytes))
