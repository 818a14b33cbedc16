"""A clip with a limit is no larger, gives up little for it, and tells what."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence
from support.clips import clip_here
from support.images import DELIMITER, gif, saved, true_color
from support.right_clips import same_clips

import luigi_gif
from luigi_gif import cli_options, imaging, run_history, settings
from luigi_gif.clips.size_limit import SizeLimitError
from luigi_gif.errors import ParameterError
from luigi_gif.gif import Image as GifImage
from luigi_gif.gif import encode_single, read_first_image
from luigi_gif.imaging.shrinking import significant_colors
from luigi_gif.max_size_parameter import PLACES

COUNT = 24


def indexed(gray: NDArray[Any]) -> GifImage:
    """A GIF of gray values."""
    return read_first_image(saved(Image.fromarray(gray.astype(np.uint8)), "GIF"))[0]


class Limited:
    """Clips with limits, of one set of frame files: thousands of colors, some with holes."""

    def __init__(self, folder: Path, bundle: bytes) -> None:
        (folder / "x.img").write_bytes(bundle)
        self.workdir = folder / "work"
        self.unlimited = clip_here(folder / "x.img", self.workdir, optimize="lossless").read_bytes()

    def task(self, limit: int, min_frames: int = 1) -> luigi_gif.CombineGif:
        return luigi_gif.CombineGif(
            url=str(self.workdir.parent / "x.img"),
            workdir=str(self.workdir),
            gif_file=f"{limit}.gif",
            max_size=limit,
            min_frames=min_frames,
        )

    def make(self, limit: int) -> tuple[Path, dict[str, Any]]:
        """The clip, and what is noted of it."""
        task = self.task(limit)
        assert task.requires().complete()
        task.run()
        return Path(task.output().path), run_history.recorded_clip(task.folder, task.gif_file) or {}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, mixed_bundle: bytes) -> Iterator[Limited]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings.dask.workers, "_default", 0)
        yield Limited(tmp_path_factory.mktemp("limited"), mixed_bundle)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10MB", 10_000_000),
        ("8MiB", 8 << 20),
        ("1.5 MB", 1_500_000),
        ("300kB", 300_000),
        ("10mb", 10_000_000),
        ("8 mIb", 8 << 20),
        ("123456", 123_456),
        ("github", "github"),
    ],
)
def test_a_size_is_bytes_or_a_place(text: str, value: object) -> None:
    """MB is decimal, MiB is not, in any case; as text it comes back the same."""
    parameter = luigi_gif.CombineGif.max_size
    assert parameter.normalize(parameter.parse(text)) == value
    assert parameter.parse(parameter.serialize(value)) == value


@pytest.mark.parametrize("wrong", ["10 xb", "MB", "-1MB", "1e6", "999", "gitlab", True, 1.5])
def test_what_is_no_size_is_refused(wrong: object) -> None:
    """The error names the places."""
    with pytest.raises(ParameterError, match=r"--max-size(.|\n)*github"):
        luigi_gif.CombineGif(max_size=wrong)


def test_a_place_stands_for_what_its_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip made for another limit is not current."""
    before = luigi_gif.CombineGif(max_size="discord").recipe()
    assert before == luigi_gif.CombineGif(max_size="10MB").recipe()
    monkeypatch.setattr(settings.places.discord, "_default", 50_000_000)
    assert luigi_gif.CombineGif(max_size="discord").recipe()["max_size"] == 50_000_000


def test_each_place_has_a_setting() -> None:
    """And each setting is a place."""
    assert {name for name, _ in settings.places.get_params()} == set(PLACES)


@pytest.mark.slow
def test_a_clip_that_fits_is_the_lossless_one(limited: Limited) -> None:
    """But for the comment that says of what it was made."""
    clip, about = limited.make(len(limited.unlimited) + 1000)
    first = limited.unlimited.index(b"\x21\xf9")  # of the first image
    assert clip.read_bytes().endswith(limited.unlimited[first:])
    assert "gave_up" not in about


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.9, 0.2])
def test_a_clip_with_a_limit_takes_most_of_it_and_never_more(limited: Limited, part: float) -> None:
    """The frame files stay, all of them show for as long, and nothing of the attempts is left."""
    frame_files = {path: path.stat() for path in (limited.workdir / "frames").iterdir()}
    limit = int(part * len(limited.unlimited))
    clip, about = limited.make(limit)
    assert 0.95 * limit <= clip.stat().st_size <= limit
    assert about["encodings"] <= 6
    with Image.open(clip) as image:
        assert image.size == (about["width"], about["height"])
        delays = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
    assert sum(delays) == about["duration_ms"] == 100 * COUNT
    assert {path: path.stat() for path in (limited.workdir / "frames").iterdir()} == frame_files


@pytest.mark.slow
def test_frames_are_left_out_where_size_does_not_do(limited: Limited) -> None:
    """Those that are shown stand for them: the clip takes as long."""
    clip, about = limited.make(4000)
    assert clip.stat().st_size <= 4000
    assert about["frames"] < COUNT
    assert about["duration_ms"] == 100 * COUNT
    assert re.search(r"one of \d+ frames", about["gave_up"])


