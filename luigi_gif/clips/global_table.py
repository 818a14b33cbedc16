"""The color table that the images of a clip have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from luigi_gif import gif, imaging
from luigi_gif.clips.frame_reader import FrameReader
from luigi_gif.clips.sequence import Part
from luigi_gif.errors import Undecodable

SAMPLED_FRAMES = 64
"""Evenly spread over the clip. Of these only the color tables are looked at."""

Item = TypeVar("Item")


def read_global_table(reader: FrameReader, first: gif.Image, parts: Sequence[Part]) -> bytes:
    """The colors of the first image, and those of others as far as 256 hold them.

    Most images of a clip then need no table of their own, also where each came with one.

    Parameters
    ----------
    reader : FrameReader
        Reads the others.
    first : luigi_gif.gif.Image
        Keeps its color indexes.
    parts : sequence of Part
        Those of the clip.

    Returns
    -------
    bytes
        A color table. Raises ChangedFrame.
    """
    try:
        used = imaging.used_colors(first)
    except Undecodable:  # whoever stores it tells
        return first.color_table
    sampled = _evenly(parts, SAMPLED_FRAMES)
    numbers = dict.fromkeys(
        step.number
        for part in sampled
        for step in _evenly(part.steps, -(-SAMPLED_FRAMES // len(sampled)))
    )
    typical_bytes = max(part.written.typical_bytes for part in sampled)
    others = reader.read_images(list(numbers), typical_bytes)
    return gif.join_color_tables(used, (image.color_table for image in others))


def _evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, as evenly spread as may be."""
    count = min(count, len(items))
    return [items[index * len(items) // count] for index in range(count)]
