"""The image data of a GIF to color indexes and back: Pillow's LZW, without the GIF around it.

Pure code: bytes in, values out.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from luigi_gif import gif
from luigi_gif.errors import Undecodable
from luigi_gif.imaging.frame_palette import Bytes
from luigi_gif.imaging.image_data import encode_picture


def encode_pixels(indexes: Bytes, minimum_code_size: int = 8) -> memoryview:
    """Encode color indexes, height x width, as :func:`image_data.encode_picture` does a picture."""
    return encode_picture(Image.fromarray(indexes), minimum_code_size)


def decode_pixels(image: gif.Image) -> Bytes:
    """Decode the color indexes of an image, height x width.

    Raises
    ------
    Undecodable
        If there are too few.
    """
    picture = Image.new("L", image.size)  # indexes as they are, without a palette
    try:
        picture.frombytes(image.data[1:], "gif", image.data[0], int(image.interlaced), -1)
    except ValueError as error:
        width, height = image.size
        counted = gif.count_image_pixels(image.data, image.size)
        got = f"{counted.pixels:,} before {counted.end or 'the end of the data'}"
        raise Undecodable(f"image data of {width * height:,} pixels", got) from error
    return np.asarray(picture)


def map_indexes(indexes: Bytes, others: Bytes) -> Bytes:
    """For each index the one of 256 ``others`` that takes its place."""
    # Several times faster than NumPy, which makes each index a number of 8 bytes first.
    mapped = indexes.tobytes().translate(others.tobytes())
    return np.frombuffer(mapped, np.uint8).reshape(indexes.shape)


def used_colors(image: gif.Image) -> bytes:
    """The color table of an image without what stands behind the last color that a pixel has.

    Raises Undecodable.
    """
    return image.color_table[: 3 * (int(decode_pixels(image).max()) + 1)]


def used_indexes(indexes: Bytes) -> set[int]:
    """Those that any pixel has."""
    counts = Image.fromarray(indexes.reshape(1, -1)).histogram()
    return {index for index, count in enumerate(counts) if count}


def free_index(used: Bytes) -> int | None:
    """The first index of 256 that is not among those ``used``."""
    found = used_indexes(used)
    return next((index for index in range(gif.MAX_COLORS) if index not in found), None)
