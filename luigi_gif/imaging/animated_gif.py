"""The frames of an animated GIF, as browsers show them.

GIF89a, section 23, and what browsers make of it: the canvas begins transparent, what is cleared
becomes transparent, and only the first image makes the canvas larger than the logical screen.
A frame that one image alone decides keeps its very pixel data. Pure code.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from luigi_gif import gif
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode, gif_pictures, pixel_data
from luigi_gif.imaging.composing import without_alpha
from luigi_gif.imaging.frame_palette import Bytes
from luigi_gif.imaging.single_frame import OPAQUE, Packed, SingleFrame, as_picture, encode_png

_RGB = 0xFFFFFF
_TO_PREVIOUS = (gif.DISPOSE_TO_PREVIOUS, 4)
"""Some encoders write the third bit for the third method, and browsers know it."""


def gif_frames(data: bytes, max_pixels: int) -> Iterator[SingleFrame] | None:
    """Each frame of an animated GIF; None where there is one."""
    return _frames(data, max_pixels) if gif.has_several_images(data) else None


def _frames(data: bytes, max_pixels: int) -> Iterator[SingleFrame]:
    canvas = None
    for image, disposal in gif.iterate_images(data):
        if canvas is None:
            decode.check_size(image.extent, max_pixels)
            canvas = _Canvas(image.extent)
        decode.check_size(image.size, max_pixels)
        yield SingleFrame(canvas.show(image, disposal), 10 * image.delay_cs)


class _Canvas:
    """What is shown, drawn only where an image does not cover it."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._pixels: Packed = np.zeros(size[::-1], np.uint32)
        self._is_clear = True
        """Whether nothing is to be seen, whatever the pixels are."""
        self._undrawn: gif.Image | None = None
        """The only image to be seen, if the pixels do not show it yet."""
        self._indexes = np.zeros(_RGB + 1, np.uint8)
        """Of colors."""

    def show(self, image: gif.Image, disposal: int) -> bytes:
        """The frame that an image gives, as an image file; then dispose of the image."""
        covers = image.position == (0, 0) and image.size == self._size
        if covers and (image.transparent_index is None or self._is_clear):
            if disposal not in _TO_PREVIOUS:
                self._is_clear = disposal == gif.DISPOSE_TO_BACKGROUND
                self._undrawn = None if self._is_clear else image
            return _alone(image._replace(screen=self._size))
        self._draw_undrawn()
        region = _region(self._pixels, image)
        before = region.copy() if disposal in _TO_PREVIOUS else None
        _draw(region, image)
        frame = self._encode(image)
        if before is not None:
            region[:] = before
        elif disposal == gif.DISPOSE_TO_BACKGROUND:
            region[:] = 0
            self._is_clear |= covers
        else:
            self._is_clear = False
        return frame

    def _draw_undrawn(self) -> None:
        if self._is_clear or self._undrawn is not None:
            self._pixels[:] = 0
        if self._undrawn is not None:
            _draw(self._pixels, self._undrawn)
        self._undrawn = None

    def _encode(self, image: gif.Image) -> bytes:
        """The canvas as a GIF, with the colors of the last image if they are enough; else a PNG."""
        picture = as_picture(self._pixels)
        found = picture.getcolors(gif.MAX_COLORS)
        if found is None:
            return encode_png(without_alpha(picture), image.delay_cs)
        packed = [int.from_bytes(bytes(color), "little") for _, color in found]  # type: ignore[arg-type]
        values = sorted(color & _RGB for color in packed if color)
        table, indexes = _table_of(values, image)
        transparent_index = None
        if len(values) < len(found):
            transparent_index = image.transparent_index
            if transparent_index is None or table is not image.color_table:
                used = set(indexes)
                transparent_index = next(i for i in range(gif.MAX_COLORS) if i not in used)
            table = gif.pad_color_table(table, transparent_index + 1)
        self._indexes[values] = indexes
        chosen = self._indexes[self._pixels & _RGB]
        if transparent_index is not None:
            chosen[self._pixels == 0] = transparent_index
        return gif.encode_single(
            gif.Image(
                screen=self._size,
                position=(0, 0),
                size=self._size,
                interlaced=False,
                color_table=table,
                delay_cs=image.delay_cs,
                transparent_index=transparent_index,
                data=pixel_data.encode_pixels(chosen),
            )
        )


def _table_of(values: list[int], image: gif.Image) -> tuple[bytes, list[int]]:
    """A color table of these colors, and their indexes in it; the image's if it has them all."""
    known = _colors(image)
    of_image = {
        int(known[index]): index
        for index in reversed(range(len(known)))
        if index != image.transparent_index
    }
    if of_image.keys() >= set(values):
        return image.color_table, [of_image[value] for value in values]
    colors = b"".join(value.to_bytes(3, "little") for value in values)
    return gif.pad_color_table(colors), list(range(len(values)))


def _alone(image: gif.Image) -> bytes:
    """A GIF of an image as it stands. Raises Undecodable where pixels are missing."""
    counted = gif.count_image_pixels(image.data, image.size)
    if counted.end:
        expected = f"image data of {image.size[0] * image.size[1]:,} pixels"
        raise Undecodable(expected, f"{counted.pixels:,} before {counted.end}")
    return gif.encode_single(image)


def _region(pixels: Packed, image: gif.Image) -> Packed:
    """The part of a canvas that an image is for."""
    (left, top), (width, height) = image.position, image.size
    return pixels[top : top + height, left : left + width]


def _draw(region: Packed, image: gif.Image) -> None:
    """Draw an image there; what is beyond the canvas is left out."""
    indexes: Bytes = gif_pictures.decode_indexes(
        gif.encode_single(image._replace(screen=image.size, position=(0, 0)))
    )
    indexes = indexes[: region.shape[0], : region.shape[1]]
    colors = np.zeros(gif.MAX_COLORS, np.uint32)
    known = _colors(image)
    colors[: len(known)] = known
    colors |= np.uint32(OPAQUE)
    is_shown = np.ones(gif.MAX_COLORS, bool)
    if image.transparent_index is not None:
        is_shown[image.transparent_index] = False
    np.copyto(region, colors[indexes], where=is_shown[indexes])


def _colors(image: gif.Image) -> Packed:
    red, green, blue = np.frombuffer(image.color_table, np.uint8).reshape(-1, 3).T.astype(np.uint32)
    return red | green << np.uint32(8) | blue << np.uint32(16)
