"""Frames are found by their structure, and as plainly as a split where that works."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from support.images import DELIMITER, gif
from support.more_formats import EACH_FORMAT, tga

from luigi_gif import bundles
from luigi_gif.bundles import bundle_frames, image_trailers

FRAMES = [
    gif(1),
    gif(2, (40, 30)),
    gif(3, interlace=1),
    gif(1, transparency=0),
    gif(2, duration=70, comment=b"\n\n\n\nGIF89a"),
    gif(0, save_all=True, append_images=[]),
]


def found(data: bytes, read: Callable[[int], bytes] | None = None) -> list[bytes]:
    """The frames, if none has a fault."""
    bundle_frames.index_bundle(io.BytesIO(data).read, strict=True)
    return [frame.data for frame in bundle_frames.iter_frames(read or io.BytesIO(data).read)]


def with_delimiter_in_its_palette(color: int = 1) -> bytes:
    """A GIF whose colors 1 and 2 are (10, 10, 10) and (10, 11, 10)."""
    data = bytearray(gif(color))
    data[16:22] = b"\n\n\n\n\x0b\n"
    return bytes(data)


def test_any_bundle_is_found_as_a_plain_split_finds_it(any_bundle: bytes) -> None:
    """The frames are those of the split, empties dropped."""
    assert found(any_bundle) == [frame for frame in any_bundle.split(DELIMITER) if frame]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(FRAMES[:4]), min_size=1),
    st.lists(st.integers(1, 3), min_size=1, max_size=8),
    st.integers(0, 2),
    st.integers(1, 400),
)
def test_bundles_are_found_as_a_plain_split_finds_them(
    frames: list[bytes], delimiters: list[int], ends: int, piece: int
) -> None:
    """Whatever whole delimiters stand around the frames, and however they are read."""
    data = DELIMITER * ends
    for number, frame in enumerate(frames):
        data += frame + DELIMITER * delimiters[number % len(delimiters)]
    data = data[: len(data) - 4 * min(ends, delimiters[(len(frames) - 1) % len(delimiters)])]
    source = io.BytesIO(data)
    expected = [frame for frame in data.split(DELIMITER) if frame]
    assert found(data, lambda _: source.read(piece)) == expected == frames


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=6), st.integers(1, 400))
def test_a_delimiter_inside_a_frame_does_not_break_it(colors: list[int], piece: int) -> None:
    """A palette and a comment may hold what separates frames elsewhere."""
    frames = [
        FRAMES[4] if color == 5 else with_delimiter_in_its_palette(color % 4) for color in colors
    ]
    source = io.BytesIO(DELIMITER.join(frames))
    assert found(b"", lambda _: source.read(piece)) == frames


def encoded(format_: str, picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format_, **options)
    return file.getvalue()


def text_chunk(picture: Image.Image) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "\n\n\n\nBM\n\n\n\n")
    return encoded("PNG", picture, pnginfo=info)


PICTURE = Image.effect_mandelbrot((21, 13), (-2, -1, 1, 1), 40).convert("RGB")
NEWLINES = Image.new("RGB", (20, 16), (10, 10, 10))
"""As BMP and TIFF its pixels are newlines, up to the end of the file."""
OF_EVERY_FORMAT = {
    **{
        format_: encoded(format_, PICTURE)
        for format_ in ("GIF", "PNG", "JPEG", "WebP", "BMP", "TIFF")
    },
    "GIF with a delimiter": encoded("GIF", PICTURE, comment=b"\n\n\n\nGIF89a"),
    "PNG with a delimiter": text_chunk(PICTURE),
    "JPEG with a delimiter": encoded("JPEG", PICTURE, comment=b"\n\n\n\n\xff\xd8\xff"),
    "JPEG with scans": encoded("JPEG", PICTURE, progressive=True),
    "JPEG with another behind it": encoded("MPO", PICTURE, save_all=True, append_images=[NEWLINES]),
    "WebP without loss": encoded("WebP", PICTURE, lossless=True),
    "WebP that ends in newlines": encoded("WebP", PICTURE, xmp=b"\n" * 8),
    "BMP that ends in newlines": encoded("BMP", NEWLINES),
    "BMP without its size": encoded("BMP", PICTURE)[:2] + bytes(4) + encoded("BMP", PICTURE)[6:],
    "BMP with a palette": encoded("BMP", PICTURE.quantize(7)),
    "TIFF that ends in newlines": encoded("TIFF", NEWLINES),
    "TIFF from its end": encoded("TIFF", PICTURE, compression="tiff_lzw"),
    **EACH_FORMAT,
    "TGA with a footer": encoded("TGA", PICTURE),
    "TGA that ends in newlines": tga(NEWLINES),
    "PNM that ends in newlines": encoded("PPM", NEWLINES),
}


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(list(OF_EVERY_FORMAT)), min_size=1, max_size=12),
    st.booleans(),
    st.integers(1, 5000),
)
def test_images_of_every_format_are_found_in_any_order(
    names: list[str], ends: bool, piece: int
) -> None:
    """With a delimiter inside, with newlines at their end, and however they are read.

    What has no length may keep newlines at the end of the bundle: they do no harm.
    """
    frames = [OF_EVERY_FORMAT[name] for name in names]
    data = DELIMITER.join(frames) + DELIMITER * ends
    source = io.BytesIO(data)
    shown = found(data, lambda _: source.read(piece))
    assert len(shown) == len(frames)
    for ours, frame in zip(shown[:-1], frames[:-1], strict=True):
        assert ours == frame
    assert shown[-1].startswith(frames[-1])
    assert shown[-1][len(frames[-1]) :] in (b"", DELIMITER)


WHOLE = {name: data for name, data in OF_EVERY_FORMAT.items() if bundle_frames.whole_format(data)}


def test_what_is_one_whole_image_whatever_follows() -> None:
    """Of formats that say where they end; not what has more behind it, or a delimiter inside."""
    assert list(WHOLE) == ["GIF", "PNG", "JPEG", "JPEG with scans"]
    for data in WHOLE.values():
        assert (
            bundle_frames.whole_format(data[:-1])
            is bundle_frames.whole_format(data + b"more")
            is None
        )
    several = encoded("GIF", PICTURE, save_all=True, append_images=[NEWLINES])
    assert (
        bundle_frames.whole_format(several)
        is bundle_frames.whole_format(b"")
        is bundle_frames.whole_format(b"<html>")
        is None
    )


@given(st.lists(st.sampled_from(list(WHOLE)), max_size=30))
def test_an_index_of_whole_images_is_that_of_their_bundle(names: list[str]) -> None:
    """So that nobody has to look at them once more."""
    builder = bundle_frames.IndexBuilder()
    offset = 0
    for data in map(WHOLE.__getitem__, names):
        builder.add(offset, len(data), str(bundle_frames.whole_format(data)))
        offset += len(data) + len(DELIMITER)
    data = DELIMITER.join(map(WHOLE.__getitem__, names))
    assert builder.build() == bundle_frames.index_bundle(io.BytesIO(data).read, strict=True)


@pytest.mark.parametrize("newlines", [5, 6, 7, 9])
def test_more_newlines_than_a_delimiter_belong_to_no_frame(newlines: int) -> None:
    """They may stand before, between and behind frames."""
    run = b"\n" * newlines
    assert found(run + gif(1) + run + gif(2) + run) == [gif(1), gif(2)]


@pytest.mark.parametrize(("newlines", "empty"), [(4, 0), (7, 0), (8, 1), (11, 1), (12, 2)])
def test_empty_frames_are_counted(newlines: int, empty: int) -> None:
    """Between others; delimiters at either end of a bundle are none."""
    data = DELIMITER * 3 + gif(1) + b"\n" * newlines + gif(2) + b"\n" * newlines + gif(1)
    index = bundle_frames.index_bundle(io.BytesIO(data + DELIMITER * 3).read, strict=True)
    assert (index.frame_count, index.empty) == (3, 2 * empty)


@pytest.mark.parametrize("junk", [b"\0", b"\n.", b"junk", b"\n\n\n\njunk", b"a\n\n\n\n\n\nb"])
def test_junk_behind_a_frame_stays_with_it(junk: bytes) -> None:
    """Up to a delimiter that another image or the end follows."""
    data = gif(1) + b"x" + junk + DELIMITER + gif(2) + junk.lstrip(b"\n")
    assert found(data)[0] == gif(1) + b"x" + junk
    assert found(data)[1].startswith(gif(2))


@pytest.mark.parametrize("between", [b"", b"\n\n", b"\r\n\r\n\r\n\r\n", b"junk"])
def test_images_without_a_delimiter_between_them_are_not_lost(between: bytes) -> None:
    """Whoever forgot it, or has it changed, is told."""
    with pytest.raises(
        bundle_frames.BadFrame, match=r"frame 1 at byte .* expected four newlines"
    ) as error:
        found(gif(1) + DELIMITER + gif(2) + between + gif(3))
    assert ("LF to CRLF" in str(error.value)) == between.startswith(b"\r")


def test_there_is_an_end_to_junk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever follows an image for more than 64 MiB, a MiB here, is no frame of a bundle."""
    monkeypatch.setattr(image_trailers, "MAX_TRAILER_BYTES", 1 << 20)
    with pytest.raises(bundle_frames.BadFrame, match="1,048,576 other bytes"):
        found(gif(1) + b"x" * (3 << 20) + DELIMITER + gif(2))


