"""Any image becomes a GIF that shows it, or an error that says why not."""

from __future__ import annotations

import io
import itertools
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pytest_mock import MockerFixture
from support.images import png, saved

from luigi_gif import gif as gif_
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import encode as image_
from luigi_gif.imaging.encode import Size
from luigi_gif.imaging.frame_palette import Bytes

ORIENTATION = 0x0112
UPRIGHT = np.array([[(255, 0, 0), (0, 255, 0), (0, 0, 255)], [(0,) * 3, (90,) * 3, (255,) * 3]])
"""Of six colors, so that each of the eight ways to turn it is another picture."""


def unchanged(size: Size) -> Size:
    return size


def to_gif(
    data: bytes,
    fitted: Callable[[Size], Size] = unchanged,
    quality: str = "fast",
    max_pixels: int = 1 << 16,
) -> tuple[gif_.Image, int]:
    made = image_.to_gif(data, fitted=fitted, quality=quality, max_pixels=max_pixels)
    return made.image, made.images


def shown(image: gif_.Image) -> Bytes:
    """What Pillow shows of it: red, green, blue and alpha."""
    with Image.open(io.BytesIO(gif_.encode_single(image))) as picture:
        return np.asarray(picture.convert("RGBA"))


def colors(data: bytes, fitted: Callable[[Size], Size] = unchanged) -> Bytes:
    """The colors of an image that is opaque as a GIF."""
    pixels = shown(to_gif(data, fitted)[0])
    assert (pixels[..., 3] == 255).all()
    return pixels[..., :3]


def picture(size: Size = (16, 8), mode: str = "RGB") -> Image.Image:
    """Four large areas of one color each, which even a JPEG keeps nearly."""
    image = Image.new("RGB", size, (200, 100, 50))
    width, height = size[0] // 2, size[1] // 2
    image.paste((20, 200, 90), (width, 0, size[0], height))
    image.paste((10, 30, 220), (0, height, width, size[1]))
    image.paste((250, 250, 250), (width, height, *size))
    return image.convert(mode)


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


def turned(orientation: int) -> Bytes:
    """How the upright picture is stored under an Exif orientation."""
    return {
        1: UPRIGHT,
        2: UPRIGHT[:, ::-1],
        3: UPRIGHT[::-1, ::-1],
        4: UPRIGHT[::-1],
        5: UPRIGHT.transpose(1, 0, 2),
        6: np.rot90(UPRIGHT),
        7: UPRIGHT[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(UPRIGHT, 3),
    }[orientation].astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_upright(orientation: int) -> None:
    """As its Exif orientation says, in every format that has one."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    source = Image.fromarray(turned(orientation))
    for format_, options in (
        ("PNG", {"exif": exif}),
        ("WebP", {"exif": exif, "lossless": True}),
        ("TIFF", {"tiffinfo": {ORIENTATION: orientation}}),
    ):
        assert (colors(saved(source, format_, **options)) == UPRIGHT).all(), format_
    large = source.resize((source.width * 32, source.height * 32), Image.Resampling.NEAREST)
    found = colors(saved(large, "JPEG", exif=exif, subsampling=0, quality=95))
    assert found.shape == (64, 96, 3)
    assert abs(found[16::32, 16::32].astype(int) - UPRIGHT).max() < 12


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_a_picture_of_sixteen_bits_is_upright(format_: str) -> None:
    """As its Exif orientation says."""
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        grey = Image.fromarray(turned(orientation)[..., 1].astype(np.uint16) * 257)
        option = {"PNG": "exif", "TIFF": "tiffinfo"}[format_]
        found = colors(saved(grey, format_, **{option: exif}))
        assert found.shape == UPRIGHT.shape, orientation
        assert (found == UPRIGHT[..., 1:2]).all(), orientation


def test_an_image_gets_the_size_that_it_is_to_have() -> None:
    """It is asked for by the size of the upright picture, and each area is where it was."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    asked = []

    def fitted(size: Size) -> Size:
        asked.append(size)
        return 40, 64

    found = colors(saved(picture((64, 32)), "JPEG", exif=exif, quality=95), fitted=fitted)
    assert asked == [(32, 64)]
    assert found.shape == (64, 40, 3)
    upright = np.rot90(np.asarray(picture((64, 40))), 3).astype(int)
    assert abs(found - upright)[16::32, 10::20].max() < 8


def test_what_is_transparent_has_no_color() -> None:
    """Where an image is resized, none runs from transparent pixels into others."""
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:] = (255, 0, 255, 0)
    pixels[10:30, 10:30] = (10, 200, 10, 255)
    found = shown(to_gif(saved(Image.fromarray(pixels), "PNG"), fitted=lambda _: (23, 23))[0])
    opaque = found[..., 3] == 255
    assert 100 < opaque.sum() < 196
    assert found[opaque][:, [0, 2]].max() < 16
    assert found[opaque][:, 1].min() > 190


