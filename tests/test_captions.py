"""What is written onto frames: the right text, legible, the same whoever writes it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image, ImageFont
from support.clips import clip_here
from support.images import DELIMITER, gif, saved
from support.page_server import Server
from support.pipeline import Pipeline
from support.right_clips import same_clips

import luigi_gif
from luigi_gif import imaging
from luigi_gif.errors import BundleError, ParameterError
from luigi_gif.frames.caption_text import format_time, parse_caption
from luigi_gif.frames.item_names import FrameItem, ItemsInOrder
from luigi_gif.gif import encode_single
from luigi_gif.imaging.caption import draw_caption, missing_characters
from luigi_gif.imaging.caption_style import CAPTION_POSITIONS, Caption, CaptionStyle

OSLO = ZoneInfo("Europe/Oslo")
NIGHT = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
"""Half an hour before summer time ends in Oslo, minus one: there it is 01:30."""
NIGHT_TEXTS = (
    *("25 Oct 01:30 CEST", "25 Oct 02:00 CEST", "25 Oct 02:30 CEST"),
    *("25 Oct 02:00 CET", "25 Oct 02:30 CET", "25 Oct 03:00 CET"),
)
NIGHT_CAPTION = "{time:%d %b %H:%M %Z}"
GROUND = (90, 140, 60)


def text_of(caption: str, name: str = "a.png", time: float | None = 0.0, number: int = 7) -> str:
    template = parse_caption(caption)
    texts = template.item_texts(name, time, UTC)
    assert texts is not None
    return template.text(number, 120, texts)


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("{number}/{count}", "7/120"),
        ("{number:03}", "007"),
        ("{count:>5,}", "  120"),
        ("{{{number}}}", "{7}"),
        (r"one\ntwo", "one\ntwo"),
        ("one\r\ntwo", "one\ntwo"),
        ("{name}", "b c.png"),
        ("{name:.3}", "b c"),
        ("100%done, 5 %", "100%done, 5 %"),
        ("{time}", "1970-01-01 00:00 UTC"),
        ("{time:%A %-d %B %Y, %I:%M:%S %p, %a %b %j %y %m %z %%}",
         "Thursday 1 January 1970, 12:00:00 AM, Thu Jan 001 70 01 +0000 %"),
    ],
)  # fmt: skip
def test_fields_are_filled_in(caption: str, text: str) -> None:
    """In English, and in the formats that Python and strftime have."""
    assert text_of(caption, name="a/b\u202fc.png") == text


def test_an_accent_of_its_own_becomes_part_of_its_letter() -> None:
    """As macOS writes names of files."""
    assert text_of("{name}", name="a\u030angstro\u0308m.png") == "\xe5ngstr\xf6m.png"


@pytest.mark.parametrize(
    "caption",
    [
        *("{nam}", "{}", "{name", "{name!r}", "{number.real}", "{number:x}", "{number:{count}}"),
        *("{number:1000}", "{name:d}", "{name:1000}", "{time:%Q}", "{time:%}", "{time:%-Z}"),
        *("a\tb", " ", r"\n", "x" * 1001, "%H:%M", "{name} %Y%m%d"),
    ],
)
def test_a_caption_that_cannot_be_filled_in_is_refused(caption: str) -> None:
    """When the task is made."""
    with pytest.raises(ParameterError, match="--caption cannot be used"):
        luigi_gif.CombineGif(caption=caption)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("caption_position", "middle"),
        ("caption_size", 5),
        ("caption_color", "red"),
        ("caption_color", "#ffffff80"),
        ("caption_box", "#fff"),
        ("caption_timezone", "Oslo"),
        ("caption_font", "nowhere.ttf"),
        ("caption_font", __file__),
        ("caption_font", os.path.dirname(__file__)),
    ],
)
def test_a_style_that_cannot_be_used_is_refused(name: str, value: object) -> None:
    """When the task is made; the error names the flag."""
    with pytest.raises(ParameterError, match=f"--{name.replace('_', '-')} cannot be used"):
        luigi_gif.CombineGif(**{"caption": "x", name: value})


def test_a_style_without_a_caption_is_refused() -> None:
    """It would have no effect."""
    with pytest.raises(ParameterError, match="a --caption, too"):
        luigi_gif.CombineGif(caption_size=20)


def test_the_night_in_which_summer_time_ends_has_two_hours_of_one_name() -> None:
    """Each of six times, half an hour apart, is shown as the clocks do."""
    times = [NIGHT + timedelta(minutes=30 * number) for number in range(6)]
    shown = [format_time(each.astimezone(OSLO), "%d %b %H:%M %Z") for each in times]
    assert tuple(shown) == NIGHT_TEXTS


def own_font() -> bytes:
    """The file of the font in Pillow."""
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return bytes(font.font_bytes)


def uneven_font() -> bytes:
    """The same with a 1 that is narrower than an 8, as many fonts have it."""
    data = own_font()
    table = data.index(b"hmtx", 12)
    begin = int.from_bytes(data[table + 8 : table + 12], "big")
    for place in range(begin, len(data), 4):  # four bytes a glyph; the first two are its width
        changed = data[:place] + bytes((1, 0)) + data[place + 2 :]
        font = ImageFont.truetype(io.BytesIO(changed), 20)
        if font.getlength("1") < font.getlength("8"):
            return changed
    raise AssertionError("no glyph is that of 1")


def lay_night(folder: Path) -> list[bytes]:
    """A picture of each half hour of that night, named in UTC."""
    folder.mkdir()
    files = []
    for number in range(len(NIGHT_TEXTS)):
        gradient = Image.radial_gradient("L").resize((160, 60)).rotate(20 * number)
        files.append(saved(gradient.convert("RGB"), "PNG"))
        time = NIGHT + timedelta(minutes=30 * number)
        (folder / f"cam_{time:%Y%m%dT%H%MZ}.png").write_bytes(files[-1])
    return files


def frame_file(workdir: Path, number: int) -> bytes:
    return (workdir / "frames" / f"frame_{number:02}.gif").read_bytes()


def captioned(data: bytes, text: str, **style: Any) -> bytes:
    """The frame file of a picture with this text."""
    look = imaging.Look(10**6, caption=Caption(text, CaptionStyle(**style)))
    return encode_single(imaging.to_gif(data, look).image)


def test_each_frame_of_that_night_shows_its_own_time(
    luigi_gif_here: Callable[..., int], cluster: str, tmp_path: Path
) -> None:
    """One thread, several and a cluster agree, also with a font that only the run can read."""
    files = lay_night(tmp_path / "night")
    font = tmp_path / "font.ttf"
    font.write_bytes(own_font())
    arguments = [str(tmp_path / "night"), "--caption", NIGHT_CAPTION, "--palette", "frame"]
    arguments += ["--timezone", "Europe/Oslo", "--caption-font", str(font)]
    workdir = same_clips(luigi_gif_here, tmp_path, arguments, cluster).parent
    for number, (data, text) in enumerate(zip(files, NIGHT_TEXTS, strict=True)):
        assert frame_file(workdir, number) == captioned(data, text)
    assert not list(workdir.glob("font*"))


def test_a_caption_names_the_item_of_a_frame(tmp_path: Path) -> None:
    """Of several frames of an item each has its name."""
    folder = tmp_path / "source"
    folder.mkdir()
    pictures = [Image.new("RGB", (90, 30), (80 * number, 0, 0)) for number in range(3)]
    pictures[0].save(folder / "a.gif", save_all=True, append_images=pictures[1:2])
    (folder / "b.png").write_bytes(saved(pictures[2], "PNG"))
    workdir = clip_here(folder, tmp_path / "work", caption="{name} {number}").parent
    texts = ["a.gif 0", "a.gif 1", "b.png 2"]
    for number, (picture, text) in enumerate(zip(pictures, texts, strict=True)):
        with Image.open(io.BytesIO(frame_file(workdir, number))) as frame:
            expected = picture.copy()
            draw_caption(expected, Caption(text))
            assert (np.asarray(frame.convert("RGB")) == np.asarray(expected)).all()


def test_a_bundle_without_items_is_named_after_its_file(server: Server, tmp_path: Path) -> None:
    """Without what stands in the query of its URL, which may be secret."""
    data = [gif(number, (90, 30)) for number in (1, 2)]
    server.pages["/all%20images.img"] = DELIMITER.join(data)
    url = server.url("/all%20images.img?token=secret")
    workdir = clip_here(url, tmp_path / "work", caption="{name}").parent
    assert frame_file(workdir, 1) == captioned(data[1], "all images.img")


def test_a_palette_for_the_clip_has_the_colors_of_its_captions(tmp_path: Path) -> None:
    """Here of text in a color that no picture has."""
    lay_night(tmp_path / "night")
    options = {"caption": "NOW", "caption_color": "#ff0000", "caption_box": "none"}
    clip = clip_here(tmp_path / "night", tmp_path / "work", palette="clip", **options)
    with Image.open(clip) as image:
        reddest = np.asarray(image.convert("RGB")).astype(int) @ (1, -1, -1)
    assert reddest.max() > 250


def test_an_item_without_a_time_is_named(pipeline: Pipeline, tmp_path: Path) -> None:
    """The run ends, or leaves its frames out if that is asked for."""
    pipeline.server.pages |= {
        "/": b"<!DOCTYPE html><a href=a_2026-01-02.png>1</a><a href=b.png>2</a>",
        "/a_2026-01-02.png": saved(Image.new("RGB", (90, 30)), "PNG"),
        "/b.png": saved(Image.new("RGB", (90, 30)), "PNG"),
    }
    options = {"url": pipeline.server.url("/"), "caption": "{time:%d %b}"}
    pipeline.run(**options)
    (told,) = (line for line in pipeline.log if line.startswith("frame 1 of the bundle"))
    assert "made of b.png" in told
    assert "--time-format" in told
    pipeline.run(**options, on_bad_frame="skip")
    assert pipeline.ok
    assert frame_file(pipeline.workdir, 0)
    assert any("1 of 2 frames are bad" in line for line in pipeline.log)


def test_a_character_that_the_font_lacks_is_named(tmp_path: Path) -> None:
    """One of the caption before any frame is written, one of an item as the fault of its frame."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "Troms\xf8.png").write_bytes(saved(Image.new("L", (90, 30)), "PNG"))
    with pytest.raises(ParameterError, match=r"'\u2192' \(U\+2192\)"):
        clip_here(tmp_path / "source", tmp_path / "work", caption="\u2192 {number}")
    assert not (tmp_path / "work" / "frames").exists()
    with pytest.raises(BundleError, match=r"'\xf8' \(U\+00F8\)"):
        clip_here(tmp_path / "source", tmp_path / "work", caption="{name}")


