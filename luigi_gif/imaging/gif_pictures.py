"""The image of a GIF as a picture, or with its colors in other places of its table.

Pure code: values in, values out.
"""

from __future__ import annotations

import io

import numpy as np
from PIL.GifImagePlugin import GifImageFile

from luigi_gif import gif
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode, decode_gif, frame_palette, geometry
from luigi_gif.imaging.encode import to_picture
from luigi_gif.imaging.frame_palette import Bytes
from luigi_gif.imaging.look import Look
from luigi_gif.imaging.pixel_data import encode_pixels, free_index
from luigi_gif.imaging.pixel_facts import PixelFacts, pixel_facts


def gif_to_picture(image: gif.Image, look: Look) -> decode.DecodedImage:
    """The image of a GIF in the same way. What it leaves free is transparent."""
    if image.size != image.extent:
        image = make_clearable(image)
    return to_picture(gif.encode_single(image), look)


def pixel_facts_of_gif(image: gif.Image, look: Look) -> PixelFacts:
    """What the pixels of a GIF's image have to tell. What it leaves free is transparent.

    See Also
    --------
    to_gif : Has the same parameters, and raises the same errors.
    """
    if image.size != image.extent:
        image = make_clearable(image)
    data = gif.encode_single(image)
    picture = decode.decode_image(data, look.max_pixels, look.value_range).picture
    return pixel_facts(picture, geometry.apply_geometry(picture, look), look)


def decode_indexes(data: bytes) -> Bytes:
    """The color indexes, height x width, of the first image of a GIF that fills its screen.

    Raises Undecodable, also where there are too few.
    """
    try:
        with GifImageFile(io.BytesIO(data)) as picture:
            picture.load()
            decode_gif.check_all_pixels(picture, data)
            return np.asarray(picture)
    except Undecodable:
        raise
    except Exception as error:
        expected = "a GIF whose pixels can be decoded"
        raise decode.as_undecodable(error, expected, picture.size, data) from error


def make_clearable(image: gif.Image) -> gif.Image:
    """The same image with a transparent index, so that decoders agree on clearing it.

    It is one that no pixel has. Where all 256 colors are in use, the one that
    matters least gives way to its nearest.

    Raises
    ------
    Undecodable
        If its pixels have to be decoded, and cannot be.
    """
    colors = len(image.color_table) // 3
    if image.transparent_index is not None:
        return image
    if colors < gif.MAX_COLORS:
        table = gif.pad_color_table(image.color_table, colors + 1)
        return image._replace(color_table=table, transparent_index=colors)
    pixels = decode_indexes(gif.encode_single(image._replace(screen=image.size, position=(0, 0))))
    if (free := free_index(pixels)) is not None:
        return image._replace(transparent_index=free)
    spared, nearest = frame_palette.least_significant_color(pixels, image.color_table)
    fewer = np.where(pixels == spared, np.uint8(nearest), pixels)
    return image._replace(interlaced=False, transparent_index=spared, data=encode_pixels(fewer))


def reorder_colors(image: gif.Image) -> gif.Image:
    """The same image with its colors in another order, or more of them.

    Raises
    ------
    Undecodable
        If its pixels have to be decoded, and cannot be.
    """
    colors = len(image.color_table) // 3
    if colors < gif.MAX_COLORS:
        return image._replace(color_table=gif.pad_color_table(image.color_table, colors + 1))
    pixels = decode_indexes(gif.encode_single(image._replace(screen=image.size, position=(0, 0))))
    backwards = np.frombuffer(image.color_table, np.uint8).reshape(-1, 3)[::-1]
    transparent_index = image.transparent_index
    return image._replace(
        interlaced=False,
        color_table=backwards.tobytes(),
        transparent_index=None if transparent_index is None else colors - 1 - transparent_index,
        data=encode_pixels(colors - 1 - pixels),
    )
