"""One image of any format: its pixels, upright, in 8 bits a channel, as browsers show them.

Pillow decodes. Nothing beside the pixels condemns them: what a decoder needs not
is taken out before it sees the data, or is read here, where damage is left out.
A shortage of memory and the errors of a machine are no property of an image:
they are raised as they are.

Pure code: bytes in, values out; Pillow's global settings stay as they are.
"""

from __future__ import annotations

import contextlib
import functools
import io
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from luigi_gif import gif
from luigi_gif.errors import Malformed, Truncated, Undecodable
from luigi_gif.imaging import color_profiles, decode_bmp, decode_tiff, tiff_directories
from luigi_gif.imaging.opened_image import Opened
from luigi_gif.urls import public_text

_WIDE_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_UNKNOWN_MODES = ("I", "F")
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

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_PNG_NOTED = (b"acTL", b"fcTL", b"cHRM", b"cICP", b"eXIf", b"gAMA", b"iCCP", b"sRGB", b"tRNS")
_PNG_DEPTH, _PNG_COLOR_TYPE = 24, 25
"""Offsets of the bit depth and the color type, behind signature, chunk header and size."""

_JPEG_END = b"\xff\xd9"
_JPEG_KEPT = {0xE0, 0xEE}
"""JFIF and Adobe, which tell the color space. The other application segments and comments,
0xE1 to 0xEF and 0xFE, have nothing to do with the pixels."""
_JPEG_LEFT_OUT = {*range(0xE1, 0xF0), 0xFE} - _JPEG_KEPT
_JPEG_FILLS = (b"", b"\x55" * 64, b"\xaa" * 64)
_JPEG_BLOCK_ROWS = 17
"""As many rows as a missing row of blocks, of 16 pixels, can change."""
_JPEG_MISSING_PART = 8
"""At most an eighth of the pixels may be missing."""


class DecodedImage(NamedTuple):
    """The first image of some data."""

    picture: Image.Image
    """RGB or RGBA."""
    images: int
    """How many there are."""
    notes: list[str]
    """What the user is to know of it."""


def decode_image(data: bytes, max_pixels: int) -> DecodedImage:
    """The first image of ``data``. Raises Undecodable, MemoryError, or the machine's OSError."""
    expected = f"an image of 1 to {max_pixels:,} pixels (see --max-megapixels)"
    size = (0, 0)
    try:
        opened = _opened(data)
        size = opened.size
        if min(size) <= 0 or size[0] * size[1] > max_pixels:
            raise Undecodable(expected, "{}x{} pixels".format(*size))
        picture = _eight_bit(opened.decode(), opened.profile)
    except Undecodable:
        raise
    except Exception as error:
        fault = undecodable(error, "an image that can be decoded", size, data)
        if size == (0, 0) and isinstance(error, _UNKNOWN):
            fault = Undecodable(fault.expected, "no beginning of one")
        raise fault from error
    if (turn := _TURNS.get(opened.orientation)) is not None:  # one of them is 0
        picture = picture.transpose(turn)
    return DecodedImage(picture, opened.images, list(opened.notes))


def undecodable(error: Exception, expected: str, size: tuple[int, int], data: bytes) -> Undecodable:
    """The image is at fault for whatever a decoder raises, but for what the machine lacks.

    Decoders say so in many ways, if at all: whether there is memory is tried, untouched (bytes).
    Raises MemoryError, and an OSError that has a number.
    """
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    if isinstance(error, MemoryError) or str(error).startswith("out of memory"):
        raise MemoryError from error
    bytes(max(_MIN_MEMORY_BYTES, 8 * size[0] * size[1] + 4 * len(data)))
    # What a decoder said, in one line; its name for it where it said nothing.
    got = public_text(str(error)[:200]) or type(error).__name__
    return Undecodable(expected, got)


