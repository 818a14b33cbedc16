"""Images for bundles, and what stands between them."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

DELIMITER = b"\n" * 4
FORMATS = ("GIF", "PNG", "JPEG", "WebP", "BMP", "TIFF")


def saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_, **options)
    return file.getvalue()


def gif(color: int = 1, size: tuple[int, int] = (3, 2), **options: object) -> bytes:
    """A GIF of one image in one of 4 colors, as Pillow makes it."""
    image = Image.new("P", size, color)
    image.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30, 30, 30, 200])
    return saved(image, "GIF", **{"optimize": False, **options})


def true_color(number: int) -> bytes:
    """A picture of thousands of colors, in one of six formats."""
    size = (64, 48) if number % 4 else (40, 48)
    gradient = Image.radial_gradient("L").resize(size)
    bands = [gradient.rotate(15 * number + 70 * band) for band in range(3)]
    picture = Image.merge("RGB", bands)
    if number % 5 == 0:
        picture.putalpha(gradient.point(lambda value: 255 * (value > 60)))
    format_ = ("PNG", "WebP", "TIFF")[number % 3] if number % 5 == 0 else FORMATS[number % 6]
    return saved(picture, format_, lossless=True)


def png(
    depth: int, color_type: int, size: tuple[int, int], row: bytes, *chunks: tuple[bytes, bytes]
) -> bytes:
    """A PNG of equal rows, by its specification."""
    header = struct.pack(">IIBBBBB", *size, depth, color_type, 0, 0, 0)
    pixels = zlib.compress((b"\0" + row) * size[1])
    every = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in every
    )
