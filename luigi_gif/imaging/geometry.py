"""A picture cropped, brought to its size, and laid on a background.

Pure code: pictures in, pictures out.
"""

from __future__ import annotations

from PIL import Image, ImageOps

from luigi_gif import gif
from luigi_gif.errors import Undecodable
from luigi_gif.imaging.look import Box, Look, Size

RESAMPLING = Image.Resampling.LANCZOS
_TRANSPARENT = (0, 0, 0, 0)


def apply_geometry(picture: Image.Image, look: Look) -> Image.Image:
    """The picture, RGB or RGBA, cropped, in its size and on its background.

    Raises
    ------
    Undecodable
        If it does not hold the part that is to be kept, or would be too large.
    """
    box = check_box(picture.size, look)
    if box != (0, 0, *picture.size):
        picture = picture.crop(box)
    size = _check_size(look.fitted(picture.size), look.max_pixels)
    if size != picture.size:
        picture = _FITS[look.fit](picture, size)
    if look.background is None or picture.mode == "RGB":
        return picture
    on_background = Image.new("RGB", picture.size, look.background)
    on_background.paste(picture, mask=picture.getchannel("A"))
    return on_background


def check_box(size: Size, look: Look) -> Box:
    """The part of a picture of this size that is kept.

    Raises
    ------
    Undecodable
        If the picture does not hold it.
    """
    left, top, right, bottom = box = look.kept_box(size)
    width, height = right - left, bottom - top
    if right > size[0] or bottom > size[1]:
        expected = f"a picture that holds the part {width}x{height}+{left}+{top} (see --crop)"
        raise Undecodable(expected, "{}x{} pixels".format(*size))
    if not width or not height:
        expected = "a part of at least one pixel (see --crop)"
        raise Undecodable(expected, f"{width}x{height} of {size[0]}x{size[1]} pixels")
    return box


def _check_size(size: Size, max_pixels: int) -> Size:
    if size[0] * size[1] > max_pixels:
        expected = f"a --size of at most {max_pixels:,} pixels (see --max-megapixels)"
        raise Undecodable(expected, "{}x{}".format(*size))
    if max(size) > gif.MAX_SIDE_PIXELS:
        raise Undecodable(
            f"at most {gif.MAX_SIDE_PIXELS:,} pixels a side, as in a GIF (--size makes it smaller)",
            "{}x{}".format(*size),
        )
    return size


def _contained(picture: Image.Image, size: Size) -> Image.Image:
    """All of it in its own shape, in the middle of what is transparent."""
    # Pillow's own contain() makes a height of 0 of what is very wide, and fails.
    width = round(picture.width / picture.height * size[1])
    height = round(picture.height / picture.width * size[0])
    inner = max(1, min(width, size[0])), max(1, min(height, size[1]))
    resized = picture.resize(inner, RESAMPLING)
    if inner == size:
        return resized
    return ImageOps.pad(resized.convert("RGBA"), size, color=_TRANSPARENT)


def _covering(picture: Image.Image, size: Size) -> Image.Image:
    """The middle of it in the shape of that size."""
    return ImageOps.fit(picture, size, RESAMPLING)


def _stretched(picture: Image.Image, size: Size) -> Image.Image:
    return picture.resize(size, RESAMPLING)


_FITS = {"contain": _contained, "cover": _covering, "fill": _stretched}
