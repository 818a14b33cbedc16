"""An AVIF as Pillow reads it. Pure code."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

from PIL import features

from luigi_gif.errors import MissingDecoder
from luigi_gif.imaging import heif_colors, tiff_directories
from luigi_gif.imaging.opened_image import OpenedImage, load

if TYPE_CHECKING:
    from PIL.AvifImagePlugin import AvifImageFile


def open_avif(data: bytes) -> OpenedImage:
    """The first image of an AVIF. Raises MissingDecoder, and whatever Pillow does."""
    picture = read_avif(data)
    return OpenedImage(
        picture.size,
        functools.partial(load, picture),
        picture.n_frames,
        orientation_of(picture),
        profile_of(picture, data),
    )


def read_avif(data: bytes) -> AvifImageFile:
    """As Pillow has it, its header read. Raises MissingDecoder, and whatever Pillow does."""
    if not features.check("avif"):
        raise MissingDecoder("AVIF", "a Pillow with AVIF, such as its wheels")
    from PIL.AvifImagePlugin import AvifImageFile  # a library of megabytes, which few need

    return AvifImageFile(io.BytesIO(data))


def orientation_of(picture: AvifImageFile) -> int:
    """That of its properties irot and imir, as Exif counts; Exif's own does not count in an AVIF.

    Pillow puts them in the place of Exif's.
    """
    return tiff_directories.exif_orientation(
        picture.info.get("exif", b"").removeprefix(b"Exif\0\0")
    )


def profile_of(picture: AvifImageFile, data: bytes) -> bytes | None:
    """Its color profile, or one of what it says of its colors else."""
    profile: bytes | None = picture.info.get("icc_profile")
    return profile or heif_colors.profile_of(data)
