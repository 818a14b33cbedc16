"""The files beside the clip: the same frames in other formats, in all of their colors."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from campaigns import also
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageSequence
from support import decoders, programs
from support.clips import make_clip
from support.images import DELIMITER, saved
from support.paths import ROOT
from support.pipeline import Pipeline, waypoints_every

import luigi_gif
from luigi_gif import containers, imaging, settings, storage
from luigi_gif.also import video_files
from luigi_gif.also.ffmpeg_encoder import FfmpegEncoder
from luigi_gif.errors import ForeignFileError, ParameterError, StorageError, VideoError
from luigi_gif.imaging import animation_frames, single_frame
from luigi_gif.parameters import Workers
from luigi_gif.sources import ffmpeg_program

Pixels = NDArray[np.uint8]
PICTURES = ("webp", "apng", "avif")
SIZE = (34, 25)
DELAYS_MS = [50, 70, 200, 100, 30, 90]
PLAYED = {"bounce": True, "hold_first_ms": 1010, "hold_last_ms": 2000}
PLAYED_MS = [1010, 70, 200, 100, 30, 2000, 30, 100, 200, 70]


def _drawn() -> Iterator[Image.Image]:
    """Pictures of many colors: each differs from the one before in a part of it, if at all."""
    gradient = Image.radial_gradient("L").resize(SIZE)
    picture = Image.merge("RGBA", [gradient, gradient.rotate(90), gradient.rotate(45), gradient])
    picture.putalpha(255)
    for number in range(len(DELAYS_MS)):
        if number in (1, 2, 4):
            part = Image.new("RGBA", (5, 7), (250, 40 * number, 0, 255))
            picture.paste(part, (3 + 5 * number, 2 + 3 * number))
        if number == 5:  # a hole, and what is half transparent
            picture.paste((0, 0, 0, 0), (4, 4, 12, 9))
            picture.paste((10, 200, 30, 160), (20, 15, 30, 20))
        yield picture.copy()


DRAWN = list(_drawn())


def bundle_of(pictures: list[Image.Image]) -> bytes:
    """A bundle of APNGs of one frame each, which have delays of their own."""
    delays = zip(pictures, DELAYS_MS, strict=False)
    return DELIMITER.join(single_frame.encode_png(each, ms // 10) for each, ms in delays)


BUNDLE = bundle_of(DRAWN)
OPAQUE = bundle_of([each.convert("RGB") for each in DRAWN[:5]])


def beside(clip: Path, format_: str) -> Path:
    return clip.with_suffix(".poster.webp" if format_ == "poster" else f".{format_}")


def shown(path: Path) -> list[Pixels]:
    """The frames as Pillow shows them; what is transparent has no color."""
    with Image.open(path) as image:
        frames = [np.array(each.convert("RGBA")) for each in ImageSequence.Iterator(image)]
    for frame in frames:
        frame[frame[..., 3] == 0] = 0
    return frames


def pixels_of(pictures: list[Image.Image]) -> list[Pixels]:
    return [np.asarray(each.convert("RGBA")) for each in pictures]


def delays_ms(path: Path) -> list[int]:
    found = []
    with Image.open(path) as image:
        for each in ImageSequence.Iterator(image):
            each.load()  # which a WebP knows its delay from
            found.append(round(each.info["duration"]))
    return found


def psnr(picture: Pixels, other: Pixels) -> float:
    """In decibels, of red, green and blue where something is shown."""
    shown = np.maximum(picture[..., 3:], other[..., 3:]) / 255.0
    differences = (picture[..., :3].astype(float) - other[..., :3]) * shown
    return float(10 * np.log10(255**2 / max(1e-9, float(np.mean(differences**2)))))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that bounces and is held, with transparency, and all pictures beside it."""
    workdir = tmp_path_factory.mktemp("played") / "work"
    return make_clip(BUNDLE, workdir, also=(*PICTURES, "poster"), optimize="lossless", **PLAYED)


@pytest.mark.parametrize("format_", PICTURES)
def test_each_file_shows_its_frames_for_as_long_as_the_clip(played: Path, format_: str) -> None:
    """In the same order, with own delays, holds and the way back."""
    assert delays_ms(beside(played, format_)) == PLAYED_MS


