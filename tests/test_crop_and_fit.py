"""Pictures are cropped, fitted and laid on a background as Pillow does it, and told to be."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from support.encoded import colors, made, picture, shown, to_gif
from support.images import DELIMITER, saved, true_color
from support.pipeline import BUNDLE, Pipeline
from support.right_clips import same_clips

import luigi_gif
from luigi_gif import gif as gif_
from luigi_gif.errors import ParameterError, PipelineError, Undecodable
from luigi_gif.imaging import Crop
from luigi_gif.imaging.changed_gif import change_image
from luigi_gif.imaging.look import Look

LANCZOS = Image.Resampling.LANCZOS
GRAY = Image.merge("RGB", [Image.radial_gradient("L").resize((61, 40)).rotate(30)] * 3)
"""However it is resized, it has at most 256 colors."""
BLUE = (10, 20, 250)


def crop(text: str) -> Crop:
    task = luigi_gif.WriteFrames(crop=text)
    assert isinstance(task.crop, Crop)
    return task.crop


def holed() -> Image.Image:
    """Opaque, half transparent and transparent pixels, of few colors."""
    alpha = Image.linear_gradient("L").resize((40, 30)).point(lambda level: level // 32 * 36)
    source = picture((40, 30))
    source.putalpha(alpha)
    return source


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("30x20+5+7", (5, 7, 35, 27)),
        ("1x40+60+0", (60, 0, 61, 40)),
        ("50%x25%+50%+10%", (31, 4, 61, 14)),
        ("100%x20+0+8", (0, 8, 61, 28)),
        ("33.3%x66.7%+66.7%+33.3%", (41, 13, 61, 40)),
    ],
)
@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF"])
def test_a_crop_is_that_of_pillow(text: str, box: tuple[int, int, int, int], format_: str) -> None:
    """Pixel for pixel, in pixels and in percent."""
    found = colors(saved(GRAY, format_), crop=crop(text))
    assert (found == np.asarray(GRAY.crop(box))).all()


def test_halves_in_percent_are_the_whole() -> None:
    """They neither overlap nor leave a gap, however many pixels there are."""
    first, second = crop("50%x100%+0%+0"), crop("50%x100%+50%+0")
    for length in range(1, 40):
        halves = [half.box((length, 5)) for half in (first, second)]
        assert [halves[0][0], halves[0][2], halves[1][2]] == [0, halves[1][0], length]


@pytest.mark.parametrize("size", [(30, 30), (50, 20), (17, 90), (61, 40), (122, 80), (7, 3)])
def test_a_fit_is_that_of_pillow(size: tuple[int, int]) -> None:
    """Pixel for pixel, with Lanczos, larger and smaller, wider and higher."""
    data = saved(GRAY, "PNG")
    padded = ImageOps.pad(GRAY, size, LANCZOS, color="#505050")
    look = {"size": size, "background": (80, 80, 80)}
    assert (colors(data, fit="contain", **look) == np.asarray(padded)).all()
    assert (
        colors(data, fit="cover", **look) == np.asarray(ImageOps.fit(GRAY, size, LANCZOS))
    ).all()
    assert (colors(data, fit="fill", **look) == np.asarray(GRAY.resize(size, LANCZOS))).all()


def test_a_crop_comes_before_the_size() -> None:
    """What is fitted is the part that is kept."""
    found = colors(saved(GRAY, "PNG"), crop=crop("20x30+1+2"), size=(40, 40), fit="cover")
    part = GRAY.crop((1, 2, 21, 32))
    assert (found == np.asarray(ImageOps.fit(part, (40, 40), LANCZOS))).all()


def test_padding_is_transparent_where_no_color_is_given() -> None:
    """And the picture in its middle is as it would be alone."""
    source = GRAY.quantize(200).convert("RGB")
    found = shown(to_gif(saved(source, "PNG"), size=(61, 60), fit="contain")[0])
    assert (found[10:50, :, :3] == np.asarray(source)).all()
    assert (found[10:50, :, 3] == 255).all()
    assert not found[:10, :, 3].any()
    assert not found[50:, :, 3].any()


@pytest.mark.parametrize("size", [(60_000, 1), (1, 60_000)])
def test_a_side_is_never_rounded_to_nothing(size: tuple[int, int]) -> None:
    """A line in a square is one pixel wide; its middle fills the square."""
    data = saved(Image.new("RGB", size, BLUE), "PNG")
    contained = shown(to_gif(data, size=(9, 9), fit="contain")[0])
    assert np.count_nonzero(contained[..., 3]) == 9
    assert (colors(data, size=(9, 9), fit="cover") == BLUE).all()
    assert (colors(data, size=size[::-1], fit="cover") == BLUE).all()


def test_half_transparent_pixels_mix_with_the_background() -> None:
    """In full, not from a threshold on."""
    found = colors(saved(holed(), "PNG"), background=BLUE)
    ground = Image.new("RGBA", (40, 30), (*BLUE, 255))
    wanted = np.asarray(Image.alpha_composite(ground, holed()))[..., :3]
    assert abs(found.astype(int) - wanted).max() <= 1
    assert len(np.unique(found.reshape(-1, 3), axis=0)) == 15


@pytest.mark.parametrize(
    ("text", "named"), [("30x20+40+0", "30x20+40+0"), ("10x50%+0+25", "10x20+0+25")]
)
def test_a_crop_that_the_picture_does_not_hold_is_named(text: str, named: str) -> None:
    """With the size of the picture: nothing is guessed."""
    with pytest.raises(Undecodable) as error:
        to_gif(saved(GRAY, "PNG"), crop=crop(text))
    assert f"holds the part {named} (see --crop)" in error.value.expected
    assert error.value.got == "61x40 pixels"
    with pytest.raises(Undecodable, match="at least one pixel"):
        to_gif(saved(GRAY, "PNG"), crop=crop("0.1%x10+0+0"))


# GIF frames


def framed() -> gif_.Image:
    """256 colors, all in use, at 3, 2 of a larger screen."""
    indexes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    return made(indexes, bytes(range(256)) * 3)


def test_a_gif_that_is_cropped_keeps_its_colors() -> None:
    """The table, the pixels and the delay, also where all 256 are in use."""
    image = framed()
    changed = change_image(image, Look(10**6, crop=crop("16x10+3+4"))).image
    assert changed.color_table == image.color_table
    assert (changed.screen, changed.position, changed.size) == ((16, 10), (0, 0), (16, 10))
    assert (changed.delay_cs, changed.transparent_index) == (4, None)
    assert (shown(changed) == shown(image)[4:14, 3:19]).all()


def test_a_gif_that_is_cropped_is_transparent_beside_its_image() -> None:
    """As on its whole screen; on a background it has that color there."""
    image = made(np.zeros((8, 10), np.uint8), bytes((200, 30, 30, 0, 0, 0)))
    look = Look(10**6, crop=crop("6x6+0+0"))
    found = shown(change_image(image, look).image)
    assert (found[2:, 3:] == (200, 30, 30, 255)).all()
    assert np.count_nonzero(found[..., 3]) == 12
    opaque = shown(change_image(image, look._replace(background=BLUE)).image)
    assert (opaque[found[..., 3] == 0] == (*BLUE, 255)).all()
    assert (opaque[2:, 3:] == found[2:, 3:]).all()


def test_only_gifs_that_change_are_decoded(tmp_path: Path) -> None:
    """One that keeps all of its pixels is copied, byte for byte."""
    source = Image.new("P", (20, 10), 1)
    source.putpalette([0, 0, 0, *BLUE])
    for number in range(3):
        source.putpixel((3, 3 + number), 0)
        hole = {"transparency": 0} if number == 2 else {}
        (tmp_path / f"{number}.gif").write_bytes(saved(source, "GIF", **hole))
    for options, copied in (
        ({"crop": "20x100%+0+0", "size": "20x10", "fit": "cover"}, [True, True, True]),
        ({"background": "#ffffff"}, [True, True, False]),
        ({"crop": "19x10+1+0"}, [False, False, False]),
    ):
        workdir = tmp_path / "run"
        luigi_gif.make_gif(tmp_path / "?.gif", tmp_path / "clip.gif", workdir=workdir, **options)
        files = [
            (workdir / "frames" / f"frame_{number:02}.gif").read_bytes() for number in range(3)
        ]
        sources = [(tmp_path / f"{number}.gif").read_bytes() for number in range(3)]
        assert [a == b for a, b in zip(files, sources, strict=True)] == copied, options


# Parameters and runs


@pytest.mark.parametrize(
    "options",
    [
        {"crop": text}
        for text in ("", "9x9", "0x9+0+0", "9x9-1+0", "50%x9+51%+0", "9x101%+0+0", "9x9+0.5+0")
    ]
    + [{"background": text} for text in ("", "red", "#fff", "#12345g", "#11223344")]
    + [{"fit": "contain"}, {"fit": "cover", "size": "20x"}, {"fit": "crop", "size": "2x2"}],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    """When the task is made; a fit needs both sides of the size."""
    with pytest.raises(ParameterError, match=f"--{next(iter(options))}"):
        luigi_gif.CombineGif(**options)


def test_a_crop_fetches_nothing(pipeline: Pipeline) -> None:
    """Frames and clip are made again, and a crop that no frame holds names the frame."""
    pipeline.run()
    whole = pipeline.clip()
    assert pipeline.run(crop="8x6+2+1") == ["WriteFrames", "CombineGif"]
    with Image.open(io.BytesIO(pipeline.clip())) as clip, Image.open(io.BytesIO(BUNDLE)) as first:
        assert clip.size == (8, 6)
        assert clip.convert("RGB").tobytes() == first.convert("RGB").crop((2, 1, 10, 7)).tobytes()
    pipeline.run(crop="8x6+9+1")
    assert not pipeline.ok
    assert any("8x6+9+1" in line and "16x12 pixels" in line for line in pipeline.log)
    pipeline.run()
    assert pipeline.clip() == whole


def test_any_worker_makes_the_same_frames(
    luigi_gif_here: Callable[..., int], cluster: str, tmp_path: Path
) -> None:
    """Without Dask, with its threads, and on a cluster."""
    source = tmp_path / "bundle"
    source.write_bytes(DELIMITER.join(true_color(number) for number in range(8)))
    look = ["--crop", "80%x30+10%+3", "--size", "33x40", "--fit", "contain"]
    look += ["--background", "#102030"]
    with Image.open(same_clips(luigi_gif_here, tmp_path, [str(source), *look], cluster)) as clip:
        assert clip.size == (33, 40)


def test_a_part_that_a_picture_does_not_hold_is_an_error_with_the_option(tmp_path: Path) -> None:
    """The picture is named, and nothing is to be mended but the option."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (8, 6)).save(folder / "small.png")
    with pytest.raises(PipelineError, match=r"small\.png(.|\n)*next: +change crop, or leave"):
        luigi_gif.make_gif(folder, tmp_path / "clip.gif", crop="9x6+0+0")
