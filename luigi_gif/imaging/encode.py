"""Any image to a one-image GIF.

:mod:`luigi_gif.imaging.decode` gives its pixels, upright, in 8 bits a channel. It is
cropped, resized and captioned if that is asked for (:mod:`luigi_gif.imaging.geometry`
and ``caption``), and brought to 256 colors or fewer: where it has no more (one stands
for all that is transparent), these are kept, else they are those of the clip, or are
chosen by :mod:`luigi_gif.imaging.frame_palette`.

Pure code: bytes in, values out.
"""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.GifImagePlugin import GifImageFile

from luigi_gif import gif
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import common_palette, decode, decode_gif, frame_palette, geometry
from luigi_gif.imaging.common_palette import CommonPalette
from luigi_gif.imaging.frame_palette import Bytes, Mask, Packed
from luigi_gif.imaging.look import OPAQUE_FROM, Look
from luigi_gif.imaging.pixel_data import encode_pixels, free_index
from luigi_gif.imaging.pixel_facts import PixelFacts, pixel_facts

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
    decoded, shown, facts = _prepared(data, look, with_facts=with_facts)
    picture = decoded.picture
    chosen, colors, transparent_index = _paletted(picture, shown, look, common)
    image = gif.Image(
        screen=picture.size,
        position=(0, 0),
        size=picture.size,
        interlaced=False,
        color_table=gif.pad_color_table(colors.tobytes()),
        delay_cs=decoded.delay_cs,
        transparent_index=transparent_index,
        data=encode_pixels(chosen),
    )
    return EncodedImage(image, decoded.images, decoded.notes, facts)


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


def sample_colors(data: bytes, look: Look, pixels: int) -> Packed:
    """Colors of the first image of some data, for a palette that many have in common.

    Parameters
    ----------
    data, look
        As those of :func:`to_gif`, which raises the same errors.
    pixels : int
        About how many of its pixels are looked at.

    Returns
    -------
    ndarray
        A color a pixel, packed: red + 256 * green + 65,536 * blue.
    """
    decoded, shown, _ = _prepared(data, look)
    return common_palette.sample_picture(decoded.picture, shown, pixels)


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


def to_picture(data: bytes, look: Look) -> decode.DecodedImage:
    """The first image of some data as :func:`to_gif` takes it, in all of its colors: RGB or RGBA.

    See Also
    --------
    to_gif : Has the same parameters, and raises the same errors.
    """
    return _finished(data, look, with_facts=False)[0]


def gif_to_picture(image: gif.Image, look: Look) -> decode.DecodedImage:
    """The image of a GIF in the same way. What it leaves free is transparent."""
    if image.size != image.extent:
        image = make_clearable(image)
    return to_picture(gif.encode_single(image), look)


def _prepared(
    data: bytes, look: Look, *, with_facts: bool = False
) -> tuple[decode.DecodedImage, Mask | None, PixelFacts | None]:
    """The first image, cropped and in its size, in RGB, and which of its pixels are shown."""
    decoded, facts = _finished(data, look, with_facts=with_facts)
    flat, shown = _flattened(decoded.picture)
    return decoded._replace(picture=flat), shown, facts


def _finished(
    data: bytes, look: Look, *, with_facts: bool
) -> tuple[decode.DecodedImage, PixelFacts | None]:
    """The first image, cropped, in its size and with its caption."""
    decoded = decode.decode_image(data, look.max_pixels, look.value_range)
    picture = geometry.apply_geometry(decoded.picture, look)
    facts = pixel_facts(decoded.picture, picture, look) if with_facts else None
    notes = decoded.notes
    if look.caption is not None:
        from luigi_gif.imaging.caption import draw_caption  # and fonts, which few runs need

        if not draw_caption(picture, look.caption):
            notes = [*notes, CUT_CAPTION]
    return decoded._replace(picture=picture, notes=notes), facts


def _flattened(picture: Image.Image) -> tuple[Image.Image, Mask | None]:
    """The picture in RGB, and which of its pixels are shown, height x width; None if all.

    Those that are not have the color of one that is.
    """
    if picture.mode == "RGB":
        return picture, None
    alpha = picture.getchannel("A")
    flat = picture.convert("RGB")
    shown = np.asarray(alpha) >= OPAQUE_FROM
    if shown.all():
        return flat, None
    top, left = divmod(int(shown.argmax()), picture.width)
    color = flat.getpixel((left, top))
    assert isinstance(color, tuple)
    flat.paste(color, mask=alpha.point(lambda value: 255 * (value < OPAQUE_FROM)))
    return flat, shown


def _paletted(
    picture: Image.Image, shown: Mask | None, look: Look, common: CommonPalette | None
) -> tuple[Bytes, Bytes, int | None]:
    """Color indexes, height x width, their colors, n x 3, and the transparent index."""
    dithered = look.dither == "ordered"
    if common is not None:
        chosen_common = common_palette.indexed(common, picture, shown, dithered=dithered)
        if chosen_common is not None:
            return _with_transparent(chosen_common, common_palette.table(common), shown)
    max_colors = min(look.colors, gif.MAX_COLORS - (shown is not None))
    chosen, colors = frame_palette.quantize(
        picture, shown, max_colors, look.quality, dithered=dithered
    )
    return (chosen, colors, None) if shown is None else _with_transparent(chosen, colors, shown)


def _with_transparent(
    chosen: Bytes, colors: Bytes, shown: Mask | None
) -> tuple[Bytes, Bytes, int | None]:
    """The same with one more color, whose index is that of all pixels that are not shown."""
    transparent_index = len(colors)
    more = np.concatenate((colors, np.zeros((1, 3), np.uint8)))
    if shown is None:
        return chosen, more, None
    return np.where(shown, chosen, np.uint8(transparent_index)), more, transparent_index
