"""Any image to a one-image GIF.

Pillow decodes the first image, upright, in 8 bits a channel; imageio reads
those of 16 bits, which Pillow would cut off. It is resized if that is asked
for, and brought to 256 colors: where it has no more (one stands for all that
is transparent), these are kept, else they are chosen by :mod:`luigi_gif.palette`.

Pure code: bytes in, values out.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from luigi_gif import gif, palette
from luigi_gif.palette import Bytes, Mask
from luigi_gif.urls import public_text

Size = tuple[int, int]

OPAQUE_FROM = 128
"""The alpha, 0 to 255, from which on a pixel is shown: a GIF knows no half."""
RESAMPLING = Image.Resampling.LANCZOS

_WIDE_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_UNKNOWN_MODES = ("I", "F")
_PNG_DEPTH = 24
"""The offset of the bit depth in a PNG, behind signature, chunk header, width and height."""

# What a decoder thinks of a file's metadata is not for the user's terminal.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Undecodable(ValueError):
    """Data that give no image. ``expected`` and ``got`` are for people."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got


def to_gif(
    data: bytes, fitted: Callable[[Size], Size], quality: str, max_pixels: int
) -> tuple[gif.Image, int]:
    """The first image of ``data`` as one of a GIF, and how many images there are.

    ``fitted`` tells from its width and height in pixels those that it is to
    have.

    Raises Undecodable, also for an image of more than ``max_pixels``.
    """
    picture, images = _decoded(data, max_pixels)
    size = fitted(picture.size)
    if size[0] * size[1] > max_pixels:
        raise Undecodable(f"a size of at most {max_pixels:,} pixels", "{}x{}".format(*size))
    if max(size) > gif.MOST_PIXELS:
        raise Undecodable(
            f"at most {gif.MOST_PIXELS:,} pixels a side, as in a GIF (--size makes it smaller)",
            "{}x{}".format(*size),
        )
    if size != picture.size:
        picture = picture.resize(size, RESAMPLING)
    picture, shown = _flattened(picture)
    chosen, colors, transparent_index = _paletted(picture, shown, quality)
    image = gif.Image(
        screen=size,
        position=(0, 0),
        size=size,
        interlaced=False,
        color_table=gif.padded_table(colors.tobytes()),
        delay_cs=0,
        transparent_index=transparent_index,
        data=encoded(chosen),
    )
    return image, images


def resized(
    image: gif.Image, fitted: Callable[[Size], Size], quality: str, max_pixels: int
) -> gif.Image:
    """The image of a GIF in another size, with its delay; see :func:`to_gif`.

    What it leaves free of its screen is transparent. Raises Undecodable.
    """
    if image.size != image.extent:
        image = clearable(image)
    data = gif.single(image)
    other, _ = to_gif(data, fitted, quality, max_pixels)
    return other._replace(delay_cs=image.delay_cs)


def encoded(indexes: Bytes) -> memoryview:
    """The image data of a GIF for color indexes, height x width."""
    # Pillow lets other threads run while it writes to a real file.
    with tempfile.TemporaryFile() as file:
        Image.fromarray(indexes).save(file, "GIF", interlace=0, optimize=False)
        file.seek(0)
        return gif.first_image(file.read())[0].data


