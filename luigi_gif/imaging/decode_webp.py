"""A WebP as Pillow reads it. Pure code."""

from __future__ import annotations

import functools
import io

from PIL.WebPImagePlugin import WebPImageFile

from luigi_gif.imaging import tiff_directories
from luigi_gif.imaging.opened_image import OpenedImage, count_images, load


def open_webp(data: bytes) -> OpenedImage:
    """The first image of a WebP. Raises whatever Pillow does."""
    picture = WebPImageFile(io.BytesIO(data))
    exif = picture.info.get("exif", b"").removeprefix(b"Exif\0\0")
    return OpenedImage(
        picture.size,
        functools.partial(load, picture),
        count_images(picture),
        tiff_directories.exif_orientation(exif),
        picture.info.get("icc_profile"),
    )
