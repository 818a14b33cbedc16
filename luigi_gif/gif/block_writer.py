"""Writing the blocks of a GIF: a whole one of one image, or the parts of an animation.

Source: GRAPHICS INTERCHANGE FORMAT(sm), Version 89a, CompuServe Incorporated,
31 July 1990, https://www.w3.org/Graphics/GIF/spec-gif89a.txt. Looping is the
Netscape 2.0 application extension.

Pure code: values in, bytes out. Image data is copied as it is.
"""

from __future__ import annotations

import struct

from luigi_gif.gif.blocks import (
    APPLICATION_LABEL,
    COLOR_TABLE_FLAG,
    COMMENT_LABEL,
    EXTENSION_INTRODUCER,
    GRAPHIC_CONTROL,
    GRAPHIC_CONTROL_LABEL,
    IMAGE_DESCRIPTOR,
    IMAGE_SEPARATOR,
    INTERLACE_FLAG,
    LOGICAL_SCREEN,
    TRAILER,
    TRANSPARENCY_FLAG,
    Image,
)
from luigi_gif.gif.sub_blocks import split_into_sub_blocks

_NETSCAPE = b"NETSCAPE2.0"
_COLOR_RESOLUTION = 7 << 4
"""Eight bits for each primary color."""


def encode_single(image: Image) -> bytes:
    """Encode a whole GIF of one image, as it stands in the GIF that it comes from.

    Parameters
    ----------
    image : Image
        Its logical screen grows to its extent.

    Returns
    -------
    bytes
        Header to Trailer: GIF89a, sections 17 to 27.
    """
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


def encode_header(size: tuple[int, int], color_table: bytes, plays: int, comment: bytes) -> bytes:
    """Encode everything before the first image of an animation.

    Parameters
    ----------
    size : tuple of int
        Width and height of the logical screen in pixels.
    color_table : bytes
        The Global Color Table, 3 bytes a color, 2 to 256 colors by powers of two.
    plays : int
        How often the animation is shown; 0 is forever.
    comment : bytes
        The text of a Comment Extension.

    Returns
    -------
    bytes
        Header, Logical Screen Descriptor, Global Color Table, the Netscape extension unless the
        animation plays once, and the comment: GIF89a, sections 17 to 19, 24 and 26. The
        Netscape extension counts repeats, one less than plays.
    """
    return b"".join(
        (
            _screen(size, color_table),
            b"" if plays == 1 else _looping(0 if plays == 0 else plays - 1),
            bytes((EXTENSION_INTRODUCER, COMMENT_LABEL)),
            b"".join(split_into_sub_blocks(comment)),
        )
    )


def encode_image_blocks(
    image: Image, *, delay_cs: int, disposal: int, global_table: bytes
) -> bytes:
    """Encode what stands before ``image.data`` in an animation.

    Parameters
    ----------
    image : Image
        The image.
    delay_cs : int
        Its delay time in hundredths of a second, in place of its own.
    disposal : int
        Its disposal method, such as :data:`DISPOSE_NOT`.
    global_table : bytes
        The color table of the animation; an image with the same one needs none of its own.

    Returns
    -------
    bytes
        Graphic Control Extension, Image Descriptor and, if it is needed, Local Color Table:
        GIF89a, sections 23, 20 and 21.
    """
    transparency = 0 if image.transparent_index is None else TRANSPARENCY_FLAG
    local_table = b"" if image.color_table == global_table else image.color_table
    flags = INTERLACE_FLAG if image.interlaced else 0
    if local_table:
        flags |= COLOR_TABLE_FLAG | _table_size_code(local_table)
    control = GRAPHIC_CONTROL.pack(
        EXTENSION_INTRODUCER,
        GRAPHIC_CONTROL_LABEL,
        4,
        disposal << 2 | transparency,
        delay_cs,
        image.transparent_index or 0,
        0,
    )
    descriptor = IMAGE_DESCRIPTOR.pack(IMAGE_SEPARATOR, *image.position, *image.size, flags)
    return control + descriptor + local_table


def _screen(size: tuple[int, int], color_table: bytes) -> bytes:
    """Header, Logical Screen Descriptor and Global Color Table."""
    flags = COLOR_TABLE_FLAG | _COLOR_RESOLUTION | _table_size_code(color_table)
    return LOGICAL_SCREEN.pack(b"GIF89a", *size, flags, 0, 0) + color_table


def _looping(repeats: int) -> bytes:
    """The Application Extension that counts repeats; 0 is forever."""
    return (
        bytes((EXTENSION_INTRODUCER, APPLICATION_LABEL, len(_NETSCAPE)))
        + _NETSCAPE
        + struct.pack("<BBHB", 3, 1, repeats, 0)
    )


def _table_size_code(color_table: bytes) -> int:
    """The three bits of a flags byte that tell how many colors a table has."""
    return (len(color_table) // 3 - 1).bit_length() - 1
