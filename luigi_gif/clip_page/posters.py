"""The small stills of a page, one for each clip, in a subfolder beside it.

The name of a poster tells its clip and what was noted of that: so one that is there is current.
That it is the pipeline's, and as it was written, says the note at its end.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from functools import cached_property
from urllib.parse import quote, unquote

from isal import isal_zlib

from luigi_gif import also, containers, gif, imaging, storage
from luigi_gif.clip_page.shown_clips import ShownClip
from luigi_gif.errors import LUIGI_LOGGER, Truncated, Undecodable, out_of_memory

logger = logging.getLogger(f"{LUIGI_LOGGER}.page")

SUBFOLDER = "posters"
MAX_SIDE = 400
"""Of a poster, in pixels: a column of the page is hardly wider."""
MAX_BYTES = 30_000
"""Of its pixels: a browser fetches some forty of them before anybody touches the page."""
_SUFFIX = ".webp"
_HEAD_BYTES = 1 << 20
"""In most clips the first frame ends before."""
# A name never stands for another poster.
_HEADERS = storage.HttpHeaders("image/webp", "max-age=31536000, immutable")


def anchor_of(path: str) -> str:
    """Letters and digits that stand for the path of a clip."""
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Posters:
    """The posters of a page.

    Its methods raise StorageError and ForeignFileError.

    Parameters
    ----------
    folder : Folder
        That of the page.
    """

    def __init__(self, folder: storage.Folder) -> None:
        self._folder = folder
        self._needed: set[str] = set()

    def make(self, clip: ShownClip) -> str | None:
        """The name of the poster of a clip, which is made unless it is there.

        None, with a warning, where the clip cannot be decoded.
        """
        path = clip.clip.path
        name = f"{SUBFOLDER}/{anchor_of(path)}-{clip.version[:16]}{_SUFFIX}"
        if name not in self._existing:
            try:
                data = _poster_bytes(self._folder, clip)
            except (Undecodable, FileNotFoundError) as error:
                got = error.got if isinstance(error, Undecodable) else "it is gone"
                logger.warning("no poster of %s: %s", self._folder.path(path), got)
                return None
            except MemoryError as error:
                raise out_of_memory(self._folder.path(path)) from error
            with self._folder.atomic_writer(name, durable=False, headers=_HEADERS) as file:
                file.write(data)
        self._needed.add(name)
        return name

    def remove_superseded(self) -> None:
        """Remove the posters of clips that are gone, and the earlier ones of those that were made.

        Another run of this may be at work: one of a clip that this one has not seen stays.
        """
        current = {_anchor_in(name) for name in self._needed}
        for name in sorted(self._existing - self._needed):
            clip = self._clip_of(name)
            if clip and (_anchor_in(name) in current or not self._folder.size(clip)):
                self._folder.remove(name)

    def of_clip(self, path: str) -> Iterator[str]:
        """The names of the posters that were made of a clip."""
        for name in self._by_anchor.get(anchor_of(path), []):
            if self._clip_of(name) == path:
                yield name

    @cached_property
    def _existing(self) -> set[str]:
        """What has the name of a poster, and is not empty."""
        listed = self._folder.entries(SUBFOLDER)
        return {f"{SUBFOLDER}/{name}" for name, size in listed if name.endswith(_SUFFIX) and size}

    @cached_property
    def _by_anchor(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(self._existing):
            found.setdefault(_anchor_in(name), []).append(name)
        return found

    def _clip_of(self, name: str) -> str | None:
        """The clip of a poster; None where the file is not one, as it was written."""
        status = also.read_file_status(self._folder, also.AlsoFile("poster", name))
        if status is None or not status.whole or status.origin is None:
            return None
        clip = unquote(str(status.origin.get("poster_of")), errors="surrogateescape")
        return clip if anchor_of(clip) == _anchor_in(name) else None


def _anchor_in(name: str) -> str:
    return name.removeprefix(f"{SUBFOLDER}/").partition("-")[0]


def _poster_bytes(folder: storage.Folder, clip: ShownClip) -> bytes:
    """A small WebP with a note at its end. Raises Undecodable."""
    made = next((each for each in clip.beside if each.format == "poster"), None)
    still = folder.read(made.path) if made else _first_frame(folder, clip.clip.path)
    small = imaging.small_webp(still, MAX_SIDE, MAX_BYTES)
    path = quote(clip.clip.path, errors="surrogateescape")
    text = json.dumps({"poster_of": path}).encode()
    note_bytes = len(containers.encode_note("riff", text, 0))
    data = containers.still_webp(small.data, small.size, note_bytes, has_alpha=small.has_alpha)
    return data + containers.encode_note("riff", text, isal_zlib.crc32(data))


def _first_frame(folder: storage.Folder, path: str) -> bytes:
    """A GIF of the first frame of a clip; no more of that is read than is needed."""
    size_bytes = _HEAD_BYTES
    while True:
        data = folder.read(path, 0, size_bytes)
        try:
            image, _ = next(gif.iterate_images(data))
            return gif.encode_single(image)
        except Truncated:
            if len(data) < size_bytes:
                return data  # whoever decodes it says what is wrong
            size_bytes *= 4
        except (ValueError, StopIteration):
            return data
