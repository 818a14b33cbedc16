"""Pictures of few colors: each pixel as the index of its own color.

Pillow alone does it. A run with one new picture of this kind, such as a radar's, does without
NumPy, which takes longer to import than the picture takes. Pure code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from PIL import Image, ImageChops


class IndexedPicture(NamedTuple):
    """A picture as indexes of its colors."""

    indexes: Image.Image
    """Of mode L or P: its pixels are the indexes."""
    colors: bytes
    """3 bytes each: red, green and blue."""
    transparent_index: int | None = None


def exactly_indexed(picture: Image.Image, max_colors: int) -> IndexedPicture | None:
    """For each pixel of an RGB picture the index of its color, and the colors.

    Parameters
    ----------
    picture : Image
        RGB.
    max_colors : int
        How many it may have.

    Returns
    -------
    IndexedPicture or None
        With the colors in descending order. None where there are more, or two of them are too
        near each other for Pillow.
    """
    found: Any = picture.getcolors(max_colors)  # tuples of 3, as the picture is RGB
    if found is None:
        return None
    colors = b"".join(sorted((bytes(color) for _, color in found), reverse=True))
    carrier = Image.new("P", (1, 1))
    carrier.putpalette(colors)
    # Pillow looks for the nearest color of each 4x4x4 others at once: what it found is looked at.
    indexed = picture.quantize(palette=carrier, dither=Image.Dither.NONE)
    if ImageChops.difference(indexed.convert("RGB"), picture).getbbox() is not None:
        return None
    return IndexedPicture(indexed, colors)
