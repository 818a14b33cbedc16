"""One palette for all frames: what stands still in them stays still in the clip."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageSequence
from support.clips import make_clip
from support.images import DELIMITER

from luigi_gif import settings
from luigi_gif.execution import executors
from luigi_gif.imaging import common_palette, frame_palette
from luigi_gif.imaging.common_palette import COLORS, CommonPalette

pytestmark = pytest.mark.slow

SIZE = (100, 60)


def background(seed: int) -> Image.Image:
    """Shades with a little noise, of thousands of colors."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    shades = [80 + 100 * y / 60 + 20 * np.sin(x / 20), 120 + 90 * y / 60, 200 - 60 * y / 60]
    noise = np.random.default_rng(seed).normal(0, 1, (SIZE[1], SIZE[0], 3))
    return Image.fromarray((np.stack(shades, -1) + noise).clip(0, 255).astype(np.uint8))


def still(count: int = 8) -> list[Image.Image]:
    """The same background, and before it a spot that moves and changes its color."""
    pictures = [background(1) for _ in range(count)]
    for number, picture in enumerate(pictures):
        color = tuple(int(255 * abs(math.sin(number * k + k))) for k in (1, 1.3, 0.7))
        left = 5 + 75 * number // count
        ImageDraw.Draw(picture).ellipse([left, 30, left + 15, 45], fill=color)
    return pictures


def bundle(pictures: list[Image.Image]) -> bytes:
    files = [io.BytesIO() for _ in pictures]
    for picture, file in zip(pictures, files, strict=True):
        picture.save(file, "PNG", compress_level=1)
    return DELIMITER.join(file.getvalue() for file in files)