@pytest.mark.parametrize("size", [(65_536, 1), (1, 65_536)])
def test_a_gif_has_at_most_so_many_pixels_a_side(size: Size) -> None:
    """More are an error that names the way out, one fewer are none."""
    data = saved(picture(), "PNG")
    with pytest.raises(Undecodable, match=r"65,535 pixels a side.*--size.*65536") as error:
        to_gif(data, fitted=lambda _: size)
    assert error.value.got == "{}x{}".format(*size)
    fits = min(size[0], 65_535), min(size[1], 65_535)
    assert to_gif(data, fitted=lambda _: fits)[0].size == fits


def several() -> Iterator[tuple[str, bytes]]:
    others = [Image.new("RGB", (16, 8), color) for color in ("black", "yellow")]
    options = {"save_all": True, "append_images": others}
    yield "TIFF", saved(picture(), "TIFF", **options)
    yield "WebP", saved(picture(), "WebP", lossless=True, duration=50, **options)
    yield "APNG", saved(picture(), "PNG", duration=50, **options)
    yield "GIF", saved(picture(), "GIF", duration=50, **options)
    wide = [Image.new("I;16", (16, 8), 65535 * each // 2) for each in range(3)]
    yield "16-bit TIFF", saved(wide[0], "TIFF", save_all=True, append_images=wide[1:])


def test_several_images_are_counted() -> None:
    """The first is the one that is used."""
    for name, data in several():
        image, images = to_gif(data)
        assert images == 3, name
        expected = 0 if name == "16-bit TIFF" else np.asarray(picture())
        assert (shown(image)[..., :3] == expected).all(), name


def test_more_pixels_than_may_be_are_refused_before_they_are_decoded(
    mocker: MockerFixture,
) -> None:
    """Just as many may be; the error names the option, and no pixel is touched."""
    data = saved(picture((30, 10)), "PNG")
    assert to_gif(data, max_pixels=300)[0].size == (30, 10)
    load = mocker.patch("PIL.ImageFile.ImageFile.load")
    with pytest.raises(Undecodable, match=r"1 to 299 pixels.*--max-megapixels.*30x10"):
        to_gif(data, max_pixels=299)
    load.assert_not_called()


def test_the_limit_is_the_users_not_pillows() -> None:
    """Of more pixels than Pillow takes by itself, it is still the option that is named."""
    huge = png(1, 0, (20_000, 20_000), b"")
    with pytest.raises(Undecodable, match=r"1 to 300,000,000 pixels.*--max-megapixels"):
        to_gif(huge, max_pixels=300_000_000)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_values_of_no_known_range_are_refused(dtype: type) -> None:
    """What is white in them cannot be told."""
    data = saved(Image.fromarray(np.zeros((3, 4), dtype)), "TIFF")
    with pytest.raises(Undecodable, match="8 or 16 bits a channel, got 32 bits"):
        to_gif(data)


def tiny() -> Iterator[bytes]:
    noise = Image.effect_noise((24, 18), 90)
    source = Image.merge("RGBA", (noise, noise.rotate(180), noise, noise.rotate(180)))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "text"
    for format_, mode in itertools.product(("PNG", "TIFF", "WebP", "BMP"), ("RGB", "L", "RGBA")):
        yield saved(source.convert(mode), format_, **{} if format_ == "BMP" else {"exif": exif})
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        yield saved(source.convert("RGB"), "TIFF", compression=compression)
    yield saved(source.convert("P"), "PNG", transparency=bytes(range(256)))
    yield saved(source.convert("P"), "GIF", transparency=3)
    for mode in ("RGB", "L", "CMYK"):
        yield saved(source.convert(mode), "JPEG", exif=exif)
    yield saved(source.convert("RGB"), "JPEG", progressive=True)
    yield from (data for _, data in several())
    yield saved(Image.new("I;16", (5, 4), 700), "PNG")


TINY = list(tiny())


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None, max_examples=100)
@given(st.sampled_from(TINY), st.data())
def test_damage_gives_an_image_or_its_error(whole: bytes, data: st.DataObject) -> None:
    """Cut off or with wrong bits, each format is decoded or refused as itself."""
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 4))):
        index = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, min(99, len(whole) - 1)))
        damaged[index] ^= data.draw(st.integers(1, 255))
    kept = bytes(damaged[: data.draw(st.just(len(whole)) | st.integers(0, len(whole)))])
    try:
        image, images = to_gif(kept)
    except Undecodable as error:
        refused = error
    else:
        assert images >= 1
        assert shown(image).shape[:2] == image.size[::-1]
        return
    assert refused.expected
    assert refused.got
    assert "\n" not in str(refused)


