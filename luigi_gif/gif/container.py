"""The GIF container: its blocks by their names in the specification.

Source: GRAPHICS INTERCHANGE FORMAT(sm), Version 89a, CompuServe Incorporated,
31 July 1990, https://www.w3.org/Graphics/GIF/spec-gif89a.txt. Looping is the
Netscape 2.0 application extension. Integers are little-endian.

Pure code: bytes in, values out. Image data is never decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from luigi_gif.errors import Malformed, Truncated
from luigi_gif.gif import lzw

SIGNATURES = (b"GIF87a", b"GIF89a")
EXTENSION_INTRODUCER = 0x21
IMAGE_SEPARATOR = 0x2C
TRAILER = 0x3B
GRAPHIC_CONTROL_LABEL = 0xF9
COMMENT_LABEL = 0xFE
APPLICATION_LABEL = 0xFF

DISPOSE_NOT = 1
"""Disposal method 1: leave the image in place."""
DISPOSE_TO_BACKGROUND = 2
"""Disposal method 2: clear the image's rectangle."""

_LOGICAL_SCREEN = struct.Struct("<6sHHBBB")
_GRAPHIC_CONTROL = struct.Struct("<BBBBHBB")
_IMAGE_DESCRIPTOR = struct.Struct("<BHHHHB")
MAX_SIDE_PIXELS = 0xFFFF
"""Width and height of a logical screen."""
MAX_COLORS = 256
MIN_DELAY_CS = 2
"""In hundredths of a second; browsers show what has a shorter one for 100 ms."""
DEFAULT_DELAY_CS = 10
"""For an image that sets no delay: 100 ms."""
MAX_BLOCKS = 1 << 20
MAX_SHORT_SUB_BLOCKS = 1 << 20
"""An encoder fills all but the last of a block; 255 bytes need not be as many sub-blocks."""
_COLOR_TABLE_FLAG = 0x80
_INTERLACE_FLAG = 0x40
_TRANSPARENCY_FLAG = 0x01
_RAMP = bytes(index for index in range(MAX_COLORS) for _ in range(3))
_LZW_MINIMUM_CODE_SIZES = range(2, 9)
_FULL_SUB_BLOCK_BYTES = 1 + 255
_LOOK_AHEAD = 64 * _FULL_SUB_BLOCK_BYTES
_LOOK_BACK = 4 * _FULL_SUB_BLOCK_BYTES
"""So many lengths in the file behind a cut would have to be 255 by chance."""
_DELIMITER = b"\n" * 4
_ANOTHER_GIF = _DELIMITER + b"GIF8"
_SIZE_BIT = bytes(1 << size - 2 if size in _LZW_MINIMUM_CODE_SIZES else 0 for size in range(256))
"""For a byte that is a minimum code size, a bit of its own."""
_CLEAR_CODE_BITS = bytes(
    sum(
        1 << size - 2
        for size in _LZW_MINIMUM_CODE_SIZES
        if first & (2 << size) - 1 == (1 << size) & 0xFF
    )
    for first in range(256)
)
"""For the first byte of image data, the bits of the sizes whose Clear code it begins with."""
_MAX_HEADER_BYTES = 2 * _FULL_SUB_BLOCK_BYTES
"""Longer ones hold several lengths of the cut GIF, which are hardly ever all 255."""


