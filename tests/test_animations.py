"""Each frame of an image file of several becomes an image file, as browsers show the frame."""

from __future__ import annotations

import functools
import io
import itertools
import random
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features
from support import decoders
from support.animations import (
    CLEAR,
    KEEP,
    RESTORE,
    Part,
    animated_gif,
    animated_png,
    animated_webp,
    drawn,
    drawn_parts,
)
from support.decoders import IN_CHROMIUM, Pixels, shown_by_chromium
from support.images import DELIMITER, gif, png, saved
from support.more_formats import CODE_POINTS
from support.more_formats import avif as still_avif

from luigi_gif import bundles, imaging
from luigi_gif import gif as gif_
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import SingleFrame, color_profiles, decode

MAX_PIXELS = 10**6
RED, GREEN, BLUE, NONE = (200, 30, 30, 255), (30, 200, 30, 255), (30, 30, 200, 255), (0, 0, 0, 0)
COLORS = (RED, GREEN, BLUE)


def frames_of(data: bytes) -> list[SingleFrame]:
    frames = imaging.single_frames(data, MAX_PIXELS)
    assert frames is not None
    return list(frames)


def pixels(data: bytes) -> Pixels:
    """What is shown of an image file; transparent pixels are (0, 0, 0, 0)."""
    found = np.array(decode.decode_image(data, MAX_PIXELS).picture.convert("RGBA"))
    found[found[..., 3] == 0] = 0
    return found


def delay_cs(data: bytes) -> int:
    """That of the frame file which the pipeline makes of an image file."""
    if data.startswith(b"GIF"):
        return gif_.read_first_image(data)[0].delay_cs
    return imaging.to_gif(data, imaging.Look(MAX_PIXELS)).image.delay_cs


