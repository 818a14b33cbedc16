"""What is stored with loss shows each pixel as it is meant, nearly."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

import luigi_gif
from luigi_gif import gif as gif_
from luigi_gif.errors import ParameterError
from luigi_gif.imaging import differences, losses, pixel_data
from luigi_gif.imaging.frame_palette import Bytes

GRAYS = np.array([(level, level, level + 1) for level in range(255)], np.uint8)
"""Nearly: a clip whose first color table is all gray is taken for one of grays."""


def indexed(picture: Bytes, colors: Bytes) -> gif_.Image:
    """An image of some colors, height x width of their indexes."""
    size = picture.shape[1], picture.shape[0]
    table = gif_.pad_color_table(colors.tobytes())
    data = pixel_data.encode_pixels(picture)
    return gif_.Image(size, (0, 0), size, False, table, 0, None, data)


def stored(
    images: list[gif_.Image], tolerance: int, global_table: bytes, part: int = 1000
) -> list[gif_.Image]:
    """What is stored of them, in parts of so many."""
    decoded = [differences.IndexedImage.of(image, global_table) for image in images]
    encoder = losses.LossyEncoder(tolerance, global_table, None)
    made = [encoder.encode(decoded[0])]
    for number in range(1, len(images)):
        if number % part == 0:
            encoder = losses.LossyEncoder(tolerance, global_table, decoded[number - 1])
        ends = (number + 1) % part == 0 and number + 1 < len(images)
        made.append(encoder.encode(decoded[number], decoded[number + 1] if ends else None))
    return made


def shown(images: list[gif_.Image], global_table: bytes) -> list[Bytes]:
    """What Pillow shows of a GIF of these, each height x width x 3."""
    parts = [gif_.encode_header(images[0].screen, global_table, 0, b"")]
    for image in images:
        blocks = gif_.encode_image_blocks(
            image, delay_cs=10, disposal=gif_.DISPOSE_NOT, global_table=global_table
        )
        parts += [blocks, bytes(image.data)]
    with Image.open(io.BytesIO(b"".join(parts) + b";")) as animation:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(animation)]


def meant(image: gif_.Image) -> Bytes:
    table = np.frombuffer(image.color_table.ljust(768, b"\0"), np.uint8).reshape(-1, 3)
    return table[pixel_data.decode_pixels(image)]


def farthest(first: Bytes, second: Bytes) -> int:
    """The largest difference of a channel."""
    return int(np.abs(first.astype(np.int16) - second).max())


@settings(deadline=None, max_examples=6)
@given(
    st.integers(1, 60),
    st.sampled_from([2, 3, 1000]),
    st.sampled_from([3, 40, 255, 256]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_no_pixel_is_off_by_more_than_the_tolerance(
    tolerance: int, part: int, colors: int, common: bool, seed: int
) -> None:
    """In any image, also where a part begins, and whether colors are common or not."""
    random = np.random.default_rng(seed)
    table = random.integers(0, 256, (colors, 3)).astype(np.uint8)
    table[0] = 1  # a first table of grays only would be taken for that of a gray clip
    picture = random.integers(0, colors, (9, 14)).astype(np.uint8)
    images = []
    for _ in range(7):
        noise = random.integers(-tolerance // 2, tolerance // 2 + 1, table.shape)
        table = table if common else np.clip(table + noise, 0, 255).astype(np.uint8)
        changed = random.random(picture.shape) < random.choice([0, 0.1, 1])
        others = random.integers(0, colors, picture.shape).astype(np.uint8)
        picture = np.where(changed, others, picture)
        images.append(indexed(picture, table))
    global_table = images[0].color_table
    result = shown(stored(images, tolerance, global_table, part), global_table)
    for image, ours in zip(images, result, strict=True):
        assert farthest(meant(image), ours) <= tolerance


def test_small_differences_do_not_add_up() -> None:
    """A slow fade is followed: an image is compared with what is shown, not with the one before."""
    images = [indexed(np.full((8, 8), level, np.uint8), GRAYS) for level in range(0, 60, 2)]
    global_table = images[0].color_table
    made = stored(images, 7, global_table, 12)
    for image, ours in zip(images, shown(made, global_table), strict=True):
        assert farthest(meant(image), ours) <= 7
    assert sum(image.size == (1, 1) for image in made) > 15


def test_noise_within_the_tolerance_is_not_stored() -> None:
    """Nothing of it, in the part of the first image."""
    random = np.random.default_rng(5)
    colors = GRAYS[100:109]
    images = [indexed(random.integers(0, 9, (20, 20)).astype(np.uint8), colors) for _ in range(6)]
    made = stored(images, 8, images[0].color_table)
    assert [image.size for image in made[1:]] == [(1, 1)] * 5


def test_colors_that_repeat_are_preferred() -> None:
    """An image of grain takes fewer bytes the larger the tolerance is."""
    random = np.random.default_rng(7)
    grain = np.clip(random.normal(120, 12, (60, 80)), 0, 250).astype(np.uint8)
    images = [indexed(np.zeros_like(grain), GRAYS), indexed(grain, GRAYS)]
    table = images[0].color_table
    sizes = [len(stored(images, tolerance, table)[1].data) for tolerance in (1, 4, 8, 16)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.75 * len(images[1].data)


def test_a_tolerance_without_loss_is_an_error() -> None:
    """It would have no effect."""
    with pytest.raises(ParameterError, match="--tolerance"):
        luigi_gif.CombineGif(url="x", optimize="lossless", tolerance=8)


def test_the_tolerance_is_named_by_the_recipe() -> None:
    """Also where it is the default one, but only where it has an effect."""
    recipes = [
        luigi_gif.CombineGif(url="x", **parameters).recipe()
        for parameters in ({}, {"optimize": "lossy"}, {"optimize": "lossy", "tolerance": 3})
    ]
    assert [recipe.get("tolerance") for recipe in recipes] == [None, 10, 3]
