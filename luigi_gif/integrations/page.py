"""One static HTML page of all the clips in a folder, local or on a store."""

from __future__ import annotations

import hashlib
import logging
import posixpath
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

from luigi_gif import frames, storage
from luigi_gif.errors import LUIGI_LOGGER, ForeignFileError, PipelineError, StorageError
from luigi_gif.integrations.byte_format import format_mib
from luigi_gif.json_object import mapping_of, number_of, time_of
from luigi_gif.redaction import escaped, public_url
from luigi_gif.storage import HISTORY

logger = logging.getLogger(f"{LUIGI_LOGGER}.page")

PAGE = "index.html"
_MARK = b"<!-- luigi_gif sha256:"
_MEASURES = ("width", "height", "frames", "duration_ms")


class Clip(NamedTuple):
    """What the page says of one clip."""

    path: str
    """Relative to the page."""
    made: str
    """When, in ISO 8601 (UTC); empty where it is not known."""
    url: str
    """Of its bundle, without secrets."""
    bytes: int
    seconds: dict[str, float]
    """How long each step took when it ran last."""
    measures: dict[str, int]
    """Width and height in pixels, frames, duration_ms, as far as they are known."""


def write_page(url: str) -> str:
    """Write ``index.html``, a page of all clips below a folder.

    Parameters
    ----------
    url : str
        The folder: a path, or any fsspec URL.

    Returns
    -------
    str
        The path or URL of the page.

    Raises
    ------
    StorageError
        If there is no clip, or the page cannot be written.
    ForeignFileError
        If another ``index.html`` is there, or a page that was altered.
    """
    folder = storage.open_folder(url)
    clips = sorted(_clips(folder), key=lambda clip: (clip.made, clip.path), reverse=True)
    if not clips:
        raise StorageError(
            "there is no clip to show",
            where=folder.path(""),
            expected=f"work directories of this pipeline, each with its {HISTORY}",
            got="none with a clip",
            next_step="name the folder that holds them",
        )
    _check_is_ours(folder)
    folder.write(PAGE, _signed(render(clips).encode()))
    return folder.path(PAGE)


def render(clips: list[Clip]) -> str:
    """The page as HTML; it needs no other file than the clips."""
    total = format_mib(sum(clip.bytes for clip in clips))
    heading = f"{len(clips):,} clip{'s' if len(clips) > 1 else ''}, {total}"
    articles = "\n".join(_article(clip) for clip in clips)
    return _PAGE.replace("{heading}", heading).replace("{articles}", articles)


def _check_is_ours(folder: storage.Folder) -> None:
    try:
        existing = folder.read(PAGE)
    except FileNotFoundError:
        return
    if existing and _signed(existing.rpartition(_MARK)[0]) != existing:
        raise ForeignFileError(
            "the page's place is taken by one that this pipeline did not make so",
            where=folder.path(PAGE),
            expected="no file, or a page of this pipeline as it was written",
            got="another file, which is left as it is",
            next_step="move it away, or name another folder",
        )


def _signed(page: bytes) -> bytes:
    """The page, and behind it a digest by which it is known again, unless it is altered."""
    return b"%s%s%s -->\n" % (page, _MARK, hashlib.sha256(page).hexdigest().encode())


def _clips(folder: storage.Folder) -> Iterator[Clip]:
    for subfolder in folder.find({HISTORY}, {frames.SUBFOLDER}):
        note = posixpath.join(subfolder, HISTORY)
        try:
            history = folder.read_json(note) or {}
            clips = mapping_of(history.get("clips"))
            found = [
                _clip(folder, subfolder, name, history, about) for name, about in clips.items()
            ]
        except PipelineError as error:
            logger.warning("left out: %s: %s", error.where, error.got)
        else:
            yield from (clip for clip in found if clip)


def _clip(
    folder: storage.Folder, subfolder: str, name: str, history: dict[str, Any], about: Any
) -> Clip | None:
    """What a note says of a clip, as far as it can be used; None where it is not there.

    Anybody who may write to the work directory may have written the note.
    """
    if name.startswith("/") or not {"", ".", ".."}.isdisjoint(name.split("/")):
        return None  # it leads out of the folder
    path, about = posixpath.join(subfolder, name), mapping_of(about)
    if isinstance(folder, storage.LocalFolder):
        storage.check_path(folder.url, path)  # as a link may do
    size = folder.size(path)
    if size is None or size != about.get("bytes"):
        return None
    seconds = {
        step: float(each["seconds"])
        for step, each in mapping_of(history.get("steps")).items()
        if number_of(mapping_of(each).get("seconds")) is not None
    }
    measures = {name: about[name] for name in _MEASURES if number_of(about.get(name)) is not None}
    return Clip(
        path, _time(about.get("made")), str(history.get("url", "")), size, seconds, measures
    )


def _time(value: Any) -> str:
    """In ISO 8601 (UTC); empty where the value is no such time."""
    time = time_of(value)
    return time.isoformat(timespec="seconds") if time else ""


def _article(clip: Clip) -> str:
    source = quote(clip.path, errors="surrogateescape")
    path = escape(escaped(clip.path))
    steps = ", ".join(f"{escape(step)} {seconds:.2f} s" for step, seconds in clip.seconds.items())
    is_sized = {"width", "height"} <= clip.measures.keys()
    size = 'width="{width}" height="{height}" '.format(**clip.measures) if is_sized else ""
    return (
        f'<article><a href="{source}"><img src="{source}" alt="{path}" '
        f'{size}loading="lazy" decoding="async"></a>'
        f"<h2>{path}</h2><p>{' · '.join(_facts(clip))}</p>"
        f'<p class="from">{escape(public_url(clip.url))}</p><p class="steps">{steps}</p></article>'
    )


def _facts(clip: Clip) -> Iterator[str]:
    measures = clip.measures
    if clip.made:
        day, _, time = clip.made.partition("T")
        yield f'<time datetime="{clip.made}">{day} {time[:5]} UTC</time>'
    if "frames" in measures:
        yield f"{measures['frames']:,} frames"
    if "duration_ms" in measures:
        yield f"{measures['duration_ms'] / 1000:g} s"
    if {"width", "height"} <= measures.keys():
        yield f"{measures['width']}×{measures['height']}"  # noqa: RUF001
    yield format_mib(clip.bytes)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>luigi_gif: {heading}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 90rem; padding: 1rem; }
h1 { font-size: 1.3rem; font-weight: 600; }
main { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
article { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .5rem; overflow: hidden; }
img { background: color-mix(in srgb, currentColor 8%, transparent); display: block; height: auto; max-width: 100%; width: 100%; }
h2 { font-size: 1rem; margin: .75rem .75rem 0; overflow-wrap: anywhere; }
p { font-size: .875rem; margin: .25rem .75rem; overflow-wrap: anywhere; }
p:last-child { margin-bottom: .75rem; }
.from, .steps { opacity: .75; }
</style>
</head>
<body>
<h1>{heading}</h1>
<main>
{articles}
</main>
</body>
</html>
"""  # noqa: E501