def filled(color: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
    return Image.new("RGBA", size, color)


def paletted(color: int, size: tuple[int, int], transparent: int | None = 3) -> Image.Image:
    """A picture in one of three colors; the fourth is transparent."""
    image = Image.new("P", size, color)
    image.putpalette([value for each in (*COLORS, NONE) for value in each[:3]])
    if transparent is not None:
        image.info["transparency"] = transparent
    return image


def row(data: bytes) -> list[str]:
    """The pixels of a frame of one row, by the names of their colors."""
    names = {RED: "red", GREEN: "green", BLUE: "blue", NONE: "none"}
    return [names[red, green, blue, alpha] for red, green, blue, alpha in pixels(data)[0].tolist()]


def built(format_: str, disposal: int) -> bytes:
    """Red, then a green pixel at the second place, of which is disposed, then a blue one behind."""
    places = [(0, (4, 1), (0, 0), KEEP), (1, (1, 1), (2, 0), disposal), (2, (1, 1), (0, 0), KEEP)]
    if format_ == "GIF":
        parts = [Part(paletted(color, size), at, how) for color, size, at, how in places]
        return animated_gif((4, 1), parts, bytes(paletted(0, (1, 1)).palette.palette))  # type: ignore[union-attr]
    parts = [Part(filled(COLORS[color], size), at, how) for color, size, at, how in places]
    return animated_png((4, 1), parts) if format_ == "PNG" else animated_webp((4, 1), parts)


@pytest.mark.parametrize(
    ("disposal", "left", "format_"),
    [
        *((KEEP, "green", format_) for format_ in ("GIF", "PNG", "WebP")),
        *((CLEAR, "none", format_) for format_ in ("GIF", "PNG", "WebP")),
        *((RESTORE, "red", format_) for format_ in ("GIF", "PNG")),
    ],
)
def test_what_a_part_leaves_is_what_its_disposal_says(
    disposal: int, left: str, format_: str
) -> None:
    first, second, third = frames_of(built(format_, disposal))
    assert row(first.data) == ["red"] * 4
    assert row(second.data) == ["red", "red", "green", "red"]
    assert row(third.data) == ["blue", "red", left, "red"]


def drawn_gif(draw: random.Random, size: tuple[int, int], count: int) -> bytes:
    """Parts within, across and outside the canvas, with colors of their own or common ones."""
    common = draw.randbytes(3 * 8)
    parts = []
    for number in range(count):
        place = draw.randrange(size[0] + 1), draw.randrange(size[1] + 1)
        own = draw.randint(1, size[0]), draw.randint(1, size[1])
        if draw.random() < 0.3:
            place, own = (0, 0), size
        image = Image.new("P", own)
        image.putpalette(common if draw.random() < 0.6 else draw.randbytes(3 * 4))
        colors = len(image.getpalette() or ()) // 3
        image.putdata([draw.randrange(colors) for _ in range(own[0] * own[1])])
        if draw.random() < 0.7:
            image.info["transparency"] = draw.randrange(colors)
        disposal = number % 5 - 1 if number else KEEP  # 0 to 4 as GIF counts them
        parts.append(Part(image, place, disposal, draw.choice((0, 10, 20, 70))))
    return animated_gif(size, parts, common)


def small_at_first(format_: str, disposal: int) -> bytes:
    """Three parts that overlap, none of which covers the canvas."""
    sizes, places = ((4, 3), (5, 2), (2, 4)), ((2, 2), (0, 0), (4, 0))
    pictures = [
        paletted(number, size) if format_ == "GIF" else filled(COLORS[number], size)
        for number, size in enumerate(sizes)
    ]
    disposals = (disposal, KEEP, KEEP)
    made = [Part(*each) for each in zip(pictures, places, disposals, strict=True)]
    return animated_gif((9, 7), made) if format_ == "GIF" else animated_webp((9, 7), made)


BINARY = (0, 255)
ANY = (0, 1, 90, 128, 200, 254, 255)
ANIMATIONS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "GIF": ("image/gif", lambda: drawn_gif(random.Random(1), (9, 7), 60)),
    "GIF of many colors": (
        "image/gif",
        lambda: animated_gif(
            (30, 20),
            [
                Part(drawn(random.Random(n), (30, 10), (255,)).quantize(200), (0, 10 * (n % 2)))
                for n in range(4)
            ],
        ),
    ),
    "PNG": (
        "image/png",
        lambda: animated_png((12, 9), drawn_parts(random.Random(2), (12, 9), 40, BINARY)),
    ),
    "PNG, half transparent": (
        "image/png",
        lambda: animated_png((12, 9), drawn_parts(random.Random(3), (12, 9), 20, ANY)),
    ),
    "PNG with a hidden image": (
        "image/png",
        lambda: animated_png(
            (4, 4),
            [Part(filled(RED, (2, 2)), (1, 1), RESTORE), Part(filled(BLUE, (2, 2)))],
            hidden=filled(GREEN, (4, 4)),
        ),
    ),
    "GIF whose small first part is cleared": ("image/gif", lambda: small_at_first("GIF", CLEAR)),
    "GIF whose small first part is undone": ("image/gif", lambda: small_at_first("GIF", RESTORE)),
    "WebP whose small first part is cleared": ("image/webp", lambda: small_at_first("WebP", CLEAR)),
    "WebP": (
        "image/webp",
        lambda: animated_webp((12, 9), drawn_parts(random.Random(4), (12, 9), 40, BINARY)),
    ),
    "WebP, half transparent": (
        "image/webp",
        lambda: animated_webp((12, 9), drawn_parts(random.Random(5), (12, 9), 20, ANY)),
    ),
    "lossy WebP": (
        "image/webp",
        lambda: animated_webp(
            (20, 16), drawn_parts(random.Random(6), (20, 16), 10, ANY), lossless=False
        ),
    ),
}


@functools.cache
def made_and_shown(name: str) -> tuple[list[SingleFrame], list[tuple[Pixels, float]]]:
    """The frames of an animation, and what Chromium shows of it, with milliseconds."""
    decoders.need("chromium")
    type_, made = ANIMATIONS[name]
    data = made()
    return frames_of(data), shown_by_chromium(data, type_)


@IN_CHROMIUM
@pytest.mark.parametrize("name", ANIMATIONS)
def test_frames_are_what_chromium_shows(name: str) -> None:
    """Pixel for pixel."""
    frames, shown = made_and_shown(name)
    assert len(frames) == len(shown)
    for frame, (expected, _) in zip(frames, shown, strict=True):
        assert (pixels(frame.data) == expected).all()


