"""The parameter that asks for files beside the clip, and what they are made of."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Collection
from typing import Any

from luigi_gif import also, sources, storage
from luigi_gif.caption_parameters import ITEMS_KEY
from luigi_gif.clip_parameters import clip_options_of
from luigi_gif.errors import LUIGI_LOGGER, ParameterError
from luigi_gif.json_object import mapping_of
from luigi_gif.name_parameter import same_name
from luigi_gif.parameters import NamedParameter, bad_parameter
from luigi_gif.render_parameters import render_options_of

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")

_OF_PALETTES = ("quality", "palette", "colors", "dither")
"""What a picture in all of its colors does not depend on."""
_OF_TIMING = ("frame_duration_ms", "fps", "hold_first_ms", "hold_last_ms", "bounce")
_PLAYED = ("webp", "apng")
"""Those that say how often they play."""


class FormatsParameter(NamedParameter[tuple[str, ...]]):
    """Formats of files beside the clip, in the order of their names; none for the empty text."""

    expected = f"some of {', '.join(also.FORMATS)}, with commas between them"
    metavar = "FORMAT,FORMAT"

    def __init__(self, *, description: str) -> None:
        super().__init__(default=(), description=description)

    def value_of(self, text: str) -> object:
        return tuple(each.strip() for each in text.split(",")) if text else ()

    def checked(self, value: object) -> tuple[str, ...]:
        names = self.value_of(value) if isinstance(value, str) else value
        if not isinstance(names, tuple | list) or not all(each in also.FORMATS for each in names):
            raise self.error(
                ",".join(map(str, names)) if isinstance(names, tuple | list) else value
            )
        return tuple(each for each in also.FORMATS if each in names)

    def text_of(self, value: tuple[str, ...]) -> str:
        return ",".join(value)


class AlsoParameters:
    """The files beside the clip."""

    also = FormatsParameter(
        description="files beside the clip, in all colors of its frames: "
        f"{', '.join(also.FORMATS)}; mp4 and webm by ffmpeg, poster is a WebP of the last frame",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        data_file = same_name(getattr(self, "data_file", ""))
        for file in files_of(self):
            if same_name(file.name) == data_file:
                raise bad_parameter("--data-file", f"another name than {file.name}", data_file)
        if set(self.also) & set(also.VIDEOS) and not sources.is_ffmpeg_installed():
            raise ParameterError(
                "there is no program to make videos with",
                where=f"--also {','.join(self.also)}",
                expected="the program ffmpeg",
                got="none on PATH, nor the package imageio-ffmpeg",
                next_step="install ffmpeg, or pip install 'luigi_gif[video]'",
            )


def files_of(task: Any) -> list[also.AlsoFile]:
    """What is to stand beside a task's clip."""
    return [also.file_beside(task.gif_file, format_) for format_ in task.also]


def warn_of_files_left(
    asked: Collection[str], noted: object, target_of: Callable[[str], storage.FileTarget]
) -> None:
    """Tell of files beside a clip that only earlier runs were asked for: they stay as they are."""
    for format_ in also.FORMATS:
        if format_ in mapping_of(noted) and format_ not in asked:
            target = target_of(format_)
            if target.exists():
                logger.warning("%s stays as it is: --also does not name %s", target, format_)


def also_options_of(task: Any) -> also.AlsoOptions:
    """How these files look and play."""
    return also.AlsoOptions(
        render_options_of(task, set()),
        clip_options_of(task)._replace(max_bytes=None, tolerance=0),
        lossless=task.optimize == "lossless",
    )


def also_recipe(task: Any, file: also.AlsoFile) -> dict[str, object]:
    """What shapes the bytes of a file, which tells of its source only whether it is the same."""
    recipe = {
        name: value for name, value in task.requires().recipe().items() if name not in _OF_PALETTES
    }
    shown = {ITEMS_KEY: recipe.pop(ITEMS_KEY)} if ITEMS_KEY in recipe else {}
    source = json.dumps(recipe, sort_keys=True).encode()
    shown["source"] = hashlib.sha256(source).hexdigest()
    if file.format in ("webp", "poster"):
        shown["optimize"] = "lossless" if task.optimize == "lossless" else "lossy"
    if file.format in _PLAYED:
        shown["plays"] = task.plays
    if file.format == "poster":
        return shown
    values = {name: getattr(task, name) for name in ("duplicates", *_OF_TIMING)}
    defaults = {name: getattr(type(task), name).default for name in values}
    return shown | {name: value for name, value in values.items() if value != defaults[name]}
