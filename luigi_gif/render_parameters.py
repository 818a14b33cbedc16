"""The parameters that say how frames are rendered: their size, colors and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luigi_gif import frames, imaging
from luigi_gif.geometry_parameters import TRANSPARENT, ColorParameter, CropParameter, color_of
from luigi_gif.parameters import (
    ChoiceParameter,
    NumberParameter,
    RangeParameter,
    SizeParameter,
    bad_parameter,
)
from luigi_gif.unwanted_parameters import unwanted_of

if TYPE_CHECKING:
    from luigi_gif.parameter_checks import CheckedTask


class RenderParameters:
    """How each picture becomes a frame."""

    size = SizeParameter(
        default=None,
        description="WIDTHxHEIGHT, WIDTHx or xHEIGHT of the frames in pixels; by default their own",
    )
    crop = CropParameter(
        default=None,
        # Without an example in percent: Luigi's parser would take it for a format.
        description="the part of each picture that is kept, before --size, in pixels or in percent",
    )
    fit = ChoiceParameter(
        default="fill",
        choices=("contain", "cover", "fill"),
        description="how a picture of another shape comes to a --size of two sides: padded, cut "
        "to its middle, or stretched",
    )
    background = ColorParameter(
        default=TRANSPARENT,
        words=(TRANSPARENT,),
        description="the color of padding, and behind transparent pixels",
    )
    quality = ChoiceParameter(
        default="fast",
        choices=("fast", "best"),
        description="how images of more than 256 colors get their palette",
    )
    palette = ChoiceParameter(
        default="auto",
        choices=("auto", "frame", "clip"),
        description="of images of more than 256 colors: one for each frame, or one for the clip; "
        "auto: one for the clip where much of it stands still",
    )
    colors = NumberParameter(
        default=256,
        kind=int,
        min_value=2,
        max_value=256,
        description="the most colors of a frame, or of the clip if it has one palette; a "
        "transparent one does not count",
    )
    dither = ChoiceParameter(
        default="none",
        choices=("none", "ordered"),
        description="of images of more colors than that: ordered mixes two for one that is not in "
        "the palette, in a pattern that does not move",
    )
    max_megapixels = NumberParameter(
        default=64,
        kind=int,
        min_value=1,
        max_value=178,
        description="pixels of a frame, and of the clip, in millions; a frame with more is bad",
    )
    range = RangeParameter(
        default=None,
        description="the values that are black and white in pictures of floating-point numbers, or "
        "of integers of 32 bits or with a sign; others ignore it; a sign needs =: --range=-40:50",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.fit != "fill" and None in (self.size or (None,)):
            raise bad_parameter("--fit", "fill, unless --size gives both sides", self.fit)


NAMES = tuple(name for name in vars(RenderParameters) if not name.startswith("_"))
_ALWAYS = ("size", "quality", "palette", "max_megapixels")
"""Those that recipes name even where they have no effect, as the first ones did."""


def look_of(task: Any) -> imaging.Look:
    """What its frames look like."""
    return imaging.Look(
        max_pixels=task.max_megapixels * 10**6,
        size=task.size or (None, None),
        quality=task.quality,
        colors=task.colors,
        dither=task.dither,
        value_range=task.range,
        crop=task.crop,
        fit=task.fit,
        background=color_of(task.background),
    )


def render_options_of(task: Any, formats: set[str]) -> frames.RenderOptions:
    """How its frames are made of images of these formats."""
    look = look_of(task)
    uncaptioned_gifs = formats <= {"GIF"} and not task.caption
    copying = uncaptioned_gifs and look.keeps_every_gif()
    # The best quality asks for the best palette of each frame.
    own_palettes = (uncaptioned_gifs and look.keeps_every_color_table()) or (
        task.palette == "auto" and task.quality == "best"
    )
    return frames.RenderOptions(
        look,
        task.on_bad_frame == "skip",
        # One core for each clip of many: Luigi's workers are as many as the user wants.
        counting_threads=1 if task.alone else 2,
        copying=copying,
        palette="frame" if own_palettes else task.palette,
        unwanted=unwanted_of(task),
    )


def render_recipe(task: CheckedTask) -> dict[str, str]:
    """The parameters of a task that shape frames, without later ones that have no effect."""
    shown = task.texts_of(NAMES)
    defaults = {name: getattr(type(task), name) for name in NAMES}
    return {
        name: shown[name]
        for name, parameter in defaults.items()
        if name in _ALWAYS or shown[name] != parameter.serialize(parameter.default)
    }