@IN_CHROMIUM
@pytest.mark.parametrize("format_", ["PNG", "WebP"])
def test_half_transparent_parts_mix_as_in_chromium(format_: str) -> None:
    """With every disposal, blended or not: alpha is the same, colors differ by rounding only."""
    decoders.need("chromium")
    draw = random.Random(15)
    parts = [Part(drawn(draw, (12, 9), ANY))]
    for number in range(40):
        left, top = 2 * draw.randrange(6), 2 * draw.randrange(4)
        own = draw.randint(1, 12 - left), draw.randint(1, 9 - top)
        parts.append(Part(drawn(draw, own, ANY), (left, top), number % 3, 40, number % 5 < 3))
    made = animated_png if format_ == "PNG" else animated_webp
    data = made((12, 9), parts)
    shown = shown_by_chromium(data, f"image/{format_.lower()}")
    for frame, (expected, _) in zip(frames_of(data), shown, strict=True):
        found = pixels(frame.data)
        assert (found[..., 3] == expected[..., 3]).all()
        # Chromium keeps its canvas as products of color and alpha, in bytes.
        products = [each[..., :3] * (each[..., 3:] / 255) for each in (found, expected)]
        assert abs(products[0] - products[1]).max() <= 2


@IN_CHROMIUM
@pytest.mark.parametrize("name", [name for name in ANIMATIONS if "half" not in name])
def test_delays_are_those_of_the_file(name: str) -> None:
    """In the hundredths of a second of a GIF, rounded so that no frame is shown late."""
    frames, shown = made_and_shown(name)
    for frame, (_, delay_ms) in zip(frames, shown, strict=True):
        assert frame.delay_ms is not None
        assert frame.delay_ms == 10 * delay_cs(frame.data)
        assert abs(frame.delay_ms - delay_ms) < 10
        assert (frame.delay_ms == 0) == (delay_ms == 0)


def test_rounded_delays_keep_their_sum() -> None:
    """30 frames of 33 ms are shown for 0.99 seconds, and a short one does not shorten the next."""
    part = Part(filled(RED, (1, 1)), delay_ms=33)
    total = sum(frame.delay_ms or 0 for frame in frames_of(animated_webp((1, 1), [part] * 30)))
    assert total == 990
    parts = [part._replace(delay_ms=delay) for delay in (2, 2, 2, 2, 40, 40)]
    delays = [frame.delay_ms for frame in frames_of(animated_png((1, 1), parts))]
    assert delays[:4] == [10] * 4
    assert delays[5] == 40


def test_ffmpeg_shows_the_same_of_a_png(tmp_path: Path) -> None:
    """Where nothing is half transparent. Pillow disposes of some parts in another way."""
    decoders.need("ffmpeg")
    parts = drawn_parts(random.Random(7), (12, 9), 15, BINARY)
    parts = [part._replace(delay_ms=40) for part in parts]
    path = tmp_path / "animated.apng"
    path.write_bytes(animated_png((12, 9), parts))
    frames = frames_of(path.read_bytes())
    for frame, expected in zip(frames, decoders.ffmpeg(path), strict=True):
        assert (pixels(frame.data) == expected).all()


def test_libwebp_composes_a_webp_alike() -> None:
    """Also what is half transparent, over what is opaque."""
    data = animated_webp((12, 9), drawn_parts(random.Random(8), (12, 9), 15, ANY))
    picture = Image.open(io.BytesIO(data))
    for number, frame in enumerate(frames_of(data)):
        picture.seek(number)
        expected = np.array(picture.convert("RGBA"))
        expected[expected[..., 3] == 0] = 0
        assert (pixels(frame.data) == expected).all()


# GIF


def test_an_image_that_covers_all_keeps_its_pixel_data() -> None:
    """Nothing is decoded, and the color table stays."""
    first, second = gif(1, (5, 4)), gif(2, (5, 4))
    images = [gif_.read_first_image(each)[0] for each in (first, second)]
    data = animated_gif((5, 4), [Part(paletted(n, (5, 4), None)) for n in (1, 2)])
    found = [gif_.read_first_image(frame.data) for frame in frames_of(data)]
    for (image, count), each in zip(found, images, strict=True):
        assert count == 1
        assert image.data == each.data
        assert image.position == (0, 0)
        assert image.size == image.screen == (5, 4)


def test_a_composed_frame_keeps_the_color_table() -> None:
    """Then a clip has one for all."""
    images = [gif_.read_first_image(frame.data)[0] for frame in frames_of(built("GIF", KEEP))]
    assert len({image.color_table for image in images}) == 1


