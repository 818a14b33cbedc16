"""Of ever smaller clips the largest below a limit is found with few encodings."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from luigi_gif.clips.reduction import MIN_SIDE_PIXELS, ReductionRow
from luigi_gif.clips.size_search import CLOSE, MAX_ENCODINGS, SizeSearch

END = 6.0


def row(seed: int) -> tuple[Callable[[float], int], Callable[[float], float]]:
    """Sizes of clips that fall unevenly, and an estimate of them that is off."""
    chosen = random.Random(seed)
    slopes = [chosen.uniform(0.2, 2.5) for _ in range(int(END))]
    first, factor, drift = (
        chosen.uniform(13, 19),
        chosen.uniform(0.6, 1.6),
        chosen.uniform(-0.2, 0.2),
    )

    def logarithm(position: float) -> float:
        passed = [min(max(position - unit, 0), 1) for unit in range(int(END))]
        return first - sum(slope * part for slope, part in zip(slopes, passed, strict=True))

    def encode(position: float) -> int:
        return round(math.exp(logarithm(position) + 0.01 * math.sin(977 * position)))

    return encode, lambda position: factor * math.exp(logarithm(position) + drift * position)


@pytest.mark.parametrize("part", [0.9, 0.5, 0.1, 0.02])
def test_a_clip_close_to_the_limit_takes_six_encodings_at_the_most(part: float) -> None:
    """However the sizes fall, and however far the estimate is off."""
    for seed in range(50):
        encode, estimate = row(seed)
        limit = round(encode(END) + part * (encode(0) - encode(END)))
        encoded = [encode(0)]

        def counted(position: float) -> int:
            encoded.append(encode(position))  # noqa: B023 - called in this turn only
            return encoded[-1]  # noqa: B023

        found = SizeSearch(limit, END, encode(0), counted, estimate).run()
        assert CLOSE * limit <= found.size <= limit, seed
        assert found.size == encode(found.position)
        assert len(encoded) <= MAX_ENCODINGS, seed


def test_where_sizes_jump_over_the_limit_the_clip_below_the_jump_is_taken() -> None:
    """It is not close, and never over."""
    limit = 1000

    def size(position: float) -> int:
        return round((2000 if position < 2.5 else 900) * (1 - position / 100))

    found = SizeSearch(limit, END, size(0), size, size).run()
    assert 0.8 * limit < found.size <= limit


def test_a_limit_that_no_clip_keeps_gives_the_smallest_clip() -> None:
    """The caller sees that it is over."""
    encode, estimate = row(1)
    found = SizeSearch(encode(END) - 1, END, encode(0), encode, estimate).run()
    assert found == (END, encode(END))


@pytest.mark.parametrize("tolerant", [True, False])
@pytest.mark.parametrize("in_common", [True, False])
@pytest.mark.parametrize(
    ("size", "frames"), [((640, 360), 300), ((500, 375), 2), ((20, 900), 7), ((5, 4), 3)]
)
def test_each_clip_of_the_row_gives_up_more_than_the_one_before(
    size: tuple[int, int], frames: int, in_common: bool, tolerant: bool
) -> None:
    """Colors, then pixels of all frames together, down to 16 a side and two frames."""
    reductions = ReductionRow(size, frames, 1, 256, in_common=in_common, tolerant=tolerant)
    steps = [reductions.at(reductions.end * step / 200) for step in range(201)]
    pixels = [each.size[0] * each.size[1] * -(-frames // each.every) for each in steps]
    assert all(after <= 1.3 * before for before, after in pairwise(pixels))
    colors = [each.colors for each in steps if each.in_common]
    assert colors == sorted(colors, reverse=True)
    assert (steps[0].size, steps[0].every) == (size, 1)
    assert min(steps[-1].size) == min(MIN_SIDE_PIXELS, *size)
    assert -(-frames // steps[-1].every) in (2, 3)
