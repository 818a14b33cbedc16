"""The parameters that say what is written onto the frames, and how."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

from luigi_gif import frames, imaging, sources, storage
from luigi_gif.errors import ForeignFileError
from luigi_gif.geometry_parameters import ColorParameter
from luigi_gif.parameters import (
    ChoiceParameter,
    NumberParameter,
    TextParameter,
    bad_parameter,
)
from luigi_gif.selection_parameters import ZoneParameter, zone_of

ITEMS_KEY = "items"
"""In a recipe, what changes whenever names or times of items do that captions tell."""
_MAX_FONT_BYTES = 1 << 26
_FONT_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
"""Of TrueType, of OpenType with PostScript outlines, of Apple's TrueType, of a collection."""


class CaptionParameter(TextParameter):
    """The text that is written onto each frame, with fields; it may be empty."""

    def checked(self, value: object) -> str:
        text = super().checked(value)
        try:
            if text:
                frames.parse_caption(text)
        except ValueError as error:
            raise bad_parameter(self.flag, str(error), text) from None
        return text


class FontParameter(TextParameter):
    """The path of a font file, or the empty text."""

    expected = "a TrueType or OpenType font file of at most 64 MiB"
    metavar = "FILE"

    def checked(self, value: object) -> str:
        text = super().checked(os.fspath(value) if isinstance(value, os.PathLike) else value)
        if not text:
            return text
        path = os.path.abspath(os.path.expanduser(text))
        try:
            found = read_font(path).startswith(_FONT_SIGNATURES)
        except (OSError, ValueError) as error:
            raise self.error(f"{path}: {getattr(error, 'strerror', None) or error}") from None
        except ForeignFileError:
            raise self.error(f"{path}: no regular file") from None
        if not found:
            raise self.error(f"{path}: no such font")
        return path


class CaptionParameters:
    """What is written onto each frame."""

    caption = CaptionParameter(
        default="",
        description="text on each frame; {number}, {count}, {name} and {time} are filled in",
    )
    caption_position = ChoiceParameter(
        default="bottom", choices=imaging.CAPTION_POSITIONS, description="where it stands"
    )
    caption_size = NumberParameter[int | None](
        default=None,
        kind=int,
        min_value=6,
        max_value=1000,
        description="height of its font in pixels; by default a 20th of the frame, at least 12",
    )
    caption_color = ColorParameter(default="#ffffff", description="color of its text")
    caption_box = ColorParameter(
        default="#000000a6",
        words=("none",),
        alpha=True,
        description="color and alpha of the box behind it, or none",
    )
    caption_font = FontParameter(
        default="", description="a TrueType or OpenType font; by default the one in Pillow"
    )
    caption_timezone = ZoneParameter(
        default=None, description="time zone of its times; by default that of --timezone"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in () if self.caption else NAMES:
            parameter, value = getattr(type(self), name), getattr(self, name)
            if value != parameter.default:
                raise bad_parameter(parameter.flag, "a --caption, too", value)


NAMES = tuple(name for name in vars(CaptionParameters) if not name.startswith("_"))


def caption_recipe(task: Any) -> dict[str, object]:
    """The parameters of a task that shape its captions, and what else does.

    A digest of the font stands in the place of its path. What captions tell of items may change
    while the pictures stay the same.
    """
    if not task.caption:
        return {}
    shown = task.texts_of(NAMES)
    recipe: dict[str, object] = {
        name: shown[name]
        for name in NAMES
        if getattr(task, name) != getattr(type(task), name).default
    }
    if task.caption_font:
        recipe["caption_font"] = hashlib.sha256(read_font(task.caption_font)).hexdigest()
    template = frames.parse_caption(task.caption)
    if template.tells_times:
        recipe["timezone"] = task.timezone
    if template.tells_items:
        items = frames.items_checksum(task.folder, task.data_file)
        recipe |= {} if items is None else {ITEMS_KEY: items}
    return recipe


def caption_plan(task: Any) -> frames.CaptionPlan | None:
    """What is written onto a task's frames; None for nothing.

    Raises ParameterError for what the font cannot draw.
    """
    if not task.caption:
        return None
    style = imaging.CaptionStyle(
        task.caption_position,
        task.caption_size,
        _with_alpha(task.caption_color)[:3],
        None if task.caption_box == "none" else _with_alpha(task.caption_box),
        read_font(task.caption_font) if task.caption_font else None,
    )
    template = frames.parse_caption(task.caption)
    zone = zone_of(task.caption_timezone or task.timezone)
    name = sources.file_name(task.url)
    plan = frames.CaptionPlan(template, style, zone, _time_reader(task), name)
    plan.check()
    return plan


def _time_reader(task: Any) -> Callable[[frames.FrameItem], float | None]:
    """What says when an item's picture was taken, also where the zone is another than was noted."""
    if task.accumulate or sources.is_dated(task.url):  # names hold a part of the time, or none
        return lambda item: item.time
    read = sources.time_reader(task.time_format, zone_of(task.timezone))
    return lambda item: read(sources.Item(item.name, "", time=item.time))


def read_font(path: str) -> bytes:
    """The bytes of a font file. Raises OSError, ForeignFileError, or ValueError for a huge one."""
    with (
        storage.open_regular_file(path) as descriptor,
        open(descriptor, "rb", closefd=False) as file,
    ):
        data = file.read(_MAX_FONT_BYTES + 1)
    if len(data) > _MAX_FONT_BYTES:
        raise ValueError("a larger file")
    return data


def _with_alpha(color: str) -> tuple[int, int, int, int]:
    """Red, green, blue and alpha, 0 to 255."""
    red, green, blue, alpha = bytes.fromhex(f"{color[1:]}ff"[:8])
    return red, green, blue, alpha