def test_the_first_image_may_enlarge_the_screen_and_no_later_one() -> None:
    data = animated_gif(
        (2, 2), [Part(paletted(0, (3, 1)), (1, 0)), Part(paletted(1, (9, 9)), (2, 1))]
    )
    assert [pixels(frame.data).shape[:2] for frame in frames_of(data)] == [(2, 4), (2, 4)]


def test_a_frame_of_more_colors_than_a_gif_has_is_a_png() -> None:
    frames = frames_of(ANIMATIONS["GIF of many colors"][1]())
    assert [frame.data[:4] for frame in frames[:2]] == [b"GIF8", b"\x89PNG"]
    assert [delay_cs(frame.data) for frame in frames] == [10] * 4


# PNG and WebP


def test_a_png_that_is_an_animation_of_one_frame_has_its_delay() -> None:
    part = Part(filled(RED, (2, 2)), delay_ms=250)
    data = animated_png((2, 2), [part])
    assert imaging.single_frames(data, MAX_PIXELS) is None
    assert delay_cs(data) == 25
    assert delay_cs(animated_png((2, 2), [part, part])) == 0
    assert delay_cs(animated_png((2, 2), [part], hidden=filled(BLUE, (2, 2)))) == 0
    assert delay_cs(data.replace(b"\0\xfa\x03\xe8", b"\0\x02\0\0")) == 2  # hundredths by default


def test_a_hidden_image_of_a_png_is_no_frame() -> None:
    """Even if the animation has one frame only."""
    parts = [Part(filled(RED, (2, 1)))]
    frames = frames_of(animated_png((2, 1), parts, hidden=filled(BLUE, (2, 1))))
    assert [row(frame.data) for frame in frames] == [["red", "red"]]


def test_the_palette_of_a_png_may_stand_behind_the_first_frame_control() -> None:
    """As long as it stands before the pixels."""
    parts = [Part(paletted(color, (2, 2), None)) for color in range(3)]
    palette = bytes(parts[0].picture.getpalette() or ())
    data = animated_png((2, 2), parts, (b"PLTE", palette))
    chunk, control = (data.index(name) - 4 for name in (b"PLTE", b"fcTL"))
    end = data.index(b"IDAT") - 4
    moved = data[:chunk] + data[control:end] + data[chunk:control] + data[end:]
    assert [frame.data for frame in frames_of(moved)] == [frame.data for frame in frames_of(data)]


def test_what_stands_behind_a_webp_is_no_part_of_it() -> None:
    data = animated_webp((9, 7), five())
    assert len(frames_of(data + b"words of somebody else")) == 5


def test_a_webp_that_is_cut_off_between_two_frames_is_not_whole() -> None:
    """The header says how long it is."""
    data = animated_webp((9, 7), five())
    frames = imaging.single_frames(data[: data.rindex(b"ANMF")], MAX_PIXELS)
    assert frames is not None
    assert len(list(itertools.islice(frames, 4))) == 4
    with pytest.raises(Undecodable, match="in frame 4 of the file"):
        next(frames)


@pytest.mark.parametrize("format_", ["PNG", "WebP"])
def test_colors_and_orientation_are_as_in_a_single_image(format_: str) -> None:
    """The profile is that of Display P3, and the image is to be turned."""
    profile = color_profiles.of_png({b"cICP": bytes((12, 13, 0, 1))})
    assert profile is not None
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    source = drawn(random.Random(9), (6, 4), (255,))
    parts = [Part(source), Part(source)]
    if format_ == "PNG":
        chunks = (b"cICP", bytes((12, 13, 0, 1))), (b"eXIf", exif)
        data = animated_png((6, 4), parts, *chunks)
        single = animated_png((6, 4), parts[:1], *chunks)
    else:
        data = animated_webp((6, 4), parts, profile, exif)
        single = saved(source, "WebP", lossless=True, icc_profile=profile, exif=exif)
    expected = pixels(single)
    assert expected.shape == (6, 4, 4)
    turned = saved(source.transpose(Image.Transpose.ROTATE_270), "PNG")
    assert not (expected == pixels(turned)).all()
    for frame in frames_of(data):
        assert (pixels(frame.data) == expected).all()


# AVIF


