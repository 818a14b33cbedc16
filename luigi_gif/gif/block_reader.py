"""Reading the blocks of a GIF: its images, and its comment.

Source: GRAPHICS INTERCHANGE FORMAT(sm), Version 89a, CompuServe Incorporated,
31 July 1990, https://www.w3.org/Graphics/GIF/spec-gif89a.txt.

Pure code: bytes in, values out. Image data is never decoded.
"""

from __future__ import annotations

from collections.abc import Iterator

from luigi_gif.errors import Malformed, Truncated
from luigi_gif.gif import lzw
from luigi_gif.gif.blocks import (
    COMMENT_LABEL,
    EXTENSION_INTRODUCER,
    FULL_SUB_BLOCK_BYTES,
    GRAPHIC_CONTROL,
    GRAPHIC_CONTROL_LABEL,
    IMAGE_DESCRIPTOR,
    IMAGE_SEPARATOR,
    INTERLACE_FLAG,
    LOGICAL_SCREEN,
    LZW_MINIMUM_CODE_SIZES,
    MAX_SIDE_PIXELS,
    SIGNATURES,
    TRAILER,
    TRANSPARENCY_FLAG,
    Image,
    color_table_bytes,
    pad_color_table,
)
from luigi_gif.gif.sub_blocks import end_of_sub_blocks, join_sub_blocks, split_into_sub_blocks

MAX_BLOCKS = 1 << 20
_GRAPHIC_CONTROL_BYTES = 4
_NEWLINE = 0x0A
_MAX_PADDING_BYTES = 64


def read_first_image(data: bytes, *, is_whole: bool = True) -> tuple[Image, int]:
    """Read the first image of the GIF in ``data``, and count its images.

    Of one that is not whole, the image has the codes that are there, and what stands behind it
    may be damaged.

    Returns
    -------
    tuple of Image and int
        The image, its ``data`` a view of the given ones if they are whole; how many there are.

    Raises
    ------
    Truncated, Malformed
        If no image can be read: GIF89a, sections 17 to 23.
    """
    _, width, height, flags, _, _ = _logical_screen(data, 0)
    global_table = _color_table(data, LOGICAL_SCREEN.size, flags)
    delay_cs, transparent_index = 0, None
    first: Image | None = None
    images, missing, stop = 0, 0, len(data)
    if not is_whole:
        data += bytes(FULL_SUB_BLOCK_BYTES)  # the rest of a sub-block, and the terminator
    try:
        for label, begin, end in iterate_blocks(data, 0):
            if label == IMAGE_SEPARATOR:
                images += 1
                if first is None:
                    first = _image(data, begin, end, (width, height), global_table)
                    missing = max(0, end - stop)
            elif label == GRAPHIC_CONTROL_LABEL and first is None:
                _, delay_cs, transparent_index = _graphic_control(data, begin)
    except (Truncated, Malformed):
        if is_whole or first is None:
            raise
    if first is None:
        raise Malformed(len(data), "an image", "a GIF without one")
    if not is_whole:
        first = _without_missing_codes(first, missing)
    return _governed(first, delay_cs, transparent_index), images


def iterate_images(data: bytes) -> Iterator[tuple[Image, int]]:
    """Read the images of the GIF in ``data``, one after another.

    Yields
    ------
    tuple of Image and int
        The image, its ``data`` a view of the given ones, and its disposal method: GIF89a,
        section 23. It is 0 where the GIF sets none.

    Raises
    ------
    Truncated, Malformed
        Where an image cannot be read, when those before it have been.
    """
    _, width, height, flags, _, _ = _logical_screen(data, 0)
    global_table = _color_table(data, LOGICAL_SCREEN.size, flags)
    control: tuple[int, int, int | None] = 0, 0, None
    for label, begin, end in iterate_blocks(data, 0):
        if label == GRAPHIC_CONTROL_LABEL:
            control = _graphic_control(data, begin)
        elif label == IMAGE_SEPARATOR:
            image = _image(data, begin, end, (width, height), global_table)
            disposal, delay_cs, transparent_index = control
            yield _governed(image, delay_cs, transparent_index), disposal
            control = 0, 0, None


def has_several_images(data: bytes) -> bool | None:
    """Whether a second image begins in the GIF in ``data``, be it whole or not.

    None where the data end within the first.
    """
    images, behind = 0, 0
    try:
        for label, _, end in iterate_blocks(data, 0):
            images += label == IMAGE_SEPARATOR
            behind = end
            if images > 1:
                return True
    except Truncated:
        if images == 0:
            return None
        following = data[behind : behind + _MAX_PADDING_BYTES].lstrip(b"\0")
        return following[:1] == bytes((IMAGE_SEPARATOR,))
    except Malformed:
        pass
    return False


