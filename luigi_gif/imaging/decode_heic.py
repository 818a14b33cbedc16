"""A HEIC as libheif reads it, in the package pillow-heif. Pure code."""

from __future__ import annotations

from PIL import Image

from luigi_gif.errors import MissingDecoder
from luigi_gif.imaging import heif_colors
from luigi_gif.imaging.opened_image import OpenedImage


def open_heic(data: bytes) -> OpenedImage:
    """The primary image of a HEIC. Raises MissingDecoder, and whatever pillow-heif does.

    It is upright already: libheif turns it by irot and imir; Exif's orientation does not count.
    """
    try:
        import pillow_heif
    except ImportError:
        needed = "the package pillow-heif, on each worker: pip install 'luigi_gif[heif]'"
        raise MissingDecoder("HEIC", needed) from None
    file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)

    def load_pixels() -> Image.Image:
        picture: Image.Image = file.to_pillow()
        return picture

    return OpenedImage(
        file.size,
        load_pixels,
        len(file),
        profile=file.info.get("icc_profile") or heif_colors.profile_of(data),
    )
