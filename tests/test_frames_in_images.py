"""Files of several frames as sources: every frame is one of the clip, with its own delay."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image, features
from support.animations import png_chunk
from support.clips import clip_here
from support.images import DELIMITER, gif, saved
from support.numbered import picture, shown

from luigi_gif import gif as gif_
from luigi_gif.errors import ParameterError, SourceError
from luigi_gif.imaging.tiff_directories import read_directory, read_layout
from luigi_gif.sources import archive_items

DELAYS = [50, 70, 200]


def several(format_: str, count: int = 3, **options: object) -> bytes:
    """An image file of several frames that tell their numbers."""
    frames = [Image.new("RGB", (8, 6), (20 * number, 0, 0)) for number in range(count)]
    if format_ == "MJPEG":
        return b"".join(saved(frame, "JPEG") for frame in frames)
    timing = {} if format_ == "TIFF" else {"duration": DELAYS[:count], "loop": 0}
    options = {"save_all": True, "append_images": frames[1:], **timing, **options}
    return saved(frames[0], format_, **options)


def delays(clip: Path) -> list[int]:
    with Image.open(clip) as image:
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(image.info["duration"])
        return found


FILES = {
    "GIF": DELAYS,
    "WebP": DELAYS,
    "PNG": DELAYS,
    "AVIF": DELAYS,
    "TIFF": [100] * 3,
    "MJPEG": [100] * 3,
}


@pytest.mark.parametrize("format_", list(FILES))
def test_every_frame_of_a_file_is_one_of_the_clip(tmp_path: Path, format_: str) -> None:
    """Told by its content; with its own delay, where it has one."""
    if format_ == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    options = {"lossless": True} if format_ == "WebP" else {}
    (tmp_path / "download").write_bytes(several(format_, **options))
    clip = clip_here(tmp_path / "download", tmp_path / "work")
    assert shown(clip) == [0, 1, 2]
    assert delays(clip) == FILES[format_]


RULES: dict[str, tuple[dict[str, object], list[int], list[int]]] = {
    "every": ({"every": 2}, [0, 2], [120, 200]),
    "step": ({"step": "0.1s"}, [0, 2], [120, 200]),
    "first": ({"first": 2}, [0, 1], [50, 70]),
    "last": ({"last": 2}, [1, 2], [70, 200]),
    "all": ({"step": "0.1s", "every": 2, "first": 2, "last": 1}, [0], [320]),
}


@pytest.mark.parametrize("format_", ["GIF", "PNG"])
@pytest.mark.parametrize("rule", list(RULES))
def test_rules_choose_frames_of_a_file(tmp_path: Path, rule: str, format_: str) -> None:
    """What is left out behind a frame adds to its delay."""
    options, numbers, found = RULES[rule]
    (tmp_path / "file").write_bytes(several(format_))
    clip = clip_here(tmp_path / "file", tmp_path / "work", **options)
    assert shown(clip) == numbers
    assert delays(clip) == found


def test_pages_of_a_tiff_have_no_times(tmp_path: Path) -> None:
    """So a step chooses none, and delays stay as they are."""
    (tmp_path / "file").write_bytes(several("TIFF", 5))
    clip = clip_here(tmp_path / "file", tmp_path / "work", step="1h", every=2)
    assert (shown(clip), delays(clip)) == ([0, 2, 4], [100] * 3)


def test_pages_of_a_tiff_that_lead_in_a_circle_are_an_error(tmp_path: Path) -> None:
    """The pages behind the place where the chain is broken are missing."""
    data = bytearray(several("TIFF"))
    layout = read_layout(bytes(data))
    assert layout is not None
    second = read_directory(bytes(data), layout, layout.first)[1]
    third = read_directory(bytes(data), layout, second)[1]
    at = data.index(struct.pack("<L", third), second)
    struct.pack_into("<L", data, at, layout.first)
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(SourceError, match="leads back to byte"):
        clip_here(tmp_path / "file", tmp_path / "work")


def test_a_picture_of_several_frames_among_others(tmp_path: Path) -> None:
    """It gives all of its frames, where its name puts it."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "1.png").write_bytes(picture(7))
    (tmp_path / "pictures" / "2.gif").write_bytes(several("GIF"))
    (tmp_path / "pictures" / "10.png").write_bytes(picture(8))
    assert shown(clip_here(tmp_path / "pictures", tmp_path / "work")) == [7, 0, 1, 2, 8]


def test_the_first_of_several_jpegs_may_be_large(tmp_path: Path) -> None:
    """Even if it does not end within what is looked at first."""
    comment = b"\xff\xfe\xff\xff" + bytes(0xFFFD)
    jpegs = [saved(Image.new("RGB", (8, 6), (20 * number, 0, 0)), "JPEG") for number in range(3)]
    jpegs[0] = jpegs[0][:2] + 40 * comment + jpegs[0][2:]
    (tmp_path / "motion").write_bytes(b"".join(jpegs))
    assert len(shown(clip_here(tmp_path / "motion", tmp_path / "work"))) == 3


def test_a_bundle_shows_the_first_frame_of_each_image(tmp_path: Path) -> None:
    """As it always did, also where its first image has several."""
    (tmp_path / "bundle").write_bytes(several("GIF") + DELIMITER + picture(8))
    assert shown(clip_here(tmp_path / "bundle", tmp_path / "work")) == [0, 8]


