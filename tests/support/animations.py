"""Image files of several frames, built part by part as their specifications say."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from PIL import Image

from luigi_gif import gif
from support.images import saved

KEEP, CLEAR, RESTORE = range(3)


class Part(NamedTuple):
    """What one frame lays on the canvas."""

    picture: Image.Image
    """Of mode P for a GIF; ``info["transparency"]`` is its transparent index."""
    position: tuple[int, int] = (0, 0)
    disposal: int = KEEP
    delay_ms: int = 100
    is_blended: bool = True


def animated_gif(
    screen: tuple[int, int], parts: Iterable[Part], global_table: bytes = b""
) -> bytes:
    """A GIF; pictures that have the global table get none of their own."""
    flags = 0x80 | ((len(global_table) // 3).bit_length() - 2) if global_table else 0
    head = struct.pack("<6sHHBBB", b"GIF89a", *screen, flags, 0, 0) + global_table
    blocks = b""
    for number, part in enumerate(parts):
        data = saved(part.picture, "GIF", optimize=False, interlace=number % 2)
        image, _ = gif.read_first_image(data)
        table = gif.pad_color_table(bytes(part.picture.getpalette() or ()))
        blocks += gif.encode_image_blocks(
            image._replace(position=part.position, color_table=table),
            delay_cs=part.delay_ms // 10,
            disposal=part.disposal + 1,
            global_table=global_table,
        )
        blocks += bytes(image.data)
    return head + blocks + b";"


def animated_png(
    size: tuple[int, int],
    parts: Iterable[Part],
    *chunks: tuple[bytes, bytes],
    hidden: Image.Image | None = None,
) -> bytes:
    """An animated PNG with further chunks; a hidden picture is that of other programs."""
    parts = list(parts)
    blocks = [png_chunk(b"acTL", struct.pack(">2I", len(parts), 0))]
    blocks += [png_chunk(kind, body) for kind, body in chunks]
    if hidden is not None:
        blocks.append(png_chunk(b"IDAT", png_pixels(hidden)))
    number = 0
    for part in parts:
        place = (*part.picture.size, *part.position)
        rest = (part.delay_ms, 1000, part.disposal, part.is_blended)
        blocks.append(png_chunk(b"fcTL", struct.pack(">5I2H2B", number, *place, *rest)))
        number += 1
        pixels = png_pixels(part.picture)
        if number == 1 and hidden is None:
            blocks.append(png_chunk(b"IDAT", pixels))
            continue
        for piece in (pixels[:9], pixels[9:]):
            blocks.append(png_chunk(b"fdAT", struct.pack(">I", number) + piece))
            number += 1
    head = saved(parts[0].picture, "PNG")[24:29]
    header = png_chunk(b"IHDR", struct.pack(">2I", *size) + head)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(blocks) + png_chunk(b"IEND", b"")


def png_pixels(picture: Image.Image) -> bytes:
    """What stands in the chunk IDAT of a small picture."""
    data = saved(picture, "PNG")
    begin = data.index(b"IDAT") + 4
    return data[begin : begin + int.from_bytes(data[begin - 8 : begin - 4], "big")]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def animated_webp(
    size: tuple[int, int],
    parts: Iterable[Part],
    profile: bytes = b"",
    exif: bytes = b"",
    **options: object,
) -> bytes:
    """A WebP; positions are even."""
    frames = b""
    for part in parts:
        body = saved(part.picture, "WebP", **{"lossless": True, "exact": True, **options})[12:]
        if body.startswith(b"VP8X"):
            body = body[18:]
        left, top = part.position
        width, height = part.picture.size
        numbers = left // 2, top // 2, width - 1, height - 1, part.delay_ms
        flags = (0 if part.is_blended else 2) | (part.disposal == CLEAR)
        place = b"".join(map(_three_bytes, numbers))
        frames += _riff(b"ANMF", place + bytes((flags,)) + body)
    flags = 0x12 | (0x20 if profile else 0) | (0x08 if exif else 0)
    sides = _three_bytes(size[0] - 1) + _three_bytes(size[1] - 1)
    head = _riff(b"VP8X", bytes((flags, 0, 0, 0)) + sides)
    head += _riff(b"ICCP", profile) if profile else b""
    head += _riff(b"ANIM", b"\x40\x80\xff\xff\0\0")
    return _riff(b"RIFF", b"WEBP" + head + frames + (_riff(b"EXIF", exif) if exif else b""))


def _riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _three_bytes(number: int) -> bytes:
    return number.to_bytes(3, "little")


def drawn(draw: random.Random, size: tuple[int, int], alphas: tuple[int, ...]) -> Image.Image:
    """A picture of random pixels in RGBA with these alphas."""
    pixels = [
        (draw.randrange(256), draw.randrange(256), draw.randrange(256), draw.choice(alphas))
        for _ in range(size[0] * size[1])
    ]
    image = Image.new("RGBA", size)
    image.putdata(pixels)
    return image


def drawn_parts(
    draw: random.Random, size: tuple[int, int], count: int, alphas: tuple[int, ...]
) -> list[Part]:
    """Parts all over a canvas, the first of which covers it; with every disposal and blending.

    Half transparent ones are blended with what is opaque.
    """
    stays_opaque = not set(alphas) <= {0, 255}
    parts = [Part(drawn(draw, size, (255,)))]
    for number in range(count - 1):
        left, top = 2 * draw.randrange(size[0] // 2), 2 * draw.randrange(size[1] // 2)
        own = draw.randint(1, size[0] - left), draw.randint(1, size[1] - top)
        place = ((0, 0), size) if draw.random() < 0.2 else ((left, top), own)
        delay = draw.choice((0, 5, 33, 40, 100))
        picture = drawn(draw, place[1], alphas)
        disposal, is_blended = number % 3, draw.random() < 0.7
        if stays_opaque:
            disposal, is_blended = KEEP, True
        parts.append(Part(picture, place[0], disposal, delay, is_blended))
    return parts
