"""An image ends where its structure says, and what is cut or damaged is told apart."""

from __future__ import annotations

import io
import pickle
import re
import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from support.more_formats import EACH_FORMAT

from luigi_gif.bundles import boxes, ico_structure, image_ends, pnm_structure, tga_end, tiff_end
from luigi_gif.errors import Malformed, Truncated

End = Callable[[bytes, int], int]

BEHIND = [b"\n\n\n\n", b"\0", b"\n\n\n\n\xff\xd8\xff\xd9", b"RIFF", b"x" * 99]


def picture(mode: str = "RGB", size: tuple[int, int] = (23, 17)) -> Image.Image:
    """A picture with some detail."""
    noise = Image.effect_noise(size, 80)
    return Image.merge("RGB", (noise, noise.rotate(180), noise.rotate(90))).convert(mode)


def saved(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def pngs() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        source = Image.new("I;16", (5, 4), 700) if mode == "I;16" else picture(mode)
        yield f"png-{mode}", saved(source, "PNG")
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "\n\n\n\n IEND \n\n\n\n")
    text.add_text("Long", "IEND" * 500, zip=True)
    text.add_itxt("Title", "\n\n\n\nü")
    yield "png-text", saved(picture(), "PNG", pnginfo=text, icc_profile=b"IEND" * 9)
    yield (
        "png-animated",
        saved(picture(), "PNG", save_all=True, append_images=[picture(), picture()]),
    )


def jpegs() -> Iterator[tuple[str, bytes]]:
    image = picture(size=(60, 50))
    exif = Image.Exif()
    exif[0x010E] = "a description"
    thumbnail = saved(picture(size=(8, 8)), "JPEG")
    yield "jpeg-baseline", saved(image, "JPEG")
    yield "jpeg-progressive", saved(image, "JPEG", progressive=True)
    yield "jpeg-optimized", saved(image, "JPEG", optimize=True, quality=100, subsampling=0)
    yield "jpeg-grey", saved(image.convert("L"), "JPEG")
    yield "jpeg-cmyk", saved(image.convert("CMYK"), "JPEG")
    yield "jpeg-restarts", saved(image, "JPEG", restart_marker_blocks=1)
    yield "jpeg-comment", saved(image, "JPEG", comment=b"\n\n\n\n\xff\xd9\n\n\n\n")
    yield "jpeg-thumbnail", saved(image, "JPEG", exif=exif.tobytes() + thumbnail)
    yield "jpeg-profile", saved(image, "JPEG", icc_profile=b"\xff\xd9" * 40_000)


def webps() -> Iterator[tuple[str, bytes]]:
    yield "webp-lossy", saved(picture(), "WebP")
    yield "webp-lossless", saved(picture(), "WebP", lossless=True)
    yield "webp-alpha", saved(picture("RGBA"), "WebP", exif=Image.Exif().tobytes())
    yield (
        "webp-animated",
        saved(picture(), "WebP", save_all=True, append_images=[picture(), picture()]),
    )


def bmp(
    size: tuple[int, int] = (5, 3),
    *,
    depth: int = 24,
    core: bool = False,
    colors: int = 0,
    off: int = 0,
    behind: bytes = b"",
) -> bytes:
    """A BMP, by Microsoft's description; its size field is wrong by ``off``."""
    width, height = size
    pixels = b"\n" * ((width * depth + 31) // 32 * 4 * abs(height))
    if core:
        header = struct.pack("<IHHHH", 12, width, height, 1, depth) + b"\0\0\0" * colors
    else:
        header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, 0, 0, 0, 0, colors, 0)
        header += b"\0\0\0\0" * colors
    offset = 14 + len(header)
    length = offset + len(pixels) + len(behind)
    return struct.pack("<2sIHHI", b"BM", length + off, 0, 0, offset) + header + pixels + behind


def bmps() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield f"bmp-{mode}", saved(picture(mode), "BMP")
    yield "bmp-4", bmp(depth=4, colors=16)
    yield "bmp-16", bmp(depth=16)
    yield "bmp-top-down", bmp((5, -3))
    yield "bmp-core", bmp((30, 3), core=True)
    yield "bmp-core-paletted", bmp((9, 2), depth=8, core=True, colors=256)
    yield "bmp-profile", bmp(behind=b"profile" * 99)


