"""An AVIF of all that is shown: decoded by the run, encoded by Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from luigi_gif import imaging
from luigi_gif.also.file_sources import FileSources

if TYPE_CHECKING:
    from PIL.Image import Image


class _NeedsAlpha(Exception):
    """A picture has pixels that are not opaque, against expectation."""


def avif_bytes(sources: FileSources) -> bytes:
    """The AVIF, which is held in memory, up to the note. Raises BundleError and StorageError."""
    if sources.manifest.uniform:
        try:
            return _encoded(sources, has_alpha=False)
        except _NeedsAlpha:
            pass
    return _encoded(sources, has_alpha=True)


def _encoded(sources: FileSources, *, has_alpha: bool) -> bytes:
    size, count = sources.plan.canvas.size, sources.plan.sequence.step_count
    pictures = _pictures(sources, count, has_alpha=has_alpha)
    return imaging.encode_avif(pictures, count, size, has_alpha=has_alpha)


def _pictures(sources: FileSources, count: int, *, has_alpha: bool) -> Iterator[tuple[Image, int]]:
    with (
        sources.reader() as reader,
        sources.reporter.track("frames encoded", count, 0) as progress,
    ):
        for number, shown in enumerate(sources.pictures(reader), 1):
            if shown.picture.mode == "RGBA" and not has_alpha:
                raise _NeedsAlpha
            yield shown.picture, 10 * shown.delay_cs
            progress(number, 0)
