"""One image of any format: its pixels, upright, in 8 bits a channel, as browsers show them.

Pillow decodes. Nothing beside the pixels condemns them: what a decoder needs not
is taken out before it sees the data, or is read here, where damage is left out.
A shortage of memory and the errors of a machine are no property of an image:
they are raised as they are.

Pure code: bytes in, values out; Pillow's global settings stay as they are.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from PIL import Image

from luigi_gif.errors import Malformed, MissingDecoder, Truncated, Undecodable
from luigi_gif.imaging import color_profiles, image_decoders
from luigi_gif.imaging.opened_image import Values
from luigi_gif.redaction import public_text

_WIDE_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By Exif's orientation."""
_UNKNOWN = (SyntaxError, IndexError, TypeError, KeyError, EOFError, struct.error)
"""What Pillow raises for a header that it does not know, of whatever use the words are."""
_MIN_MEMORY_BYTES = 1 << 25


class DecodedImage(NamedTuple):
    """The first image of some data."""

    picture: Image.Image
    """RGB or RGBA."""
    images: int
    """How many there are."""
    notes: list[str]
    """What the user is to know of it."""
    delay_cs: int
    """How long it is to be shown, in hundredths of a second; 0 where it does not say."""


def decode_image(
    data: bytes, max_pixels: int, value_range: tuple[float, float] | None = None
) -> DecodedImage:
    """Decode the first image of some data.

    Parameters
    ----------
    data : bytes
        An image of a format that :mod:`luigi_gif.imaging.image_decoders` lists.
    max_pixels : int
        How many pixels it may have.
    value_range : tuple of float, optional
        Which values become black and white, of an image whose own range is not known: of
        floating-point numbers, or of integers of 32 bits or with a sign.

    Returns
    -------
    DecodedImage

    Raises
    ------
    Undecodable
        If they give no image, or a larger one.
    MemoryError, OSError
        If the machine lacks something: that says nothing of the image.
    """
    size = (0, 0)
    try:
        opened = image_decoders.open_image(data)
        size = opened.size
        check_size(size, max_pixels)
        picture = in_srgb(_in_levels(opened.load_pixels(), value_range), opened.profile)
    except Undecodable:
        raise
    except Exception as error:
        undecodable = as_undecodable(error, "an image that can be decoded", size, data)
        if size == (0, 0) and isinstance(error, _UNKNOWN):
            undecodable = Undecodable(undecodable.expected, "no beginning of one")
        raise undecodable from error
    picture = upright(picture, opened.orientation)
    return DecodedImage(picture, opened.images, list(opened.notes), opened.delay_cs)


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raise Undecodable where an image of this width and height has no or too many pixels."""
    if min(size) <= 0 or size[0] * size[1] > max_pixels:
        expected = f"an image of 1 to {max_pixels:,} pixels (see --max-megapixels)"
        raise Undecodable(expected, "{}x{} pixels".format(*size))


def upright(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture as it is to be seen, which is stored as Exif's ``orientation`` says, 1 to 8."""
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)  # one of them is 0


def as_undecodable(
    error: Exception, expected: str, size: tuple[int, int], data: bytes
) -> Undecodable:
    """The image is at fault for whatever a decoder raises, but for what the machine lacks.

    Decoders say so in many ways, if at all: whether there is memory is tried, untouched (bytes).
    Raises MemoryError, and an OSError that has a number.
    """
    if isinstance(error, (MissingDecoder, ImportError)) or (
        isinstance(error, OSError) and error.errno is not None
    ):
        raise error
    if isinstance(error, Truncated):
        return Undecodable("a whole image", f"the end of the data after {len(data):,} bytes")
    if isinstance(error, Malformed):
        return Undecodable(error.expected, f"{error.got} {error.offset:,} bytes into it")
    if isinstance(error, MemoryError) or str(error).startswith("out of memory"):
        raise MemoryError from error
    bytes(max(_MIN_MEMORY_BYTES, 8 * size[0] * size[1] + 4 * len(data)))
    # What a decoder said, in one line; its name for it where it said nothing.
    got = public_text(str(error)[:200]) or type(error).__name__
    return Undecodable(expected, got)


def _in_levels(
    pixels: Image.Image | Values, value_range: tuple[float, float] | None
) -> Image.Image:
    if isinstance(pixels, Image.Image):
        return pixels
    if value_range is None:
        got = f"numbers ({pixels.dtype.name}) whose range is not known"
        raise Undecodable("--range MIN:MAX, the values that are to be black and white", got)
    from luigi_gif.imaging.bit_depth import scale_values  # and NumPy, which few formats need

    return scale_values(pixels, value_range)


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in RGB or RGBA, 8 bits a channel, its colors as its profile says."""
    if picture.mode in _WIDE_MODES:
        from luigi_gif.imaging.bit_depth import narrow_gray  # and NumPy, which few pictures need

        picture = narrow_gray(picture)
    is_cmyk = picture.mode == "CMYK"
    if profile and (is_cmyk or picture.mode in ("L", "LA")):
        if picture.has_transparency_data:
            picture = picture.convert("LA")
        picture = color_profiles.to_srgb(picture, profile)
    if is_cmyk:
        profile = None  # one of RGB is not for what CMYK became
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    picture = picture if picture.mode == mode else picture.convert(mode)
    return color_profiles.to_srgb(picture, profile) if profile else picture