def tiffs() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK"):
        yield f"tiff-{mode}", saved(picture(mode), "TIFF")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"tiff-{compression}", saved(picture(), "TIFF", compression=compression)
    several = {"save_all": True, "append_images": [picture(), picture("L")]}
    yield "tiff-pages", saved(picture(), "TIFF", **several)
    yield "tiff-exif", saved(picture(), "TIFF", exif=exif(), description="\n\n\n\nII*\0" * 9)
    yield "tiff-strips", saved(picture(size=(400, 300)), "TIFF", tiffinfo={278: 7})
    yield "tiff-big", saved(picture(), "TIFF", big_tiff=True)
    yield "tiff-big-pages", saved(picture(), "TIFF", big_tiff=True, **several)


def exif() -> Image.Exif:
    """With a directory of its own."""
    tags = Image.Exif()
    tags[0x010E] = "a description"
    tags.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    return tags


END_OF: dict[str, End] = {
    "png": image_ends.end_of_png,
    "jpeg": image_ends.end_of_jpeg,
    "webp": image_ends.end_of_webp,
    "bmp": image_ends.end_of_bmp,
    "tiff": tiff_end.end_of_tiff,
    "AVIF": boxes.end_of_heif,
    "HEIC": boxes.end_of_heif,
    "JPEG2000": boxes.end_of_jpeg2000,
    "ICO": ico_structure.end_of_ico,
    "PNM": pnm_structure.end_of_pnm,
    "TGA": tga_end.end_of_tga,
}
IMAGES = dict([*pngs(), *jpegs(), *webps(), *bmps(), *tiffs(), *EACH_FORMAT.items()])


def end_of(name: str) -> End:
    return END_OF[re.split("[- ]", name)[0]]


@pytest.mark.parametrize("format_", END_OF)
def test_an_image_ends_where_its_encoder_stopped(format_: str) -> None:
    """Whatever stands around it, and whatever it holds."""
    for name in (name for name in IMAGES if name.startswith(format_)):
        image = IMAGES[name]
        assert end_of(name)(image, 0) == len(image), name
        for behind in BEHIND:
            if format_ == "tiff" and behind == b"\0":
                continue  # writers fill up with zeros
            assert end_of(name)(image + behind, 0) == len(image), name
            assert end_of(name)(b"before" + image + behind, 6) == 6 + len(image), name


@pytest.mark.parametrize("format_", END_OF)
def test_every_cut_is_noticed(format_: str) -> None:
    """An image that ends early is truncated: at each byte of either end, and at some between."""
    signature = 2
    for name in (name for name in IMAGES if name.startswith(format_)):
        image = IMAGES[name]
        size = len(image)
        near, far = range(signature, min(size, 400)), range(400, size, 97)
        for length in sorted({*near, *far, *range(max(signature, size - 100), size)}):
            if not image[length:].strip(b"\0") and format_ == "tiff":
                continue  # but what it is filled up with
            try:
                end = end_of(name)(image[:length], 0)
            except Truncated:
                continue
            pytest.fail(f"{name}, cut to {length} of {len(image)} bytes, ends at {end}")


@given(st.sampled_from(sorted(IMAGES)), st.data())
def test_damage_is_named_or_not_seen(name: str, data: st.DataObject) -> None:
    """Whatever bits are wrong, there is an end behind the start, or one of the two errors."""
    image = bytearray(IMAGES[name][:3000])
    for _ in range(data.draw(st.integers(1, 4))):
        near = st.integers(0, min(len(image), 64) - 1) | st.integers(0, len(image) - 1)
        image[data.draw(near)] ^= data.draw(st.integers(1, 255))
    try:
        end = end_of(name)(b"be" + image, 2)
    except (Truncated, Malformed):
        return
    assert 2 < end <= 2 + len(image)