@pytest.mark.parametrize(
    ("rules", "numbers"),
    [
        ({"last": 3}, [7, 8, 9]),
        ({"first": 2}, [0, 1]),
        ({"every": 4}, [0, 4, 8]),
        ({"every": 2, "first": 4, "last": 2}, [4, 6]),
    ],
)
def test_rules_choose_frames_of_a_bundle(
    tmp_path: Path, rules: dict[str, object], numbers: list[int]
) -> None:
    (tmp_path / "bundle").write_bytes(DELIMITER.join(map(picture, range(10))))
    assert shown(clip_here(tmp_path / "bundle", tmp_path / "work", **rules)) == numbers


def test_a_bad_frame_of_a_bundle_counts_for_its_rules(tmp_path: Path) -> None:
    """It is left out once it is chosen, as without rules."""
    (tmp_path / "bundle").write_bytes(DELIMITER.join([picture(1), picture(2)[:40], picture(3)]))
    rules: dict[str, object] = {"last": 2, "on_bad_frame": "skip"}
    assert shown(clip_here(tmp_path / "bundle", tmp_path / "work", **rules)) == [3]


@pytest.mark.parametrize(
    "rules", [{"match": "*"}, {"since": "2026-11-23"}, {"until": "1h"}, {"sort": "time"}]
)
@pytest.mark.parametrize("kind", ["a bundle", "an animation"])
def test_rules_for_names_and_times_are_none_for_one_file(
    tmp_path: Path, rules: dict[str, object], kind: str
) -> None:
    """They are an error that says which rules are."""
    bundle = picture(1) + DELIMITER + picture(2)
    (tmp_path / "file").write_bytes(bundle if kind == "a bundle" else several("GIF"))
    with pytest.raises(ParameterError) as caught:
        clip_here(tmp_path / "file", tmp_path / "work", **rules)
    assert caught.value.got.startswith(f"--{next(iter(rules))} with {kind}")


def test_a_step_needs_frames_with_times(tmp_path: Path) -> None:
    """Those of a bundle have none."""
    (tmp_path / "bundle").write_bytes(picture(1) + DELIMITER + picture(2))
    with pytest.raises(ParameterError, match="--step with a bundle"):
        clip_here(tmp_path / "bundle", tmp_path / "work", step="1h")


def phone(number: int, size: tuple[int, int] = (8, 6)) -> bytes:
    """A JPEG with a preview behind it, which its index announces."""
    image = Image.new("RGB", size, (20 * number, 0, 0))
    return saved(image, "MPO", save_all=True, append_images=[image.resize((4, 3))])


def test_a_bundle_of_jpegs_with_previews_is_no_sequence(tmp_path: Path) -> None:
    """Its frames may have any size."""
    images = [phone(1), phone(2, (4, 3)), phone(3)]
    (tmp_path / "bundle").write_bytes(DELIMITER.join(images))
    clip = clip_here(tmp_path / "bundle", tmp_path / "work")
    assert len(shown(clip)) == 3


@pytest.mark.parametrize("between", [b"\0\0", b"\r\n"])
def test_padding_may_stand_between_jpegs(tmp_path: Path, between: bytes) -> None:
    jpegs = [saved(Image.new("RGB", (8, 6), (20 * number, 0, 0)), "JPEG") for number in range(3)]
    (tmp_path / "motion").write_bytes(between.join(jpegs))
    assert shown(clip_here(tmp_path / "motion", tmp_path / "work")) == [0, 1, 2]


def test_a_file_of_jpegs_with_previews_is_a_sequence(tmp_path: Path) -> None:
    (tmp_path / "motion").write_bytes(phone(1) + phone(2) + phone(3))
    assert shown(clip_here(tmp_path / "motion", tmp_path / "work")) == [1, 2, 3]


def test_the_first_frame_of_a_gif_may_be_large(tmp_path: Path) -> None:
    """More than is looked at to tell what a file is."""
    noise = Image.effect_noise((1300, 1000), 200)
    data = saved(
        noise, "GIF", save_all=True, append_images=[noise.point(lambda level: 255 - level)]
    )
    assert gif_.read_first_image(data)[0].data.nbytes > archive_items.BEGINNING_BYTES
    (tmp_path / "download").write_bytes(data)
    assert len(shown(clip_here(tmp_path / "download", tmp_path / "work"))) == 2


def test_a_long_text_may_stand_before_the_frames_of_a_png(tmp_path: Path) -> None:
    data = several("PNG")
    text = png_chunk(b"tEXt", b"Comment\0" + b"x" * 100_000)
    (tmp_path / "download").write_bytes(data[:33] + text + data[33:])
    assert shown(clip_here(tmp_path / "download", tmp_path / "work")) == [0, 1, 2]


def test_a_file_of_one_image_is_taken_as_it_is(tmp_path: Path) -> None:
    """Byte for byte."""
    (tmp_path / "image.gif").write_bytes(gif(1))
    clip_here(tmp_path / "image.gif", tmp_path / "work")
    assert (tmp_path / "work" / "image-data.img").read_bytes() == gif(1)
