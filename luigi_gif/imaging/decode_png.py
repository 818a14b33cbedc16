"""A PNG as Pillow reads it, given only the chunks that its pixels need.

W3C Recommendation, Portable Network Graphics. Pure code.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Iterator
from fractions import Fraction

from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngImageFile

from luigi_gif.imaging import color_profiles, png_rows, repeated_rows, tiff_directories
from luigi_gif.imaging.delays import nearest_cs
from luigi_gif.imaging.opened_image import OpenedImage, load

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_NOTED = (b"acTL", b"fcTL", b"cHRM", b"cICP", b"eXIf", b"gAMA", b"iCCP", b"sRGB", b"tRNS")
FRAME_CONTROL = struct.Struct(">5I2H2B")
"""What an fcTL chunk holds: PNG, section 11.3.4.3. Sequence number, width, height, left, top,
delay (numerator, denominator), disposal, blending."""
_DEPTH, _COLOR_TYPE = 24, 25
"""Offsets of the bit depth and the color type, behind signature, chunk header and size."""
_GRAY_ALPHA = 4


def open_png(data: bytes) -> OpenedImage:
    """The first image of a PNG. Raises whatever Pillow does."""
    kept, chunks = [memoryview(SIGNATURE)], {}
    animated = False
    view = memoryview(data)
    for kind, start, end in iterate_chunks(data):
        if kind in PIXEL_CHUNKS:
            kept.append(view[start:end])
        if kind in _NOTED and kind not in chunks:
            chunks[kind] = data[start + 8 : end - 4]
        animated |= kind == b"IDAT" and b"fcTL" in chunks
    # All but the pixels stands in front of the first IDAT: those behind it are not copied for that.
    kinds = [bytes(chunk[4:8]) for chunk in kept]
    end = kinds.index(b"IDAT") + 1 if b"IDAT" in kinds else len(kept)
    picture = PngImageFile(io.BytesIO(b"".join(kept[:end])))
    images = int.from_bytes(chunks.get(b"acTL", b"")[:4], "big")
    return OpenedImage(
        picture.size,
        functools.partial(_decode_pixels, kept, chunks.get(b"tRNS", b"")),
        max(1, images + (images > 0 and not animated)),
        tiff_directories.exif_orientation(chunks.get(b"eXIf", b"").removeprefix(b"Exif\0\0")),
        color_profiles.of_png(chunks),
        delay_cs=_delay_cs(chunks[b"fcTL"]) if animated and images == 1 else 0,
    )


def _delay_cs(control: bytes) -> int:
    """How long the frame of an fcTL chunk is to be shown; 0 where the chunk is damaged."""
    if len(control) != FRAME_CONTROL.size:
        return 0
    numerator, denominator = FRAME_CONTROL.unpack(control)[5:7]
    return nearest_cs(delay_ms(numerator, denominator))


def delay_ms(numerator: int, denominator: int) -> Fraction:
    """What an fcTL chunk means by a delay, in milliseconds: PNG, section 11.3.4.3."""
    return Fraction(1000 * numerator, denominator or 100)


def iterate_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, begin and end of each chunk; the last may be cut off."""
    position = len(SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length + 4
        yield kind, position, min(end, len(data))
        position = end
        if kind == b"IEND":
            return


def _decode_pixels(kept: list[memoryview], key: bytes) -> Image.Image:
    inflated = png_rows.inflate_rows(kept)
    if inflated is None:
        return _load_pixels(b"".join(kept), key)
    # At once: for each piece that it reads Pillow waits for the interpreter's lock.
    return repeated_rows.decode_rows(inflated, lambda png: _load_pixels(png, key, len(png)))


def _load_pixels(png: bytes, key: bytes, max_block: int = ImageFile.MAXBLOCK) -> Image.Image:
    """Its transparent color as Pillow's pixels have it, which leaves it in the bits of the file.

    PNG, section 11.3.1.1. One that no pixel can have is none.
    """
    picture = PngImageFile(io.BytesIO(png))
    picture.decodermaxblock = max_block
    depth, color_type = png[_DEPTH], png[_COLOR_TYPE]
    max_level = (1 << depth) - 1
    if color_type != 3 and "transparency" in picture.info:
        levels = struct.unpack(f">{len(key) // 2}H", key[: len(key) // 2 * 2])
        if max(levels, default=0) > max_level:
            del picture.info["transparency"]
        elif picture.mode == "L":
            picture.info["transparency"] = levels[0] * 255 // max_level
        elif picture.mode == "RGB" and max_level > 255:
            picture.info["transparency"] = tuple(level >> 8 for level in levels)
    pixels = load(picture)
    if color_type == _GRAY_ALPHA and pixels.mode == "RGBA":
        # So Pillow has it where there are 16 bits; a profile of gray is not for that.
        pixels = pixels.convert("LA")
    return pixels