class Image(NamedTuple):
    """One image of a GIF with what governs it; ``data`` is copied, never decoded."""

    screen: tuple[int, int]
    """Logical screen, width and height in pixels."""
    position: tuple[int, int]
    """Left and top of the image on the logical screen, in pixels."""
    size: tuple[int, int]
    """Width and height of the image in pixels."""
    interlaced: bool
    color_table: bytes
    """The color table in force, local or global: 3 bytes a color, 2 to 256 colors, among
    them the one of the transparent index."""
    delay_cs: int
    """Delay time in hundredths of a second; 0 where the GIF sets none."""
    transparent_index: int | None
    data: memoryview
    """LZW minimum code size, then the data sub-blocks with their terminator."""

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height in pixels that hold the logical screen and the image."""
        return (
            max(self.screen[0], self.position[0] + self.size[0]),
            max(self.screen[1], self.position[1] + self.size[1]),
        )

    @property
    def fills_screen(self) -> bool:
        """Whether the image alone decides every pixel of its logical screen."""
        return (
            self.transparent_index is None and self.position == (0, 0) and self.size == self.screen
        )


def end_of_gif(data: bytes, start: int = 0) -> int:
    """The offset just behind the GIF that starts at ``start``; see :func:`find_end`."""
    return find_end(data, start)[0]


def find_end(data: bytes, start: int = 0) -> tuple[int, int]:
    """The offset just behind the GIF that starts at ``start``, and where to look for a cut.

    A GIF that was cut off may seem to go on in the file behind it. Such a file
    does not begin in front of the second offset: there stand full sub-blocks,
    one behind another.

    A missing Trailer is accepted behind a complete image: the end is then
    where the Trailer should have stood, if a newline or the end of the data
    is there.

    Raises Truncated if the data end first (more of them may help), and
    Malformed if they cannot be a GIF.
    """
    end = start
    first = None
    for label, begin, end in _blocks(data, start):
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
    descriptor = image + _IMAGE_DESCRIPTOR.size
    begin = descriptor + _color_table_bytes(data[descriptor - 1]) + 1
    full = begin + (end - begin - 1) // _FULL_SUB_BLOCK_BYTES * _FULL_SUB_BLOCK_BYTES
    if data[begin:full:_FULL_SUB_BLOCK_BYTES].strip(b"\xff"):
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
    before = data[begin + _FULL_SUB_BLOCK_BYTES - 1 : full : _FULL_SUB_BLOCK_BYTES]
    behind = data[begin + _FULL_SUB_BLOCK_BYTES + 1 : full + 2 : _FULL_SUB_BLOCK_BYTES]
    sizes = int.from_bytes(before.translate(_SIZE_BIT), "little")
    both = sizes & int.from_bytes(behind.translate(_CLEAR_CODE_BITS), "little")
    while both:
        number = (both.bit_length() - 1) // 8
        length = begin + (number + 1) * _FULL_SUB_BLOCK_BYTES
        if data.find(_ANOTHER_GIF, max(begin, length - _MAX_HEADER_BYTES), length) >= 0:
            return True
        both &= (1 << 8 * number) - 1
    return False


def read_first_image(data: bytes, *, is_whole: bool = True) -> tuple[Image, int]:
    """The first image of the GIF in ``data``, and how many images it holds.

    Of one that is not whole, the image has the codes that are there, and what stands behind it
    may be damaged.

    Raises Truncated or Malformed.
    """
    _, width, height, flags, _, _ = _logical_screen(data, 0)
    global_table = _color_table(data, _LOGICAL_SCREEN.size, flags)
    delay_cs, transparent_index = 0, None
    first: Image | None = None
    images, missing, stop = 0, 0, len(data)
    if not is_whole:
        data += bytes(_FULL_SUB_BLOCK_BYTES)  # the rest of a sub-block, and the terminator
    try:
        for label, begin, end in _blocks(data, 0):
            if label == IMAGE_SEPARATOR:
                images += 1
                if first is None:
                    first = _image(data, begin, end, (width, height), global_table)
                    missing = max(0, end - stop)
            elif label == GRAPHIC_CONTROL_LABEL and first is None:
                delay_cs, transparent_index = _graphic_control(data, begin)
    except (Truncated, Malformed):
        if is_whole or first is None:
            raise
    if first is None:
        raise Malformed(len(data), "an image", "a GIF without one")
    if not is_whole:
        codes = lzw.code_data(first.data[: len(first.data) - missing])
        first = first._replace(
            data=memoryview(first.data[:1].tobytes() + b"".join(_sub_blocks(codes)))
        )
    if transparent_index is not None:
        first = first._replace(
            color_table=pad_color_table(first.color_table, transparent_index + 1),
            transparent_index=transparent_index,
        )
    return first._replace(delay_cs=delay_cs), images


def pad_color_table(colors: bytes, min_colors: int = 2) -> bytes:
    """``colors``, 3 bytes each, with black ones behind them: a table's size is a power of two."""
    size = 1 << (max(min_colors, len(colors) // 3, 2) - 1).bit_length()
    return colors.ljust(3 * size, b"\x00")


def is_gray_ramp(color_table: bytes) -> bool:
    """Whether each color of the table is the gray of its index."""
    return color_table == _RAMP[: len(color_table)]


def encode_single(image: Image) -> bytes:
    """A whole GIF89a of one image, as it stands in the GIF that it comes from."""
    return b"".join(
        (
            _screen(image.extent, image.color_table),
            encode_image_blocks(
                image, delay_cs=image.delay_cs, disposal=0, global_table=image.color_table
            ),
            image.data,
            bytes((TRAILER,)),
        )
    )


def displayed_cs(delay_cs: int) -> int:
    """How long players show an image of this delay, in hundredths of a second."""
    return max(delay_cs, MIN_DELAY_CS) if delay_cs else DEFAULT_DELAY_CS


def read_first_comment(data: bytes) -> bytes | None:
    """The text of the first Comment Extension before any image, if there is one.

    ``data`` may be only the beginning of a GIF.
    """
    try:
        for label, begin, _ in _blocks(data, 0):
            if label == IMAGE_SEPARATOR:
                return None
            if label == COMMENT_LABEL:
                return _text(data, begin + 2)
    except (Truncated, Malformed):
        pass
    return None


def encode_header(size: tuple[int, int], color_table: bytes, plays: int, comment: bytes) -> bytes:
    """Everything before the first image of a GIF89a.

    ``size`` is the logical screen in pixels, ``plays`` how often the animation
    is shown (0 is forever). The Netscape extension counts repeats, one less
    than plays; a GIF without it plays once.
    """
    return b"".join(
        (
            _screen(size, color_table),
            b"" if plays == 1 else _looping(0 if plays == 0 else plays - 1),
            bytes((EXTENSION_INTRODUCER, COMMENT_LABEL)),
            b"".join(_sub_blocks(comment)),
        )
    )


def encode_image_blocks(
    image: Image, *, delay_cs: int, disposal: int, global_table: bytes
) -> bytes:
    """What stands before ``image.data`` when ``image`` becomes part of an animation.

    A Graphic Control Extension, an Image Descriptor, and a local color table
    unless the image's own equals ``global_table``.
    """
    transparency = 0 if image.transparent_index is None else _TRANSPARENCY_FLAG
    local_table = b"" if image.color_table == global_table else image.color_table
    flags = _INTERLACE_FLAG if image.interlaced else 0
    if local_table:
        flags |= _COLOR_TABLE_FLAG | _table_size_code(local_table)
    control = _GRAPHIC_CONTROL.pack(
        EXTENSION_INTRODUCER,
        GRAPHIC_CONTROL_LABEL,
        4,
        disposal << 2 | transparency,
        delay_cs,
        image.transparent_index or 0,
        0,
    )
    descriptor = _IMAGE_DESCRIPTOR.pack(IMAGE_SEPARATOR, *image.position, *image.size, flags)
    return control + descriptor + local_table


def _screen(size: tuple[int, int], color_table: bytes) -> bytes:
    """Header, Logical Screen Descriptor and Global Color Table."""
    flags = _COLOR_TABLE_FLAG | 7 << 4 | _table_size_code(color_table)
    return _LOGICAL_SCREEN.pack(b"GIF89a", *size, flags, 0, 0) + color_table


def _blocks(data: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Label, begin and end of each block, the Trailer last: its end is the GIF's.

    The label of an extension is its own, that of an image IMAGE_SEPARATOR.
    """
    flags = _logical_screen(data, start)[3]
    position = start + _LOGICAL_SCREEN.size + _color_table_bytes(flags)
    images = 0
    for _ in range(MAX_BLOCKS):
        begin = position
        introducer = _byte(data, begin) if images == 0 or begin < len(data) else None
        if introducer == IMAGE_SEPARATOR:
            descriptor = begin + _IMAGE_DESCRIPTOR.size
            flags = _byte(data, descriptor - 1)
            position = _end_of_sub_blocks(data, descriptor + _color_table_bytes(flags) + 1, start)
            images += 1
            yield IMAGE_SEPARATOR, begin, position
        elif introducer == EXTENSION_INTRODUCER:
            position = _end_of_sub_blocks(data, begin + 2, start)
            yield data[begin + 1], begin, position
        elif introducer == TRAILER:
            yield TRAILER, begin, begin + 1
            return
        elif images and introducer == 0:
            position = begin + 1  # some encoders write one Block Terminator too many
        elif images and introducer in (None, 0x0A):
            return
        else:
            raise Malformed(
                begin - start, "an image, an extension or the trailer", f"byte 0x{introducer:02x}"
            )
    raise Malformed(position - start, f"at most {MAX_BLOCKS:,} blocks", "more")


def _logical_screen(data: bytes, start: int) -> tuple[bytes, int, int, int, int, int]:
    if len(data) < start + _LOGICAL_SCREEN.size:
        raise Truncated
    screen = _LOGICAL_SCREEN.unpack_from(data, start)
    if screen[0] not in SIGNATURES:
        raise Malformed(0, "GIF87a or GIF89a", repr(screen[0]))
    return screen


def _end_of_sub_blocks(data: bytes, position: int, start: int) -> int:
    """The offset behind the Block Terminator of the sub-blocks at ``position``.

    Encoders fill sub-blocks to their 255 bytes, so length bytes mostly stand
    256 apart: a slice with that stride finds a run of full ones at once, seven
    times faster than going from one to the next.
    """
    for _ in range(MAX_SHORT_SUB_BLOCKS):
        lengths = data[position : position + _LOOK_AHEAD : _FULL_SUB_BLOCK_BYTES]
        full = len(lengths) - len(lengths.lstrip(b"\xff"))
        position += full * _FULL_SUB_BLOCK_BYTES
        if full < len(lengths) or position >= len(data):
            length = _byte(data, position)
            position += 1 + length
            if length == 0:
                return position
    got = f"more than {MAX_SHORT_SUB_BLOCKS:,} that are not"
    raise Malformed(position - start, "a block whose sub-blocks are full", got)


def _byte(data: bytes, offset: int) -> int:
    try:
        return data[offset]
    except IndexError:
        raise Truncated from None


def _color_table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & _COLOR_TABLE_FLAG else 0


def _color_table(data: bytes, offset: int, flags: int) -> bytes:
    return data[offset : offset + _color_table_bytes(flags)]


def _table_size_code(color_table: bytes) -> int:
    return (len(color_table) // 3 - 1).bit_length() - 1


def _image(
    data: bytes, begin: int, end: int, screen: tuple[int, int], global_table: bytes
) -> Image:
    _, left, top, width, height, flags = _IMAGE_DESCRIPTOR.unpack_from(data, begin)
    table_offset = begin + _IMAGE_DESCRIPTOR.size
    local_table = _color_table(data, table_offset, flags)
    color_table = local_table or global_table
    if not color_table:
        raise Malformed(begin, "a local or a global color table", "neither")
    position = table_offset + len(local_table)
    if data[position] not in _LZW_MINIMUM_CODE_SIZES or data[position + 1] == 0:
        got = f"{data[position]} with a first sub-block of {data[position + 1]} bytes"
        raise Malformed(position, "image data with a minimum code size of 2 to 8", got)
    if not width or not height:
        raise Malformed(begin, "an image with pixels", f"{width}x{height}")
    if left + width > MAX_SIDE_PIXELS or top + height > MAX_SIDE_PIXELS:
        got = f"{width}x{height} pixels at {left},{top}"
        raise Malformed(begin, f"an image within {MAX_SIDE_PIXELS:,} pixels", got)
    return Image(
        screen=screen,
        position=(left, top),
        size=(width, height),
        interlaced=bool(flags & _INTERLACE_FLAG),
        color_table=color_table,
        delay_cs=0,
        transparent_index=None,
        data=memoryview(data)[position:end],
    )


def _graphic_control(data: bytes, begin: int) -> tuple[int, int | None]:
    """Delay time in hundredths of a second, and the transparent index."""
    if _byte(data, begin + 2) != 4:
        raise Malformed(begin, "a Graphic Control Extension of 4 bytes", f"{data[begin + 2]}")
    _, _, _, flags, delay_cs, index, _ = _GRAPHIC_CONTROL.unpack_from(data, begin)
    return delay_cs, index if flags & _TRANSPARENCY_FLAG else None


def _looping(repeats: int) -> bytes:
    return (
        bytes((EXTENSION_INTRODUCER, APPLICATION_LABEL, 11))
        + b"NETSCAPE2.0"
        + struct.pack("<BBHB", 3, 1, repeats, 0)
    )


def _sub_blocks(text: bytes) -> Iterator[bytes]:
    for start in range(0, len(text), 255):
        piece = text[start : start + 255]
        yield bytes((len(piece),)) + piece
    yield b"\x00"


def _text(data: bytes, position: int) -> bytes:
    pieces = []
    while length := data[position]:
        pieces.append(data[position + 1 : position + 1 + length])
        position += 1 + length
    return b"".join(pieces)