@pytest.mark.parametrize("format_", ["webp", "apng"])
def test_a_file_without_loss_shows_the_pixels_of_the_pictures(played: Path, format_: str) -> None:
    """Also where only what changed is stored, and where they are transparent."""
    pictures = pixels_of(DRAWN)
    expected = pictures + pictures[-2:0:-1]
    for frame, picture in zip(shown(beside(played, format_)), expected, strict=True):
        np.testing.assert_array_equal(frame, picture)


def test_the_poster_is_the_last_frame(played: Path) -> None:
    """It is a WebP of one image."""
    (frame,) = shown(beside(played, "poster"))
    np.testing.assert_array_equal(frame, pixels_of(DRAWN)[-1])


@pytest.mark.external
@decoders.IN_CHROMIUM
@pytest.mark.parametrize("format_", PICTURES)
def test_chromium_shows_each_frame_for_its_time(played: Path, format_: str) -> None:
    programs.need("chromium")
    type_ = "image/png" if format_ == "apng" else f"image/{format_}"
    found = decoders.shown_by_chromium(beside(played, format_).read_bytes(), type_)
    assert [round(delay_ms) for _, delay_ms in found] == PLAYED_MS


def test_webp_with_loss_is_near_to_every_picture(tmp_path: Path) -> None:
    """At least 36 dB, also where the usual quality would not do, or none."""
    random = np.random.default_rng(0)
    smooth = Image.radial_gradient("L").resize((64, 48))
    noisy = np.clip(np.asarray(smooth)[..., None] + random.normal(0, 7, (48, 64, 1)), 0, 255)
    colored = random.integers(0, 256, (48, 64, 3), np.uint8)
    pictures = [smooth.convert("RGB")]
    pictures += [
        Image.fromarray(each.astype(np.uint8) + np.zeros((48, 64, 3), np.uint8))
        for each in (noisy, colored)
    ]
    clip = make_clip(DELIMITER.join(saved(each, "PNG") for each in pictures), tmp_path, also="webp")
    found = [
        psnr(frame, picture)
        for frame, picture in zip(shown(beside(clip, "webp")), pixels_of(pictures), strict=True)
    ]
    assert min(found) >= 36
    assert found[0] < 60  # with loss indeed


def test_a_photograph_among_drawings_is_stored_with_loss() -> None:
    """Drawings that no quality brings near enough are without loss, each after the other."""
    smooth = Image.radial_gradient("L").resize((64, 48)).convert("RGB")
    drawings = [Image.new("RGB", smooth.size, (255, 255, 255)) for _ in range(3)]
    for number, drawing in enumerate(drawings):
        for left in range(number, 60, 5):
            drawing.paste((255, 0, 40 * number), (left, 3, left + 1, 45))
    encoder = imaging.WebpEncoder(lossless=False)
    pictures = (drawings[0], drawings[1], smooth, drawings[2])
    kinds = [encoder.encode(picture, None).data[12:16] for picture in pictures]
    assert kinds == [b"VP8L", b"VP8L", b"VP8 ", b"VP8L"]


