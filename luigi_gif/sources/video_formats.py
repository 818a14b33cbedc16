"""Whether a file is a video, judged by its beginning at little cost."""

from __future__ import annotations

from luigi_gif import bundles

_FORMATS = {
    "a QuickTime video": "mov",
    "an MP4 video": "mov",
    "a Matroska or WebM video": "matroska",
    "an AVI video": "avi",
}
"""ffmpeg's names of the formats that are taken, by ours. Others may name further files to read."""


def format_of(beginning: bytes) -> str | None:
    """The format of a video that begins so, as ffmpeg calls it; None for all else."""
    return _FORMATS.get(bundles.looks_like(beginning[: bundles.BEGINNING_BYTES]))
