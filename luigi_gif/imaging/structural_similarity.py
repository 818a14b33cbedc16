"""How alike an image of an animation and the picture that it stands for look.

The structural similarity of Z. Wang, A. C. Bovik, H. R. Sheikh and E. P.
Simoncelli, "Image quality assessment: from error visibility to structural
similarity", IEEE Transactions on Image Processing 13, 2004, of red, green and
blue, in squares beside each other.

Pure code: bytes in, values out.
"""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from luigi_gif import gif
from luigi_gif.imaging.geometry import RESAMPLING

SIDE = 8
"""Of a square, in pixels."""
_SCALE = 1_000_000
_LUMINANCE, _CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""The constants of the formula, which keep it stable where squares are plain."""


class Likeness(NamedTuple):
    """Of some squares together, in whole numbers: the same on every machine."""

    millionths: int
    """The sum of what each square has: a million if both are the same."""
    squares: int


def likeness(animation: bytes, original: gif.Image) -> Likeness:
    """How alike the last image of an animation and its original in the same size look.

    Parameters
    ----------
    animation : bytes
        A GIF.
    original : luigi_gif.gif.Image
        It fills its screen.
    """
    with Image.open(io.BytesIO(animation)) as clip:
        clip.seek(getattr(clip, "n_frames", 1) - 1)
        shown = clip.convert("RGB")
    with Image.open(io.BytesIO(gif.encode_single(original))) as whole:
        meant = whole.convert("RGB").resize(shown.size, RESAMPLING)
    pairs = zip(shown.split(), meant.split(), strict=True)
    found = np.concatenate([_similarity(_squares(one), _squares(other)) for one, other in pairs])
    return Likeness(int(np.rint(_SCALE * found).astype(np.int64).sum()), found.size)


def _squares(band: Image.Image) -> NDArray[np.int64]:
    """The values of each square in a row; what is left over at the edges is left out."""
    values = np.asarray(band, np.int64)
    height, width = (min(SIDE, side) for side in values.shape)
    rows, columns = values.shape[0] // height, values.shape[1] // width
    tiles = values[: rows * height, : columns * width].reshape(rows, height, columns, width)
    return tiles.swapaxes(1, 2).reshape(rows * columns, height * width)


def _similarity(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each square, from whole sums."""
    count = first.shape[1]
    mean, other = first.sum(axis=1) / count, second.sum(axis=1) / count
    variance = (first * first).sum(axis=1) / count - mean * mean
    other_variance = (second * second).sum(axis=1) / count - other * other
    covariance = (first * second).sum(axis=1) / count - mean * other
    found: NDArray[np.float64] = (
        (2 * mean * other + _LUMINANCE)
        * (2 * covariance + _CONTRAST)
        / (mean * mean + other * other + _LUMINANCE)
        / (variance + other_variance + _CONTRAST)
    )
    return found
