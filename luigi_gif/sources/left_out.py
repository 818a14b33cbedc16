"""What of a folder, an archive or a page is no frame, and is left out by rule."""

from __future__ import annotations

import os

IMAGE_SUFFIXES = frozenset(
    {".gif", ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff"}
    | {".apng", ".avif", ".avifs", ".mjpg", ".mjpeg", ".heic", ".heif", ".hif"}
    | {".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".jpf", ".tga", ".ico", ".btf", ".tf8"}
    | {".pbm", ".pgm", ".ppm", ".pnm", ".pam", ".pfm"}
)
"""Of names that say that a file is an image which can be a frame."""
_SYSTEM_NAMES = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini"})
"""What macOS and Windows put beside users' files; in lower case."""


def is_hidden(name: str) -> bool:
    """Whether a file or one of its folders is hidden, or put there by a system."""
    if name.startswith(".") or "/." in name:
        return True
    return not _SYSTEM_NAMES.isdisjoint(name.casefold().split("/"))


def is_named_as_image(name: str) -> bool:
    """Whether a file says by its suffix that it is an image which can be a frame."""
    return os.path.splitext(name)[1].casefold() in IMAGE_SUFFIXES
