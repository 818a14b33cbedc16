"""Images as GIFs of one image, and what Pillow shows of these."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from luigi_gif import gif as gif_
from luigi_gif.imaging import encode as image_
from luigi_gif.imaging import pixel_data
from luigi_gif.imaging.frame_palette import Bytes
from luigi_gif.imaging.look import Look, Size
from support.images import saved

ORIENTATION = 0x0112


def to_gif(data: bytes, *, max_pixels: int = 1 << 16, **look: Any) -> tuple[gif_.Image, int]:
    made = image_.to_gif(data, Look(max_pixels, **look))
    return made.image, made.images


def shown(image: gif_.Image) -> Bytes:
    """What Pillow shows of it: red, green, blue and alpha."""
    with Image.open(io.BytesIO(gif_.encode_single(image))) as picture:
        return np.asarray(picture.convert("RGBA"))


def colors(data: bytes, **look: Any) -> Bytes:
    """The colors of an image that is opaque as a GIF."""
    pixels = shown(to_gif(data, **look)[0])
    assert (pixels[..., 3] == 255).all()
    return pixels[..., :3]


def made(indexes: Bytes, table: bytes) -> gif_.Image:
    """An opaque image in the middle of a larger screen."""
    return gif_.Image(
        screen=(indexes.shape[1] + 6, indexes.shape[0] + 4),
        position=(3, 2),
        size=(indexes.shape[1], indexes.shape[0]),
        interlaced=False,
        color_table=table,
        delay_cs=4,
        transparent_index=None,
        data=pixel_data.encode_pixels(indexes),
    )


def picture(size: Size = (16, 8), mode: str = "RGB") -> Image.Image:
    """Four large areas of one color each, which even a JPEG keeps nearly."""
    image = Image.new("RGB", size, (200, 100, 50))
    width, height = size[0] // 2, size[1] // 2
    image.paste((20, 200, 90), (width, 0, size[0], height))
    image.paste((10, 30, 220), (0, height, width, size[1]))
    image.paste((250, 250, 250), (width, height, *size))
    return image.convert(mode)


def several() -> Iterator[tuple[str, bytes]]:
    others = [Image.new("RGB", (16, 8), color) for color in ("black", "yellow")]
    options = {"save_all": True, "append_images": others}
    yield "TIFF", saved(picture(), "TIFF", **options)
    yield "WebP", saved(picture(), "WebP", lossless=True, duration=50, **options)
    yield "APNG", saved(picture(), "PNG", duration=50, **options)
    yield "GIF", saved(picture(), "GIF", duration=50, **options)
    wide = [Image.new("I;16", (16, 8), 65535 * each // 2) for each in range(3)]
    yield "16-bit TIFF", saved(wide[0], "TIFF", save_all=True, append_images=wide[1:])
