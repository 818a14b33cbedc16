"""Whether the image data of a GIF give all of its pixels: its LZW codes, counted.

A GIF has no checksum. What shows that image data are damaged is an invalid
code, or too few pixels before the end. Decoders disagree on both, and some
show nothing of an animation with such an image.

:func:`count_pixels` is exact. :func:`looks_whole` costs a hundredth of that: it
reads only the codes that must stand at known places. The width of a code
follows from its place behind the last Clear code, so where an encoder clears
its table whenever it is full, each Clear code and the End code are found
without the codes between them. Lost and inserted bytes move them, overwritten
bytes destroy them; a code that changed between two of them goes unseen.

Which of them is asked, and when, is decided in frames/frame_to_gif.py.

Source: GIF89a specification, appendix F. Pure code, and without NumPy: a run
that only copies GIFs does without it.
"""

from __future__ import annotations

import functools
import sys
from array import array
from typing import NamedTuple

from luigi_gif.gif.blocks import FULL_SUB_BLOCK_BYTES, MAX_SUB_BLOCK_BYTES

_MAX_WIDTH = 12
_MAX_CODES = 1 << _MAX_WIDTH
_MAX_PILLOW_PIXELS = 1 << 28
"""Pillow needs a byte of memory for each; no frame that can be used has more."""
_CODES_LEFT = (3, 2, 1, 0, 4, 5)
"""How many codes short of a full table encoders clear it, the usual first."""


class PixelCount(NamedTuple):
    """What image data hold."""

    pixels: int
    """How many; counting stops soon behind as many as there should be."""
    end: str
    """What ended them, in words for people; empty where there are enough."""


def code_data(data: bytes | memoryview) -> bytes:
    """The LZW codes: image data without minimum code size and length bytes.

    Data that end before their Block Terminator give what is there.
    """
    position = 1
    codes = bytearray()
    if full := _full_sub_blocks(data):
        position += full * FULL_SUB_BLOCK_BYTES
        codes += data[1:position]
        del codes[::FULL_SUB_BLOCK_BYTES]
    while position < len(data) and (length := data[position]):
        codes += data[position + 1 : position + 1 + length]
        position += 1 + length
    return bytes(codes)


