"""A picture in the middle of the canvas of an animation, and what changed since the one before.

Pure code: pictures in, pictures out.
"""

from __future__ import annotations

from PIL import Image, ImageChops

from luigi_gif.imaging.look import Box, Size

_NOTHING = (0, 0, 0, 0)


def on_canvas(picture: Image.Image, size: Size) -> Image.Image:
    """The picture in the middle of a canvas, in RGB where all of that is opaque, else in RGBA.

    What is free of the canvas is transparent. What is transparent has one color, so that it is
    the same in two pictures that look the same.
    """
    if picture.mode == "RGBA":
        alpha = picture.getchannel("A")
        lowest, _ = alpha.getextrema()
        if lowest == 255:
            picture = picture.convert("RGB")
        elif lowest == 0:
            picture = picture.copy()
            picture.paste(_NOTHING, mask=alpha.point(lambda value: 255 * (value == 0)))
    if picture.size == size:
        return picture
    canvas = Image.new("RGBA", size, _NOTHING)
    position = (size[0] - picture.width) // 2, (size[1] - picture.height) // 2
    canvas.paste(picture, position)
    return canvas


def on_background(picture: Image.Image, color: tuple[int, int, int]) -> Image.Image:
    """The picture, RGB or RGBA, on a color."""
    if picture.mode == "RGB":
        return picture
    flat = Image.new("RGB", picture.size, color)
    flat.paste(picture, mask=picture.getchannel("A"))
    return flat


def repeat_edges(picture: Image.Image, size: Size) -> Image.Image:
    """The picture in a size that may have a pixel more, its last column and row twice for it."""
    larger = Image.new(picture.mode, size)
    for left in (size[0] - picture.width, 0):
        for top in (size[1] - picture.height, 0):
            larger.paste(picture, (left, top))
    return larger


def changed_box(picture: Image.Image, before: Image.Image | None, step: int = 1) -> Box:
    """The smallest rectangle that holds all pixels in which a picture differs from another.

    Parameters
    ----------
    picture, before : Image
        Of one size; without one before it, all pixels differ.
    step : int
        Of which its left and its top are multiples.

    Returns
    -------
    tuple of int
        Left, top, right and bottom. It is of one pixel where none differs.
    """
    if before is None:
        return (0, 0, *picture.size)
    if picture.mode != before.mode:
        picture, before = picture.convert("RGBA"), before.convert("RGBA")
    found = ImageChops.difference(picture, before).getbbox(alpha_only=False)
    left, top, right, bottom = found or (0, 0, 1, 1)
    return left - left % step, top - top % step, right, bottom
