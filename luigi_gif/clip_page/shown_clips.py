"""The clips below a folder, and what their work directories say of them."""

from __future__ import annotations

import hashlib
import json
import logging
import posixpath
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import also, frames, storage
from luigi_gif.errors import LUIGI_LOGGER, PipelineError
from luigi_gif.json_object import mapping_of, number_of, time_of
from luigi_gif.storage import HISTORY

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

logger = logging.getLogger(f"{LUIGI_LOGGER}.page")

_MEASURES = ("width", "height", "frames", "duration_ms")


class ClipFile(NamedTuple):
    """A clip, or a file beside it."""

    format: str
    """``gif``, or one of :data:`luigi_gif.also.FORMATS`."""
    path: str
    """Relative to the folder."""
    bytes: int


class ShownClip(NamedTuple):
    """What a page says of one clip."""

    clip: ClipFile
    beside: tuple[ClipFile, ...]
    """The same frames in other formats, as far as they are there."""
    made: str
    """When, in ISO 8601 (UTC); empty where it is not known."""
    url: str
    """Of its source, without secrets."""
    seconds: Mapping[str, float]
    """How long each step took when it ran last."""
    measures: Mapping[str, int]
    """Width and height in pixels, frames, duration_ms, as far as they are known."""
    version: str
    """Hexadecimal digits that change whenever what is noted of the clip does."""


def find_clips(folder: storage.Folder) -> Iterator[ShownClip]:
    """The clips below a folder, in any order. No frame is listed, and no link is followed.

    A work directory that cannot be read is left out with a warning. Raises StorageError.
    """
    for subfolder in folder.find({HISTORY}, {frames.SUBFOLDER}):
        try:
            history = folder.read_json(posixpath.join(subfolder, HISTORY)) or {}
            noted = mapping_of(history.get("clips"))
            found = [
                _clip(folder, subfolder, name, history, mapping_of(about))
                for name, about in noted.items()
            ]
        except PipelineError as error:
            logger.warning("left out: %s: %s", error.where, error.got)
        else:
            yield from filter(None, found)


def _clip(
    folder: storage.Folder, subfolder: str, name: str, history: JsonObject, about: JsonObject
) -> ShownClip | None:
    """What a note says of a clip, as far as it can be used; None where it is not there.

    Anybody who may write to the work directory may have written the note.
    """
    if name.startswith("/") or not {"", ".", ".."}.isdisjoint(name.split("/")):
        return None  # it leads out of the folder
    path = posixpath.join(subfolder, name)
    clip = _file(folder, "gif", path)
    if clip is None or clip.bytes != about.get("bytes"):
        return None
    beside = (
        _file(folder, format_, also.file_beside(path, format_).name)
        for format_ in also.FORMATS
        if format_ in mapping_of(about.get("also"))
    )
    seconds = {
        step: float(each["seconds"])
        for step, each in mapping_of(history.get("steps")).items()
        if number_of(mapping_of(each).get("seconds")) is not None
    }
    return ShownClip(
        clip,
        tuple(filter(None, beside)),
        _time(about.get("made")),
        str(history.get("url", "")),
        seconds,
        {name: about[name] for name in _MEASURES if number_of(about.get(name)) is not None},
        hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest(),
    )


def _file(folder: storage.Folder, format_: str, path: str) -> ClipFile | None:
    """None where it is not there, or empty."""
    try:
        size = folder.size(path)
    except ValueError:  # no file has such a name
        return None
    if size and isinstance(folder, storage.LocalFolder):
        storage.check_path(folder.url, path)  # a link may lead out of the folder
    return ClipFile(format_, path, size) if size else None


def _time(value: object) -> str:
    """In ISO 8601 (UTC); empty where the value is no such time."""
    time = time_of(value)
    return time.isoformat(timespec="seconds") if time else ""
