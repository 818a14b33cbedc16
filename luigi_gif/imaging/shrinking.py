"""The image of a GIF in a smaller size, with fewer colors, or both.

Pure code: values in, values out.
"""

from __future__ import annotations

import math

import numpy as np

from luigi_gif import gif
from luigi_gif.imaging import pixel_data
from luigi_gif.imaging.changed_gif import change_image
from luigi_gif.imaging.common_palette import CommonPalette
from luigi_gif.imaging.frame_palette import DistinctColors
from luigi_gif.imaging.look import Look
from luigi_gif.imaging.recoloring import count_colors, with_colors


def smaller_image(
    image: gif.Image, size: tuple[int, int], max_colors: int, colors: bytes | None
) -> gif.Image:
    """The same image with its whole screen in another size, and in few colors.

    Parameters
    ----------
    image : luigi_gif.gif.Image
        What it leaves free of its screen is transparent.
    size : tuple of int
        Width and height in pixels.
    max_colors : int
        2 to 256; a transparent one is none of them.
    colors : bytes, optional
        3 bytes a color, at most 255: those of all images. None lets an image that keeps its size
        have some of its own.

    Raises
    ------
    Undecodable
        If its pixels cannot be decoded.
    """
    if image.screen != size and colors is not None:
        look = Look(image.extent[0] * image.extent[1], size)
        return change_image(image, look, CommonPalette(colors, math.inf)).image
    indexes, transparent_index = pixel_data.decode_pixels(image), image.transparent_index
    if colors is None:
        counted = count_colors(indexes, image.color_table, transparent_index)
        colors = significant_colors(counted, max_colors - (transparent_index is not None))
    recolored = with_colors(indexes, image.color_table, colors, transparent_index)
    # As large as one with a transparent color, so that it may be that of all images.
    table = gif.pad_color_table(recolored.color_table, min(max_colors + 1, gif.MAX_COLORS))
    return image._replace(
        interlaced=False,
        color_table=table,
        transparent_index=recolored.transparent_index,
        data=pixel_data.encode_pixels(recolored.indexes, gif.minimum_code_size(table)),
    )


def significant_colors(counted: DistinctColors, max_colors: int) -> bytes:
    """Those of the colors of an image that matter most, 3 bytes each.

    Of those that are left out none is the nearest to another, unless more than half are to go:
    so each has one near it that stays. To choose new colors would take many times as long.
    """
    values = counted.values
    if not len(values):  # nothing is shown
        return bytes(3)
    squares = (values**2).sum(axis=1)
    distances = squares[:, np.newaxis] + squares - 2 * values @ values.T  # exact: whole numbers
    np.fill_diagonal(distances, np.inf)
    nearest, loss = distances.argmin(axis=1), counted.counts * distances.min(axis=1)
    order = np.argsort(loss, kind="stable").tolist()
    left_out: set[int] = set()
    stays: set[int] = set()
    for color in order:
        if len(values) - len(left_out) > max_colors and color not in stays:
            left_out.add(color)
            stays.add(int(nearest[color]))
    rest = [color for color in order if color not in left_out][-max_colors:]
    return values[sorted(rest)].astype(np.uint8).tobytes()


def shown_colors(image: gif.Image) -> DistinctColors:
    """The colors that an image shows, for :func:`luigi_gif.imaging.choose_colors`.

    Raises Undecodable.
    """
    indexes = pixel_data.decode_pixels(image)
    return count_colors(indexes, image.color_table, image.transparent_index)
