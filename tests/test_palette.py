"""Few colors are kept, and of many those are found that stand for all with little error."""

from __future__ import annotations

import hashlib
import io
import os
import random
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from luigi_gif.imaging import frame_palette
from luigi_gif.imaging.frame_palette import Bytes

QUALITIES = ("fast", "best")
FAST_DB, BEST_DB = 32, 33
"""Measured: 32.6 and 33.6 dB. Half a dB less would be a worse choice of colors."""


@cache
def photo(size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Smooth shades, edges, a few small spots of rare colors, and noise, as in a photo."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    red = 120 + 100 * np.sin(5 * x + 2 * y)
    green = 110 + 90 * np.cos(3 * y - 2 * x) + 40 * (x > y)
    blue = 90 + 80 * np.sin(4 * x * y + 1) - 50 * (x + y > 1.4)
    pixels = np.stack((red, green, blue), axis=2)
    for center, color in ((0.2, (250, 20, 30)), (0.5, (20, 240, 250)), (0.8, (240, 240, 10))):
        pixels[(x - center) ** 2 + (y - center) ** 2 < 0.001] = color
    pixels += np.random.default_rng(7).normal(0, 6, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def squared_error(picture: Image.Image, indexes: Bytes, colors: Bytes) -> float:
    """The mean of all channels of all pixels."""
    difference = np.asarray(picture).astype(float) - colors[indexes]
    return float((difference**2).mean())


def psnr(error: float) -> float:
    return float(10 * np.log10(255**2 / error))


# A photo comes in, a digest for each quality goes out.
DIGESTS = """
import hashlib, sys
from PIL import Image
from luigi_gif.imaging import frame_palette
photo = Image.open(sys.stdin.buffer)
for quality in ("fast", "best"):
    indexes, colors = frame_palette.quantize(photo, None, 255, quality)
    print(hashlib.sha256(indexes.tobytes() + colors.tobytes()).hexdigest())
"""


def digest(quality: str) -> str:
    indexes, colors = frame_palette.quantize(photo((64, 48)), None, 255, quality)
    return hashlib.sha256(indexes.tobytes() + colors.tobytes()).hexdigest()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 256),
    st.sampled_from((300, 1 << 24)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 2**32 - 1),
    st.sampled_from(QUALITIES),
)
def test_up_to_256_colors_are_kept(
    count: int, color_range: int, size: tuple[int, int], seed: int, quality: str
) -> None:
    """Every pixel has exactly its own color, and no color is in the table that no pixel has."""
    colors = random.Random(seed).sample(range(color_range), count)
    table = np.array([(c >> 16, c >> 8 & 255, c & 255) for c in colors], np.uint8)
    pixels = table[np.random.default_rng(seed).integers(0, len(table), size)]
    indexes, found = frame_palette.quantize(Image.fromarray(pixels), None, 256, quality)
    assert (found[indexes] == pixels).all()
    assert len(found) == len(np.unique(pixels.reshape(-1, 3), axis=0))


@pytest.mark.parametrize("quality", QUALITIES)
def test_256_colors_in_use_are_kept_to_the_last(quality: str) -> None:
    """One color more is one too many, so the table has as many as it may have."""
    pixels = np.zeros((1, 257, 3), np.uint8)
    pixels[0, :, 0] = np.arange(257) % 256
    pixels[0, 256, 1] = 1
    full = Image.fromarray(pixels[:, :256].copy())
    indexes, colors = frame_palette.quantize(full, None, 256, quality)
    assert (colors[indexes] == pixels[:, :256]).all()
    indexes, colors = frame_palette.quantize(Image.fromarray(pixels), None, 256, quality)
    assert len(colors) <= 256
    assert (
        squared_error(Image.fromarray(pixels), indexes, colors) < {"fast": 16, "best": 1}[quality]
    )


@pytest.mark.parametrize("quality", QUALITIES)
def test_of_more_colors_at_most_so_many_are_chosen(quality: str) -> None:
    """And every index is that of one of them."""
    for max_colors in (2, 3, 16, 255, 256):
        indexes, colors = frame_palette.quantize(photo((64, 48)), None, max_colors, quality)
        assert indexes.shape == (48, 64)
        assert colors.shape[0] <= max_colors
        assert colors.shape[1:] == (3,)
        assert indexes.max() < len(colors)
        assert len(np.unique(indexes)) > max_colors // 2


