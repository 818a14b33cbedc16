"""What the pixels of a picture have to tell: whether it is like another, and of one color.

Pure code: pictures in, values out.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from luigi_gif.imaging.look import OPAQUE_FROM, Look


class PixelFacts(NamedTuple):
    """What the pixels of a picture have to tell."""

    sha256: str
    """Of its size and of all that it shows: the same for the same pixels, whatever their file."""
    one_color: bool
    """Whether all of its pixels have one color, or none of them is shown."""


def pixel_facts(picture: Image.Image, finished: Image.Image, look: Look) -> PixelFacts:
    """Look at the pixels of a picture.

    Parameters
    ----------
    picture : Image
        As it was decoded, in RGB or RGBA. It is of one color if the part is that is kept: padding
        does not count.
    finished : Image
        The same cropped, in its size and on its background.
    look : Look
        What it is to become.
    """
    box = look.kept_box(picture.size)
    part = picture if box == (0, 0, *picture.size) else picture.crop(box)
    return PixelFacts(_sha256(finished), _is_of_one_color(part, look))


def _sha256(picture: Image.Image) -> str:
    digest = hashlib.sha256(b"%dx%d" % picture.size)
    pixels = np.asarray(picture)
    if picture.mode == "RGBA":
        shown = pixels[..., 3] >= OPAQUE_FROM
        pixels = pixels[..., :3]
        if not shown.all():
            # What lies below transparent pixels may have any color.
            digest.update(np.packbits(shown).data)
            pixels = np.where(shown[..., np.newaxis], pixels, np.uint8(0))
    digest.update(np.ascontiguousarray(pixels).reshape(-1).data)
    return digest.hexdigest()


def _is_of_one_color(picture: Image.Image, look: Look) -> bool:
    if picture.mode == "RGBA" and look.background is None:  # alpha only says what is shown
        alpha: Any = picture.getchannel("A").getextrema()
        if alpha[1] < OPAQUE_FROM:
            return True
        if alpha[0] < OPAQUE_FROM:
            return False
        picture = picture.convert("RGB")
    return picture.getcolors(1) is not None  # which is told by the first pixels, as a rule
