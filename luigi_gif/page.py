"""One static HTML page of all the clips in a folder, local or on a store."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

from luigi_gif import frames, report, storage
from luigi_gif.errors import StorageError
from luigi_gif.tasks import RUN

PAGE = "index.html"


class Clip(NamedTuple):
    """What the page tells of one clip."""

    path: str
    """Relative to the page."""
    made: str
    """When, in ISO 8601 (UTC)."""
    url: str
    """Of its bundle, without secrets."""
    width: int
    height: int
    frames: int
    duration_ms: int
    bytes: int
    seconds: dict[str, float]
    """How long each step took when it ran last."""


def write(url: str) -> str:
    """Publish a page of the clips in the folder at a path or URL; where it is.

    Raises StorageError, also where there is no clip.
    """
    folder = storage.folder(url)
    clips = sorted(_clips(folder), key=lambda clip: (clip.made, clip.path), reverse=True)
    if not clips:
        raise StorageError(
            "there is no clip to show",
            where=folder.path(""),
            expected=f"work directories of this pipeline, each with its {RUN}",
            got="none with a clip",
            next_step="name the folder that holds them",
        )
    folder.write(PAGE, render(clips).encode())
    return folder.path(PAGE)


def render(clips: list[Clip]) -> str:
    """The page as HTML; it needs no other file than the clips."""
    total = report.mib(sum(clip.bytes for clip in clips))
    heading = f"{len(clips):,} clip{'s' if len(clips) > 1 else ''}, {total}"
    articles = "\n".join(_article(clip) for clip in clips)
    return _PAGE.replace("{heading}", heading).replace("{articles}", articles)


def _clips(folder: storage.Folder) -> Iterator[Clip]:
    for place in folder.find(RUN, frames.SUBFOLDER):
        run = folder.read_json(posixpath.join(place, RUN)) or {}
        steps: dict[str, dict[str, Any]] = run.get("steps", {})
        for name, clip in run.get("clips", {}).items():
            path = posixpath.join(place, name)
            if folder.size(path) == clip["bytes"]:
                seconds = {step: each["seconds"] for step, each in steps.items()}
                yield Clip(path, clip["made"], run["url"], seconds=seconds, **_measures(clip))


def _measures(clip: dict[str, Any]) -> dict[str, int]:
    return {name: clip[name] for name in ("width", "height", "frames", "duration_ms", "bytes")}


def _article(clip: Clip) -> str:
    day, _, time = clip.made.partition("T")
    steps = ", ".join(f"{escape(step)} {seconds:.2f} s" for step, seconds in clip.seconds.items())
    source = quote(clip.path)
    return (
        f'<article><a href="{source}"><img src="{source}" alt="{escape(clip.path)}" '
        f'width="{clip.width}" height="{clip.height}" loading="lazy" decoding="async"></a>'
        f'<h2>{escape(clip.path)}</h2><p><time datetime="{escape(clip.made)}">{escape(day)} '
        f"{escape(time[:5])} UTC</time> · {clip.frames:,} frames · {clip.duration_ms / 1000:g} s · "
        f"{clip.width}×{clip.height} · {report.mib(clip.bytes)}</p>"  # noqa: RUF001
        f'<p class="from">{escape(clip.url)}</p><p class="steps">{steps}</p></article>'
    )


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