def test_a_missing_trailer_is_accepted() -> None:
    """A GIF that ends behind its image data is whole enough to be shown."""
    frames = [gif(1)[:-1], gif(2), gif(3)[:-1]]
    assert found(DELIMITER.join(frames)) == frames
    assert found(DELIMITER.join(frames) + DELIMITER) == frames


@pytest.mark.parametrize("length", range(len(gif(2)) - 3))
def test_a_last_frame_that_is_cut_off_is_named(length: int) -> None:
    """Wherever it is cut, the error says which frame, where it begins, and how much there is."""
    data = gif(1) + DELIMITER + gif(2)[:length]
    if length == 0:
        assert found(data) == [gif(1)]
        return
    with pytest.raises(bundle_frames.BadFrame) as error:
        found(data)
    assert (error.value.number, error.value.offset) == (1, len(gif(1)) + 4)


def test_line_breaks_that_were_changed_are_named() -> None:
    """A bundle that was fetched as text is told as such."""
    data = DELIMITER.join([with_delimiter_in_its_palette(), gif(2)]).replace(b"\n", b"\r\n")
    with pytest.raises(bundle_frames.BadFrame, match="changed from LF to CRLF"):
        found(data)


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"\x89PNG\r\r\n", "data that begin with b'\\x89PNG"),
        (b"<!DOCTYPE html>", "an HTML or XML page"),
        (b"hello", "data that begin with b'hello'"),
    ],
)
def test_what_is_no_image_is_named(beginning: bytes, name: str) -> None:
    """The error says what the frame looks like."""
    with pytest.raises(bundle_frames.BadFrame, match="frame 1 at byte") as error:
        found(gif(1) + DELIMITER + beginning)
    assert error.value.frame_error.expected == f"an image ({', '.join(bundles.FORMATS)})"
    assert error.value.frame_error.got.startswith(name)


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n\r\n"])
@pytest.mark.parametrize("name", ["TGA color", "ICO of PNG", "PNM color", "JPEG2000 file"])
def test_an_image_of_any_format_without_a_delimiter_before_it_is_not_lost(
    name: str, between: bytes
) -> None:
    """It is named, and not taken for a part of the one before it."""
    data = encoded("PNG", PICTURE) + between + EACH_FORMAT[name] + DELIMITER + gif(1)
    with pytest.raises(bundle_frames.BadFrame, match=f"{name.partition(' ')[0]} data"):
        found(data)