@pytest.mark.parametrize("data", [b"", b"rubbish", b"\x89PNG\r\n\x1a\n", b"GIF89a" + b"\0" * 99])
def test_rubbish_is_refused(data: bytes) -> None:
    """The error says what was expected."""
    with pytest.raises(Undecodable, match="expected an image that can be decoded, got"):
        to_gif(data)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "TIFF", "WebP", "BMP"])
def test_half_an_image_is_refused(format_: str) -> None:
    """It is not taken for one that ends in black or grey."""
    noise = Image.effect_noise((99, 99), 90).convert("RGB")
    data = saved(noise, format_)
    with pytest.raises(Undecodable):
        to_gif(data[: len(data) * 3 // 4])


@pytest.mark.parametrize(
    ("odd", "got"),
    [
        (RuntimeError("one\n  two"), "one two"),
        (RecursionError("x" * 999), "x" * 200),
        (SystemError("tile cannot extend"), "tile cannot extend"),
        (OSError("broken data stream"), "broken data stream"),
        (struct.error("unpack"), "unpack"),
    ],
)
def test_whatever_a_decoder_raises_the_image_is_at_fault(
    odd: Exception, got: str, mocker: MockerFixture
) -> None:
    """What it said is told in one line, or what it raised where it said nothing."""
    mocker.patch("PIL.ImageFile.ImageFile.load", side_effect=odd)
    for decode, format_ in ((to_gif, "PNG"), (image_.decode_indexes, "GIF")):
        with pytest.raises(Undecodable) as error:
            decode(saved(picture(), format_))
        assert error.value.got == got
        assert error.value.__cause__ is odd


@pytest.mark.parametrize(
    "odd",
    [MemoryError(), OSError("out of memory when reading image file"), OSError(24, "many files")],
)
def test_what_the_machine_lacks_is_no_fault_of_the_image(
    odd: Exception, mocker: MockerFixture
) -> None:
    """Neither memory, however a decoder tells, nor what the system refuses."""
    mocker.patch("PIL.GifImagePlugin.GifImageFile.load", side_effect=odd)
    for decode in (to_gif, image_.decode_indexes):
        with pytest.raises((MemoryError, OSError)) as error:
            decode(saved(picture(), "GIF"))
        assert isinstance(error.value, MemoryError) or error.value is odd


def test_where_no_memory_is_left_the_image_is_not_at_fault(mocker: MockerFixture) -> None:
    """Whatever a decoder says then."""
    mocker.patch("PIL.ImageFile.ImageFile.load", side_effect=OSError("broken data stream"))
    mocker.patch("luigi_gif.imaging.decode._MIN_MEMORY_BYTES", 1 << 60)
    with pytest.raises(MemoryError):
        to_gif(saved(picture(), "PNG"))


def test_what_pillow_warns_of_does_not_reach_the_user() -> None:
    """Neither as a warning nor as a line of a log, for damage and sizes that it warns of."""
    exif = Image.Exif()
    exif[0x010E] = "text" * 30
    cut_exif = exif.tobytes()[:-60]
    tiff = bytearray(saved(picture(), "TIFF", tiffinfo={0x010E: "text" * 30}))
    offset = tiff.index(b"\x0e\x01\x02\0")
    struct.pack_into("<I", tiff, offset + 8, 0x7FFFFFF0)
    mpf = b"MPF\0II*\0\x08\0\0\0\0\0"
    jpeg = saved(picture((64, 64)), "JPEG", exif=cut_exif)
    jpeg_with_mpf = jpeg[:2] + b"\xff\xe2" + struct.pack(">H", len(mpf) + 2) + mpf + jpeg[2:]
    apng = next(data for name, data in several() if name == "APNG")
    apng = apng.replace(b"acTL\0\0\0\x03", b"acTL\0\0\0\0")
    images = [bytes(tiff), jpeg, jpeg_with_mpf, apng]
    code = (
        "import sys, PIL.Image\n"
        "from luigi_gif.imaging import encode as image\n"
        "PIL.Image.MAX_IMAGE_PIXELS = 3000\n"
        f"for data in {images!r}:\n"
        "    try:\n"
        "        image.to_gif(data, fitted=lambda size: size, quality='fast',\n"
        "                     max_pixels=10**6)\n"
        "    except image.Undecodable:\n"
        "        pass\n"
        "print('done')\n"
    )
    child = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, check=True
    )
    assert child.stdout == "done\n"
    assert child.stderr == ""


def made(indexes: Bytes, table: bytes) -> gif_.Image:
    """An opaque image in the middle of a larger screen."""
    return gif_.Image(
        screen=(indexes.shape[1] + 6, indexes.shape[0] + 4),
        position=(3, 2),
        size=(indexes.shape[1], indexes.shape[0]),
        interlaced=False,
        color_table=table,
        delay_cs=4,
        transparent_index=None,
        data=image_.encode_pixels(indexes),
    )


def test_a_gif_is_resized_with_its_delay() -> None:
    """What its image leaves free of its screen is transparent, as without a new size."""
    small = made(np.zeros((8, 10), np.uint8), bytes((200, 30, 30, 0, 0, 0)))
    large = image_.resize_image(small, lambda size: (2 * size[0], 2 * size[1]), "fast", 10**6)
    assert (large.size, large.delay_cs) == ((32, 24), 4)
    pixels = shown(large)
    assert (pixels[12, 16] == (200, 30, 30, 255)).all()
    assert (pixels[1, 1, 3], pixels[22, 30, 3]) == (0, 0)


def whole(image: gif_.Image) -> Bytes:
    """What is shown of the image alone."""
    return shown(image._replace(screen=image.size, position=(0, 0)))


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 8),
    st.integers(1, 255),
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.integers(0, 2**32 - 1),
)
def test_a_transparent_index_is_one_that_no_pixel_has(
    bits: int, used: int, shape: tuple[int, int], seed: int
) -> None:
    """No pixel changes, whatever the size of the table, while a color is free."""
    random = np.random.default_rng(seed)
    table = random.integers(0, 256, 3 << bits).astype(np.uint8).tobytes()
    in_use = random.permutation(1 << bits)[:used].astype(np.uint8)
    indexes = in_use[random.integers(0, len(in_use), shape)]
    image = made(indexes, table)
    cleared = image_.make_clearable(image)
    assert cleared.transparent_index is not None
    assert cleared.transparent_index not in indexes
    assert 3 * cleared.transparent_index < len(cleared.color_table)
    assert (whole(cleared) == whole(image)).all()
    assert (cleared.screen, cleared.position, cleared.size) == (
        image.screen,
        image.position,
        image.size,
    )
    assert image_.make_clearable(cleared) is cleared