def test_a_drawing_that_takes_fewer_bytes_without_loss_is_exact() -> None:
    """Though with loss it would be near enough; a photograph of as few colors has some."""
    drawing = Image.new("RGB", (64, 48), (250, 250, 240))
    for left in range(0, 64, 8):
        drawing.paste((60, 60, 60), (left, left // 2, left + 5, left // 2 + 9))
    gray = np.asarray(Image.radial_gradient("L").resize((64, 48)))
    noise = np.random.default_rng(0).normal(0, 3, gray.shape)
    photograph = Image.fromarray(np.clip(gray + noise, 0, 255).astype(np.uint8)).convert("RGB")
    for picture, kind in ((drawing, b"VP8L"), (photograph, b"VP8 ")):
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=80, method=4)
        with Image.open(file) as lossy:
            assert psnr(np.asarray(lossy.convert("RGBA")), np.asarray(picture.convert("RGBA"))) > 37
        encoder = imaging.WebpEncoder(lossless=False)
        for part in (picture, picture.crop((0, 0, 64, 40))):
            assert encoder.encode(part, None).data[12:16] == kind


@pytest.mark.parametrize(
    ("color_noise", "quality", "quality_of_part"),
    [(0, 80, 85), (2, 85, 85), (3, 90, 90), (4, 95, 95)],
)
def test_as_much_quality_is_taken_as_a_picture_needs(
    color_noise: float, quality: int, quality_of_part: int
) -> None:
    """For the next one too, of which less would do, and for a smaller part, which may need more."""
    encoder = imaging.WebpEncoder(lossless=False)
    smooth = np.asarray(Image.radial_gradient("L").resize((64, 48)))[..., None]

    def noisy(color_noise: float) -> Image.Image:
        random = np.random.default_rng(0)
        noise = random.normal(0, 6, (48, 64, 1)) + random.normal(0, color_noise, (48, 64, 3))
        return Image.fromarray(np.clip(smooth + noise, 0, 255).astype(np.uint8))

    picture = noisy(color_noise)
    qualities = (quality, quality, quality_of_part)
    for part, expected in zip(
        (picture, noisy(1), picture.crop((0, 0, 64, 40))), qualities, strict=True
    ):
        file = io.BytesIO()
        part.save(file, "WEBP", quality=expected, method=4)
        assert encoder.encode(part, None).data == file.getvalue()


def test_pictures_that_slowly_lose_more_are_near_enough_all_the_same() -> None:
    """Their files have about as many bytes as those of one that lost less."""
    encoder = imaging.WebpEncoder(lossless=False)
    noise = Image.fromarray(np.random.default_rng(3).integers(0, 256, (120, 160, 3), np.uint8))
    colors = np.asarray(noise.filter(ImageFilter.GaussianBlur(2)), float) * 5 - 512
    grays = colors.mean(-1, keepdims=True)
    for part in np.linspace(0, 0.5, 24):
        mixed = np.clip(grays * (1 - part) + colors * part, 0, 255).astype(np.uint8)
        picture = Image.fromarray(mixed)
        data = encoder.encode(picture, None).data
        with Image.open(io.BytesIO(data)) as image:
            shown = np.asarray(image.convert("RGBA"))
        assert psnr(shown, np.asarray(picture.convert("RGBA"))) >= 36


def test_webp_with_loss_stores_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture is near to its source all the same, and whoever encodes it, bytes are equal."""
    waypoints_every(monkeypatch, 1)
    grain = np.random.default_rng(0).normal(0, 6, (48, 64, 1))
    ground = np.clip(np.asarray(DRAWN[0].convert("RGB").resize((64, 48))) + grain, 0, 255)
    pictures = [Image.fromarray(ground.astype(np.uint8)) for _ in range(12)]
    for number, picture in enumerate(pictures):
        picture.paste((250, 200, 20 * number), (5 * number, 9, 5 * number + 8, 17))
    data = DELIMITER.join(saved(each, "PNG") for each in pictures)
    made = []
    for workers in (0, 2):
        config = settings.dask(workers=Workers(workers, workers))
        monkeypatch.setattr(settings.dask, "current", lambda config=config: config)
        clip = make_clip(data, tmp_path / str(workers), also="webp,poster", bounce=True)
        made.append(beside(clip, "webp").read_bytes())
    assert made[0] == made[1]
    assert len(made[0]) < 5 * beside(clip, "poster").stat().st_size
    expected = pixels_of([*pictures, *pictures[-2:0:-1]])
    frames = shown(beside(clip, "webp"))
    assert min(psnr(frame, each) for frame, each in zip(frames, expected, strict=True)) >= 36


def test_smaller_frames_stand_in_the_middle(tmp_path: Path) -> None:
    """What is free beside them is transparent, as in the clip."""
    large, small = DRAWN[0], DRAWN[1].crop((0, 0, 10, 11))
    clip = make_clip(bundle_of([large, small]), tmp_path, also="apng")
    frame = shown(beside(clip, "apng"))[1]
    np.testing.assert_array_equal(frame[7:18, 12:22], pixels_of([small])[0])
    assert frame[..., 3].sum() == 255 * 10 * 11


@pytest.mark.parametrize(
    ("workers", "frames_a_chunk"), [(0, 1), (2, 1), (2, 2)], ids=["serial", "threads", "chunks"]
)
def test_the_bytes_are_the_same_however_they_are_made(
    played: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    frames_a_chunk: int,
) -> None:
    """From one thread or several, in any batches."""
    waypoints_every(monkeypatch, frames_a_chunk)
    config = settings.dask(workers=Workers(workers, workers))
    monkeypatch.setattr(settings.dask, "current", lambda: config)
    clip = make_clip(BUNDLE, tmp_path, also="webp,apng", optimize="lossless", **PLAYED)
    for format_ in ("webp", "apng"):
        assert beside(clip, format_).read_bytes() == beside(played, format_).read_bytes()


def test_a_cluster_makes_the_same_bytes(
    cluster: str, played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings.dask(address=cluster)
    monkeypatch.setattr(settings.dask, "current", lambda: config)
    clip = make_clip(BUNDLE, tmp_path / "work", also="webp,apng", optimize="lossless", **PLAYED)
    for format_ in ("webp", "apng"):
        assert beside(clip, format_).read_bytes() == beside(played, format_).read_bytes()


def test_pixels_that_are_half_transparent_are_found_late(tmp_path: Path) -> None:
    """A GIF has none, so only a look at the pictures tells that PNG and AVIF need alpha."""
    half = DRAWN[1].copy()
    half.putalpha(200)
    pictures = [DRAWN[0], half]
    clip = make_clip(bundle_of(pictures), tmp_path, also="apng,avif")
    np.testing.assert_array_equal(shown(beside(clip, "apng"))[1], pixels_of([half])[0])
    assert shown(beside(clip, "avif"))[1][..., 3].max() == 200


def test_a_caption_a_crop_and_a_size_are_those_of_the_frames(tmp_path: Path) -> None:
    """The look is the clip's; of its colors only those that GIF allows are less."""
    look = {"crop": "20x20+2+2", "size": "40x40", "caption": "{number}", "background": "#102030"}
    clip = make_clip(BUNDLE, tmp_path, also="apng", **look)
    for frame, in_clip in zip(shown(beside(clip, "apng")), shown(clip), strict=True):
        assert psnr(frame, in_clip) > 30


def test_nothing_is_made_that_is_current(pipeline: Pipeline) -> None:
    """A file that is gone, or was made with other options, is made again, and no other."""
    pipeline.server.pages["/bundle"] = OPAQUE
    pipeline.run(also="webp,apng,poster")
    before = pipeline.files()
    assert pipeline.run(also="webp,apng,poster") == []
    (pipeline.workdir / "clip.apng").unlink()
    assert pipeline.run(also="webp,apng,poster") == ["CombineGif"]
    after = pipeline.files()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"clip.apng"}
    assert before["clip.apng"][0] == after["clip.apng"][0]
    assert pipeline.run(also="webp,poster", optimize="lossless") == ["CombineGif"]
    assert pipeline.files()["clip.apng"] == after["clip.apng"]
    assert pipeline.files()["clip.webp"][0] != after["clip.webp"][0]


