"""What a clip gives up to be smaller: a row of ever smaller clips.

In this order, and each down to a limit before the next begins: colors of each
frame; tolerance, or colors of all frames together; size in pixels; every nth
frame; at last size alone, down to where nothing can be seen any more.

Frames with colors in common take much less: a color table of its own takes as
many bytes as the pixels of a small frame, and pixels that do not change keep
their color.
"""

from __future__ import annotations

from typing import NamedTuple

FEWEST_OWN_COLORS = 128
MOST_COMMON_COLORS = 255
"""One index is left for what has not changed."""
FEWEST_COLORS = 63
"""And an index for what has not changed: 6 bits. With fewer, large areas show steps, and a smaller
size looks better."""
SMALLEST_SCALE = 0.25
"""Of each side, before frames are left out too."""
TOLERANCE = 16
"""Of a clip that has one: levels, as in ClipOptions. Less saves little where colors are as far from
each other, more can be seen."""
MIN_SIDE_PIXELS = 16


class Reduction(NamedTuple):
    """What a clip gives up."""

    size: tuple[int, int]
    """Width and height in pixels."""
    colors: int
    """Of a frame, at most; a transparent one is none of them."""
    every: int = 1
    """Of every how many frames one is shown, for as long as all of them."""
    in_common: bool = True
    """Whether all frames have the same colors."""
    tolerance: int = 0
    """As that of ClipOptions."""
    color_table: bytes | None = None
    """These, 3 bytes each, once they are chosen."""

    def words(self, size: tuple[int, int], max_colors: int) -> str:
        """For people, of a clip that was of this size, with as many colors at most."""
        words = []
        if self.size != size:
            words.append("{}x{} of {}x{} pixels".format(*self.size, *size))
        if self.colors < max_colors:
            words.append(f"{self.colors} colors")
        if self.tolerance:
            words.append(f"tolerance {self.tolerance}")
        if self.every > 1:
            words.append(f"one of {self.every} frames")
        return ", ".join(words) or "one palette for all frames"


class _Unit(NamedTuple):
    """A part of the row, in which one thing falls steadily."""

    colors: tuple[int, int]
    """At its begin and its end."""
    scales: tuple[float, float] = (1.0, 1.0)
    every: int = 1
    in_common: bool = True
    tolerance: int = 0


class ReductionRow:
    """Ever smaller clips of some frames, by a position from 0 (gives up nothing) to ``end``.

    Parameters
    ----------
    size : tuple of int
        Width and height of the frames in pixels.
    frame_count : int
        How many are shown.
    min_frames : int
        How many are to be shown at the least.
    max_colors : int
        How many the frames have at most.
    in_common : bool
        Whether the frames have their colors in common already.
    tolerant : bool
        Whether the clip gives up exact colors, and none of their number; else the number.
    """

    def __init__(
        self,
        size: tuple[int, int],
        frame_count: int,
        min_frames: int,
        max_colors: int,
        *,
        in_common: bool,
        tolerant: bool,
    ) -> None:
        self._size = size
        self._max_colors = max_colors
        least = min(1.0, MIN_SIDE_PIXELS / min(size))
        smallest = max(SMALLEST_SCALE, least)
        self._units = []
        if tolerant or not in_common:
            self._units.append(_Unit((256, FEWEST_OWN_COLORS), in_common=False))
        if not tolerant:
            self._units.append(_Unit((MOST_COMMON_COLORS, FEWEST_COLORS)))
        smaller = _Unit((FEWEST_COLORS, FEWEST_COLORS), (1.0, smallest))
        if tolerant:
            smaller = smaller._replace(
                colors=(MOST_COMMON_COLORS, MOST_COMMON_COLORS), tolerance=TOLERANCE
            )
        self._units.append(smaller)
        every = 2
        while -(-frame_count // every) >= max(2, min_frames):
            # Half of the frames take about half of the bytes, as half of the pixels do: so both
            # fall together from here on.
            larger, smallest = min(1.0, smallest * 2**0.5), max(least, smallest / 2**0.5)
            self._units.append(smaller._replace(scales=(larger, smallest), every=every))
            every *= 2
        self._units.append(smaller._replace(scales=(smallest, least), every=every // 2))
        self.end = float(len(self._units))

    def at(self, position: float) -> Reduction:
        """What the clip at a position gives up."""
        index = min(int(position), len(self._units) - 1)
        unit, part = self._units[index], position - index
        scale = _between(*unit.scales, part)
        width, height = (max(1, round(side * scale)) for side in self._size)
        colors = min(self._max_colors, round(_between(*unit.colors, part)))
        return Reduction((width, height), colors, unit.every, unit.in_common, unit.tolerance)


def _between(begin: float, end: float, part: float) -> float:
    """In even steps on a scale of logarithms."""
    return begin * (end / begin) ** part
