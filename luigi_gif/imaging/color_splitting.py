"""Few colors that stand for many, each of which counts as often as pixels have it.

The colors are split in two again and again, each time the group with the
largest squared error, where that lowers the error most (X. Wu, "Color
quantization by dynamic programming and principal analysis", ACM Transactions
on Graphics 11, 1992, in its greedy form); Lloyd's algorithm then moves the means.
It needs the colors and their counts only, and no pixels.

Pure code. Sums are whole numbers that float64 holds exactly, so the result is
the same on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luigi_gif.imaging import frame_palette
from luigi_gif.imaging.frame_palette import DistinctColors, Floats

_Doubles = NDArray[np.float64]


def few_of(colors: DistinctColors, max_colors: int) -> Floats:
    """Choose colors for pixels that have ``colors``, with a small squared error.

    Parameters
    ----------
    colors : DistinctColors
        The colors of the pixels, and how many have each.
    max_colors : int
        How many there may be, 1 to 256.

    Returns
    -------
    ndarray
        n x 3, red, green and blue, whole numbers from 0 to 255; the very colors if they are
        no more than that.
    """
    if len(colors.values) <= max_colors:
        return colors.values
    return frame_palette.improved(colors, _split(colors, max_colors))


def _split(colors: DistinctColors, groups: int) -> Floats:
    """The means of so many groups of the colors, rounded; fewer if these have no error left."""
    values = colors.values.astype(np.float64)
    counts = colors.counts.astype(np.float64)
    members = [np.arange(len(values))]
    errors = [_squared_error(values, counts)]
    while len(members) < groups and max(errors) > 0:
        largest = errors.index(max(errors))
        group = members[largest]
        parts = [group[part] for part in _halves(values[group], counts[group])]
        members[largest : largest + 1] = parts
        errors[largest : largest + 1] = [_squared_error(values[p], counts[p]) for p in parts]
    means = [counts[group] @ values[group] / counts[group].sum() for group in members]
    return np.rint(means).astype(np.float32)


def _halves(values: _Doubles, counts: _Doubles) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The indexes of both parts, split across the channel that varies most."""
    weighted = values * counts[:, np.newaxis]
    count, total = counts.sum(), weighted.sum(axis=0)
    variances = (weighted * values).sum(axis=0) - total**2 / count
    order = np.argsort(values[:, np.argmax(variances)], kind="stable")
    below = counts[order].cumsum()[:-1]
    sums = weighted[order].cumsum(axis=0)[:-1]
    # The squared error is that of the whole, less this: the larger the better.
    gain = (sums**2).sum(axis=1) / below + ((total - sums) ** 2).sum(axis=1) / (count - below)
    cut = int(np.argmax(gain)) + 1
    return order[:cut], order[cut:]


def _squared_error(values: _Doubles, counts: _Doubles) -> float:
    """Of all pixels to their mean."""
    if len(values) == 1:
        return 0.0
    total = counts @ values
    return float(counts @ (values**2).sum(axis=1) - total @ total / counts.sum())