def avif(**options: object) -> bytes:
    if not features.check("avif"):
        pytest.skip("Pillow has no decoder of AVIF here")
    pictures = [drawn(random.Random(n), (16, 12), (255,)).convert("RGB") for n in range(3)]
    return saved(
        pictures[0], "AVIF", save_all=True, append_images=pictures[1:], duration=[40, 250, 20],
        **options,
    )  # fmt: skip


def test_the_frames_of_an_avif_are_those_of_its_decoder() -> None:
    data = avif()
    picture = Image.open(io.BytesIO(data))
    frames = frames_of(data)
    assert [frame.delay_ms for frame in frames] == [40, 250, 20]
    for number, frame in enumerate(frames):
        picture.seek(number)
        assert (pixels(frame.data) == np.asarray(picture.convert("RGBA"))).all()


@IN_CHROMIUM
def test_the_frames_of_an_avif_of_limited_range_are_what_chromium_shows() -> None:
    """Chromium 156 takes a sequence of full range for one of limited range."""
    decoders.need("chromium")
    data = avif(range="limited")
    shown = shown_by_chromium(data, "image/avif")
    for frame, (expected, delay_ms) in zip(frames_of(data), shown, strict=True):
        assert (pixels(frame.data) == expected).all()
        assert frame.delay_ms == delay_ms


@pytest.mark.external
def test_an_avif_of_one_image_is_what_chromium_shows() -> None:
    """Of full range too; turned by its properties, its colors by its code points."""
    decoders.need("chromium")
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = still_avif(exif=exif)
    assert CODE_POINTS in plain
    for points in ((1, 13), (12, 13), (9, 14), (1, 1)):
        data = plain.replace(CODE_POINTS, b"nclx" + struct.pack(">2H", *points) + CODE_POINTS[-3:])
        ((expected, _),) = shown_by_chromium(data, "image/avif")
        assert abs(pixels(data).astype(int) - expected).max() <= 1


@pytest.mark.external
def test_the_frames_of_an_avif_of_full_range_are_what_ffmpeg_shows(tmp_path: Path) -> None:
    """But for how each rounds."""
    decoders.need("ffmpeg")
    data = avif(range="full", subsampling="4:4:4")
    (tmp_path / "full.avif").write_bytes(data)
    raw = decoders.ffmpeg_output(tmp_path / "full.avif", "-pix_fmt", "rgb24", "-f", "rawvideo")
    shown = np.frombuffer(raw, np.uint8).reshape(3, 12, 16, 3).astype(int)
    for frame, expected in zip(frames_of(data), shown, strict=True):
        assert abs(pixels(frame.data)[..., :3] - expected).max() <= 2


# TIFF


def pages(*pictures: Image.Image, **options: object) -> bytes:
    return saved(pictures[0], "TIFF", save_all=True, append_images=pictures[1:], **options)


def pictures(mode: str) -> list[Image.Image]:
    sizes = (9, 7), (8, 7), (9, 5)
    if mode == "I;16":
        rows = (np.arange(w * h, dtype=np.uint16).reshape(h, w) * 700 for w, h in sizes)
        return [Image.fromarray(each) for each in rows]
    return [drawn(random.Random(n), size, ANY).convert(mode) for n, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("RGB", {"compression": "tiff_lzw", "big_tiff": True}),
        ("RGB", {"compression": "jpeg"}),
        ("RGBA", {"compression": "tiff_adobe_deflate"}),
        ("P", {}),
        ("1", {"compression": "group4"}),
        ("I;16", {}),
    ],
)
def test_each_page_of_a_tiff_is_a_tiff_of_the_same_pixels(
    mode: str, options: dict[str, object]
) -> None:
    sources = pictures(mode)
    frames = frames_of(pages(*sources, **options))
    assert [frame.delay_ms for frame in frames] == [None] * 3
    for frame, source in zip(frames, sources, strict=True):
        assert frame.data[:2] == b"II"
        assert (pixels(frame.data) == pixels(saved(source, "TIFF", **options))).all()
        assert decode.decode_image(frame.data, MAX_PIXELS).images == 1