@pytest.mark.parametrize(
    ("option", "unchanged"),
    [
        ({"plays": 3}, {"clip.poster.webp", "clip.avif"}),
        ({"colors": 16}, {"clip.poster.webp", "clip.webp", "clip.apng", "clip.avif"}),
        ({"fps": 10}, {"clip.poster.webp"}),
        ({"background": "#ffffff"}, set()),
    ],
    ids=["plays", "colors", "fps", "background"],
)
def test_only_what_depends_on_an_option_is_made_again(
    played: Path, tmp_path: Path, option: dict[str, Any], unchanged: set[str]
) -> None:
    """How often it plays is no matter of a still, and colors of a palette are the GIF's alone."""
    workdir = tmp_path / "work"
    shutil.copytree(played.parent, workdir)
    names = {f"clip.{name}" for name in (*PICTURES, "poster.webp")}
    before = {name: (workdir / name).stat().st_mtime_ns for name in names}
    asked = {"also": (*PICTURES, "poster"), "optimize": "lossless", **PLAYED}
    task = luigi_gif.CombineGif(url="unused", workdir=str(workdir), **asked | option)
    task.alone = True
    task.run()
    task.forget_run()
    after = {name: (workdir / name).stat().st_mtime_ns for name in names}
    assert {name for name in names if before[name] == after[name]} == unchanged
    assert task.complete()