def test_other_data_may_hold_what_seems_to_begin_as_an_image() -> None:
    """Behind a JPEG, where cameras put what they like: it stays one frame."""
    header = EACH_FORMAT["TGA color"][:18] + EACH_FORMAT["ICO of PNG"][:18] + b"P6\n3 2\n"
    whole = encoded("JPEG", PICTURE) + b"notes" + header * 40 + b"."
    assert found(whole + DELIMITER + gif(1)) == [whole, gif(1)]


def test_a_gif_without_an_image_is_bad() -> None:
    """A header and a trailer are not a frame."""
    with pytest.raises(bundle_frames.BadFrame, match="a GIF without one"):
        found(b"GIF89a\1\0\1\0\0\0\0;")


@pytest.mark.parametrize("data", [b"", b"\n", DELIMITER, DELIMITER * 3])
def test_a_bundle_may_hold_nothing(data: bytes) -> None:
    """Then there is no frame, and no error here."""
    assert found(data) == []
    assert bundle_frames.index_bundle(
        io.BytesIO(data).read, strict=True
    ) == bundle_frames.BundleIndex(0, {}, [], 0, 0)


def test_an_index_says_what_a_bundle_holds() -> None:
    """Count, formats, the end, and a waypoint where as much was done as a MiB of copying."""
    data = (gif(1) + DELIMITER) * 2500
    index = bundle_frames.index_bundle(io.BytesIO(data).read, strict=True)
    step = len(gif(1)) + 4
    apart = -(-bundle_frames.WAYPOINT_WORK // (len(gif(1)) + bundle_frames.COPIED_FRAME_WORK))
    assert index == bundle_frames.BundleIndex(
        2500, {"GIF": 2500}, [(n, n * step) for n in range(0, 2500, apart)], len(data) - 4
    )


def test_an_index_has_a_waypoint_about_every_mib() -> None:
    """Frames of half a MiB: every second one."""
    frame = gif(1)[:-1] + b"\x21\xfe" + (b"\xff" + b"c" * 255) * 2048 + b"\0;"
    index = bundle_frames.index_bundle(io.BytesIO((frame + DELIMITER) * 7).read, strict=True)
    assert [number for number, _ in index.waypoints] == [0, 2, 4, 6]


def test_an_index_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the most waypoints there may be, they stand further apart."""
    monkeypatch.setattr(bundle_frames, "MAX_WAYPOINTS", 4)
    monkeypatch.setattr(
        bundle_frames, "WAYPOINT_WORK", 10 * (len(gif(1)) + bundle_frames.COPIED_FRAME_WORK)
    )
    index = bundle_frames.index_bundle(io.BytesIO((gif(1) + DELIMITER) * 1000).read, strict=True)
    assert [number for number, _ in index.waypoints] == [0, 320, 640, 960]


@pytest.mark.parametrize(
    ("data", "is_image"),
    [(gif(1), True), (DELIMITER + gif(1), True), (b"", False), (b"<html>", False), (b"GIF", False)],
)
def test_the_beginning_of_a_bundle_is_known(data: bytes, is_image: bool) -> None:
    """A page or nothing at all is told from a bundle by its first bytes."""
    assert bundle_frames.may_be_bundle(data, strict=True) is is_image
    assert bundle_frames.may_be_bundle(data, strict=False) is is_image


@pytest.mark.parametrize("first", [bytes(500), b"GIF", b"a word", b"\0" * (2 << 20)])
def test_a_bad_first_frame_does_not_hide_the_others(first: bytes) -> None:
    """Where bad frames are left out, it may be one too; but a page or an archive is no bundle."""
    data = first + DELIMITER + gif(1)
    assert not bundle_frames.may_be_bundle(data, strict=True)
    assert bundle_frames.may_be_bundle(data, strict=False)
    assert [frame.error is None for frame in bundle_frames.iter_frames(io.BytesIO(data).read)] == [
        False,
        True,
    ]
    assert bundle_frames.may_be_bundle(first, strict=False) is (len(first) > 1 << 20)
    assert not bundle_frames.may_be_bundle(b"PK\3\4" + bytes(2 << 20), strict=False)
