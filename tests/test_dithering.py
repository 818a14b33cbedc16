"""Colors that a palette lacks are mixed of two that it has, in a pattern that does not move."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from luigi_gif.imaging import common_palette, dithering, frame_palette
from luigi_gif.imaging.common_palette import CommonPalette
from luigi_gif.imaging.frame_palette import Bytes

GRAYS = CommonPalette(bytes(value for gray in (0, 100, 200) for value in (gray,) * 3), np.inf)


def shades(size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A sky, of far more colors than a small palette has."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    sky = np.stack((60 + 160 * y, 100 + 110 * y, 190 - 60 * x * y), axis=2)
    return Image.fromarray(sky.astype(np.uint8))


def mixed(picture: Image.Image, common: CommonPalette) -> Bytes:
    """What is shown of a picture."""
    indexes = common_palette.indexed(common, picture, None, dithered=True)
    assert indexes is not None
    return common_palette.table(common)[indexes]


def means(pixels: Bytes) -> NDArray[np.float64]:
    """Of squares of 8 x 8 pixels, as from some distance."""
    height, width = pixels.shape[:2]
    return pixels.reshape(height // 8, 8, width // 8, 8, 3).mean(axis=(1, 3))


@pytest.mark.parametrize("gray", [0, 25, 50, 90, 100, 175, 200])
def test_a_color_between_two_is_mixed_of_them_in_proportion(gray: int) -> None:
    """The mean of each square of 8 x 8 pixels is the color."""
    pixels = mixed(Image.new("RGB", (24, 16), (gray,) * 3), GRAYS)
    assert np.abs(means(pixels) - gray).max() <= 100 / 64 / 2


def test_a_color_of_the_palette_is_not_mixed() -> None:
    """Every pixel has it."""
    assert (mixed(Image.new("RGB", (9, 9), (100,) * 3), GRAYS) == 100).all()


def test_a_color_far_away_is_no_dot() -> None:
    """It would bring the mean nearer, but be seen alone."""
    gold, red = (252, 212, 46), (150, 60, 51)
    common = CommonPalette(bytes(gold + red), np.inf)
    assert (mixed(Image.new("RGB", (16, 16), (248, 207, 46)), common) == gold).all()


def test_a_palette_of_one_color_has_nothing_to_mix() -> None:
    """Also where it stands in the table twice."""
    assert (mixed(shades(), CommonPalette(bytes((9, 9, 9) * 2), np.inf)) == 9).all()


def test_the_same_color_at_the_same_place_is_shown_the_same() -> None:
    """Whatever the rest of the frame shows, so that a still ground stays still."""
    before = shades()
    after = before.copy()
    after.paste((255, 0, 0), (20, 20, 40, 40))
    samples = [common_palette.sample_picture(each, None, 1 << 14) for each in (before, after)]
    common = common_palette.choose_palette(samples, always=True, max_colors=30)
    assert common is not None
    first, second = mixed(before, common), mixed(after, common)
    still = (np.asarray(before) == np.asarray(after)).all(axis=2)
    assert (first == second)[still].all()


@pytest.mark.parametrize("quality", ["fast", "best"])
def test_the_mean_comes_nearer_to_the_picture(quality: str) -> None:
    """The error of squares of 8 x 8 pixels is at most two thirds of that without dithering."""
    picture = shades((256, 160))
    wanted = means(np.asarray(picture))
    error = {}
    for dithered in (False, True):
        indexes, colors = frame_palette.quantize(picture, None, 16, quality, dithered=dithered)
        error[dithered] = np.abs(means(colors[indexes]) - wanted).mean()
    assert 3 * error[True] < 2 * error[False]


def test_the_pattern_goes_on_from_one_strip_of_rows_to_the_next() -> None:
    """Pictures are worked on some rows at a time."""
    mixes = dithering.mixes(
        np.full((1, 3), 50, np.float32),
        np.zeros(1, np.uint8),
        np.array(((0, 0, 0), (100, 100, 100)), np.float32),
    )
    pixels = np.full((24, 16), mixes[0])
    whole = dithering.pick(pixels, 0)
    strips = [dithering.pick(pixels[top : top + 5], top) for top in range(0, 24, 5)]
    assert (np.concatenate(strips) == whole).all()


def test_a_picture_of_few_colors_keeps_them() -> None:
    """Dithering is for colors that a palette lacks."""
    picture = shades().quantize(30).convert("RGB")
    indexes, colors = frame_palette.quantize(picture, None, 30, "fast", dithered=True)
    assert (colors[indexes] == np.asarray(picture)).all()