def test_a_bundle_that_was_removed_is_fetched_again_for_a_further_file(
    tmp_path: Path, luigi_gif_here: Callable[..., int]
) -> None:
    """In the same run; the frames and the clip stay as they are."""
    source, workdir = tmp_path / "bundle", tmp_path / "work"
    source.write_bytes(BUNDLE)
    asked = (str(source), "--workdir", str(workdir))
    assert luigi_gif_here(*asked) == 0
    kept = [workdir / "clip.gif", *sorted((workdir / "frames").glob("*.gif"))]
    before = [path.stat().st_mtime_ns for path in kept]
    (workdir / "image-data.img").unlink()
    assert luigi_gif_here(*asked, "--also", "apng") == 0
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert luigi_gif_here(str(source), "--workdir", str(tmp_path / "new"), "--also", "apng") == 0
    assert (workdir / "clip.apng").read_bytes() == (tmp_path / "new" / "clip.apng").read_bytes()


def test_luigi_fetches_a_bundle_that_was_removed_in_the_run_after(pipeline: Pipeline) -> None:
    """The first one says what is missing, as its tasks are scheduled by then."""
    pipeline.run()
    (pipeline.workdir / "image-data.img").unlink()
    assert pipeline.run(also="apng") == ["CombineGif"]
    assert any("the bundle is gone" in line for line in pipeline.log)
    assert pipeline.run(also="apng") == ["DownloadData", "WriteFrames", "CombineGif"]
    assert pipeline.ok


def test_a_clip_alone_has_no_file_beside_it(pipeline: Pipeline) -> None:
    pipeline.run()
    assert {name for name in pipeline.files() if name.startswith("clip")} == {"clip.gif"}


def test_a_file_of_the_user_is_left_as_it_is(tmp_path: Path) -> None:
    """The error names it."""
    (tmp_path / "clip.webp").write_bytes(b"mine")
    with pytest.raises(ForeignFileError, match=r"clip\.webp"):
        make_clip(OPAQUE, tmp_path, also="webp")
    assert (tmp_path / "clip.webp").read_bytes() == b"mine"


def test_a_file_that_was_altered_is_set_aside(pipeline: Pipeline) -> None:
    pipeline.server.pages["/bundle"] = OPAQUE
    pipeline.run(also="apng")
    path = pipeline.workdir / "clip.apng"
    whole = path.read_bytes()
    altered = whole.replace(b"fcTL", b"fcTl", 1)
    path.write_bytes(altered)
    assert pipeline.run(also="apng") == ["CombineGif"]
    assert path.read_bytes() == whole
    assert (pipeline.workdir / "clip.apng.altered").read_bytes() == altered
    assert any("not as it was written" in line for line in pipeline.log)


@pytest.mark.parametrize("format_", ["webp", "apng", "poster"])
@pytest.mark.parametrize("left", [0.5, 0.0])
def test_a_file_that_was_cut_off_is_made_again(
    pipeline: Pipeline, format_: str, left: float
) -> None:
    """Its note is gone with its end, but the run that made it has noted its name."""
    pipeline.server.pages["/bundle"] = OPAQUE
    pipeline.run(also=format_)
    path = beside(pipeline.workdir / "clip.gif", format_)
    whole = path.read_bytes()
    cut = whole[: int(left * len(whole))] or bytes(len(whole))
    path.write_bytes(cut)
    assert pipeline.run(also=format_) == ["CombineGif"]
    assert path.read_bytes() == whole
    assert path.with_name(f"{path.name}.altered").read_bytes() == cut


