"""The image of a GIF that is not to stay as it is.

Pure code: values in, values out.
"""

from __future__ import annotations

import numpy as np

from luigi_gif import gif
from luigi_gif.imaging import decode, geometry
from luigi_gif.imaging.common_palette import CommonPalette
from luigi_gif.imaging.encode import EncodedImage, to_gif
from luigi_gif.imaging.frame_palette import Bytes
from luigi_gif.imaging.gif_pictures import decode_indexes, make_clearable
from luigi_gif.imaging.look import Box, Look
from luigi_gif.imaging.pixel_data import encode_pixels


def change_image(image: gif.Image, look: Look, common: CommonPalette | None = None) -> EncodedImage:
    """The image of a GIF as it is to look, with its delay.

    What it leaves free of its screen is transparent. Where it is only cropped or laid on a
    background, it keeps its color table.

    See Also
    --------
    to_gif : Has the same parameters, and raises the same errors.
    """
    if look.keeps_color_table(image.extent, len(image.color_table) // 3):
        return EncodedImage(_cropped(image, look), 1, [])
    if image.size != image.extent:
        image = make_clearable(image)
    changed = to_gif(gif.encode_single(image), look, common)
    return changed._replace(image=changed.image._replace(delay_cs=image.delay_cs))


def _cropped(image: gif.Image, look: Look) -> gif.Image:
    """The part of an image that is kept, on its background, in the same colors."""
    decode.check_size(image.extent, look.max_pixels)
    left, top, right, bottom = box = geometry.check_box(image.extent, look)
    if not _holds(image, box):
        image = make_clearable(image)
    indexes = _screen(image)[top:bottom, left:right]
    table, transparent_index = image.color_table, image.transparent_index
    if look.background is not None and transparent_index is not None:
        begin = 3 * transparent_index
        table = table[:begin] + bytes(look.background) + table[begin + 3 :]
        transparent_index = None
    return image._replace(
        screen=(right - left, bottom - top),
        position=(0, 0),
        size=(right - left, bottom - top),
        interlaced=False,
        color_table=table,
        transparent_index=transparent_index,
        data=encode_pixels(np.ascontiguousarray(indexes)),
    )


def _holds(image: gif.Image, box: Box) -> bool:
    """Whether the box lies in the image, not beside it on the screen."""
    (left, top), (width, height) = image.position, image.size
    return left <= box[0] and top <= box[1] and box[2] <= left + width and box[3] <= top + height


def _screen(image: gif.Image) -> Bytes:
    """The color indexes, height x width, of all that the image is on."""
    alone = image._replace(screen=image.size, position=(0, 0))
    indexes = decode_indexes(gif.encode_single(alone))
    if image.size == image.extent:
        return indexes
    (left, top), (width, height) = image.position, image.size
    screen = np.full(image.extent[::-1], image.transparent_index or 0, np.uint8)
    screen[top : top + height, left : left + width] = indexes
    return screen