def shown(clip: Path) -> list[NDArray[np.uint8]]:
    with Image.open(clip) as image:
        return [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def choose(pictures: list[Image.Image], *, always: bool = False) -> CommonPalette | None:
    samples = [common_palette.sample_picture(picture, None, 1 << 14) for picture in pictures]
    return common_palette.choose_palette(samples, always=always)


@pytest.mark.parametrize(
    "options", [{}, {"palette": "clip"}, {"palette": "clip", "dither": "ordered"}], ids=str
)
def test_a_still_background_stays_still(tmp_path: Path, options: dict[str, str]) -> None:
    """No pixel of it changes, and a lossless clip need not store it again."""
    data = bundle(still())
    common = make_clip(data, tmp_path / "common", optimize="lossless", **options)
    own = make_clip(data, tmp_path / "own", optimize="lossless", palette="frame")
    first, *others = [frame[:27] for frame in shown(common)]
    assert all((frame == first).all() for frame in others)
    assert common.stat().st_size * 4 < own.stat().st_size


def test_it_is_as_good_as_one_for_each_frame(tmp_path: Path) -> None:
    """To 1 dB, or better than 40 dB."""
    pictures = still()
    for picture, frame in zip(
        pictures, shown(make_clip(bundle(pictures), tmp_path / "w")), strict=True
    ):
        error = (frame.astype(float) - np.asarray(picture)) ** 2
        assert 10 * math.log10(255**2 / error.mean()) > 40


@pytest.mark.parametrize(
    "pictures",
    [
        [background(seed) for seed in range(4)],
        [background(1).resize((20 + number, 20)) for number in range(4)],
        [Image.new("RGB", SIZE, (number, 90, 30)) for number in range(4)],
        [background(1)],
    ],
    ids=["all moves", "other sizes", "few colors", "one frame"],
)
def test_each_frame_keeps_its_own_where_one_for_all_is_not_worth_it(
    pictures: list[Image.Image],
) -> None:
    """Nothing stands still, or each can keep all of its colors."""
    assert choose(pictures) is None


def test_a_frame_that_it_does_not_fit_gets_its_own(tmp_path: Path) -> None:
    """A change of scene between the frames that were sampled."""
    scene = Image.fromarray(255 - np.asarray(background(2)) // 2)
    pictures = [picture for picture in still(8) for _ in range(3)]
    sampled = {index * len(pictures) // 16 for index in range(16)}
    number = next(number for number in range(3, 24) if number not in sampled)
    pictures[number] = scene
    found = shown(make_clip(bundle(pictures), tmp_path / "work"))
    assert np.abs(found[number].astype(int) - np.asarray(scene)).mean() < 3
    assert (found[number - 1][:27] == found[number + 1][:27]).all()


def test_colors_of_all_frames_are_kept_where_they_are_few() -> None:
    """With a palette for the clip that is asked for, and colors that fit into it."""
    pictures = [Image.new("RGB", (4, 4), (number, 90, 30)) for number in range(COLORS)]
    common = choose(pictures, always=True)
    assert common is not None
    for picture in pictures:
        indexes = common_palette.indexed(common, picture, None)
        assert indexes is not None
        assert (common_palette.table(common)[indexes] == np.asarray(picture)).all()


def test_a_palette_for_the_clip_knows_what_only_one_frame_shows(tmp_path: Path) -> None:
    """A red flash, which is shown in hardly other colors than it has."""
    pictures = [background(1) for _ in range(24)]
    flash = np.asarray(background(2)) // 8 + np.array((220, 0, 0), np.uint8)
    pictures[17] = Image.fromarray(flash)
    found = shown(make_clip(bundle(pictures), tmp_path / "work", palette="clip"))
    assert np.abs(found[17].astype(int) - flash).mean() < 8


def test_each_color_becomes_the_nearest() -> None:
    """Also one that was not seen when the palette was made, from several threads' table."""
    common = choose(still(), always=True)
    assert common is not None
    picture = background(9)
    indexes = common_palette.indexed(common, picture, None)
    colors = np.asarray(picture, np.float32).reshape(-1, 3)
    nearest = frame_palette.nearest_indexes(colors, common_palette.table(common).astype(np.float32))
    assert indexes is not None
    assert (indexes.ravel() == nearest).all()


@pytest.mark.parametrize("wanted", ["clip", "frame"])
def test_what_is_asked_for_counts(tmp_path: Path, wanted: str) -> None:
    """Whatever the frames show."""
    pictures = [background(seed).resize((40, 24)) for seed in range(3)]
    make_clip(bundle(pictures), tmp_path / "work", palette=wanted)
    tables = {
        (tmp_path / "work" / "frames" / f"frame_0{number}.gif").read_bytes()[13:781]
        for number in range(3)
    }
    assert len(tables) == (1 if wanted == "clip" else 3)


@pytest.mark.parametrize(
    "options", [{}, {"palette": "clip", "dither": "ordered", "colors": 20}], ids=str
)
def test_workers_make_the_same_clip_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, object]
) -> None:
    """Whoever samples the frames: this thread, or Dask's."""
    data = bundle(still())
    monkeypatch.setattr(executors, "SMALL_WORK", 0)
    with_dask = make_clip(data, tmp_path / "dask", optimize="lossless", **options)
    monkeypatch.setattr(settings.dask.workers, "_default", 0)
    alone = make_clip(data, tmp_path / "alone", optimize="lossless", **options)
    assert with_dask.read_bytes() == alone.read_bytes()


def test_transparent_pixels_stay_transparent(tmp_path: Path) -> None:
    """They have an index of their own beside the colors that all frames share."""
    pictures = still()
    for picture in pictures:
        picture.putalpha(Image.new("L", SIZE, 255))
        picture.putalpha(picture.getchannel("A").point(lambda _: 255))
        ImageDraw.Draw(picture).rectangle([0, 50, 99, 59], fill=(0, 0, 0, 0))
    clip = make_clip(bundle(pictures), tmp_path / "work", palette="clip")
    with Image.open(clip) as image:
        for frame in ImageSequence.Iterator(image):
            alpha = np.array(frame.convert("RGBA"))[..., 3]
            assert not alpha[50:].any()
            assert alpha[:50].all()