@pytest.mark.parametrize("container", ["riff", "png", "iso", "ebml"])
def test_a_note_is_found_again(container: str) -> None:
    """It holds the checksum of what stands in front of it."""
    note = containers.encode_note(container, b'{"sha256":"a"}', 7)
    found = containers.find_note(container, b"pixels" + note)
    assert found is not None
    assert (found.origin, found.end) == ({"sha256": "a"}, note)
    assert containers.encode_note(container, found.text, 8) != found.end
    assert containers.find_note(container, b"no such note") is None


def test_formats_are_texts_and_lists() -> None:
    """In the order of their names; their text is read again."""
    parameter = luigi_gif.CombineGif.also
    assert parameter.normalize("mp4, webp") == ("webp", "mp4")
    assert parameter.normalize(["poster", "apng"]) == ("apng", "poster")
    for value in ((), ("webp", "poster")):
        assert parameter.normalize(parameter.parse(parameter.serialize(value))) == value
    with pytest.raises(ParameterError, match="webp, apng, avif, mp4, webm, poster"):
        luigi_gif.CombineGif(also="gif")


def test_a_bundle_cannot_have_the_name_of_a_file_beside_the_clip() -> None:
    with pytest.raises(ParameterError, match="--data-file"):
        luigi_gif.CombineGif(also="webp", data_file="Clip.WebP")


def test_a_missing_ffmpeg_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg_program, "_candidates", lambda: iter(()))
    luigi_gif.CombineGif(also="webp")
    with pytest.raises(ParameterError, match=r"luigi_gif\[video\]"):
        luigi_gif.CombineGif(also="mp4", workdir="elsewhere")


def ffprobe(path: Path) -> Any:
    program = Path(programs.need("ffmpeg")).with_name("ffprobe")
    if not program.exists():
        pytest.skip("ffprobe is not installed")
    entries = "format=duration:stream=nb_read_frames,width,height,pix_fmt,color_space,codec_name"
    flags = ("-v", "error", "-count_frames", "-show_entries", entries, "-of", "json")
    return json.loads(
        subprocess.run([program, *flags, path], capture_output=True, check=True).stdout
    )


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that bounces and is held, of an odd height, and the videos beside it."""
    programs.need("ffmpeg")
    workdir = tmp_path_factory.mktemp("videos") / "work"
    return make_clip(BUNDLE, workdir, also="mp4,webm", **PLAYED)


@pytest.mark.external
@pytest.mark.parametrize(("format_", "codec"), [("mp4", "h264"), ("webm", "vp9")])
def test_a_video_has_the_frames_and_the_time_of_the_clip(
    videos: Path, format_: str, codec: str
) -> None:
    """Also of the last frame; a side that is odd has a pixel more."""
    found = ffprobe(beside(videos, format_))
    (stream,) = found["streams"]
    assert int(stream["nb_read_frames"]) == len(PLAYED_MS)
    assert float(found["format"]["duration"]) == pytest.approx(sum(PLAYED_MS) / 1000, abs=0.01)
    assert (stream["width"], stream["height"]) == (SIZE[0], SIZE[1] + 1)
    kind = stream["codec_name"], stream["pix_fmt"], stream["color_space"]
    assert kind == (codec, "yuv420p", "bt709")


@pytest.mark.external
@pytest.mark.parametrize("format_", ["mp4", "webm"])
def test_a_video_shows_the_pictures_on_white(videos: Path, format_: str) -> None:
    """Each at its time; the first bytes of an MP4 tell where they are."""
    raw = decoders.ffmpeg_output(
        beside(videos, format_), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24"
    )
    frames = np.frombuffer(raw, np.uint8).reshape(-1, SIZE[1] + 1, SIZE[0], 3)[:, : SIZE[1]]
    for frame, picture in zip(frames, DRAWN, strict=False):
        on_white = Image.new("RGB", SIZE, "white")
        on_white.paste(picture, mask=picture.getchannel("A"))
        gray, wanted = (
            np.asarray(Image.fromarray(each).convert("L"), float)
            for each in (frame, np.asarray(on_white))
        )
        assert np.abs(gray - wanted).mean() < 5
    if format_ == "mp4":
        data = beside(videos, format_).read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.external
@decoders.IN_CHROMIUM
@pytest.mark.parametrize("format_", ["mp4", "webm"])
def test_chromium_plays_a_video_with_each_frame_at_its_time(videos: Path, format_: str) -> None:
    """It plays to its end, which is that of the clip."""
    programs.need("chromium")
    begins_s = [begin / 1000 for begin in accumulate(PLAYED_MS, initial=0)]
    middles_s = [(begin + end) / 2 for begin, end in pairwise(begins_s)]
    data = beside(videos, format_).read_bytes()
    duration_s, found_s = decoders.played_by_chromium(data, f"video/{format_}", middles_s)
    assert [*found_s, duration_s] == pytest.approx(begins_s, abs=0.002)


@pytest.mark.external
def test_an_ffmpeg_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own words; the clip is there, and noted for pages, and nothing of the video."""
    programs.need("ffmpeg")
    monkeypatch.setitem(video_files._OF_FORMAT, "mp4", ("-c:v", "no_such_encoder", "-f", "mp4"))
    with pytest.raises(VideoError, match="no_such_encoder"):
        make_clip(OPAQUE, tmp_path, also="mp4")
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert "clip.gif" in left
    noted = json.loads((tmp_path / "run.json").read_text())["clips"]["clip.gif"]
    assert noted["bytes"] == (tmp_path / "clip.gif").stat().st_size
    assert not [name for name in left if name.endswith((".mp4", storage.TEMPORARY_SUFFIX))]