def check_all_pixels(picture: Image.Image, data: bytes) -> None:
    """Raise Undecodable where the GIF in ``data``, which Pillow decoded, has too few pixels.

    Pillow leaves those out without a word. The last one then has the index that
    it fills an image with first; only if it has are the codes counted.
    """
    image, _ = gif.read_first_image(data)
    (left, top), (width, height) = image.position, image.size
    last = (height - 1 - (height % 2 == 1 and height > 1)) if image.interlaced else height - 1
    if picture.getpixel((left + width - 1, top + last)) != (image.transparent_index or 0):
        return
    counted = gif.count_image_pixels(image.data, image.size)
    if counted.end:
        got = f"{counted.pixels:,} before {counted.end}"
        raise Undecodable(f"image data of {width * height:,} pixels", got)


def _opened(data: bytes) -> Opened:
    if data.startswith(_PNG_SIGNATURE):
        return _png(data)
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"RIFF"):
        return _webp(data)
    if data.startswith(b"BM"):
        return decode_bmp.opened(data)
    if data.startswith((b"II", b"MM")):
        return decode_tiff.opened(data)
    if data.startswith(b"GIF8"):
        return _gif(data)
    raise Undecodable("an image that can be decoded", "no beginning of one")


def _eight_bit(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in RGB or RGBA, its colors as its profile says."""
    if picture.mode in _UNKNOWN_MODES:
        raise Undecodable("8 or 16 bits a channel", "32 bits, whose range is not known")
    if picture.mode in _WIDE_MODES:
        picture = _narrow(picture)
    is_cmyk = picture.mode == "CMYK"
    if (
        profile
        and (is_cmyk or picture.mode in ("L", "LA"))
        and not picture.info.get("transparency")
    ):
        picture = color_profiles.to_srgb(picture, profile)
    if is_cmyk:
        profile = None  # one of RGB is not for what CMYK became
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    picture = picture if picture.mode == mode else picture.convert(mode)
    return color_profiles.to_srgb(picture, profile) if profile else picture


def _narrow(picture: Image.Image) -> Image.Image:
    """A picture of 16 bits of gray in 8."""
    key = picture.info.get("transparency")
    wide = np.asarray(picture)
    narrow = decode_tiff.eight_bit(wide, 0xFFFF)
    if key is not None:
        narrow.putalpha(Image.fromarray(np.where(wide == key, 0, 255).astype(np.uint8)))
    return narrow


def _loaded(picture: Image.Image) -> Image.Image:
    picture.load()
    return picture


def _gif(data: bytes) -> Opened:
    picture = GifImageFile(io.BytesIO(data))

    def decode() -> Image.Image:
        picture.load()
        with contextlib.suppress(Malformed, Truncated):
            check_all_pixels(picture, data)
        return picture

    return Opened(picture.size, decode, _frames(picture))


def _webp(data: bytes) -> Opened:
    picture = WebPImageFile(io.BytesIO(data))
    exif = picture.info.get("exif", b"").removeprefix(b"Exif\0\0")
    return Opened(
        picture.size,
        functools.partial(_loaded, picture),
        _frames(picture),
        tiff_directories.orientation(exif),
        picture.info.get("icc_profile"),
    )


def _frames(picture: Any) -> int:
    """How many images there are; 1 where those behind the first are damaged."""
    try:
        return int(getattr(picture, "n_frames", 1))
    except Exception:
        picture.seek(0)
        return 1


def _png(data: bytes) -> Opened:
    kept, chunks = [_PNG_SIGNATURE], {}
    animated = False
    for kind, start, end in _png_chunks(data):
        if kind in _PNG_KEPT:
            kept.append(data[start:end])
        if kind in _PNG_NOTED and kind not in chunks:
            chunks[kind] = data[start + 8 : end - 4]
        animated |= kind == b"IDAT" and b"fcTL" in chunks
    picture = PngImageFile(io.BytesIO(b"".join(kept)))
    images = int.from_bytes(chunks.get(b"acTL", b"")[:4], "big")
    return Opened(
        picture.size,
        functools.partial(_png_pixels, picture, data, chunks.get(b"tRNS", b"")),
        max(1, images + (images > 0 and not animated)),
        tiff_directories.orientation(chunks.get(b"eXIf", b"").removeprefix(b"Exif\0\0")),
        color_profiles.of_png(chunks),
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, begin and end of each chunk; the last may be cut off."""
    position = len(_PNG_SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length + 4
        yield kind, position, min(end, len(data))
        position = end
        if kind == b"IEND":
            return


def _png_pixels(picture: PngImageFile, data: bytes, key: bytes) -> Image.Image:
    """Its transparent color as Pillow's pixels have it, which leaves it in the bits of the file.

    PNG, section 11.3.1.1. One that no pixel can have is none.
    """
    most = (1 << data[_PNG_DEPTH]) - 1
    if data[_PNG_COLOR_TYPE] != 3 and "transparency" in picture.info:
        levels = struct.unpack(f">{len(key) // 2}H", key[: len(key) // 2 * 2])
        if max(levels, default=0) > most:
            del picture.info["transparency"]
        elif picture.mode == "L":
            picture.info["transparency"] = levels[0] * 255 // most
        elif picture.mode == "RGB" and most > 255:
            picture.info["transparency"] = tuple(level >> 8 for level in levels)
    return _loaded(picture)


def _jpeg(data: bytes) -> Opened:
    kept, exif, further = [data[:2]], b"", 0
    profile: dict[int, bytes] = {}
    position = 2
    for code, start, end in _jpeg_segments(data):
        body = data[start + 4 : end]
        position = end
        if code not in _JPEG_LEFT_OUT:
            kept.append(data[start:end])
        elif code == 0xE1 and body.startswith(b"Exif\0\0"):
            exif = exif or body[6:]
        elif code == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
            profile.setdefault(body[12], body[14:])
        elif code == 0xE2 and body.startswith(b"MPF\0"):
            base = start + 8
            further = sum(
                data.startswith(b"\xff\xd8", base + offset)
                for offset, _ in tiff_directories.further_images(body[4:])
                if offset
            )
    plain = b"".join((*kept, data[position:]))
    notes: list[str] = []
    picture = JpegImageFile(io.BytesIO(plain))
    return Opened(
        picture.size,
        functools.partial(_jpeg_pixels, picture, plain, notes),
        1 + further,
        tiff_directories.orientation(exif),
        b"".join(profile[number] for number in sorted(profile)) or None,
        notes,
    )


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker code, begin and end of each segment before the first scan, while they are whole."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        code = data[position + 1]
        if code == 0xFF:
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if code in (0xD9, 0xDA) or end > len(data):
            return
        yield code, position, end
        position = end


def _jpeg_pixels(picture: JpegImageFile, data: bytes, notes: list[str]) -> Image.Image:
    """Where the end is missing: whether pixels are too.

    They are not if the picture is the same whatever bytes follow. A part of its
    last rows may be missing, as decoders show the rest; the user is told.
    """
    try:
        return _loaded(picture)
    except OSError:
        if data.rstrip(b"\0\n").endswith(_JPEG_END):
            raise
        begun = data.removesuffix(b"\xff")
        ends = [JpegImageFile(io.BytesIO(begun + fill + _JPEG_END)) for fill in _JPEG_FILLS]
        first, *others = (np.asarray(each) for each in ends)
        differ = np.zeros(first.shape[:2], bool)
        for other in others:
            differ |= (first != other).reshape(*differ.shape, -1).any(axis=2)
        if differ.any():
            missing = len(differ) - int(np.flatnonzero(differ.any(axis=1))[0])
            if missing > _JPEG_BLOCK_ROWS or differ.sum() * _JPEG_MISSING_PART > differ.size:
                raise
            notes.append("a JPEG that is cut off, with pixels missing in its last rows")
        return ends[0]
