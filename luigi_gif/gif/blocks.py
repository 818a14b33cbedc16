"""The parts of a GIF by their names in the specification, as readers and writers share them.

Source: GRAPHICS INTERCHANGE FORMAT(sm), Version 89a, CompuServe Incorporated,
31 July 1990, https://www.w3.org/Graphics/GIF/spec-gif89a.txt. Integers are
little-endian.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

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
DISPOSE_TO_PREVIOUS = 3
"""Disposal method 3: restore what was there before the image."""

LOGICAL_SCREEN = struct.Struct("<6sHHBBB")
"""Header and Logical Screen Descriptor."""
GRAPHIC_CONTROL = struct.Struct("<BBBBHBB")
IMAGE_DESCRIPTOR = struct.Struct("<BHHHHB")
COLOR_TABLE_FLAG = 0x80
INTERLACE_FLAG = 0x40
TRANSPARENCY_FLAG = 0x01

MAX_SIDE_PIXELS = 0xFFFF
"""Width and height of a logical screen."""
MAX_COLORS = 256
LZW_MINIMUM_CODE_SIZES = range(2, 9)
MAX_SUB_BLOCK_BYTES = 255
FULL_SUB_BLOCK_BYTES = 1 + MAX_SUB_BLOCK_BYTES
"""A sub-block that holds as much as it can, with its length byte."""

MIN_DELAY_CS = 2
"""In hundredths of a second; browsers show what has a shorter one for 100 ms."""
MAX_DELAY_CS = 0xFFFF
DEFAULT_DELAY_CS = 10
"""For an image that sets no delay: 100 ms."""
_RAMP = bytes(index for index in range(MAX_COLORS) for _ in range(3))


class Image(NamedTuple):
    """One image of a GIF with what governs it: GIF89a, sections 18 to 23.

    ``data`` is copied, never decoded.
    """

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


def displayed_cs(delay_cs: int) -> int:
    """How long players show an image.

    Parameters
    ----------
    delay_cs : int
        Its delay time in hundredths of a second; 0 if it sets none.

    Returns
    -------
    int
        Hundredths of a second, at least :data:`MIN_DELAY_CS`.
    """
    return max(delay_cs, MIN_DELAY_CS) if delay_cs else DEFAULT_DELAY_CS


def color_table_bytes(flags: int) -> int:
    """How many bytes the color table takes that these flags tell of; 0 where there is none."""
    return 3 << (flags & 7) + 1 if flags & COLOR_TABLE_FLAG else 0


def pad_color_table(colors: bytes, min_colors: int = 2) -> bytes:
    """Fill a color table up with black: its size is a power of two (GIF89a, section 18).

    Parameters
    ----------
    colors : bytes
        Red, green and blue of each color; at most 256 colors.
    min_colors : int
        How many colors the table is to have at least.

    Returns
    -------
    bytes
        The table, 3 bytes a color.
    """
    size = 1 << (max(min_colors, len(colors) // 3, 2) - 1).bit_length()
    return colors.ljust(3 * size, b"\x00")


def minimum_code_size(color_table: bytes) -> int:
    """Of the image data for indexes of this table: GIF89a, appendix F."""
    return max(LZW_MINIMUM_CODE_SIZES[0], (len(color_table) // 3 - 1).bit_length())


def is_gray_ramp(color_table: bytes) -> bool:
    """Whether each color of the table is the gray of its index."""
    return color_table == _RAMP[: len(color_table)]