ENDED_WITH_NO_ROOM = "echo 'Error writing trailer: No space left on device' >&2; exit 1"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exit 0", "ffmpeg ends with 0"),
        ("echo frame=2; echo frame=3", None),
        ("echo frame=3; echo frame=2", "ffmpeg ends with 0"),
        (ENDED_WITH_NO_ROOM, "free some space"),
    ],
    ids=["silent", "right", "frame lost", "disk full"],
)
def test_a_video_has_all_frames_or_an_error_says_why_not(
    tmp_path: Path, script: str, expected: str | None
) -> None:
    """A full disk is not the fault of ffmpeg."""
    command = ["/bin/sh", "-c", f"cat; {script}"]
    raised = StorageError if script == ENDED_WITH_NO_ROOM else VideoError
    outcome = pytest.raises(raised, match=expected) if expected else contextlib.nullcontext()
    with outcome, FfmpegEncoder(command, str(tmp_path), timeout_s=60) as encoder:
        encoder.finish(3)


@pytest.mark.slow
def test_runs_that_are_killed_are_completed_by_the_next(tmp_path: Path) -> None:
    """The short form of tests/campaigns/also.py."""
    assert len(list(also.campaign(3, 1, 6, "webp,apng", tmp_path))) == 3


def test_files_go_where_the_clip_goes(tmp_path: Path) -> None:
    """Also where its work directory is gone; only files of this pipeline are replaced."""
    pictures = [np.asarray(each.convert("RGB")) for each in DRAWN[:3]]
    place = tmp_path / "site.gif"
    made = luigi_gif.make_gif(pictures, place, also="apng,poster")
    assert made.also == {
        "apng": str(tmp_path / "site.apng"),
        "poster": str(tmp_path / "site.poster.webp"),
    }
    for frame, picture in zip(shown(Path(made.also["apng"])), pictures, strict=True):
        np.testing.assert_array_equal(frame[..., :3], picture)
    luigi_gif.make_gif(pictures[:2], place, also="apng")
    assert len(shown(tmp_path / "site.apng")) == 2
    (tmp_path / "site.webp").write_bytes(b"mine")
    with pytest.raises(ForeignFileError, match=r"site\.webp"):
        luigi_gif.make_gif(pictures, place, also="webp")
    assert (tmp_path / "site.webp").read_bytes() == b"mine"


