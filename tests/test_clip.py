"""Frame files become one clip that every decoder shows as its frames."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageSequence
from support import decoders, programs
from support.clips import make_clip
from support.images import DELIMITER, gif

from luigi_gif import CombineGif, settings, storage
from luigi_gif import gif as gif_
from luigi_gif.clips import clip_comment, clip_options, combining
from luigi_gif.errors import BundleError, DamagedFileError
from luigi_gif.frames.manifest import load_manifest
from luigi_gif.integrations import ProgressReporter, progress

ORIGIN = {"recipe": {"plays": 0}, "sha256": "x"}


def pixels(data: bytes | Path) -> list[str]:
    """A digest of each frame's pixels, as Pillow shows them."""
    with Image.open(data if isinstance(data, Path) else io.BytesIO(data)) as image:
        return [
            hashlib.md5(frame.convert("RGB").tobytes()).hexdigest()
            for frame in ImageSequence.Iterator(image)
        ]


def ffmpeg(path: Path) -> list[str]:
    output = decoders.ffmpeg_output(path, "-pix_fmt", "rgb24", "-f", "framemd5").decode()
    return [line.split()[-1] for line in output.splitlines() if not line.startswith("#")]


def imagemagick(path: Path) -> list[str]:
    shown = [frame[..., :3].tobytes() for frame in decoders.imagemagick(path)]
    return [hashlib.md5(frame).hexdigest() for frame in shown]


DECODERS = {
    "Pillow": (pixels, "python3"),
    "ffmpeg": (ffmpeg, "ffmpeg"),
    "ImageMagick": (imagemagick, "imagemagick"),
}


@pytest.mark.parametrize(
    "decoder",
    [
        "Pillow",
        pytest.param("ffmpeg", marks=pytest.mark.external),
        pytest.param("ImageMagick", marks=pytest.mark.external),
    ],
)
def test_a_clip_shows_its_frames(any_bundle: bytes, tmp_path: Path, decoder: str) -> None:
    """Every frame's pixels are those of its source, in decoders that others wrote.

    Of programs that start for each source, some of the frames.
    """
    decode, program = DECODERS[decoder]
    decoders.need(program)
    path = make_clip(any_bundle, tmp_path / "work")
    sources = [frame for frame in any_bundle.split(DELIMITER) if frame]
    step = 1 if decoder == "Pillow" else max(1, len(sources) // 4)
    singles = []
    for number, source in enumerate(sources[::step]):
        single = tmp_path / f"{number}.gif"
        single.write_bytes(source)
        singles += decode(single)
    shown = decode(path)
    assert shown[::step] == singles
    assert len(shown) == len(sources)


@pytest.mark.external
def test_gifsicle_finds_nothing_to_warn_of(any_bundle: bytes, tmp_path: Path) -> None:
    """Frames, delays and looping are as they should be."""
    gifsicle = programs.need("gifsicle")
    path = make_clip(any_bundle, tmp_path / "work", frame_duration_ms=100)
    result = subprocess.run(
        [gifsicle, "--info", str(path)], capture_output=True, text=True, check=True
    )
    count = len([frame for frame in any_bundle.split(DELIMITER) if frame])
    assert result.stderr == ""
    assert f"{count} images" in result.stdout
    assert result.stdout.count("delay 0.10s") == count
    assert "loop forever" in result.stdout


def test_frame_files_are_the_very_bytes_of_the_bundle(any_bundle: bytes, tmp_path: Path) -> None:
    """Named by their numbers, as a plain split finds them."""
    make_clip(any_bundle, tmp_path / "work")
    for number, frame in enumerate(f for f in any_bundle.split(DELIMITER) if f):
        assert (tmp_path / "work" / "frames" / f"frame_{number:02d}.gif").read_bytes() == frame


def durations(path: Path) -> list[int]:
    with Image.open(path) as image:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(image)]


def test_frames_keep_their_own_delay(tmp_path: Path) -> None:
    """100 ms where they set none."""
    bundle = DELIMITER.join([gif(1, duration=30), gif(2), gif(3, duration=500)])
    assert durations(make_clip(bundle, tmp_path / "work")) == [30, 100, 500]


def test_one_duration_for_all_does_not_drift(tmp_path: Path) -> None:
    """Delays are hundredths of a second; what is rounded off one frame is in the next."""
    bundle = DELIMITER.join([gif(n % 3 + 1) for n in range(30)])
    shown = durations(make_clip(bundle, tmp_path / "work", frame_duration_ms=33))
    assert set(shown) == {30, 40}
    assert sum(shown) == 990


@pytest.mark.parametrize(("plays", "loop"), [(0, 0), (1, None), (2, 1), (65_536, 65_535)])
def test_a_clip_plays_as_often_as_asked(tmp_path: Path, plays: int, loop: int | None) -> None:
    """0 is forever."""
    path = make_clip(DELIMITER.join([gif(1), gif(2)]), tmp_path / "work", plays=plays)
    with Image.open(path) as image:
        assert image.info.get("loop") == loop


def test_a_palette_like_the_first_is_stored_once(tmp_path: Path) -> None:
    """Only a frame with other colors has a table of its own."""
    other = bytearray(gif(2))
    other[13 + 6 : 13 + 9] = b"\xff\xff\xff"
    bundle = DELIMITER.join([gif(1), bytes(other), gif(3)])
    path = make_clip(bundle, tmp_path / "work")
    size_of_frame = len(gif(1)) - 13 - 12 - 1 + 8
    assert path.read_bytes().count(bytes(other[13:25])) == 1
    tail = path.read_bytes()[path.read_bytes().index(b"}\0") + 2 :]
    assert len(tail) == 3 * size_of_frame + 12 + 1


