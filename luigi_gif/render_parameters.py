"""The parameters that say how frames are rendered: their size, colors and limits."""

from __future__ import annotations

from luigi_gif.parameters import ChoiceParameter, NumberParameter, SizeParameter


class RenderParameters:
    """How each picture becomes a frame."""

    size = SizeParameter(
        default=None,
        description="WIDTHxHEIGHT, WIDTHx or xHEIGHT of the frames in pixels; by default their own",
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
    max_megapixels = NumberParameter(
        default=64,
        kind=int,
        min_value=1,
        max_value=178,
        description="pixels of a frame, and of the clip, in millions; a frame with more is bad",
    )


NAMES = tuple(name for name in vars(RenderParameters) if not name.startswith("_"))
