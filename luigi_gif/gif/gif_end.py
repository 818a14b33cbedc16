"""Where a GIF ends, and how far one that was cut off cannot have gone on in another file.

Pure code: bytes in, offsets out. Image data is never decoded.
"""

from __future__ import annotations

from luigi_gif.errors import Malformed
from luigi_gif.gif.block_reader import iterate_blocks
from luigi_gif.gif.blocks import (
    FULL_SUB_BLOCK_BYTES,
    IMAGE_DESCRIPTOR,
    IMAGE_SEPARATOR,
    LZW_MINIMUM_CODE_SIZES,
    color_table_bytes,
)

_LOOK_BACK = 4 * FULL_SUB_BLOCK_BYTES
"""So many lengths in the file behind a cut would have to be 255 by chance."""
_DELIMITER = b"\n" * 4
_ANOTHER_GIF = _DELIMITER + b"GIF8"
_SIZE_BIT = bytes(1 << size - 2 if size in LZW_MINIMUM_CODE_SIZES else 0 for size in range(256))
"""For a byte that is a minimum code size, a bit of its own."""
_CLEAR_CODE_BITS = bytes(
    sum(
        1 << size - 2
        for size in LZW_MINIMUM_CODE_SIZES
        if first & (2 << size) - 1 == (1 << size) & 0xFF
    )
    for first in range(256)
)
"""For the first byte of image data, the bits of the sizes whose Clear code it begins with."""
_MAX_HEADER_BYTES = 2 * FULL_SUB_BLOCK_BYTES
"""Longer ones hold several lengths of the cut GIF, which are hardly ever all 255."""


def end_of_gif(data: bytes, start: int = 0) -> int:
    """Find where a GIF ends: the first of what :func:`find_end` returns."""
    return find_end(data, start)[0]


def find_end(data: bytes, start: int = 0) -> tuple[int, int]:
    """Find where a GIF ends, and from where on it may have been cut off.

    A GIF that was cut off may seem to go on in the file behind it. Such a file
    does not begin in front of the second offset: there stand full sub-blocks,
    one behind another.

    A missing Trailer is accepted behind a complete image: the end is then
    where the Trailer should have stood, if a newline or the end of the data
    is there.

    Parameters
    ----------
    data : bytes
        What holds the GIF.
    start : int
        Offset of its first byte in ``data``.

    Returns
    -------
    end : int
        Offset in ``data`` just behind its Trailer (GIF89a, section 27).
    search_from : int
        Offset in ``data`` from where on to look for the beginning of another file.

    Raises
    ------
    Truncated
        If ``data`` end first; more of them may help.
    Malformed
        If they cannot be a GIF.
    """
    end = start
    first = None
    for label, begin, end in iterate_blocks(data, start):
        if label == IMAGE_SEPARATOR and first is None:
            first = begin, end
    if first is None:
        raise Malformed(end - 1 - start, "an image", "the end of a GIF without one")
    return end, _end_of_full_sub_blocks(data, start, *first) or start


def _end_of_full_sub_blocks(data: bytes, start: int, image: int, end: int) -> int | None:
    """A little in front of the first sub-block of an image that is not full, at ``end`` at most.

    None where a delimiter stands in front of them, where more follow than a last one that is
    not full, or where a length may be that of another GIF: in front of it stands a minimum
    code size then, and a signature not far.
    """
    descriptor = image + IMAGE_DESCRIPTOR.size
    begin = descriptor + color_table_bytes(data[descriptor - 1]) + 1
    full = begin + (end - begin - 1) // FULL_SUB_BLOCK_BYTES * FULL_SUB_BLOCK_BYTES
    if data[begin:full:FULL_SUB_BLOCK_BYTES].strip(b"\xff"):
        return None
    if data.find(_DELIMITER, start, begin) >= 0:
        return None
    if _may_begin_within(data, begin, full):
        return None
    return max(begin, full - _LOOK_BACK)


def _may_begin_within(data: bytes, begin: int, full: int) -> bool:
    """Whether a length of the full sub-blocks there may be the first one of another GIF.

    A minimum code size stands in front of that one, and behind it the Clear code of this size.
    """
    before = data[begin + FULL_SUB_BLOCK_BYTES - 1 : full : FULL_SUB_BLOCK_BYTES]
    behind = data[begin + FULL_SUB_BLOCK_BYTES + 1 : full + 2 : FULL_SUB_BLOCK_BYTES]
    sizes = int.from_bytes(before.translate(_SIZE_BIT), "little")
    both = sizes & int.from_bytes(behind.translate(_CLEAR_CODE_BITS), "little")
    while both:
        number = (both.bit_length() - 1) // 8
        length = begin + (number + 1) * FULL_SUB_BLOCK_BYTES
        if data.find(_ANOTHER_GIF, max(begin, length - _MAX_HEADER_BYTES), length) >= 0:
            return True
        both &= (1 << 8 * number) - 1
    return False