def is_one_image(data: bytes) -> bool:
    """Whether data are a GIF of one image, from its header to its trailer, and nothing else."""
    images = 0
    try:
        for label, _, end in iterate_blocks(data, 0):
            if label == TRAILER:
                return images == 1 and end == len(data)
            images += label == IMAGE_SEPARATOR
    except (Truncated, Malformed):
        pass
    return False


def _governed(image: Image, delay_cs: int, transparent_index: int | None) -> Image:
    """The image with what its Graphic Control Extension says."""
    if transparent_index is not None:
        table = pad_color_table(image.color_table, transparent_index + 1)
        image = image._replace(color_table=table, transparent_index=transparent_index)
    return image._replace(delay_cs=delay_cs)


def _without_missing_codes(image: Image, missing: int) -> Image:
    """The image with the codes that stand in front of its last ``missing`` bytes."""
    codes = lzw.code_data(image.data[: len(image.data) - missing])
    data = image.data[:1].tobytes() + b"".join(split_into_sub_blocks(codes))
    return image._replace(data=memoryview(data))


def _image(
    data: bytes, begin: int, end: int, screen: tuple[int, int], global_table: bytes
) -> Image:
    _, left, top, width, height, flags = IMAGE_DESCRIPTOR.unpack_from(data, begin)
    table_offset = begin + IMAGE_DESCRIPTOR.size
    local_table = _color_table(data, table_offset, flags)
    color_table = local_table or global_table
    if not color_table:
        raise Malformed(begin, "a local or a global color table", "neither")
    position = table_offset + len(local_table)
    if data[position] not in LZW_MINIMUM_CODE_SIZES or data[position + 1] == 0:
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
        interlaced=bool(flags & INTERLACE_FLAG),
        color_table=color_table,
        delay_cs=0,
        transparent_index=None,
        data=memoryview(data)[position:end],
    )


def _graphic_control(data: bytes, begin: int) -> tuple[int, int, int | None]:
    """Disposal method, delay time in hundredths of a second, and the transparent index."""
    if _byte(data, begin + 2) != _GRAPHIC_CONTROL_BYTES:
        raise Malformed(begin, "a Graphic Control Extension of 4 bytes", f"{data[begin + 2]}")
    _, _, _, flags, delay_cs, index, _ = GRAPHIC_CONTROL.unpack_from(data, begin)
    return flags >> 2 & 7, delay_cs, index if flags & TRANSPARENCY_FLAG else None


def read_first_comment(data: bytes) -> bytes | None:
    """Read the first Comment Extension that stands before any image.

    Parameters
    ----------
    data : bytes
        A GIF, or the beginning of one.

    Returns
    -------
    bytes or None
        The text; None if there is no such extension: GIF89a, section 24.
    """
    try:
        for label, begin, _ in iterate_blocks(data, 0):
            if label == IMAGE_SEPARATOR:
                return None
            if label == COMMENT_LABEL:
                return join_sub_blocks(data, begin + 2)
    except (Truncated, Malformed):
        pass
    return None


def iterate_blocks(data: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Label, begin and end of each block, the Trailer last: its end is the GIF's.

    The label of an extension is its own, that of an image IMAGE_SEPARATOR.
    """
    flags = _logical_screen(data, start)[3]
    position = start + LOGICAL_SCREEN.size + color_table_bytes(flags)
    images = 0
    for _ in range(MAX_BLOCKS):
        begin = position
        introducer = _byte(data, begin) if images == 0 or begin < len(data) else None
        if introducer == IMAGE_SEPARATOR:
            descriptor = begin + IMAGE_DESCRIPTOR.size
            flags = _byte(data, descriptor - 1)
            position = end_of_sub_blocks(data, descriptor + color_table_bytes(flags) + 1, start)
            images += 1
            yield IMAGE_SEPARATOR, begin, position
        elif introducer == EXTENSION_INTRODUCER:
            position = end_of_sub_blocks(data, begin + 2, start)
            yield data[begin + 1], begin, position
        elif introducer == TRAILER:
            yield TRAILER, begin, begin + 1
            return
        elif images and introducer == 0:
            position = begin + 1  # some encoders write one Block Terminator too many
        elif images and introducer in (None, _NEWLINE):
            return
        else:
            raise Malformed(
                begin - start, "an image, an extension or the trailer", f"byte 0x{introducer:02x}"
            )
    raise Malformed(position - start, f"at most {MAX_BLOCKS:,} blocks", "more")


def _logical_screen(data: bytes, start: int) -> tuple[bytes, int, int, int, int, int]:
    if len(data) < start + LOGICAL_SCREEN.size:
        raise Truncated
    screen = LOGICAL_SCREEN.unpack_from(data, start)
    if screen[0] not in SIGNATURES:
        raise Malformed(0, "GIF87a or GIF89a", repr(screen[0]))
    return screen


def _byte(data: bytes, offset: int) -> int:
    try:
        return data[offset]
    except IndexError:
        raise Truncated from None


def _color_table(data: bytes, offset: int, flags: int) -> bytes:
    return data[offset : offset + color_table_bytes(flags)]
