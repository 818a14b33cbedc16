"""Colors, each of which counts as often as pixels have it, in a few groups of like ones.

They are split in two again and again, each time the group with the largest
squared error, where that lowers the error most: the greedy form of X. Wu,
"Color quantization by dynamic programming and principal analysis", ACM
Transactions on Graphics 11, 1992.

Pure code. Sums over pixels are whole numbers that float64 holds exactly, so the
result is the same on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Doubles = NDArray[np.float64]


def split_colors(
    values: NDArray[np.float32], counts: NDArray[np.intp], groups: int
) -> NDArray[np.float32]:
    """The mean color of each of so many groups, in whole numbers.

    Parameters
    ----------
    values : ndarray
        n x 3, whole numbers from 0 to 255, each color once.
    counts : ndarray
        For each how often it counts.
    groups : int
        At most n of them are made.
    """
    exact, weights = values.astype(np.float64), counts.astype(np.float64)
    members = [np.arange(len(values))]
    errors = [_squared_error(exact, weights)]
    while len(members) < min(groups, len(values)):
        largest = errors.index(max(errors))
        group = members[largest]
        parts = [group[part] for part in _halves(exact[group], weights[group])]
        members[largest : largest + 1] = parts
        errors[largest : largest + 1] = [_squared_error(exact[p], weights[p]) for p in parts]
    means = [weights[group] @ exact[group] / weights[group].sum() for group in members]
    return np.rint(means).astype(np.float32)


def _halves(values: _Doubles, weights: _Doubles) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The indexes of both parts, split across the channel that varies most."""
    weighted = values * weights[:, np.newaxis]
    weight, total = weights.sum(), weighted.sum(axis=0)
    variances = (weighted * values).sum(axis=0) - total**2 / weight
    order = np.argsort(values[:, np.argmax(variances)], kind="stable")
    below = weights[order].cumsum()[:-1]
    sums = weighted[order].cumsum(axis=0)[:-1]
    # The squared error is that of the whole, less this: the larger the better.
    gain = (sums**2).sum(axis=1) / below + ((total - sums) ** 2).sum(axis=1) / (weight - below)
    cut = int(np.argmax(gain)) + 1
    return order[:cut], order[cut:]


def _squared_error(values: _Doubles, weights: _Doubles) -> float:
    """Of all pixels to their mean; none of a single color, whatever is lost in a division."""
    if len(values) == 1:
        return 0.0
    total = weights @ values
    # Squares may be beyond what is held exactly: not by a matrix product, whose sums BLAS rounds
    # differently on each kind of processor.
    return float(weights @ (values**2).sum(axis=1) - (total**2).sum() / weights.sum())
