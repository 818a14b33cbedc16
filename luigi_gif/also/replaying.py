"""An animation that is only to play more or less often: its images are copied as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from luigi_gif import containers, storage
from luigi_gif.also.also_files import AlsoFile
from luigi_gif.also.file_status import read_body, read_file_status

_PLAYS = "plays"
_CHANGES = {"webp": containers.webp_with_plays, "apng": containers.apng_with_plays}


def replayed_bytes(
    folder: storage.Folder, file: AlsoFile, origin: Mapping[str, Any]
) -> Iterator[bytes] | None:
    """The bytes of a file, up to the note, if the one that lies there differs in nothing else.

    None where it does, or where its format does not say how often it plays.
    """
    existing = read_file_status(folder, file)
    if file.format not in _CHANGES or existing is None or not existing.whole:
        return None
    if existing.origin is None or _without_plays(existing.origin) != _without_plays(origin):
        return None
    return _changed(folder, file, origin["recipe"][_PLAYS])


def _changed(folder: storage.Folder, file: AlsoFile, plays: int) -> Iterator[bytes]:
    for number, piece in enumerate(read_body(folder, file)):
        yield piece if number else _CHANGES[file.format](piece, plays)


def _without_plays(origin: Mapping[str, Any]) -> dict[str, Any]:
    recipe = origin.get("recipe")
    if not isinstance(recipe, dict):
        return {}
    return {**origin, "recipe": {name: recipe[name] for name in recipe if name != _PLAYS}}
