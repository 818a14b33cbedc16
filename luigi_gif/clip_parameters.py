"""The parameters that say how a clip plays and is stored. No frame file depends on them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from luigi_gif import clips, gif, settings
from luigi_gif.errors import ParameterError
from luigi_gif.flag_parameter import FlagParameter
from luigi_gif.max_size_parameter import PLACES, MaxSizeParameter
from luigi_gif.parameters import ChoiceParameter, NumberParameter, bad_parameter

_SHORTEST_MS = 10 * gif.MIN_DELAY_CS
"""Browsers show what has a shorter delay for 100 ms."""
_LONGEST_MS = 10 * gif.MAX_DELAY_CS
"""A GIF has 16 bits for the hundredths of a second."""

DEFAULT_TOLERANCE = 10
"""Levels, for ``lossy`` without any."""


class DurationParameter(NumberParameter[int | None]):
    """How long a frame shows, in milliseconds; None leaves it its own delay."""

    def __init__(self, *, description: str) -> None:
        super().__init__(
            default=None,
            kind=int,
            min_value=_SHORTEST_MS,
            max_value=_LONGEST_MS,
            description=description,
        )


class SpeedParameter(NumberParameter[float | None]):
    """Frames a second, or None."""

    def __init__(self, *, description: str) -> None:
        super().__init__(
            default=None,
            kind=float,
            min_value=0.002,
            max_value=1000 // _SHORTEST_MS,
            description=description,
        )
        self.expected += f": players show no frame for less than {_SHORTEST_MS} ms"


class ClipParameters:
    """How a clip plays and is stored."""

    frame_duration_ms = DurationParameter(
        description="how long each frame shows; by default its own delay, else 100"
    )
    fps = SpeedParameter(
        description="frames a second, in the place of --frame-duration-ms: 50 at the most, as "
        "players show no frame for less than 20 ms"
    )
    hold_first_ms = DurationParameter(
        description="how long the first frame shows; by default as long as its delay"
    )
    hold_last_ms = DurationParameter(
        description="how long the last frame shows; by default as long as its delay"
    )
    bounce = FlagParameter(
        description="play forwards, then backwards, without showing the two ends twice"
    )
    plays = NumberParameter(
        default=0,
        kind=int,
        min_value=0,
        max_value=65_536,
        description="how often the clip plays; 0 is forever",
    )
    min_frames = NumberParameter(
        default=1,
        kind=int,
        min_value=1,
        max_value=10**9,
        description="the fewest frames that the clip may show; with less it is not made",
    )
    optimize = ChoiceParameter(
        default="none",
        choices=("none", "lossless", "lossy"),
        description="lossless: of each frame only what changed is stored; lossy: only what changed "
        "by more than --tolerance, in colors that take few bytes",
    )
    tolerance = NumberParameter[int | None](
        default=None,
        kind=int,
        min_value=1,
        max_value=255,
        description="how far --optimize lossy may change red, green and blue of a pixel, of 255 "
        f"levels; by default {DEFAULT_TOLERANCE}",
    )
    max_size = MaxSizeParameter(
        default=None,
        description="largest size of the clip, such as 10MB (10,000,000 bytes), 8MiB, or a place: "
        f"{', '.join(PLACES)}; what the clip gives up for it is told",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.fps is not None and self.frame_duration_ms is not None:
            raise ParameterError(
                "two parameters say how long each frame shows",
                where="--fps and --frame-duration-ms",
                expected="one of them",
                got="both",
                next_step="leave one out; change one of luigi.cfg or [defaults] under its own name",
            )
        if self.tolerance is not None and self.optimize != "lossy":
            raise bad_parameter("--tolerance", "--optimize lossy, too", self.tolerance)


NAMES = tuple(name for name in vars(ClipParameters) if not name.startswith("_"))
_ALWAYS = ("frame_duration_ms", "plays", "optimize")
"""Those that recipes name even where they have no effect, as the first ones did."""


def clip_recipe(task: Any) -> dict[str, object]:
    """The parameters of a task that shape its clip, without later ones that have no effect."""
    # WriteFrames has the first one too, but only notes which frames are duplicates.
    values = {name: getattr(task, name) for name in ("duplicates", *NAMES)}
    if task.optimize == "lossy":
        values["tolerance"] = _tolerance_of(task)
    values["max_size"] = _max_bytes_of(task)
    return {
        name: value
        for name, value in values.items()
        if name in _ALWAYS or value != getattr(type(task), name).default
    }


def clip_options_of(task: Any) -> clips.ClipOptions:
    """How its clip plays and is stored."""
    duration_ms = task.frame_duration_ms
    if task.fps is not None:
        duration_ms = 1000 / Fraction(str(task.fps))  # 29.97, not the nearest binary number
    return clips.ClipOptions(
        plays=task.plays,
        frame_duration_ms=duration_ms,
        only_changes=task.optimize != "none" or task.max_size is not None,
        max_pixels=task.max_megapixels * 10**6,
        hold_first_ms=task.hold_first_ms,
        hold_last_ms=task.hold_last_ms,
        bounce=task.bounce,
        drop_duplicates=task.duplicates == "drop",
        min_frames=task.min_frames,
        tolerance=_tolerance_of(task),
        max_colors=task.colors,
        max_bytes=_max_bytes_of(task),
    )


def _tolerance_of(task: Any) -> int:
    if task.optimize != "lossy":
        return 0
    return DEFAULT_TOLERANCE if task.tolerance is None else int(task.tolerance)


def _max_bytes_of(task: Any) -> int | None:
    """The largest size of its clip; None for any."""
    asked = task.max_size
    return getattr(settings.places.current(), asked) if isinstance(asked, str) else asked
