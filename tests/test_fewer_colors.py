"""An image of color indexes gets fewer colors; several can share the same few."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from luigi_gif.imaging.frame_palette import Bytes
from luigi_gif.imaging.recoloring import RecoloredImage, choose_colors, count_colors, with_colors

RAMP = bytes(value for index in range(256) for value in (index, index // 2, 255 - index))
"""256 colors along a line."""


def indexes(colors: int = 256) -> Bytes:
    """Each of them, some more often than others, all over the image."""
    return (
        np.random.default_rng(5)
        .permutation(np.arange(1200) % colors)
        .astype(np.uint8)
        .reshape(30, 40)
    )


def fewer_colors(
    pixels: Bytes, table: bytes, max_colors: int, transparent_index: int | None = None
) -> RecoloredImage:
    """An image in colors that are chosen for it alone."""
    colors = choose_colors([count_colors(pixels, table, transparent_index)], max_colors)
    return with_colors(pixels, table, colors, transparent_index)


def colors_of(pixels: Bytes, table: bytes) -> NDArray[np.int64]:
    return np.frombuffer(table, np.uint8).reshape(-1, 3)[pixels].astype(np.int64)


@pytest.mark.parametrize("max_colors", [2, 3, 16, 100, 255, 256])
def test_no_more_colors_than_asked_for_are_left(max_colors: int) -> None:
    """And each pixel has the nearest of them."""
    pixels = indexes()
    few = fewer_colors(pixels, RAMP, max_colors)
    used = np.unique(few.indexes)
    assert len(used) <= max_colors
    table = np.frombuffer(few.color_table, np.uint8).reshape(-1, 3).astype(int)[:max_colors]
    before = colors_of(pixels, RAMP)
    distances = ((before[:, :, None] - table) ** 2).sum(axis=-1)
    after = ((before - colors_of(few.indexes, few.color_table)) ** 2).sum(axis=-1)
    assert (after == distances.min(axis=-1)).all()


def test_the_error_is_that_of_a_good_choice() -> None:
    """16 colors for 256 along a line: no worse than at equal distances, by a tenth."""
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    few = fewer_colors(pixels, RAMP, 16)
    chosen = colors_of(few.indexes, few.color_table)
    even = colors_of(pixels // 16 * 16 + 8, RAMP)
    before = colors_of(pixels, RAMP)
    assert ((before - chosen) ** 2).sum() <= 1.1 * ((before - even) ** 2).sum()


def test_few_colors_are_kept_and_the_table_gets_as_small_as_they_are() -> None:
    """Also where the same color stands in the table twice, and others are not used."""
    table = bytes((9, 9, 9, 5, 0, 0, 9, 9, 9, 0, 7, 0)) + bytes(3 * 252)
    pixels = indexes(4)
    few = fewer_colors(pixels, table, 8)
    assert (colors_of(few.indexes, few.color_table) == colors_of(pixels, table)).all()
    assert len(few.color_table) == 3 * 4


@pytest.mark.parametrize("max_colors", [2, 16, 255])
def test_what_is_transparent_stays_so_and_nothing_else(max_colors: int) -> None:
    """It is none of the colors that are asked for, and its own color has no part in the choice."""
    pixels = indexes()
    few = fewer_colors(pixels, RAMP, max_colors, transparent_index=7)
    assert ((few.indexes == few.transparent_index) == (pixels == 7)).all()
    assert len(np.unique(few.indexes)) == max_colors + 1


def test_an_image_of_which_nothing_is_shown_stays_so() -> None:
    """It has no color to choose."""
    few = fewer_colors(np.full((2, 2), 3, np.uint8), RAMP, 4, transparent_index=3)
    assert (few.indexes == few.transparent_index).all()


def test_several_images_share_their_colors() -> None:
    """One of the same picture in another order of colors becomes the same."""
    pixels = indexes()
    backwards = np.frombuffer(RAMP, np.uint8).reshape(-1, 3)[::-1].tobytes()
    images = [(pixels, RAMP), (255 - pixels, backwards)]
    counted = [count_colors(*image) for image in images]
    colors = choose_colors(counted, 30)
    first, second = (with_colors(*image, colors) for image in images)
    assert (first.indexes == second.indexes).all()
    assert first.color_table == second.color_table
    assert len(colors) == 3 * 30