def test_text_that_the_layout_would_get_wrong_cannot_be_drawn() -> None:
    """From right to left, or with marks that belong to other letters."""
    assert missing_characters("a\u05d0b\u0301\n\u200d", None) == "\u05d0\u0301\u200d"


def test_changing_a_caption_fetches_nothing(pipeline: Pipeline) -> None:
    """Only the frames and the clip are made anew."""
    pipeline.run()
    asked = len(pipeline.server.requests)
    assert pipeline.run(caption="{number}") == ["WriteFrames", "CombineGif"]
    assert pipeline.run(caption="{number}", caption_position="top") == ["WriteFrames", "CombineGif"]
    assert pipeline.run(caption="{number}", caption_position="top") == []
    assert len(pipeline.server.requests) == asked


def test_changing_the_zone_of_captions_fetches_nothing(pipeline: Pipeline) -> None:
    """Times in names are of --timezone, too, which --caption-timezone leaves alone."""
    picture = saved(Image.new("RGB", (140, 30)), "PNG")
    names = ("a_20261025_0130Z.png", "b.png", "c_20261025_0330.png")
    pipeline.server.pages |= dict.fromkeys((f"/{name}" for name in names), picture)
    rows = "\n".join(f"<a href={name}>{name}</a>  25-Oct-2026 00:30   1K" for name in names)
    pipeline.server.pages["/"] = f"<!DOCTYPE html><pre>{rows}".encode()
    options = {"url": pipeline.server.url("/"), "caption": NIGHT_CAPTION}
    pipeline.run(**options)
    asked = len(pipeline.server.requests)
    assert pipeline.run(**options, timezone="Europe/Oslo") == ["WriteFrames", "CombineGif"]
    assert frame_file(pipeline.workdir, 0) == captioned(picture, "25 Oct 02:30 CET")
    assert frame_file(pipeline.workdir, 1) == captioned(picture, "25 Oct 02:30 CEST")
    assert frame_file(pipeline.workdir, 2) == captioned(picture, "25 Oct 03:30 CET")
    assert pipeline.run(**options, caption_timezone="Europe/Oslo") == ["WriteFrames", "CombineGif"]
    assert frame_file(pipeline.workdir, 2) == captioned(picture, "25 Oct 04:30 CET")
    assert len(pipeline.server.requests) == asked


