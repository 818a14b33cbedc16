"""Pictures of more colors than a GIF has, or with transparent pixels, in at most 256.

Their colors are those of the clip, where these fit, or are chosen by
:mod:`luigi_gif.imaging.frame_palette`. Pure code: pictures in, values out.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from luigi_gif import gif
from luigi_gif.imaging import common_palette, encode, frame_palette
from luigi_gif.imaging.common_palette import CommonPalette
from luigi_gif.imaging.few_colors import IndexedPicture
from luigi_gif.imaging.frame_palette import Bytes, Mask
from luigi_gif.imaging.look import OPAQUE_FROM, Look


def indexed(picture: Image.Image, look: Look, common: CommonPalette | None) -> IndexedPicture:
    """A picture in at most 256 colors; one stands for all that is transparent.

    Parameters
    ----------
    picture : Image
        RGB or RGBA.
    look : Look
        How many colors it may have, and how they are chosen.
    common : CommonPalette, optional
        Is used where it fits.
    """
    flat, shown = _flattened(picture)
    indexes, colors, transparent_index = _paletted(flat, shown, look, common)
    return IndexedPicture(Image.fromarray(indexes), colors.tobytes(), transparent_index)


def sample_colors(data: bytes, look: Look, pixels: int) -> bytes:
    """Colors of the first image of some data, for a palette that many have in common.

    Parameters
    ----------
    data, look
        As those of :func:`to_gif`, which raises the same errors.
    pixels : int
        About how many of its pixels are looked at.

    Returns
    -------
    bytes
        A color a pixel, of 4 bytes each: red + 256 * green + 65,536 * blue.
    """
    flat, shown = _flattened(encode.to_picture(data, look).picture)
    return common_palette.sample_picture(flat, shown, pixels)


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
