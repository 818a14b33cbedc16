"""A GIF as Pillow reads it, and whether it has all of its pixels. Pure code."""

from __future__ import annotations

import contextlib
import io

from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from luigi_gif import gif
from luigi_gif.errors import Malformed, Truncated, Undecodable
from luigi_gif.imaging.opened_image import OpenedImage, count_images


def open_gif(data: bytes) -> OpenedImage:
    """The first image of a GIF. Raises whatever Pillow does."""
    picture = GifImageFile(io.BytesIO(data))

    def load_pixels() -> Image.Image:
        picture.load()
        with contextlib.suppress(Malformed, Truncated):
            check_all_pixels(picture, data)
        return picture

    return OpenedImage(picture.size, load_pixels, count_images(picture))


def check_all_pixels(picture: Image.Image, data: bytes) -> None:
    """Raise Undecodable where the GIF in ``data``, which Pillow decoded, has too few pixels.

    Pillow leaves those out without a word. The last one then has the index that
    it fills an image with first; only if it has are the codes counted.
    """
    image, _ = gif.read_first_image(data)
    (left, top), (width, height) = image.position, image.size
    last = (height - 1 - (height % 2 == 1 and height > 1)) if image.interlaced else height - 1
    if picture.getpixel((left + width - 1, top + last)) != (image.transparent_index or 0):
        return
    counted = gif.count_image_pixels(image.data, image.size)
    if counted.end:
        got = f"{counted.pixels:,} before {counted.end}"
        raise Undecodable(f"image data of {width * height:,} pixels", got)