def test_where_all_256_colors_are_in_use_one_is_given_up() -> None:
    """All pixels stay opaque and near to what they were, where they were."""
    random = np.random.default_rng(2)
    table = random.choice(1 << 24, 256, replace=False).astype("<u4").view(np.uint8)
    colors_ = table.reshape(-1, 4)[:, :3]
    indexes = random.permutation(np.resize(np.arange(256, dtype=np.uint8), 40 * 30))
    image = made(indexes.reshape(30, 40), colors_.tobytes())
    cleared = image_.make_clearable(image)
    assert cleared.transparent_index is not None
    assert (cleared.screen, cleared.position, cleared.size) == ((46, 34), (3, 2), (40, 30))
    before, after = whole(image), whole(cleared)
    assert (after[..., 3] == 255).all()
    changed = (before != after).any(axis=2)
    assert len(np.unique(indexes.reshape(30, 40)[changed])) == 1
    assert abs(before.astype(int) - after)[changed].max() < 40


def test_colors_that_stand_twice_cost_none() -> None:
    """Where all 256 indexes are in use but two are of one color, no pixel changes."""
    table = bytearray(value for value in range(256) for _ in range(3))
    table[3:6] = table[:3]
    indexes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = made(indexes, bytes(table))
    cleared = image_.make_clearable(image)
    assert cleared.transparent_index is not None
    assert (whole(cleared) == whole(image)).all()


def test_an_image_that_cannot_be_decoded_cannot_be_made_clearable() -> None:
    """If that takes its pixels: while its table is small, nobody looks."""
    indexes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = made(indexes, bytes(768))._replace(data=memoryview(b"\x08\x01\xff\0"))
    with pytest.raises(Undecodable, match="whose pixels can be decoded"):
        image_.make_clearable(image)
    assert (
        image_.make_clearable(image._replace(color_table=bytes(3 * 128))).transparent_index == 128
    )


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.integers(1, 256),
    st.integers(0, 2**32 - 1),
)
def test_what_is_encoded_is_decoded(shape: tuple[int, int], color_range: int, seed: int) -> None:
    """Every index, also where the table has no such color."""
    indexes = np.random.default_rng(seed).integers(0, color_range, shape).astype(np.uint8)
    image = made(indexes, bytes(range(6)))._replace(screen=shape[::-1], position=(0, 0))
    assert (image_.decode_indexes(gif_.encode_single(image)) == indexes).all()


@settings(max_examples=50)
@given(st.sets(st.integers(0, 255)))
def test_the_first_index_that_is_not_used_is_free(used: set[int]) -> None:
    """None where all 256 are."""
    found = image_.free_index(np.array(sorted(used), np.uint8))
    assert found == next((index for index in range(256) if index not in used), None)