def test_a_page_that_does_not_say_how_long_its_strips_are_is_decoded() -> None:
    """It becomes a PNG; tag 279 has another number here."""
    sources = pictures("RGB")
    data = pages(*sources).replace(b"\x17\x01\x04\0", b"\xe8\xfd\x04\0")
    for frame, source in zip(frames_of(data), sources, strict=True):
        assert frame.data.startswith(b"\x89PNG")
        assert (pixels(frame.data) == np.asarray(source.convert("RGBA"))).all()


def marked(data: bytes, *kinds: int) -> bytes:
    """A TIFF whose directories have these values of NewSubfileType."""
    changed, offset = bytearray(data), int.from_bytes(data[4:8], "little")
    for kind in kinds:
        count = int.from_bytes(data[offset : offset + 2], "little")
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            if data[entry : entry + 2] == b"\xfe\0":
                struct.pack_into("<HHLL", changed, entry, 254, 4, 1, kind)
        offset = int.from_bytes(data[entry + 12 : entry + 16], "little")
    return bytes(changed)


def test_previews_and_masks_in_a_tiff_are_no_pages() -> None:
    """Reduced resolution is bit 0 of NewSubfileType, a mask bit 2, and a page of many bit 1."""
    sources = pictures("RGB")
    tags = {254: 0}
    data = pages(*sources, tiffinfo=tags)
    assert len(frames_of(marked(data, 2, 2, 2))) == 3
    kept = frames_of(marked(data, 0, 1, 0))
    assert [pixels(frame.data).shape for frame in kept] == [(7, 9, 4), (5, 9, 4)]
    assert imaging.single_frames(marked(data, 0, 5, 4), MAX_PIXELS) is None
    (last,) = frames_of(marked(data, 1, 4, 0))
    assert (pixels(last.data) == np.asarray(sources[2].convert("RGBA"))).all()


def test_strips_that_lie_over_one_another_cost_no_memory() -> None:
    """A small file may name the same bytes as often as it likes."""
    width, strips = 1 << 9, 1 << 12
    pixels = bytes(width * width)
    offsets, lengths = (
        struct.pack(f"<{strips}L", *([value] * strips)) for value in (8, len(pixels))
    )
    begin = 8 + len(pixels)
    values = ((256, 4, 1, width), (257, 4, 1, width), (258, 3, 1, 8), (259, 3, 1, 1),
              (262, 3, 1, 1), (273, 4, strips, begin), (277, 3, 1, 1), (278, 4, 1, 1),
              (279, 4, strips, begin + len(offsets)))  # fmt: skip
    tags = b"".join(struct.pack("<HHLL", *tag) for tag in values)
    first = begin + len(offsets + lengths)
    second = first + 2 + len(tags) + 4
    pages = [struct.pack("<H", len(values)) + tags + struct.pack("<L", at) for at in (second, 0)]
    data = struct.pack("<4sL", b"II*\0", first) + pixels + offsets + lengths + b"".join(pages)
    with pytest.raises(Undecodable, match="more, in its strips"):
        frames_of(data)


# JPEG


def jpeg(number: int, size: tuple[int, int] = (24, 16)) -> bytes:
    return saved(drawn(random.Random(number), size, (255,)).convert("RGB"), "JPEG")


@pytest.mark.parametrize("between", [b"", b"\0\0", b"\r\n"])
def test_jpegs_one_behind_another_are_frames_as_they_are(between: bytes) -> None:
    jpegs = [jpeg(number) for number in range(4)]
    frames = frames_of(between.join(jpegs))
    assert [frame.data for frame in frames] == jpegs
    assert {frame.delay_ms for frame in frames} == {None}


def test_what_cameras_put_behind_a_picture_is_no_frame() -> None:
    """An index announces it, Samsung marks it, it has fewer pixels, or it is no JPEG."""
    picture = drawn(random.Random(1), (24, 16), (255,)).convert("RGB")
    phone = saved(picture, "MPO", save_all=True, append_images=[picture])
    samsung = jpeg(1) + jpeg(2) + b"..SEFT"
    for data in (phone, samsung, jpeg(1) + jpeg(2, (8, 8)), jpeg(1) + b"ftyp"):
        assert imaging.single_frames(data, MAX_PIXELS) is None
    assert len(frames_of(phone + phone)) == 2


def test_a_jpeg_that_is_turned_is_a_frame_among_others() -> None:
    """Its width and height are others, but not its pixels."""
    jpegs = [jpeg(1), jpeg(2, (16, 24)), jpeg(3)]
    assert [frame.data for frame in frames_of(b"".join(jpegs))] == jpegs