def test_a_caption_follows_the_name_of_its_item(pipeline: Pipeline, tmp_path: Path) -> None:
    """Which may change while the picture stays; once the names are cleaned up, the clip stays."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.png").write_bytes(saved(Image.new("RGB", (90, 30)), "PNG"))
    options = {"url": str(folder), "caption": "{name}"}
    pipeline.run(**options)
    before = pipeline.clip()
    (folder / "a.png").rename(folder / "b.png")
    assert pipeline.run(**options)[-2:] == ["WriteFrames", "CombineGif"]
    assert pipeline.clip() != before
    assert pipeline.run(**options) == []
    (folder / "b.png").unlink()
    folder.rmdir()
    (pipeline.workdir / "image-data.img.items.json").unlink()
    assert pipeline.run(**options) == []


def test_a_font_counts_by_its_content(pipeline: Pipeline, tmp_path: Path) -> None:
    """Under another name it is the same; with another byte it is not."""
    first, second = tmp_path / "a.ttf", tmp_path / "b.ttf"
    first.write_bytes(own_font())
    second.write_bytes(own_font())
    assert len(pipeline.run(caption="x", caption_font=first)) == 4
    assert pipeline.run(caption="x", caption_font=second) == []
    second.write_bytes(own_font() + b"\0")
    assert pipeline.run(caption="x", caption_font=second) == ["WriteFrames", "CombineGif"]


def test_the_items_of_frames_in_order_are_those_of_all() -> None:
    """Whichever runs of frames are asked for."""
    firsts = (0, 1, 4, 5, 6, 11, 30)
    items = [FrameItem(first, f"{first}", None) for first in firsts]
    for runs in ([range(40)], [range(3), range(3, 20), range(20, 40)], [range(2, 4), range(7, 9)]):
        in_order = ItemsInOrder(items)
        for run in runs:
            wanted = [
                item
                for item, beyond in zip(items, (*firsts[1:], 99), strict=True)
                if item.first_frame < run.stop and beyond > run.start
            ]
            assert in_order.of(run) == wanted


def drawn(
    text: str, picture_size: tuple[int, int] = (320, 180), mode: str = "RGB", **style: Any
) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """A picture of one color with a caption, and where it differs."""
    plain = Image.new(mode, picture_size, GROUND)
    picture = plain.copy()
    assert draw_caption(picture, Caption(text, CaptionStyle(**style)))
    changed = (np.asarray(picture) != np.asarray(plain)).any(axis=2)
    box = Image.fromarray(changed).getbbox()
    assert box is not None
    return picture, box


@pytest.mark.parametrize("position", CAPTION_POSITIONS)
def test_a_caption_stands_where_it_is_asked_to(position: str) -> None:
    """As far from one edge as from the next, or in the middle; nothing else is touched."""
    _, (left, top, right, bottom) = drawn("25 Oct 02:30 CEST", position=position)
    margins = {"left": left, "right": 320 - right, "top": top, "bottom": 180 - bottom}
    near = [name for name in margins if name in position.split("-")]
    assert {margins[name] for name in near} <= {6}
    for ends in (("left", "right"), ("top", "bottom")):
        if not set(ends) & set(near):
            assert abs(margins[ends[0]] - margins[ends[1]]) <= 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_ground_shows_through_the_box(mode: str) -> None:
    """As much as its alpha says; the text is in its own color."""
    picture, box = drawn("i", mode=mode, size=40, color=(255, 255, 0), box=(0, 0, 200, 128))
    ground = np.asarray(picture.convert("RGB"))[box[1], box[0]]
    expected = [(a * 127 + b * 128) / 255 for a, b in zip(GROUND, (0, 0, 200), strict=True)]
    assert np.abs(np.subtract(ground, expected)).max() <= 1
    assert (np.asarray(picture.convert("RGB")) == (255, 255, 0)).all(axis=2).any()


def test_the_box_does_not_move_where_only_digits_change() -> None:
    """Nor does any letter behind them."""
    style: dict[str, Any] = {"font": uneven_font(), "position": "bottom-left"}
    found = [drawn(f"{number:03} frames", **style) for number in (111, 248, 888)]
    assert len({box for _, box in found}) == 1
    _, (left, top, right, bottom) = found[0]
    behind = (left + 45, top, right, bottom)
    assert len({picture.crop(behind).tobytes() for picture, _ in found}) == 1


def test_text_that_is_too_large_gets_smaller_and_is_cut_at_last() -> None:
    """Which is told: not all of it has room."""
    _, (left, _, right, _) = drawn(
        "a caption that is long for its frame", picture_size=(300, 60), size=40
    )
    assert 0 < left < right < 300
    look = imaging.Look(10**6, caption=Caption("a caption that no such frame can have"))
    made = imaging.to_gif(saved(Image.new("RGB", (40, 30)), "PNG"), look)
    assert made.notes == ["the caption is larger than the frame, and cut off"]
    assert made.image.size == (40, 30)


def test_a_caption_on_what_is_transparent_is_shown() -> None:
    """Its box is more opaque than not, so that it stays in a GIF."""
    look = imaging.Look(10**6, caption=Caption("x"))
    made = imaging.to_gif(saved(Image.new("RGBA", (40, 30)), "PNG"), look).image
    with Image.open(io.BytesIO(encode_single(made))) as picture:
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    assert 0 < np.count_nonzero(alpha) < alpha.size
