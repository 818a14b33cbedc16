"""What the user is warned of once the frames are written."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from luigi_gif import storage
from luigi_gif.errors import LUIGI_LOGGER
from luigi_gif.frames.item_names import with_item_names
from luigi_gif.frames.manifest import MANIFEST, Manifest
from luigi_gif.wording import counted

logger = logging.getLogger(f"{LUIGI_LOGGER}.frames")

SEVERAL_IMAGES = "several images, of which the first is shown"
"""The note of a frame with more than one image."""
MAX_NAMED = 10
"""Frames in a warning; the manifest names all of them."""


def warn_of_altered_files(folder: storage.Folder, new_names: list[str]) -> None:
    """Tell the user of frame files that were set aside under new names, if there are any."""
    if new_names:
        message = "set aside: %s with other bytes than this pipeline wrote; the first is %s now"
        files = counted(len(new_names), "frame file")
        logger.warning(message, files, folder.path(new_names[0]))


def warn_of_frames(folder: storage.Folder, data_file: str, manifest: Manifest) -> None:
    """Tell the user which frames are left out, and which are not shown as they are."""

    def listed(numbers: list[int]) -> str:
        first = [(number, str(number)) for number in numbers[:MAX_NAMED]]
        return _listed(with_item_names(folder, data_file, first), len(numbers))

    noted: dict[str, list[int]] = {}
    for number, text in manifest.notes:
        noted.setdefault(text, []).append(number)
    several = noted.pop(SEVERAL_IMAGES, [])
    extra_images = sum(result.extra_images for result in manifest.results if result)
    if extra_images:
        message = "left out: %s, as a clip shows the first of each frame%s"
        images = counted(extra_images, "image")
        logger.warning(message, images, f" ({listed(several)})" if several else "")
    for text, numbers in noted.items():
        message = "%d of %d frames: %s (%s)"
        logger.warning(message, len(numbers), manifest.frame_count, text, listed(numbers))
    if skipped := manifest.skipped:
        message = "%d of %d frames are bad and left out, as %s says; the first is %s"
        path = folder.path(MANIFEST)
        logger.warning(message, len(skipped), manifest.frame_count, path, skipped[0].reason)
    unwanted: dict[str, list[int]] = {}
    for frame in manifest.unwanted:
        unwanted.setdefault(frame.option, []).append(frame.number)
    for option, numbers in sorted(unwanted.items()):
        message = "%d of %d frames are left out by --%s (%s)"
        logger.warning(message, len(numbers), manifest.frame_count, option, listed(numbers))


def warn_of_duplicates(manifest: Manifest, *, merged: bool) -> None:
    """Tell the user which frames are not shown, as they have the pixels of the one before."""
    if duplicates := [frame.number for frame in manifest.duplicates]:
        message = "%d of %d frames have the same pixels as the one before, and are %s (%s)"
        what = "merged into it" if merged else "left out"
        count, first = manifest.frame_count, map(str, duplicates[:MAX_NAMED])
        logger.warning(message, len(duplicates), count, what, _listed(first, len(duplicates)))


def _listed(first: Iterable[str], count: int) -> str:
    """Of so many frames the first ones."""
    more = f" and {count - MAX_NAMED} more" if count > MAX_NAMED else ""
    return f"frames {', '.join(first)}{more}"
