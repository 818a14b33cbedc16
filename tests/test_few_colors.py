"""Pictures of few colors: Pillow alone makes the same of them as NumPy."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from support.images import saved

from luigi_gif.imaging import many_colors
from luigi_gif.imaging.few_colors import exactly_indexed
from luigi_gif.imaging.look import Look

LOOK = Look(1 << 20)


def nearest_two(colors: np.ndarray) -> int:
    """By how much the channel differs most in which the two nearest colors do."""
    apart = np.abs(colors[:, None].astype(int) - colors).max(axis=2)
    np.fill_diagonal(apart, 255)
    return int(apart.min())


@given(
    st.integers(1, 256),
    st.sampled_from((300, 1 << 24)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 2**32 - 1),
)
@example(256, 1 << 24, (40, 40), 0)
def test_what_is_kept_is_what_would_be_kept_of_many(
    count: int, color_range: int, size: tuple[int, int], seed: int
) -> None:
    """Or they are left to NumPy, if two of them are near each other."""
    colors = random.Random(seed).sample(range(color_range), count)
    table = np.array([(c >> 16, c >> 8 & 255, c & 255) for c in colors], np.uint8)
    picture = Image.fromarray(table[np.random.default_rng(seed).integers(0, count, size)])
    few = exactly_indexed(picture, 256)
    if few is None:
        assert nearest_two(table) < 8
    else:
        many = many_colors.indexed(picture, LOOK, None)
        assert few.colors == many.colors
        assert few.indexes.tobytes() == many.indexes.tobytes()


@pytest.mark.parametrize("max_colors", [1, 2, 200])
def test_more_colors_are_not_few(max_colors: int) -> None:
    """One more than there may be is one too many."""
    shades = [(n % 16 * 16, n // 16 * 16, 7) for n in range(max_colors + 1)]
    picture = Image.new("RGB", (max_colors + 1, 1))
    picture.putdata(shades)
    assert exactly_indexed(picture, max_colors) is None
    kept = exactly_indexed(picture.crop((0, 0, max_colors, 1)), max_colors)
    assert kept is not None
    assert kept.colors == b"".join(map(bytes, sorted(shades[:-1], reverse=True)))


def test_numpy_is_not_loaded_for_them() -> None:
    """It takes longer to import than such a picture takes."""
    data = saved(Image.effect_noise((40, 30), 0).convert("RGB"), "PNG")
    code = (
        "import sys; from luigi_gif import imaging;"
        f"imaging.to_gif({data!r}, imaging.Look(1 << 20)); print('numpy' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"
