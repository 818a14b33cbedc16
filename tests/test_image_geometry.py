"""An image as a GIF is upright and has the size that it is to have."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.encoded import ORIENTATION, colors, made, picture, shown, to_gif
from support.images import saved

from luigi_gif.errors import Undecodable
from luigi_gif.imaging.changed_gif import change_image
from luigi_gif.imaging.frame_palette import Bytes
from luigi_gif.imaging.look import Look, Size

UPRIGHT = np.array([[(255, 0, 0), (0, 255, 0), (0, 0, 255)], [(0,) * 3, (90,) * 3, (255,) * 3]])
"""Of six colors, so that each of the eight ways to turn it is another picture."""


def turned(orientation: int) -> Bytes:
    """How the upright picture is stored under an Exif orientation."""
    return {
        1: UPRIGHT,
        2: UPRIGHT[:, ::-1],
        3: UPRIGHT[::-1, ::-1],
        4: UPRIGHT[::-1],
        5: UPRIGHT.transpose(1, 0, 2),
        6: np.rot90(UPRIGHT),
        7: UPRIGHT[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(UPRIGHT, 3),
    }[orientation].astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_upright(orientation: int) -> None:
    """As its Exif orientation says, in every format that has one."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    source = Image.fromarray(turned(orientation))
    for format_, options in (
        ("PNG", {"exif": exif}),
        ("WebP", {"exif": exif, "lossless": True}),
        ("TIFF", {"tiffinfo": {ORIENTATION: orientation}}),
    ):
        assert (colors(saved(source, format_, **options)) == UPRIGHT).all(), format_
    large = source.resize((source.width * 32, source.height * 32), Image.Resampling.NEAREST)
    found = colors(saved(large, "JPEG", exif=exif, subsampling=0, quality=95))
    assert found.shape == (64, 96, 3)
    assert abs(found[16::32, 16::32].astype(int) - UPRIGHT).max() < 12


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_a_picture_of_sixteen_bits_is_upright(format_: str) -> None:
    """As its Exif orientation says."""
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        grey = Image.fromarray(turned(orientation)[..., 1].astype(np.uint16) * 257)
        option = {"PNG": "exif", "TIFF": "tiffinfo"}[format_]
        found = colors(saved(grey, format_, **{option: exif}))
        assert found.shape == UPRIGHT.shape, orientation
        assert (found == UPRIGHT[..., 1:2]).all(), orientation


def test_an_image_gets_the_size_that_it_is_to_have() -> None:
    """It follows from the size of the upright picture, and each area is where it was."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    found = colors(saved(picture((64, 32)), "JPEG", exif=exif, quality=95), size=(40, None))
    assert found.shape == (80, 40, 3)
    upright = np.rot90(np.asarray(picture((80, 40))), 3).astype(int)
    assert abs(found - upright)[20::40, 10::20].max() < 8


def test_what_is_transparent_has_no_color() -> None:
    """Where an image is resized, none runs from transparent pixels into others."""
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:] = (255, 0, 255, 0)
    pixels[10:30, 10:30] = (10, 200, 10, 255)
    found = shown(to_gif(saved(Image.fromarray(pixels), "PNG"), size=(23, 23))[0])
    opaque = found[..., 3] == 255
    assert 100 < opaque.sum() < 196
    assert found[opaque][:, [0, 2]].max() < 16
    assert found[opaque][:, 1].min() > 190


@pytest.mark.parametrize("size", [(65_536, 1), (1, 65_536)])
def test_a_gif_has_at_most_so_many_pixels_a_side(size: Size) -> None:
    """More are an error that names the way out, one fewer are none."""
    data = saved(picture(), "PNG")
    with pytest.raises(Undecodable, match=r"65,535 pixels a side.*--size.*65536") as error:
        to_gif(data, size=size)
    assert error.value.got == "{}x{}".format(*size)
    fits = min(size[0], 65_535), min(size[1], 65_535)
    assert to_gif(data, size=fits)[0].size == fits


def test_a_gif_is_resized_with_its_delay() -> None:
    """What its image leaves free of its screen is transparent, as without a new size."""
    small = made(np.zeros((8, 10), np.uint8), bytes((200, 30, 30, 0, 0, 0)))
    large = change_image(small, Look(10**6, size=(32, 24))).image
    assert (large.size, large.delay_cs) == ((32, 24), 4)
    pixels = shown(large)
    assert (pixels[12, 16] == (200, 30, 30, 255)).all()
    assert (pixels[1, 1, 3], pixels[22, 30, 3]) == (0, 0)
