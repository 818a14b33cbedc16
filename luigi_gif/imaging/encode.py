"""Any image to a one-image GIF.

:mod:`luigi_gif.imaging.decode` gives its pixels, upright, in 8 bits a channel. It is
cropped, resized and captioned if that is asked for (:mod:`luigi_gif.imaging.geometry`
and ``caption``), and brought to 256 colors or fewer: where it has no more (one stands
for all that is transparent), these are kept, else they are those of the clip, or are
chosen by :mod:`luigi_gif.imaging.frame_palette`.

Pure code: bytes in, values out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import gif
from luigi_gif.imaging import decode, geometry
from luigi_gif.imaging.few_colors import IndexedPicture, exactly_indexed
from luigi_gif.imaging.image_data import encode_picture
from luigi_gif.imaging.look import Look

if TYPE_CHECKING:
    from PIL import Image

    from luigi_gif.imaging.common_palette import CommonPalette
    from luigi_gif.imaging.pixel_facts import PixelFacts

CUT_CAPTION = "the caption is larger than the frame, and cut off"


class EncodedImage(NamedTuple):
    """An image that was made of another."""

    image: gif.Image
    images: int
    """How many there are where it comes from."""
    notes: list[str]
    """What the user is to know of it."""
    facts: PixelFacts | None = None
    """Of the picture in all of its colors, if they are asked for."""


def to_gif(
    data: bytes, look: Look, common: CommonPalette | None = None, *, with_facts: bool = False
) -> EncodedImage:
    """Encode the first image of some data as one of a GIF.

    Parameters
    ----------
    data : bytes
        An image of any format.
    look : Look
        What the image is to become.
    common : CommonPalette, optional
        Is used where it fits; else the image gets a palette of its own.
    with_facts : bool
        Whether to look at what its pixels have to tell.

    Raises
    ------
    Undecodable
        If the data give no image, or a larger one.
    MemoryError, OSError
        If the machine lacks something: that says nothing of the image.
    """
    decoded, facts = _finished(data, look, with_facts=with_facts)
    picture = decoded.picture
    chosen = _of_few_colors(picture, look, common)
    if chosen is None:
        from luigi_gif.imaging import many_colors  # and NumPy, which takes a while

        chosen = many_colors.indexed(picture, look, common)
    image = gif.Image(
        screen=picture.size,
        position=(0, 0),
        size=picture.size,
        interlaced=False,
        color_table=gif.pad_color_table(chosen.colors),
        delay_cs=decoded.delay_cs,
        transparent_index=chosen.transparent_index,
        data=encode_picture(chosen.indexes),
    )
    return EncodedImage(image, decoded.images, decoded.notes, facts)


def to_picture(data: bytes, look: Look) -> decode.DecodedImage:
    """The first image of some data as :func:`to_gif` takes it, in all of its colors: RGB or RGBA.

    See Also
    --------
    to_gif : Has the same parameters, and raises the same errors.
    """
    return _finished(data, look, with_facts=False)[0]


def _finished(
    data: bytes, look: Look, *, with_facts: bool
) -> tuple[decode.DecodedImage, PixelFacts | None]:
    """The first image, cropped, in its size and with its caption."""
    decoded = decode.decode_image(data, look.max_pixels, look.value_range)
    picture = geometry.apply_geometry(decoded.picture, look)
    facts = None
    if with_facts:
        from luigi_gif.imaging.pixel_facts import pixel_facts  # and NumPy, which few runs need

        facts = pixel_facts(decoded.picture, picture, look)
    notes = decoded.notes
    if look.caption is not None:
        from luigi_gif.imaging.caption import draw_caption  # and fonts, which few runs need

        if not draw_caption(picture, look.caption):
            notes = [*notes, CUT_CAPTION]
    return decoded._replace(picture=picture, notes=notes), facts


def _of_few_colors(
    picture: Image.Image, look: Look, common: CommonPalette | None
) -> IndexedPicture | None:
    """A picture of so few colors that it keeps them; None where it may not, or has more."""
    max_colors = min(look.colors, gif.MAX_COLORS)
    if common is not None:
        if math.isinf(common.max_error):
            return None  # they are for each frame
        max_colors = min(max_colors, len(common.colors) // 3)
    return exactly_indexed(picture, max_colors) if picture.mode == "RGB" else None
