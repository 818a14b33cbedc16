"""Which files a clip may have beside it, and what they are called."""

from __future__ import annotations

from typing import NamedTuple

_CONTAINERS = {
    "webp": "riff",
    "apng": "png",
    "avif": "iso",
    "mp4": "iso",
    "webm": "ebml",
    "poster": "riff",
}
_CONTENT_TYPES = {
    "webp": "image/webp",
    "apng": "image/apng",
    "avif": "image/avif",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "poster": "image/webp",
}
_SUFFIX_OF_CLIPS = ".gif"

FORMATS = tuple(_CONTAINERS)
ANIMATIONS = ("webp", "apng")
"""Those that workers encode."""
VIDEOS = ("mp4", "webm")
"""Those that the program ffmpeg encodes."""


class AlsoFile(NamedTuple):
    """A file beside a clip."""

    format: str
    """One of :data:`FORMATS`."""
    name: str
    """In the work directory."""

    @property
    def container(self) -> str:
        """What holds its pixels, as :mod:`luigi_gif.containers` names it."""
        return _CONTAINERS[self.format]

    @property
    def content_type(self) -> str:
        """What HTTP servers call it: IANA's registry of media types."""
        return _CONTENT_TYPES[self.format]


def file_beside(gif_file: str, format_: str) -> AlsoFile:
    """What stands beside a clip of this name, or the path of one: clip.webp, clip.poster.webp."""
    stem = gif_file
    if stem.lower().endswith(_SUFFIX_OF_CLIPS):
        stem = stem[: -len(_SUFFIX_OF_CLIPS)]
    suffix = "poster.webp" if format_ == "poster" else format_
    return AlsoFile(format_, f"{stem}.{suffix}")