def test_files_that_are_asked_for_no_more_stay_and_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the work directory where its clip is made again, and beside the published clip."""
    pictures = [np.asarray(each.convert("RGB")) for each in DRAWN[:2]]
    place, workdir = tmp_path / "site.gif", tmp_path / "work"
    luigi_gif.make_gif(pictures, place, workdir=workdir, also="apng,poster")
    before = (tmp_path / "site.apng").read_bytes()
    caplog.clear()
    luigi_gif.make_gif(pictures[::-1], place, workdir=workdir, also="poster")
    stay = [line for line in caplog.messages if "stays as it is" in line]
    assert stay == [
        f"{path} stays as it is: --also does not name apng"
        for path in (workdir / "clip.apng", tmp_path / "site.apng")
    ]
    assert (tmp_path / "site.apng").read_bytes() == before
    caplog.clear()
    luigi_gif.make_gif(pictures, place, workdir=workdir, also="poster")
    assert "stays as it is" not in caplog.text


@pytest.mark.parametrize("note", ["x", ["x"], {"clip.gif": "x"}, {"clip.gif": {"also": "x"}}])
def test_a_note_of_another_form_does_not_stop_a_run(tmp_path: Path, note: object) -> None:
    """Anybody who may write to the work directory may have written it."""
    pictures = [np.asarray(DRAWN[0].convert("RGB"))]
    place, workdir = tmp_path / "site.gif", tmp_path / "work"
    luigi_gif.make_gif(pictures, place, workdir=workdir, also="poster")
    published = {str(place): note} if isinstance(note, str) else {str(place): {"also": note}}
    broken = {"clips": note, "published": published, "source": note}
    storage.open_folder(str(workdir)).overwrite_json("run.json", broken)
    made = luigi_gif.make_gif(pictures, place, workdir=workdir, also="poster", plays=2)
    assert made.also == {"poster": str(tmp_path / "site.poster.webp")}


def test_a_copy_that_changed_is_made_again(tmp_path: Path) -> None:
    """It is compared with what was published; one that is as it was stays."""
    make_clip(OPAQUE, tmp_path / "work", also="apng")
    asked = {"url": "unused", "workdir": str(tmp_path / "work"), "also": "apng"}
    task = luigi_gif.PublishGif(**asked, to=str(tmp_path / "site.gif"))
    task.alone = True
    copy = tmp_path / "site.apng"
    task.run()
    task.forget_run()
    assert task.complete()
    before = copy.stat().st_mtime_ns, copy.read_bytes()
    copy.unlink()
    assert not task.complete()
    task.run()
    task.forget_run()
    assert copy.read_bytes() == before[1]


def test_the_command_tells_of_each_file(
    tmp_path: Path, luigi_gif_here: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    """A path a line, or in the one line of JSON."""
    source = tmp_path / "bundle"
    source.write_bytes(OPAQUE)
    place = tmp_path / "site.gif"
    asked = (str(source), "--workdir", str(tmp_path / "work"), "--also", "poster,apng")
    assert luigi_gif_here(*asked, "-o", str(place)) == 0
    paths = [f"{tmp_path}/site.{suffix}" for suffix in ("gif", "apng", "poster.webp")]
    assert capfd.readouterr().out.split() == paths
    assert luigi_gif_here(*asked, "-o", str(place), "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert told["also"] == {"apng": paths[1], "poster": paths[2]}
    schema = json.loads((ROOT / "docs" / "json-result.schema.json").read_text())
    jsonschema.validate(told, schema)


def test_to_play_more_often_copies_the_images(
    played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is that of a run from nothing, but nothing is encoded."""
    workdir = shutil.copytree(played.parent, tmp_path / "work")
    asked = {"also": "webp,apng", "optimize": "lossless", "plays": 3, **PLAYED}
    fresh = make_clip(BUNDLE, tmp_path / "fresh", **asked)
    monkeypatch.setattr(animation_frames, "_saved", None)
    task = luigi_gif.CombineGif(url="unused", workdir=str(workdir), **asked)
    task.alone = True
    task.run()
    task.forget_run()
    for format_ in ("webp", "apng"):
        assert (workdir / f"clip.{format_}").read_bytes() == beside(fresh, format_).read_bytes()
        with Image.open(workdir / f"clip.{format_}") as image:
            assert image.info["loop"] == 3