def count_pixels(codes: bytes, minimum_code_size: int, enough: int) -> PixelCount:
    """How many pixels the codes give; 100,000 codes take some 4 ms."""
    clear = 1 << minimum_code_size
    # For each code the pixels that it gives. Clear and End give none: adding to None fails.
    known: list[int | None] = [*[1] * clear, None, None]
    lengths = known.copy()
    pixels, bit, bits = 0, 0, 8 * len(codes)
    while pixels <= enough:
        before = len(lengths)
        width = min((before - 1).bit_length(), _MAX_WIDTH)
        count = (1 << width) + 1 - before if before < _MAX_CODES else _MAX_CODES // 2
        chunk = _unpack_codes(codes, bit, width, min(count, (bits - bit) // width))
        add = lengths.append
        try:
            for code in chunk:
                add(lengths[code] + 1)  # type: ignore[operator]
        except (TypeError, IndexError):
            pass  # the code is Clear or End, or there is none such yet
        added = lengths[before:]
        pixels += sum(added) - len(added)  # type: ignore[arg-type]
        bit += len(added) * width
        if pixels > enough:
            break
        if not chunk:
            return PixelCount(pixels, "the end of the data" if pixels < enough else "")
        if len(added) < len(chunk):
            code = chunk[len(added)]
            if code != clear:
                end = "the End code" if code == clear + 1 else f"the invalid code {code}"
                return PixelCount(pixels, end if pixels < enough else "")
            bit += width
            lengths = known.copy()
        del lengths[_MAX_CODES:]  # a full table takes no more codes
    return PixelCount(pixels, "")


def count_image_pixels(data: bytes | memoryview, size: tuple[int, int]) -> PixelCount:
    """Count the pixels that image data give.

    Pillow tells whether they are as many as there should be, in a third of the
    time and without the interpreter's lock; only if not are the codes counted.

    Parameters
    ----------
    data : bytes or memoryview
        As in :class:`luigi_gif.gif.Image`: GIF89a, section 22.
    size : tuple of int
        Width and height of the image in pixels.

    Returns
    -------
    PixelCount
        Its ``end`` is empty if there are enough.
    """
    pixels = size[0] * size[1]
    if pixels <= _MAX_PILLOW_PIXELS and _gives_exactly(data, pixels):
        return PixelCount(pixels, "")
    return count_pixels(code_data(data), data[0], pixels)


def _gives_exactly(data: bytes | memoryview, pixels: int) -> bool:
    """Whether Pillow's decoder writes the last pixel of an image, and not one more."""
    from PIL import Image

    for unwritten in (255, 0):  # the last pixel may be of this color: then the other tells
        image = Image.new("L", (pixels + 1, 1), unwritten)  # indexes as they are, without a palette
        try:
            image.frombytes(data[1:], "gif", data[0], 0, -1)
        except ValueError:  # no data, or no valid code, for the pixel too many
            if image.getpixel((pixels - 1, 0)) != unwritten:
                return True
        else:
            return False
    return False


def looks_whole(data: bytes | memoryview) -> bool:
    """Whether the Clear codes and the End code of image data stand where they must.

    Parameters
    ----------
    data : bytes or memoryview
        As in :class:`luigi_gif.gif.Image`: GIF89a, section 22 and appendix F.

    Returns
    -------
    bool
        False too where that tells nothing: for an encoder that does not clear a full
        table, and for data that fill none.
    """
    clear = 1 << data[0]
    full = _full_sub_blocks(data)
    last = 1 + full * FULL_SUB_BLOCK_BYTES
    if last + data[last] + (data[last] > 0) != len(data) - 1:
        return False
    bits = 8 * (full * MAX_SUB_BLOCK_BYTES + data[last])
    width = data[0] + 1
    if bits < width or _code(data, width, width) != clear:
        return False
    bit = width
    if not (usual := _to_clear(data, bit, bits, _periods(data[0]))):
        return False
    for low, middle, high, shift in _clear_positions(data[0], usual, (bits - bit) // usual):
        if (data[low] | data[middle] << 8 | data[high] << 16) >> shift & _MAX_CODES - 1 != clear:
            break
        bit += usual
    period = _to_clear(data, bit, bits, _periods(data[0]))
    bit += period  # encoders clear always at the same number of codes, but for the last time
    count, width = _last_code(bits - bit, data[0])
    return count > 0 and _code(data, bit + count, width) == clear + 1


def _full_sub_blocks(data: bytes | memoryview) -> int:
    """How many sub-blocks of 255 bytes there are at the beginning, of those that are whole."""
    lengths = bytes(data[1::FULL_SUB_BLOCK_BYTES])
    full = len(lengths) - len(lengths.lstrip(b"\xff"))
    return min(full, (len(data) - 1) // FULL_SUB_BLOCK_BYTES)


def _code(data: bytes | memoryview, end: int, width: int) -> int:
    """The code that ends before bit ``end`` of sub-blocks that are full."""
    start = end - width
    code = 0
    for index in range((end - 1) >> 3, (start >> 3) - 1, -1):
        code = code << 8 | data[_offset(index)]
    return code >> (start & 7) & (1 << width) - 1


def _offset(index: int) -> int:
    """Where a byte of the codes stands in image data whose sub-blocks are full."""
    return 2 + index + index // MAX_SUB_BLOCK_BYTES


@functools.cache
def _clear_positions(minimum_code_size: int, period: int, count: int) -> list[tuple[int, ...]]:
    """Of so many Clear codes, each ``period`` bits behind the one before: three bytes, a shift."""
    first = minimum_code_size + 1 - _MAX_WIDTH
    starts = [first + (number + 1) * period for number in range(count)]
    # Where a code spans two bytes only, a third could be beyond the data.
    return [
        (*(_offset(bit >> 3) for bit in (start, start + 8, start + _MAX_WIDTH - 1)), start & 7)
        for start in starts
    ]


def _to_clear(data: bytes | memoryview, bit: int, bits: int, periods: tuple[int, ...]) -> int:
    """The first of some distances in bits at whose end a Clear code stands; 0 if none does."""
    for period in periods:
        if bit + period <= bits and _code(data, bit + period, _MAX_WIDTH) == 1 << data[0]:
            return period
    return 0


@functools.cache
def _bits_to(count: int, minimum_code_size: int) -> int:
    """How many bits so many codes take behind a Clear code."""
    bits, width = 0, minimum_code_size + 1
    capacity = (1 << minimum_code_size) - 1
    while count > capacity and width < _MAX_WIDTH:
        bits += capacity * width
        count -= capacity
        capacity = 1 << width
        width += 1
    return bits + count * width


@functools.cache
def _periods(minimum_code_size: int) -> tuple[int, ...]:
    """How many bits may stand between two Clear codes of an encoder, the second included."""
    max_codes = _MAX_CODES - (1 << minimum_code_size)
    return tuple(_bits_to(max_codes - left, minimum_code_size) for left in _CODES_LEFT)


@functools.cache
def _last_code(bits: int, minimum_code_size: int) -> tuple[int, int]:
    """Where the last code ends that fits into so many bits behind a Clear code, and its width."""
    end, width = 0, minimum_code_size + 1
    capacity = (1 << minimum_code_size) - 1
    while width < _MAX_WIDTH and end + capacity * width + width + 1 <= bits:
        end += capacity * width
        capacity = 1 << width
        width += 1
    count = (bits - end) // width
    return end + (count if width == _MAX_WIDTH else min(count, capacity)) * width, width


def _unpack_codes(codes: bytes, bit: int, width: int, count: int) -> array[int]:
    """So many codes of ``width`` bits from ``bit`` on."""
    end = bit + count * width
    packed = int.from_bytes(codes[bit >> 3 : (end + 7) >> 3], "little") >> (bit & 7)
    packed &= (1 << count * width) - 1
    for low, high, shift in _spreading(width, max(0, count - 1).bit_length()):
        packed = packed & low | (packed & high) << shift
    unpacked = array("H", packed.to_bytes(2 * count, "little"))
    if sys.byteorder == "big":
        unpacked.byteswap()
    return unpacked


@functools.cache
def _spreading(width: int, levels: int) -> list[tuple[int, int, int]]:
    """Masks and shifts that spread 2**levels numbers of ``width`` bits to 16 bits each.

    Halves are drawn apart, then their halves, all at once: some operations on one
    large number take a tenth of the time of one operation for each code.
    """
    steps = []
    for level in reversed(range(levels)):
        stride = 32 << level
        repeated = ((1 << (stride << levels - level - 1)) - 1) // ((1 << stride) - 1)
        low = repeated * ((1 << (width << level)) - 1)
        steps.append((low, low << (width << level), 16 - width << level))
    return steps
