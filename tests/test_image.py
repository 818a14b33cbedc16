"""Any image becomes a GIF that shows its colors, and what of it is transparent."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from PIL import Image
from support.encoded import colors, picture, several, shown, to_gif
from support.images import png, saved


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WebP", "BMP", "GIF"])
def test_few_colors_are_kept_as_they_are(format_: str) -> None:
    """In every mode that a format knows, where it loses nothing itself."""
    modes = {
        "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"),
        "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA"),
        "WebP": ("RGB", "RGBA"),
        "BMP": ("1", "L", "P", "RGB"),
        "GIF": ("1", "L", "P"),
    }
    for mode, quality in itertools.product(modes[format_], ("fast", "best")):
        source = picture(mode=mode)
        options = {"lossless": True} if format_ == "WebP" else {}
        data = saved(source, format_, **options)
        image, images = to_gif(data, quality=quality)
        assert images == 1
        assert (image.screen, image.position, image.size) == ((16, 8), (0, 0), (16, 8))
        assert (image.delay_cs, image.transparent_index, image.interlaced) == (0, None, False)
        assert image.fills_screen
        assert (shown(image) == np.asarray(source.convert("RGBA"))).all(), mode


@pytest.mark.parametrize(
    ("format_", "mode"),
    [("JPEG", "CMYK"), ("JPEG", "RGB"), ("TIFF", "CMYK"), ("TIFF", "YCbCr"), ("WebP", "RGB")],
)
def test_other_color_spaces_look_the_same(format_: str, mode: str) -> None:
    """What a format loses is little, and no channel is inverted or exchanged."""
    source = picture((32, 32))
    found = colors(saved(source.convert(mode), format_, quality=95)).astype(int)
    centers = np.s_[8::16, 8::16]
    assert abs(found - np.asarray(source).astype(int))[centers].max() < 8


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_of_grey_become_eight(format_: str, order: str) -> None:
    """All of their range is used, in either byte order, and rounded to the nearest."""
    wide = np.array([[0, 128, 129, 0x1234], [0x7FFF, 0x8000, 0xFF7E, 0xFFFF]])
    data = saved(Image.fromarray(wide.astype(f"{order}u2")), format_)
    if format_ == "TIFF":
        assert data[:2] == {"<": b"II", ">": b"MM"}[order]
    expected = np.rint(wide * 255 / 65535)
    assert (colors(data) == expected[..., np.newaxis]).all()


def test_sixteen_bits_a_channel_become_eight() -> None:
    """Of colors, with an alpha channel and without, and of grey with one."""
    rgb = struct.pack(">6H", 0xFFFF, 0, 0x8080, 0x0101, 0x4040, 0xC0C0)
    assert colors(png(16, 2, (2, 3), rgb))[2].tolist() == [[255, 0, 128], [1, 64, 192]]
    rgba = struct.pack(">8H", 0xFFFF, 0, 0x8080, 0xFFFF, 9, 9, 9, 0x1000)
    assert shown(to_gif(png(16, 6, (2, 1), rgba))[0])[0, :, 3].tolist() == [255, 0]
    la = struct.pack(">4H", 0x8080, 0xFFFF, 9, 0x1000)
    found = shown(to_gif(png(16, 4, (2, 1), la))[0])[0]
    assert found[0].tolist() == [128, 128, 128, 255]
    assert found[1, 3] == 0


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_grey_png_may_have_a_transparent_one(depth: int) -> None:
    """The color that its tRNS chunk names is transparent, in every depth."""
    color_range = (1 << depth) - 1
    row = (
        struct.pack(">2H", color_range, 0) if depth == 16 else bytes((color_range << 8 - depth, 0))
    )
    size = 2 if depth >= 8 else 8 // depth
    chunk = (b"tRNS", struct.pack(">H", color_range))
    found = shown(to_gif(png(depth, 0, (size, 1), row, chunk))[0])[0]
    assert found[0, 3] == 0
    assert (found[1:] == (0, 0, 0, 255)).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_a_color_png_may_have_a_transparent_one(depth: int) -> None:
    """The color that its tRNS chunk names is transparent, in every depth."""
    clear = (7, 8, 9) if depth == 8 else (0x0707, 0x0808, 0x0909)
    row = struct.pack(">6H" if depth == 16 else ">6B", *clear, 0, 0, 0)
    chunk = (b"tRNS", struct.pack(">3H", *clear))
    found = shown(to_gif(png(depth, 2, (2, 1), row, chunk))[0])[0]
    assert found[:, 3].tolist() == [0, 255]


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_a_palette_may_have_a_transparent_color(format_: str) -> None:
    """It is transparent, and all others are kept."""
    source = picture(mode="P")
    corner = source.getpixel((0, 0))
    found = shown(to_gif(saved(source, format_, transparency=corner))[0])
    expected = np.asarray(picture(mode="P").convert("RGB"))
    hidden = found[..., 3] == 0
    assert (hidden == (np.asarray(source) == corner)).all()
    assert (found[~hidden][:, :3] == expected[~hidden]).all()


def test_a_palette_may_have_an_alpha_for_each_color() -> None:
    """A pixel is shown if its alpha is 128 or more."""
    source = Image.new("P", (4, 1))
    source.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 200, 210, 220])
    source.putdata([0, 1, 2, 3])
    found = shown(to_gif(saved(source, "PNG", transparency=bytes((0, 127, 128, 255))))[0])[0]
    assert found[:, 3].tolist() == [0, 0, 255, 255]
    assert found[2:, :3].tolist() == [[70, 80, 90], [200, 210, 220]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_half_transparent_pixels_are_shown_or_not(mode: str) -> None:
    """Those of an alpha of 128 or more are opaque, and keep their color; others are clear."""
    pixels = np.full((4, 256, 4), 77, np.uint8)
    pixels[..., 3] = np.arange(256)
    image, _ = to_gif(saved(Image.fromarray(pixels).convert(mode), "PNG"))
    assert not image.fills_screen
    found = shown(image)
    assert (found[:, 128:] == (77, 77, 77, 255)).all()
    assert (found[:, :128, 3] == 0).all()


def test_all_may_be_transparent() -> None:
    """Such an image shows nothing."""
    image, _ = to_gif(saved(Image.new("RGBA", (5, 3), (200, 100, 50, 127)), "PNG"))
    assert image.size == (5, 3)
    assert (shown(image)[..., 3] == 0).all()


@pytest.mark.parametrize("quality", ["fast", "best"])
def test_many_colors_leave_one_for_what_is_transparent(quality: str) -> None:
    """Just those pixels are transparent, and the others look as they did."""
    pixels = np.random.default_rng(1).integers(0, 256, (60, 60, 4)).astype(np.uint8)
    pixels[..., :3] = pixels[..., :3] // 8 + np.arange(60, dtype=np.uint8)[:, None, None]
    image, _ = to_gif(saved(Image.fromarray(pixels), "PNG"), quality=quality)
    found = shown(image).astype(int)
    opaque = pixels[..., 3] >= 128
    assert ((found[..., 3] == 255) == opaque).all()
    assert abs(found - pixels)[opaque][:, :3].max() < 24


def test_several_images_are_counted() -> None:
    """The first is the one that is used."""
    for name, data in several():
        image, images = to_gif(data)
        assert images == 3, name
        expected = 0 if name == "16-bit TIFF" else np.asarray(picture())
        assert (shown(image)[..., :3] == expected).all(), name