@pytest.mark.slow
def test_best_has_less_error_than_fast() -> None:
    """Of a picture like a photo, both keep more than what one sees at a glance."""
    errors = {}
    for quality in QUALITIES:
        indexes, colors = frame_palette.quantize(photo(), None, 256, quality)
        errors[quality] = squared_error(photo(), indexes, colors)
    assert errors["best"] < errors["fast"]
    assert psnr(errors["fast"]) > FAST_DB
    assert psnr(errors["best"]) > BEST_DB


@pytest.mark.parametrize("size", [(400, 1), (1, 400), (17, 23), (2, 200)])
def test_pictures_of_any_shape_are_reduced(size: tuple[int, int]) -> None:
    """Few pixels, each of a color of its own, come close to what they were."""
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    picture = Image.fromarray(pixels)
    for quality in QUALITIES:
        indexes, colors = frame_palette.quantize(picture, None, 256, quality)
        assert indexes.shape == pixels.shape[:2]
        assert psnr(squared_error(picture, indexes, colors)) > 20


@pytest.mark.slow
def test_a_choice_is_the_same_with_any_number_of_threads() -> None:
    """Twice in this process, and in others where NumPy may use one thread or four."""
    here = [digest(quality) for quality in QUALITIES]
    assert [digest(quality) for quality in QUALITIES] == here
    file = io.BytesIO()
    photo((64, 48)).save(file, "BMP")
    for threads in ("1", "4"):
        child = subprocess.run(
            [sys.executable, "-c", DIGESTS],
            input=file.getvalue(),
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        )
        assert child.stdout.decode().split() == here


@pytest.mark.parametrize("quality", QUALITIES)
def test_pixels_that_are_not_shown_have_no_part_in_the_choice(quality: str) -> None:
    """Whatever color they have, what is shown gets the same colors."""
    pixels = np.array(photo((160, 120)))
    shown = np.ones(pixels.shape[:2], np.bool_)
    shown[:, 80:] = False
    chosen = []
    for seed in (1, 2):
        hidden = np.random.default_rng(seed).integers(0, 256, pixels.shape)
        picture = Image.fromarray(np.where(shown[..., np.newaxis], pixels, hidden).astype(np.uint8))
        indexes, colors = frame_palette.quantize(picture, shown, 255, quality)
        chosen.append((indexes[shown].tobytes(), colors.tobytes()))
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize("quality", QUALITIES)
def test_few_colors_are_kept_whatever_is_not_shown(quality: str) -> None:
    """Only what is shown is counted."""
    pixels = np.random.default_rng(3).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    shown = np.zeros((40, 40), np.bool_)
    shown[:10, :20] = True
    indexes, colors = frame_palette.quantize(Image.fromarray(pixels), shown, 255, quality)
    assert (colors[indexes][shown] == pixels[shown]).all()


RGB = st.tuples(*[st.integers(0, 255)] * 3)
NEAR_RGB = st.tuples(*[st.integers(100, 103)] * 3)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(RGB, max_size=60) | st.lists(NEAR_RGB, max_size=600),
    st.lists(RGB, min_size=1, max_size=256) | st.lists(NEAR_RGB, min_size=1, max_size=256),
)
def test_the_nearest_color_is_exactly_that(
    colors: list[tuple[int, ...]], candidates: list[tuple[int, ...]]
) -> None:
    """The first of those with the least squared distance, in whole numbers."""
    values = np.array(colors, np.int64).reshape(-1, 3)
    table = np.array(candidates, np.int64)
    distances = ((values[:, np.newaxis] - table) ** 2).sum(axis=2)
    found = frame_palette.nearest_indexes(values.astype(np.float32), table.astype(np.float32))
    assert found.dtype == np.uint8
    assert found.tolist() == distances.argmin(axis=1).tolist()


def test_the_nearest_color_is_found_for_more_than_a_chunk() -> None:
    """The pixels of a picture and a table of 256 random colors."""
    draw = np.random.default_rng(5)
    values = draw.integers(0, 256, (1111, 3))
    table = draw.integers(0, 256, (256, 3))
    distances = ((values[:, np.newaxis] - table) ** 2).sum(axis=2)
    found = frame_palette.nearest_indexes(values.astype(np.float32), table.astype(np.float32))
    assert found.tolist() == distances.argmin(axis=1).tolist()