def test_the_canvas_holds_the_largest_frame(tmp_path: Path) -> None:
    """A smaller one stands in its middle, and leaves nothing of an earlier one beside it."""
    bundle = DELIMITER.join([gif(1, (30, 20)), gif(2, (10, 40)), gif(3, (30, 20))])
    path = make_clip(bundle, tmp_path / "work")
    with Image.open(path) as image:
        assert image.size == (30, 40)
        image.seek(1)
        shown = image.convert("RGBA")
        assert shown.getpixel((15, 5)) == (30, 200, 30, 255)
        assert shown.getpixel((5, 25)) == (0, 0, 0, 0)


def test_a_clip_is_found_for_what_it_is(tmp_path: Path) -> None:
    """Not there, whole, cut off, altered, emptied, and not of this pipeline."""
    folder = storage.open_folder(str(tmp_path / "work"))
    assert clip_comment.read_clip_status(folder, "clip.gif") is None
    path = make_clip(gif(1), tmp_path / "work")
    whole = clip_comment.read_clip_status(folder, "clip.gif")
    assert whole is not None
    assert whole.whole
    assert whole.origin is not None
    recipe = whole.origin["recipe"]
    assert isinstance(recipe, dict)
    assert recipe["plays"] == 0
    whole_clip = path.read_bytes()
    path.write_bytes(whole_clip[:-1])
    assert clip_comment.read_clip_status(folder, "clip.gif") == whole._replace(whole=False)
    altered = bytearray(whole_clip)
    altered[-5] ^= 1
    path.write_bytes(altered)
    assert clip_comment.read_clip_status(folder, "clip.gif") == whole._replace(whole=False)
    path.write_bytes(b"")
    assert clip_comment.read_clip_status(folder, "clip.gif") is None
    for foreign in (b"mine", gif(1, comment=b"mine"), gif(1, comment=b"luigi_gif 00000000{")):
        path.write_bytes(foreign)
        found = clip_comment.read_clip_status(folder, "clip.gif")
        assert found is not None
        assert found.origin is None


@pytest.mark.parametrize(
    ("damage", "got"),
    [
        (lambda data: data[:-3], "cut off"),
        (lambda data: data[:20] + b"\0" + data[21:], "other bytes"),
        (lambda data: b"", "cut off"),
        (lambda data: b"x" * len(data), "GIF87a or GIF89a"),
        (None, "no file"),
    ],
)
def test_a_frame_file_that_changed_reaches_no_clip(
    tmp_path: Path, damage: Callable[[bytes], bytes] | None, got: str
) -> None:
    """It is named, the old clip stays, and the manifest asks for the frame again."""
    path = make_clip(DELIMITER.join([gif(1), gif(2), gif(3)]), tmp_path / "work")
    before = path.read_bytes()
    frame = tmp_path / "work" / "frames" / "frame_01.gif"
    original = frame.read_bytes()
    if damage is None:
        frame.unlink()
    else:
        frame.write_bytes(damage(original))
    folder = storage.open_folder(str(tmp_path / "work"))
    manifest = load_manifest(folder)
    assert manifest is not None
    with pytest.raises(DamagedFileError, match=got):
        combining.combine_frames(
            folder,
            manifest,
            "clip.gif",
            ORIGIN,
            clip_options.ClipOptions(0, None, False, 10**6),
            settings.dask(),
            ProgressReporter(CombineGif()),
        )
    assert path.read_bytes() == before
    again = load_manifest(folder)
    assert again is not None
    assert again.results == [None]


def test_a_canvas_has_no_more_pixels_than_a_frame_may_have(tmp_path: Path) -> None:
    """A wide frame and a tall one, each small enough, are told to take one --size."""
    bundle = DELIMITER.join([gif(1, (3000, 2)), gif(2, (2, 3000))])
    with pytest.raises(BundleError, match=r"3000x3000(.|\n)*--size"):
        make_clip(bundle, tmp_path / "work", max_megapixels=1)
    assert not (tmp_path / "work" / "clip.gif").exists()


def test_a_clip_tells_where_it_is_from_only_by_a_digest(tmp_path: Path) -> None:
    """Its comment says whether it is current, not whose it is."""
    path = make_clip(gif(1), tmp_path / "work")
    comment = gif_.read_first_comment(path.read_bytes())
    assert comment is not None
    origin = json.loads(comment.removeprefix(b"luigi_gif ")[8:])
    assert set(origin) == {"recipe", "sha256"}
    assert set(origin["recipe"]) == {"source", "frame_duration_ms", "plays", "optimize"}


def test_luigid_is_told_how_far_a_clip_is_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the frames that workers have done."""
    workdir = tmp_path / "work"
    make_clip(DELIMITER.join([gif(1), gif(2), gif(3)]), workdir)
    monkeypatch.setattr(progress, "LUIGID_S", 0.0)
    task = CombineGif(url="unused", workdir=str(workdir), optimize="lossless")
    told: list[int] = []
    monkeypatch.setattr(task, "set_progress_percentage", told.append, raising=False)
    task.run()
    assert told[-1] == 100


@pytest.mark.parametrize(("sizes", "told"), [([(9, 9), (9, 9)], 0), ([(9, 9), (5, 9)], 1)])
def test_it_is_told_where_frames_are_stored_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sizes: list[tuple[int, int]], told: int
) -> None:
    """Then --optimize makes the clip no smaller, and the user may know a way out."""
    with caplog.at_level("INFO"):
        images = [gif(1 + number, size) for number, size in enumerate(sizes)]
        make_clip(DELIMITER.join(images), tmp_path / "work", optimize="lossless")
    assert caplog.text.count("are stored whole: with --background") == told
