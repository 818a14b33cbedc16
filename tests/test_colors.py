"""--colors: at most so many colors in a frame, or in the clip."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.clips import make_clip
from support.images import DELIMITER, gif

import luigi_gif
from luigi_gif.errors import ParameterError

pytestmark = pytest.mark.slow


def picture(format_: str, *, hole: bool = False) -> bytes:
    """Of hundreds of colors, or 256 in a GIF; where it has a hole it is transparent."""
    y, x = np.mgrid[0:30, 0:40]
    rgba = np.stack((6 * x, 8 * y, 255 - 3 * (x + y), np.full_like(x, 255)), axis=2)
    if hole:
        rgba[5:15, 5:15] = 0
    image = Image.fromarray(rgba.astype(np.uint8))
    file = io.BytesIO()
    (image if hole else image.convert("RGB")).save(file, format_)
    return file.getvalue()


def colors_in(file: Path) -> int:
    """How many a frame shows."""
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGBA")).reshape(-1, 4)
    return len(np.unique(pixels[pixels[:, 3] > 0], axis=0))


@pytest.mark.parametrize("palette", ["frame", "clip"])
@pytest.mark.parametrize("format_", ["PNG", "GIF"])
@pytest.mark.parametrize("max_colors", [2, 5, 100])
def test_a_frame_has_no_more_colors_than_asked_for(
    tmp_path: Path, palette: str, format_: str, max_colors: int
) -> None:
    """The transparent one is none of them; of pictures that have more, so many are left."""
    data = DELIMITER.join((picture(format_), picture(format_, hole=True)))
    make_clip(data, tmp_path, palette=palette, colors=max_colors)
    for file in (tmp_path / "frames").glob("*.gif"):
        assert max(2, max_colors // 2) <= colors_in(file) <= max_colors


def test_a_gif_of_few_colors_is_copied(tmp_path: Path) -> None:
    """Its frame file holds the bytes of the bundle."""
    data = gif(2)
    make_clip(DELIMITER.join((data, picture("GIF"))), tmp_path, colors=16)
    assert (tmp_path / "frames" / "frame_00.gif").read_bytes() == data


def test_the_recipe_of_frames_names_what_is_asked_for_only(tmp_path: Path) -> None:
    """So frames that were made before these options are still current."""
    asked = luigi_gif.CombineGif(url="unused", workdir=str(tmp_path), colors=16, dither="ordered")
    unasked = luigi_gif.CombineGif(url="unused", workdir=str(tmp_path))
    new, old = (task.requires().recipe() for task in (asked, unasked))
    assert {"colors": "16", "dither": "ordered"}.items() <= new.items()
    assert not {"colors", "dither"} & old.keys()


@pytest.mark.parametrize("wrong", [1, 0, 257, "many"])
def test_what_no_table_can_have_is_an_error(wrong: object) -> None:
    """When the task is made."""
    with pytest.raises(ParameterError, match="colors"):
        luigi_gif.CombineGif(url="unused", colors=wrong)