# All of them


SINGLE = {
    "GIF": gif(),
    "PNG": png(8, 0, (2, 1), b"\1\2"),
    "JPEG": jpeg(1),
    "WebP": saved(filled(RED, (2, 2)), "WebP"),
    "TIFF": saved(filled(RED, (2, 2)), "TIFF"),
    "BMP": saved(filled(RED, (2, 2)), "BMP"),
    "words": b"words",
    "nothing": b"",
}


@pytest.mark.parametrize("name", SINGLE)
def test_an_image_of_one_frame_is_used_as_it_stands(name: str) -> None:
    assert imaging.single_frames(SINGLE[name], MAX_PIXELS) is None


def five() -> list[Part]:
    return [Part(drawn(random.Random(number), (9, 7), ANY)) for number in range(5)]


SEVERAL: dict[str, Callable[[], bytes]] = {
    "GIF": lambda: animated_gif((9, 7), [Part(paletted(n % 3, (9, 7))) for n in range(5)]),
    "composed GIF": lambda: animated_gif(
        (9, 7), [Part(paletted(n % 3, (9 - n, 7)), (n, 0)) for n in range(5)]
    ),
    "PNG": lambda: animated_png((9, 7), five()),
    "WebP": lambda: animated_webp((9, 7), five()),
    "TIFF": lambda: pages(*(part.picture for part in five())),
    "JPEG": lambda: b"".join(jpeg(n, (9, 7)) for n in range(5)),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_of_a_file_that_is_cut_off_the_whole_frames_are_given(name: str) -> None:
    """Then an error names the next one."""
    data = SEVERAL[name]()
    whole = [frame.data for frame in frames_of(data)]
    found = []
    frames = imaging.single_frames(data[: len(data) * 3 // 4], MAX_PIXELS)
    assert frames is not None
    with pytest.raises(Undecodable) as error:  # noqa: PT012
        for frame in frames:
            found.append(frame.data)
    assert 2 <= len(found) < 5
    assert found == whole[: len(found)]
    assert error.value.got.endswith(f", in frame {len(found)} of the file")


@pytest.mark.parametrize("name", ["GIF", "composed GIF", "PNG"])
def test_damage_in_a_frame_is_found(name: str) -> None:
    """In the compressed pixels of the last one; those of a WebP have no redundancy."""
    data = bytearray(SEVERAL[name]())
    data[-40:-20] = b"\xff" * 20
    frames = imaging.single_frames(bytes(data), MAX_PIXELS)
    assert frames is not None
    assert len(list(itertools.islice(frames, 4))) == 4
    with pytest.raises(Undecodable, match="in frame 4 of the file"):
        next(frames)


@pytest.mark.parametrize("name", SEVERAL)
def test_a_canvas_of_too_many_pixels_is_refused(name: str) -> None:
    with pytest.raises(Undecodable, match=r"1 to 62 pixels .see --max-megapixels., got 9x7 pixels"):
        list(imaging.single_frames(SEVERAL[name](), 62) or ())


@pytest.mark.parametrize("name", SEVERAL)
def test_frames_are_those_of_a_bundle(name: str) -> None:
    """With the delimiter between them, each is found as it is."""
    frames = [frame.data for frame in frames_of(SEVERAL[name]())]
    found = list(bundles.frames_in(DELIMITER.join(frames)))
    assert [frame.data for frame in found] == frames
    assert not any(frame.error for frame in found)


@pytest.mark.parametrize("name", ["GIF", "PNG", "WebP"])
def test_memory_does_not_grow_with_the_frames(name: str) -> None:
    """60 frames, together 60 MB of pixels."""
    size = (500, 500)
    pictures = [
        paletted(number, size) if name == "GIF" else filled(color, size)
        for number, color in enumerate(COLORS)
    ]
    parts = [Part(pictures[number % 3], disposal=number % 2) for number in range(60)]
    made = {"GIF": animated_gif, "PNG": animated_png, "WebP": animated_webp}
    data = made[name](size, parts)  # type: ignore[operator]
    tracemalloc.start()
    try:
        assert sum(1 for _ in imaging.single_frames(data, MAX_PIXELS) or ()) == 60
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()