def indexes(data: bytes) -> Bytes:
    """The color indexes, height x width, of the first image of a GIF that fills its screen.

    Raises Undecodable.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture)
    except Exception as error:
        raise Undecodable("a GIF whose pixels can be decoded", _reason(error)) from error


def clearable(image: gif.Image) -> gif.Image:
    """The same image with a transparent index, so that decoders agree on clearing it.

    It is one that no pixel has. Where all 256 colors are in use, the one that
    matters least gives way to its nearest.

    Raises Undecodable.
    """
    colors = len(image.color_table) // 3
    if image.transparent_index is not None:
        return image
    if colors < gif.MOST_COLORS:
        table = gif.padded_table(image.color_table, colors + 1)
        return image._replace(color_table=table, transparent_index=colors)
    pixels = indexes(gif.single(image._replace(screen=image.size, position=(0, 0))))
    if (free := free_index(pixels)) is not None:
        return image._replace(transparent_index=free)
    spared, nearest = palette.least_missed(pixels, image.color_table)
    fewer = np.where(pixels == spared, np.uint8(nearest), pixels)
    return image._replace(interlaced=False, transparent_index=spared, data=encoded(fewer))


def reindexed(image: gif.Image) -> gif.Image:
    """The same image with its colors in another order, or more of them. Raises Undecodable."""
    colors = len(image.color_table) // 3
    if colors < gif.MOST_COLORS:
        return image._replace(color_table=gif.padded_table(image.color_table, colors + 1))
    pixels = indexes(gif.single(image._replace(screen=image.size, position=(0, 0))))
    backwards = np.frombuffer(image.color_table, np.uint8).reshape(-1, 3)[::-1]
    transparent_index = image.transparent_index
    return image._replace(
        interlaced=False,
        color_table=backwards.tobytes(),
        transparent_index=None if transparent_index is None else colors - 1 - transparent_index,
        data=encoded(colors - 1 - pixels),
    )


def free_index(used: Bytes) -> int | None:
    """The first index of 256 that is not among those ``used``."""
    counts = Image.fromarray(used.reshape(1, -1)).histogram()
    return counts.index(0) if 0 in counts else None


def _decoded(data: bytes, max_pixels: int) -> tuple[Image.Image, int]:
    """The first image of ``data``, RGB or RGBA, and how many there are."""
    expected = f"an image of 1 to {max_pixels:,} pixels (see --max-megapixels)"
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if not 0 < picture.width * picture.height <= max_pixels:
                raise Undecodable(expected, f"{picture.width}x{picture.height} pixels")
            images = _count(picture)
            upright = _eight_bit(picture, data)
            ImageOps.exif_transpose(upright, in_place=True)
            return upright, images
    except Undecodable:
        raise
    except Image.DecompressionBombError:
        raise Undecodable(expected, "more than Pillow opens") from None
    except UnidentifiedImageError:
        raise Undecodable("an image that can be decoded", "no beginning of one") from None
    except Exception as error:  # whatever a decoder raises, the image is at fault
        raise Undecodable("an image that can be decoded", _reason(error)) from error


def _count(picture: Image.Image) -> int:
    """How many images there are; 1 where those behind the first are damaged."""
    try:
        return getattr(picture, "n_frames", 1)
    except Exception:
        picture.seek(0)
        return 1


def _eight_bit(picture: Image.Image, data: bytes) -> Image.Image:
    """The picture in RGB or RGBA."""
    if picture.mode in _UNKNOWN_MODES:
        raise Undecodable("8 or 16 bits a channel", "32 bits, whose range is not known")
    key = picture.info.get("transparency")
    if picture.mode in _WIDE_MODES:
        import imageio.v3 as iio  # few images need it

        wide = iio.imread(data, index=0, plugin="pillow", rotate=True).astype(np.uint32)
        picture = Image.fromarray(((wide * 255 + 32767) // 65535).astype(np.uint8))
        if key is not None:
            picture.putalpha(Image.fromarray(np.where(wide == key, 0, 255).astype(np.uint8)))
    elif picture.format == "PNG" and key is not None:
        picture.info["transparency"] = _key_in_8_bits(picture.mode, key, data[_PNG_DEPTH])
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def _key_in_8_bits(mode: str, key: Any, depth: int) -> Any:
    """A PNG's transparent color as the pixels of a picture of that mode have it.

    Pillow leaves it in the bits of the file (PNG, section 11.3.1.1).
    """
    if mode == "L":
        return key * 255 // ((1 << depth) - 1)
    if mode == "RGB" and depth == 16:
        return tuple(level >> 8 for level in key)
    return key


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
    picture: Image.Image, shown: Mask | None, quality: str
) -> tuple[Bytes, Bytes, int | None]:
    """Color indexes, height x width, their colors, n x 3, and the transparent index."""
    if shown is None:
        return *palette.reduced(picture, None, gif.MOST_COLORS, quality), None
    chosen, colors = palette.reduced(picture, shown, gif.MOST_COLORS - 1, quality)
    transparent_index = len(colors)
    return (
        np.where(shown, chosen, np.uint8(transparent_index)),
        np.concatenate((colors, np.zeros((1, 3), np.uint8))),
        transparent_index,
    )


def _reason(error: Exception) -> str:
    """What a decoder said, in one line; its name for it where it said nothing."""
    return public_text(str(error)[:200]) or type(error).__name__
