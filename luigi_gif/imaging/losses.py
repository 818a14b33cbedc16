"""Images of an animation that are stored with loss: each pixel is shown as it is meant, nearly.

A pixel that differs from what is shown there by no more than the tolerance is
left as it is. The others get, of the colors within the tolerance, the one that
is cheapest behind the pixel on the left: LZW stores what repeats in few bits.
What is compared is always what is shown by then, so differences do not add up.

Pure code. All images must be opaque and fill the same screen.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luigi_gif import gif
from luigi_gif.imaging import differences
from luigi_gif.imaging.differences import IndexedImage, Packed
from luigi_gif.imaging.frame_palette import Bytes, Mask

CANDIDATES = 12
"""Colors that are looked at for a pixel: the nearest. More make no smaller clips."""
_UNITS = 8
"""Costs are whole numbers of so many parts of a bit: the same on every machine."""
_PER_TOLERANCE = 3
"""Bits that a pixel must save to be off by the whole tolerance in one channel."""
_LEAVING = _UNITS
"""What it costs to leave a pixel as it is, beyond what that takes: the colors behind it seldom
repeat what LZW knows."""
_COUNTED_ROWS = 128
"""Evenly spread over an image, and up to twice as many: what follows what is counted there."""
_PIXELS_AT_A_TIME = 1 << 20
"""They take 16 bytes each meanwhile."""
_NEVER = 1 << 20
"""A cost that is too high for any saving."""

Costs = NDArray[np.int32]


class LossyEncoder:
    """Encodes the images of a part of an animation, one after another.

    What is shown depends on all images before. A part that begins in their midst knows only the
    one before it. So the last image of each part is shown as it is, but for pixels that the
    next image changes by more than the tolerance, and thus stores anyway. Parts then need not wait
    for each other, and none begins with an image that is stored whole.

    Parameters
    ----------
    tolerance : int
        Levels of 0 to 255, by which red, green and blue of a pixel may each be off.
    global_table : bytes
        The color table of the animation, which takes no bytes of an image.
    before : IndexedImage, optional
        The image that comes before the first; None where the animation begins.
    """

    def __init__(self, tolerance: int, global_table: bytes, before: IndexedImage | None) -> None:
        self._tolerance = tolerance
        self._global_table = global_table
        self._shown = None if before is None else _packed(before)

    def encode(self, current: IndexedImage, following: IndexedImage | None = None) -> gif.Image:
        """What to store of an image where the one before it was left in place.

        Parameters
        ----------
        current : IndexedImage
            The next image.
        following : IndexedImage, optional
            The one behind it, where that begins another part.
        """
        colors = _packed(current)
        tolerance = self._tolerance
        near, spare = np.zeros(colors.shape, np.bool_), None
        if self._shown is not None:
            near = _within(self._shown, colors, tolerance)
            if following is not None:
                calm = _within(_packed(following), colors, tolerance)
                near &= (self._shown == colors) | ~calm
            spare = differences.find_spare_index(current, current.indexes, near)
        indexes = _cheapest(current, near, spare, tolerance if following is None else 0)
        left = np.zeros_like(near) if spare is None else indexes == spare
        area = differences.changed_area(~left)
        if area is None:
            return differences.unchanged(current, self._global_table)
        pixels = np.ascontiguousarray(indexes[area])
        stored = differences.encode_area(current, area, pixels, spare, self._global_table)
        if stored is current.image:
            self._shown = colors
        else:
            new = np.take(differences.packed_colors(current.color_table), indexes)
            self._shown = new if self._shown is None else np.where(left, self._shown, new)
        return stored


def _packed(image: IndexedImage) -> Packed:
    """The color of each pixel."""
    return np.take(differences.packed_colors(image.color_table), image.indexes)


def _within(shown: Packed, colors: Packed, tolerance: int) -> Mask:
    """For each pixel whether no channel differs by more than the tolerance."""
    first, second = shown.view(np.uint8), colors.view(np.uint8)
    apart = np.maximum(first, second)
    apart -= np.minimum(first, second)
    flags: Mask = (apart <= tolerance).view(np.uint32) == 0x01010101
    return flags


class _Candidates(NamedTuple):
    """For each of 256 indexes those that may take its place, 256 x n."""

    indexes: NDArray[np.intp]
    penalties: Costs
    """What each costs beyond what it takes to store it."""


@functools.lru_cache(maxsize=16)
def _candidates(color_table: bytes, tolerance: int) -> _Candidates:
    packed = differences.packed_colors(color_table)
    colors = packed.view(np.uint8).reshape(-1, 4)[:, :3].astype(np.int32)
    apart = np.abs(colors[:, np.newaxis] - colors)
    squares = (apart**2).sum(axis=2)
    allowed = apart.max(axis=2) <= tolerance
    allowed[:, len(color_table) // 3 :] = False
    np.fill_diagonal(allowed, True)
    np.fill_diagonal(squares, -1)  # before others of the same color
    squares[~allowed] = _NEVER
    nearest = np.argsort(squares, axis=1, kind="stable")[:, :CANDIDATES]
    chosen = np.take_along_axis(squares, nearest, axis=1)
    penalties = _UNITS * _PER_TOLERANCE * np.maximum(chosen, 0) // max(1, tolerance**2)
    penalties[chosen == _NEVER] = _NEVER
    return _Candidates(nearest, penalties.astype(np.int32))


def _cheapest(image: IndexedImage, near: Mask, spare: int | None, tolerance: int) -> Bytes:
    """Indexes for the pixels of an image; ``spare`` is that of the pixels that are left."""
    wanted = image.indexes
    if spare is not None:
        long = differences.worth_leaving(near.ravel(), wanted.ravel()).reshape(near.shape)
        wanted = np.where(long, np.uint8(spare), wanted)
    candidates = _candidates(image.color_table, tolerance)
    rows = np.s_[:: max(1, len(wanted) // _COUNTED_ROWS)]
    some, some_near = wanted[rows], near[rows]
    following = _count_following(some, some_near)
    guess = some if spare is None else np.where(some_near, np.uint8(spare), some)
    # What is cheap shows only when it is chosen: the first choice is for the costs alone.
    guess = _chosen(_choose(_costs(guess), candidates, following, spare), some, some_near)
    choices = _choose(_costs(guess), candidates, following, spare)
    indexes = np.empty_like(wanted)
    height = max(1, _PIXELS_AT_A_TIME // wanted.shape[1])
    for top in range(0, len(wanted), height):
        strip = np.s_[top : top + height]
        indexes[strip] = _chosen(choices, wanted[strip], near[strip])
    return indexes


def _chosen(choices: NDArray[np.intp], wanted: Bytes, near: Mask) -> Bytes:
    """The choice for each pixel, from left to right: all rows at once."""
    # In rows of the transposed image. The index on the left, whether the pixel may be left, and
    # the wanted index make a place in the table of choices.
    places = near.T.astype(np.intp) << 8
    places |= wanted.T
    behind = wanted[:, 0].astype(np.intp) << 9
    for column in places:
        np.bitwise_or(column, behind, out=column)
        behind = choices.take(column, out=column, mode="clip")
    return (places >> 9).astype(np.uint8).T


def _costs(indexes: Bytes) -> Costs:
    """What an index costs behind another: 256 x 256, in parts of a bit."""
    pairs = indexes[:, :-1].astype(np.uint16) << 8 | indexes[:, 1:]
    counts = np.bincount(pairs.ravel(), minlength=1 << 16).reshape(256, 256)
    totals = counts.sum(axis=1, keepdims=True)
    return _logarithm(totals + gif.MAX_COLORS) - _logarithm(counts + 1)


def _logarithm(numbers: NDArray[np.int64]) -> Costs:
    """About that to the base of 2, by straight lines between the powers of 2."""
    fractions, exponents = np.frexp(numbers.astype(np.float64))
    return np.floor(_UNITS * (exponents + 2 * fractions - 2)).astype(np.int32)


def _count_following(wanted: Bytes, near: Mask) -> NDArray[np.float64]:
    """How often which pixel is on the right of an index: 256 x (near or not, index)."""
    keys = wanted[:, :-1].astype(np.uint32) << 9
    keys |= near[:, 1:].astype(np.uint32) << 8
    keys |= wanted[:, 1:]
    return np.bincount(keys.ravel(), minlength=1 << 17).reshape(256, 512).astype(np.float64)


def _choose(
    costs: Costs, candidates: _Candidates, following: NDArray[np.float64], spare: int | None
) -> NDArray[np.intp]:
    """The best index, times 512, for each index on the left, flag of a near pixel, and index.

    It is cheap behind the one on the left, and what mostly stands on the right is cheap behind it.
    """
    left = np.full((256, 1), _NEVER, np.int32)
    if spare is not None:
        left[:, 0] = costs[:, spare] + _LEAVING
        costs[:, spare] = _NEVER
    alone = _best(costs, candidates.indexes, candidates.penalties) >> 8
    behind = np.empty((256, 2, 256))
    behind[:, 0] = alone
    behind[:, 1] = np.minimum(alone, left)
    if spare is not None:
        behind[:, 1, spare] = left[:, 0]
    chosen = np.pad(candidates.indexes, ((0, 0), (0, 1)), constant_values=spare or 0)
    # Sums of whole numbers below 2**53: exact, in whichever order they are made.
    sums = (behind.reshape(256, 512)[chosen] @ following[:, :, np.newaxis])[:, :, 0]
    ahead = (sums // np.maximum(following.sum(axis=1, keepdims=True), 1)).astype(np.int32)
    best = _best(costs, candidates.indexes, candidates.penalties + ahead[:, :-1])
    choices = np.empty((256, 2, 256), np.intp)
    choices[:, 0] = choices[:, 1] = best & 0xFF
    if spare is not None:
        np.copyto(choices[:, 1], spare, where=left + ahead[:, -1] <= best >> 8)
        choices[:, 1, spare] = spare
    return choices.ravel() << 9


def _best(costs: Costs, indexes: NDArray[np.intp], penalties: Costs) -> Costs:
    """For each index on the left and each wanted one the cheapest cost, times 256, and its index.

    In one number, so that the index comes with the cost.
    """
    best = np.full((256, 256), np.iinfo(np.int32).max, np.int32)
    costs = costs << 8
    for each, penalty in zip(indexes.T, penalties.T, strict=True):
        cost = np.take(costs, each, axis=1)
        cost += (penalty << 8 | each).astype(np.int32)
        np.minimum(best, cost, out=best)
    return best
