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
from luigi_gif.imaging.differences import IndexedImage
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
_NEVER = 1 << 20
"""A cost that is too high for any saving."""

Costs = NDArray[np.int32]
Packed = NDArray[np.uint32]
"""Red, green, blue and 0 of each pixel, a byte each."""


class LossyEncoder:
    """Encodes the images of a part of an animation, one after another.

    Parameters
    ----------
    tolerance : int
        Levels of 0 to 255, by which red, green and blue of a pixel may each be off.
    global_table : bytes
        The color table of the animation, which takes no bytes of an image.
    before : IndexedImage
        The image that comes before the first.
    exact : bool
        Whether it is shown as it is. Else it was the last of another part, each pixel of it is
        off by no more than :func:`end_tolerance`, and nobody knows by how much.
    """

    def __init__(
        self, tolerance: int, global_table: bytes, before: IndexedImage, *, exact: bool
    ) -> None:
        self._tolerance = tolerance
        self._global_table = global_table
        self._shown = _packed(before)
        known = tolerance if exact else tolerance - end_tolerance(tolerance)
        # How far a pixel may be from what is thought to be shown there.
        self._slack = np.full(self._shown.shape, _in_each_channel(known), np.uint32)

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
        tolerance, slack = self._tolerance, self._slack
        if following is not None:
            rest = np.uint32(_in_each_channel(tolerance - end_tolerance(tolerance)))
            calm = _within(_packed(following), colors, np.full_like(slack, rest))
            slack = slack - calm * rest
            tolerance = end_tolerance(tolerance)
        near = _within(self._shown, colors, slack)
        spare = differences.find_spare_index(current, current.indexes, near)
        indexes = _cheapest(current, near, spare, tolerance)
        left = np.zeros_like(near) if spare is None else indexes == spare
        area = differences.changed_area(~left)
        if area is None:
            return differences.unchanged(current, self._global_table)
        pixels = np.ascontiguousarray(indexes[area])
        stored = differences.encode_area(current, area, pixels, spare, self._global_table)
        if stored is current.image:
            left, shown = np.zeros_like(left), colors
        else:
            shown = np.take(_packed_table(current.color_table), indexes)
        self._shown = np.where(left, self._shown, shown)
        self._slack = np.where(left, self._slack, np.uint32(_in_each_channel(self._tolerance)))
        return stored


def end_tolerance(tolerance: int) -> int:
    """The tolerance of the last image of a part: the next part has the rest of it.

    What is shown depends on all images before. A worker that begins in their midst knows only
    the image itself, and that what is shown is so near to it. So parts need not wait for each
    other, and none begins with an image that is stored whole.
    """
    return tolerance // 2


def _in_each_channel(levels: int) -> int:
    return levels * 0x010101


def _packed(image: IndexedImage) -> Packed:
    return np.take(_packed_table(image.color_table), image.indexes)


@functools.lru_cache(maxsize=16)
def _packed_table(color_table: bytes) -> Packed:
    channels = np.zeros((gif.MAX_COLORS, 4), np.uint8)
    channels[:, :3] = _table(color_table)
    return channels.view(np.uint32)[:, 0]


def _table(color_table: bytes) -> Bytes:
    """All 256 colors, those beyond the table black, n x 3."""
    padded = color_table.ljust(3 * gif.MAX_COLORS, b"\x00")
    return np.frombuffer(padded, np.uint8).reshape(-1, 3)


def _within(shown: Packed, colors: Packed, slack: Packed) -> Mask:
    """For each pixel whether no channel differs by more than it may."""
    first, second = shown.view(np.uint8), colors.view(np.uint8)
    apart = np.maximum(first, second)
    apart -= np.minimum(first, second)
    flags: Mask = (apart <= slack.view(np.uint8)).view(np.uint32) == 0x01010101
    return flags


class _Candidates(NamedTuple):
    """For each of 256 indexes those that may take its place, 256 x n."""

    indexes: NDArray[np.intp]
    penalties: Costs
    """What each costs beyond what it takes to store it."""


@functools.lru_cache(maxsize=16)
def _candidates(color_table: bytes, tolerance: int) -> _Candidates:
    colors = _table(color_table).astype(np.int32)
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
    wanted = first_guess = image.indexes
    if spare is not None:
        first_guess = np.where(near, np.uint8(spare), wanted)
        long = differences.worth_leaving(near.ravel(), wanted.ravel()).reshape(near.shape)
        wanted = np.where(long, np.uint8(spare), wanted)
    choice = _choices(_costs(first_guess), _candidates(image.color_table, tolerance), spare)
    # A column at a time, in rows of the transposed image: the index on the left, whether the pixel
    # may be left, and its own index make a place in the table of choices.
    places = near.T.astype(np.intp) << 8
    places |= wanted.T
    behind = first_guess[:, 0].astype(np.intp) << 9
    for column in places:
        np.bitwise_or(column, behind, out=column)
        behind = np.take(choice, column, out=column, mode="clip")
    return np.ascontiguousarray((places >> 9).astype(np.uint8).T)


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


def _choices(costs: Costs, candidates: _Candidates, spare: int | None) -> NDArray[np.intp]:
    """The best index, times 512, for each index on the left, flag of a near pixel, and index."""
    if spare is not None:
        left_costs = costs[:, spare, np.newaxis] + _LEAVING
        costs[:, spare] = _NEVER
    costs = costs << 8  # with the index below, so that the cheapest comes with it
    best = np.full((256, 256), np.iinfo(np.int32).max, np.int32)
    for indexes, penalties in zip(candidates.indexes.T, candidates.penalties.T, strict=True):
        cost = np.take(costs, indexes, axis=1)
        cost += (penalties << 8 | indexes).astype(np.int32)
        np.minimum(best, cost, out=best)
    choices = np.empty((256, 2, 256), np.intp)
    choices[:, 0] = best & 0xFF
    choices[:, 1] = choices[:, 0]
    if spare is not None:
        np.copyto(choices[:, 1], spare, where=left_costs <= best >> 8)
        choices[:, 1, spare] = spare
    return choices.ravel() << 9