@pytest.mark.slow
def test_a_limit_that_cannot_be_kept_is_an_error(limited: Limited) -> None:
    """It says how small the clip got with as many frames as there must be; there is no clip."""
    task = limited.task(1000, min_frames=COUNT)
    with pytest.raises(SizeLimitError) as error:
        task.run()
    assert error.value.expected == "at most 1,000 bytes"
    assert re.match(r"[0-9,]{5} bytes, with 21x16 of 64x48 pixels, 63 colors$", error.value.got)
    assert not task.output().exists()


@pytest.mark.slow
def test_each_executor_makes_the_same_clip_for_a_limit(
    luigi_gif_here: Callable[..., int], cluster: str, tmp_path: Path
) -> None:
    """In this thread, in threads, and on a cluster."""
    (tmp_path / "x.img").write_bytes(DELIMITER.join(map(true_color, range(3))))
    same_clips(luigi_gif_here, tmp_path, [str(tmp_path / "x.img"), "--max-size", "4kB"], cluster)


@pytest.mark.slow
def test_make_gif_tells_what_the_clip_gave_up(tmp_path: Path) -> None:
    """And nothing where it fits."""
    images = [true_color(number) for number in range(2, 5)]
    small = luigi_gif.make_gif(images, tmp_path / "small.gif", max_size="4kB")
    assert small.size <= 4000
    assert "colors" in small.gave_up
    assert luigi_gif.make_gif(images, tmp_path / "large.gif", max_size="github").gave_up == ""


@pytest.mark.slow
@pytest.mark.parametrize("palette", ["frame", "clip"])
def test_a_smaller_clip_has_no_more_colors_than_were_asked_for(
    tmp_path: Path, palette: str
) -> None:
    """They are not told as given up."""
    images = [true_color(number) for number in range(2, 9)]
    clip = luigi_gif.make_gif(
        images, tmp_path / "small.gif", colors=12, palette=palette, max_size="3kB"
    )
    assert clip.size <= 3000
    assert "pixels" in clip.gave_up
    assert "colors" not in clip.gave_up
    with Image.open(tmp_path / "small.gif") as shown:
        for frame in ImageSequence.Iterator(shown):
            pixels = np.asarray(frame.convert("RGBA")).reshape(-1, 4)
            assert len(np.unique(pixels[pixels[:, 3] > 0], axis=0)) <= 12


def test_a_place_is_said_by_for_or_by_max_size(capsys: pytest.CaptureFixture[str]) -> None:
    """Giving both is an error, and so is a place that nobody knows."""
    parser = cli_options.make_parser()
    assert parser.parse_args(["x.img", "--for", "slack"]).max_size == "slack"
    for wrong in (["--for", "slack", "--max-size", "1MB"], ["--for", "1MB"]):
        with pytest.raises(SystemExit):
            parser.parse_args(["x.img", *wrong])
    said = capsys.readouterr().err
    assert "not allowed with argument" in said
    assert "invalid choice" in said


def test_what_looks_more_like_the_original_is_known() -> None:
    """Noise makes it less alike, more noise more so; the same is the same."""
    gray = np.asarray(Image.radial_gradient("L").resize((64, 48)))
    original = indexed(gray)
    noise = np.random.default_rng(1).normal(0, 1, gray.shape)
    found = [
        imaging.likeness(encode_single(indexed(np.clip(gray + level * noise, 0, 255))), original)
        for level in (0, 4, 16)
    ]
    assert found[0] == (3 * 48 * 1_000_000, 3 * 48)
    assert found[0].millionths > found[1].millionths > found[2].millionths


def test_a_frame_that_shows_nothing_has_no_color_to_give_up() -> None:
    """All of it stays transparent."""
    image = read_first_image(gif(2, (5, 5), transparency=2))[0]
    smaller = imaging.smaller_image(image, (5, 5), 128, None)
    with Image.open(io.BytesIO(encode_single(smaller))) as shown:
        assert not np.asarray(shown.convert("RGBA"))[..., 3].any()


@pytest.mark.parametrize("count", [200, 129, 100])
def test_a_color_that_is_left_out_has_one_near_it(count: int) -> None:
    """As long as half of them stay; those of most pixels stay too."""
    levels = np.arange(128)
    pairs = np.repeat(levels, 2) * 2 + np.tile([0, 1], 128)
    values = np.zeros((256, 3), np.float32)
    values[:, 0] = pairs
    counts = np.tile([5, 1], 128)
    kept = significant_colors(imaging.DistinctColors(values, counts), count)
    reds = np.frombuffer(kept, np.uint8).reshape(-1, 3)[:, 0]
    assert len(reds) == count
    if count >= 128:
        assert set(levels * 2) <= set(reds.tolist())


def test_the_way_that_fits_is_taken_though_the_other_looks_better(tmp_path: Path) -> None:
    """Where all colors with a tolerance stay over the limit, fewer colors do not."""
    noise = np.random.default_rng(3).integers(0, 200, (48, 64, 3), np.uint8)
    plain = np.full((48, 64, 3), 9, np.uint8)
    clip = luigi_gif.make_gif([plain, noise, plain], tmp_path / "clip.gif", max_size=1000)
    assert clip.size <= 1000