@given(st.sampled_from(sorted(END_OF)), st.binary(max_size=80))
def test_rubbish_is_named_or_not_seen(name: str, rubbish: bytes) -> None:
    """Bytes that are no image at all raise nothing but the two errors."""
    try:
        end = END_OF[name](rubbish, 0)
    except (Truncated, Malformed):
        return
    assert 0 < end <= len(rubbish)


@pytest.mark.parametrize(
    ("damage", "expected", "got"),
    [
        (b"\xff\xff\xff\xffIDAT", "a chunk of a PNG", "4,294,967,295 bytes"),
        (b"\0\0\0\0I AT", "a chunk of a PNG", "b'I AT'"),
        (b"\r\n\r\n\r\n\r\n", "a chunk of a PNG", "bytes of"),
    ],
)
def test_a_damaged_chunk_of_a_png_is_named(damage: bytes, expected: str, got: str) -> None:
    """The error says where, in bytes from the start of the image."""
    image = IMAGES["png-RGB"]
    ihdr_end = 8 + 8 + 13 + 4
    with pytest.raises(Malformed) as error:
        image_ends.end_of_png(b"xx" + image[:ihdr_end] + damage + image[ihdr_end + 8 :], 2)
    assert error.value.offset == ihdr_end
    assert error.value.expected == expected
    assert got in error.value.got


@pytest.mark.parametrize("marker", [b"\0\0", b"\xff\0", b"\xff\xd0", b"xx", b"\n\n\n\n"])
def test_what_stands_for_a_marker_of_a_jpeg_is_named(marker: bytes) -> None:
    """Only a marker that begins a segment can stand behind one."""
    image = IMAGES["jpeg-baseline"]
    with pytest.raises(Malformed) as error:
        image_ends.end_of_jpeg(b"xx" + image[:20] + marker + image[20:], 2)
    assert error.value.offset == 20
    assert error.value.expected == "a marker of a JPEG"


@pytest.mark.parametrize("data", [b"", b"\xff"])
def test_a_jpeg_may_be_cut_in_its_first_marker(data: bytes) -> None:
    """What may become a JPEG is truncated, not an image without bytes."""
    with pytest.raises(Truncated):
        image_ends.end_of_jpeg(data)


def test_a_jpeg_ends_with_its_own_image() -> None:
    """Whatever stands behind it: another image is a frame, or announced (see below)."""
    first, second = IMAGES["jpeg-baseline"], IMAGES["jpeg-progressive"]
    assert image_ends.end_of_jpeg(first + second + first + b"\n") == len(first)
    assert image_ends.end_of_jpeg(first + b"\n\n\n\n" + second) == len(first)


@pytest.mark.parametrize("name", [name for name in IMAGES if name.startswith("jpeg")])
def test_a_jpeg_may_lack_its_last_marker(name: str) -> None:
    """It ends where another starts, without the newlines in between."""
    image = IMAGES[name][:-2].rstrip(b"\n")
    for between in (b"", b"\n", b"\n\n\n\n"):
        assert image_ends.end_of_jpeg(image + between + IMAGES["jpeg-grey"]) == len(image)
    with pytest.raises(Truncated):
        image_ends.end_of_jpeg(image)


def test_a_jpeg_within_the_headers_of_another_is_damage() -> None:
    """It was cut off, and another file begins there."""
    image = IMAGES["jpeg-baseline"]
    with pytest.raises(Malformed, match="a marker of a JPEG"):
        image_ends.end_of_jpeg(image[:20] + image)


def test_images_behind_a_jpeg_are_announced() -> None:
    """By the index of its images, or by the items of its XMP; else there are none."""
    images = [picture(size=(9, 9)) for _ in range(3)]
    mpo = saved(images[0], "MPO", save_all=True, append_images=images[1:])
    end = image_ends.end_of_jpeg(mpo)
    assert end < len(mpo)
    assert image_ends.images_behind_jpeg(mpo, 0, end) == 2
    assert image_ends.images_behind_jpeg(b"before" + mpo, 6, 6 + end) == 2
    items = b'<rdf:li Item:Mime="image/jpeg"/>' * 4
    xmp = saved(images[0], "JPEG", xmp=items)
    assert image_ends.images_behind_jpeg(xmp, 0, len(xmp)) == 3
    for name in (name for name in IMAGES if name.startswith("jpeg")):
        assert image_ends.images_behind_jpeg(IMAGES[name], 0, len(IMAGES[name])) == 0
    for cut in range(end):
        assert image_ends.images_behind_jpeg(mpo[:cut], 0, cut) in (0, 2)


@pytest.mark.parametrize("name", [name for name in IMAGES if name.startswith("jpeg")])
def test_the_size_of_a_jpeg_stands_in_its_headers(name: str) -> None:
    """Width and height in pixels."""
    assert image_ends.size_of_jpeg(b"xx" + IMAGES[name], 2) == (60, 50)
    assert image_ends.size_of_jpeg(IMAGES[name][:20]) is None


def test_markers_may_be_filled() -> None:
    """Any number of bytes 0xFF may stand before a marker, also at the end of what was read."""
    image = IMAGES["jpeg-baseline"]
    filled = image[:2] + b"\xff\xff\xff" + image[2:-2] + b"\xff\xff\xff" + image[-2:]
    assert image_ends.end_of_jpeg(filled + b"\n") == len(filled)
    for length in (2, 3, 4, 5, 6, 7, *range(len(filled) - 6, len(filled))):
        with pytest.raises(Truncated):
            image_ends.end_of_jpeg(filled[:length])


def test_an_odd_webp_is_padded() -> None:
    """The RIFF chunk's length leaves out the byte that makes it even."""
    padded = b"RIFF" + struct.pack("<I", 4 + 8 + 5) + b"WEBPVP8 " + struct.pack("<I", 5) + b"12345"
    assert image_ends.end_of_webp(padded + b"\0\n\n\n\n") == len(padded) + 1
    with pytest.raises(Truncated):
        image_ends.end_of_webp(padded)


@pytest.mark.parametrize("off", [-(10**9), -100, -1, 5_000_000, 2**31])
def test_a_bmp_with_a_wrong_size_ends_behind_its_pixels(off: int) -> None:
    """A size that leaves out pixels, or adds more than a color profile, is not believed."""
    image = bytearray(bmp())
    struct.pack_into("<I", image, 2, max(0, len(image) + off))
    assert image_ends.end_of_bmp(bytes(image)) == len(image)
    assert image_ends.end_of_bmp(bytes(image) + b"\n\n\n\n") == len(image)


def test_a_bmp_may_hold_a_profile_behind_its_pixels() -> None:
    """It ends where its size field says, and is truncated before."""
    image = bmp(behind=b"profile")
    assert image_ends.end_of_bmp(image + b"\n\n\n\n") == len(image)
    with pytest.raises(Truncated):
        image_ends.end_of_bmp(image[:-1])


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 1)])
def test_the_smallest_bmp_is_whole(size: tuple[int, int]) -> None:
    """A core header is 12 bytes, so a whole image may take less than an info header does."""
    image = bmp(size, core=True)
    assert len(image) < 14 + 40
    assert image_ends.end_of_bmp(image) == len(image)


@pytest.mark.parametrize("offset", [0, 13, 53])
def test_the_pixels_of_a_bmp_stand_behind_its_headers(offset: int) -> None:
    """One whose pixels would begin within them is malformed."""
    image = bytearray(bmp())
    struct.pack_into("<I", image, 10, offset)
    with pytest.raises(Malformed):
        image_ends.end_of_bmp(bytes(image))


@pytest.mark.parametrize("size", [(0, 3), (-5, 3)])
def test_a_bmp_has_pixels(size: tuple[int, int]) -> None:
    """One whose width is not positive is malformed."""
    image = bytearray(bmp())
    struct.pack_into("<ii", image, 18, *size)
    with pytest.raises(Malformed) as error:
        image_ends.end_of_bmp(bytes(image))
    assert error.value.got == "{}x{}".format(*size)


def test_the_errors_come_back_from_another_process() -> None:
    """As they were raised."""
    error = pickle.loads(pickle.dumps(Malformed(7, "this", "that")))
    assert str(error) == "expected this at byte 7, got that"
    assert (error.offset, error.expected, error.got) == (7, "this", "that")
