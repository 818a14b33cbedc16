"""What browsers show of an image is shown, and nothing beside its pixels condemns them."""

from __future__ import annotations

import itertools
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from support import profiles
from support.images import png, saved

from luigi_gif.errors import Undecodable
from luigi_gif.imaging import color_profiles, decode
from luigi_gif.imaging.frame_palette import Bytes

ORIENTATION = 0x0112
GRAY = np.add.outer(np.arange(12) * 17, np.arange(20) * 3).astype(np.uint16)
"""12 rows of 20 levels, 0 to 244."""


def pixels(data: bytes) -> Bytes:
    return np.asarray(decode.decode_image(data, 10**6).picture)


def notes(data: bytes) -> list[str]:
    return decode.decode_image(data, 10**6).notes


# TIFF


def tiff(
    width: int,
    height: int,
    pieces: list[bytes],
    order: str = "<",
    big: bool = False,
    **tags: object,
) -> bytes:
    """A TIFF of these strips, by its specification; its tags by their names here."""
    numbers = {"bits": 258, "compression": 259, "photometric": 262, "samples": 277, "planar": 284}
    numbers |= {"extra": 338, "artist": 315, "orientation": 274, "predictor": 317, "kind": 339}
    numbers |= {"tile_width": 322, "tile_height": 323}
    places, lengths = (324, 325) if "tile_width" in tags else (273, 279)
    entries: dict[int, tuple[int, list[int] | bytes]] = {
        256: (4, [width]), 257: (4, [height]), 278: (4, [height]), 259: (3, [1]),
        lengths: (4, [len(piece) for piece in pieces]),
    }  # fmt: skip
    for name, value in tags.items():
        if isinstance(value, bytes):
            entries[numbers[name]] = (2, value)
        else:
            entries[numbers[name]] = (3, value if isinstance(value, list) else [value])  # type: ignore[list-item]
    begin = 16 if big else 8
    offsets = [begin + sum(map(len, pieces[:index])) for index in range(len(pieces))]
    entries[places] = (4, offsets)
    word, count = ("Q", "Q") if big else ("L", "H")
    directory = begin + sum(map(len, pieces))
    size = struct.calcsize(f"<{word}")
    behind = directory + struct.calcsize(f"<{count}") + len(entries) * (4 + 2 * size) + size
    fields, values = struct.pack(order + count, len(entries)), b""
    for number, (kind, value) in sorted(entries.items()):
        raw = value if isinstance(value, bytes) else struct.pack(
            f"{order}{len(value)}{'H' if kind == 3 else 'L'}", *value
        )  # fmt: skip
        field = raw.ljust(size, b"\0")
        if len(raw) > size:
            field = struct.pack(order + word, behind + len(values))
            values += raw
        fields += struct.pack(f"{order}HH{word}", number, kind, len(value)) + field
    head = {"<": b"II", ">": b"MM"}[order]
    if big:
        head += struct.pack(f"{order}HHHQ", 43, 8, 0, directory)
    else:
        head += struct.pack(f"{order}HL", 42, directory)
    return head + b"".join(pieces) + fields + struct.pack(order + word, 0) + values


@pytest.mark.parametrize(("order", "big"), list(itertools.product("<>", (False, True))))
def test_planes_of_sixteen_bits_are_read(order: str, big: bool) -> None:
    """Of gray, color, CMYK, with an alpha channel, in either byte order, also in a BigTIFF."""
    planes = [(GRAY * 257).astype(f"{order}u2"), (60_000 - GRAY * 200).astype(f"{order}u2")]
    planes += [np.flip(planes[0]), np.full_like(planes[0], 0xFFFF)]
    raw = [np.ascontiguousarray(plane).tobytes() for plane in planes]
    wanted = [np.rint(plane.astype(float) * 255 / 65_535) for plane in planes]
    options = {"order": order, "big": big, "planar": 2}
    rgb = tiff(20, 12, raw[:3], samples=3, bits=[16] * 3, photometric=2, **options)  # type: ignore[arg-type]
    assert (pixels(rgb) == np.stack(wanted[:3], -1)).all()
    rgba = tiff(20, 12, raw, samples=4, bits=[16] * 4, photometric=2, extra=2, **options)  # type: ignore[arg-type]
    assert (pixels(rgba) == np.stack(wanted, -1)).all()
    cmyk = tiff(20, 12, raw, samples=4, bits=[16] * 4, photometric=5, **options)  # type: ignore[arg-type]
    assert pixels(cmyk).max() == 0


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1])
def test_gray_of_sixteen_bits_may_have_white_at_zero(order: str, photometric: int) -> None:
    """It is not shown as its negative."""
    raw = (GRAY * 257).astype(f"{order}u2").tobytes()
    found = pixels(tiff(20, 12, [raw], order, samples=1, bits=16, photometric=photometric))
    assert (found[..., 0] == (255 - GRAY if photometric == 0 else GRAY)).all()


@pytest.mark.parametrize("photometric", [0, 1])
def test_gray_of_twelve_bits_uses_all_of_its_range(photometric: int) -> None:
    """4,095 is white, not a sixteenth of it."""
    levels = np.array([0, 4095, 2048, 1024], np.uint32)
    packed = bytearray()
    for first, second in levels.reshape(-1, 2):
        packed += int(first << 12 | second).to_bytes(3, "big")
    found = pixels(tiff(4, 1, [bytes(packed)], samples=1, bits=12, photometric=photometric))
    wanted = np.rint(levels * 255 / 4095)
    assert (found[0, :, 0] == (255 - wanted if photometric == 0 else wanted)).all()


VALUES = np.linspace(-90, 80, 12 * 20 * 3).reshape(12, 20, 3)
KINDS = {"u": 1, "i": 2, "f": 3}


def scaled(data: bytes) -> Bytes:
    return np.asarray(decode.decode_image(data, 10**6, (-50, 60)).picture)


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i2", "i4", "u4", "i8"])
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), (">", True)])
def test_values_of_a_tiff_are_read_in_any_layout(kind: str, order: str, big: bool) -> None:
    """Gray and RGB, in planes and pixels, in tiles, in either byte order, in differences too."""
    values = np.abs(VALUES) if kind == "u4" else VALUES
    values = values.astype(f"{order}{kind}")
    bits, form = 8 * values.dtype.itemsize, KINDS[kind[0]]
    wanted = np.rint((np.clip(values.astype(float), -50, 60) + 50) / 110 * 255)
    options: dict[str, object] = {"order": order, "big": big}
    rgb = {**options, "samples": 3, "bits": [bits] * 3, "kind": [form] * 3, "photometric": 2}
    one = {**options, "samples": 1, "bits": bits, "kind": form, "photometric": 1}
    gray = tiff(20, 12, [values[..., 0].tobytes()], **one)  # type: ignore[arg-type]
    assert (scaled(gray)[..., 0] == wanted[..., 0]).all()
    pixels_together = tiff(20, 12, [values.tobytes()], **rgb)  # type: ignore[arg-type]
    assert (scaled(pixels_together) == wanted).all()
    planes = [values[..., channel].tobytes() for channel in range(3)]
    assert (scaled(tiff(20, 12, planes, planar=2, **rgb)) == wanted).all()  # type: ignore[arg-type]
    steps = values.view(f"{order}u{values.dtype.itemsize}").copy()
    steps[:, 1:] -= steps[:, :-1].copy()
    packed = [zlib.compress(steps.tobytes())]
    deflated = tiff(20, 12, packed, compression=8, predictor=2, **rgb)  # type: ignore[arg-type]
    assert (scaled(deflated) == wanted).all()
    padded = np.pad(values, ((0, 4), (0, 12), (0, 0)))
    tiles = [padded[:, :16].tobytes(), padded[:, 16:].tobytes()]
    tiled = tiff(20, 12, tiles, tile_width=16, tile_height=16, **rgb)  # type: ignore[arg-type]
    assert (scaled(tiled) == wanted).all()


def test_gray_that_was_multiplied_with_its_alpha_is_divided_by_it() -> None:
    """A TIFF of gray with associated alpha."""
    raw = bytes((100, 255, 50, 128, 0, 0))
    found = pixels(tiff(3, 1, [raw], samples=2, bits=[8, 8], photometric=1, extra=1))[0]
    assert found[:, 3].tolist() == [255, 128, 0]
    assert abs(found[:2, 0].astype(int) - 100).max() <= 1


def test_white_at_zero_that_was_multiplied_with_its_alpha_is_divided_by_it() -> None:
    """It is divided before it is inverted."""
    raw = bytes((100, 255, 50, 128, 0, 0))
    found = pixels(tiff(3, 1, [raw], samples=2, bits=[8, 8], photometric=0, extra=1))[0]
    assert found[:, 3].tolist() == [255, 128, 0]
    assert abs(found[:2, 0].astype(int) - 155).max() <= 1


def test_cmyk_of_sixteen_bits_keeps_its_alpha() -> None:
    """Its colors are those without one."""
    ink = np.zeros_like(GRAY, ">u2").tobytes()
    alpha = (GRAY * 257).astype(">u2").tobytes()
    plain = tiff(20, 12, [ink] * 4, ">", samples=4, bits=[16] * 4, photometric=5, planar=2)
    pieces = [*[ink] * 4, alpha]
    whole = tiff(20, 12, pieces, ">", samples=5, bits=[16] * 5, photometric=5, planar=2, extra=2)
    found = pixels(whole)
    assert (found[..., 3] == GRAY).all()
    assert (found[..., :3] == pixels(plain)).all()


def test_odd_tags_do_not_condemn_a_tiff() -> None:
    """Tags that have nothing to do with the pixels are not looked at; few of them are."""
    raw = bytes(range(240))
    plain = tiff(20, 12, [raw], samples=1, bits=8, photometric=1)
    odd = bytearray(tiff(20, 12, [raw], samples=1, bits=8, photometric=1, artist=b"x" * 40))
    offset = odd.index(struct.pack("<HHL", 315, 2, 40))
    struct.pack_into("<HL", odd, offset + 2, 99, 0x7FFFFFFF)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (pixels(bytes(odd)) == pixels(plain)).all()


def test_the_images_of_a_tiff_are_counted_in_one_pass() -> None:
    """Also a hundred thousand; those in a circle are counted once."""
    data = tiff(4, 1, [bytes(4)], samples=1, bits=8, photometric=1)
    begin = len(data)
    many = bytearray(data)
    (directory,) = struct.unpack_from("<L", data, 4)
    link = directory + 2 + 12 * struct.unpack_from("<H", data, directory)[0]
    struct.pack_into("<L", many, link, begin)
    for number in range(100_000):
        many += struct.pack("<HL", 0, begin + 6 * (number + 1))
    struct.pack_into("<L", many, len(many) - 4, directory)
    assert decode.decode_image(bytes(many), 100).images == 100_001


# PNG


def chunk(kind: bytes, body: bytes, wrong: int = 0) -> bytes:
    return (
        struct.pack(">I", len(body))
        + kind
        + body
        + struct.pack(">I", zlib.crc32(kind + body) ^ wrong)
    )


def test_what_stands_beside_the_pixels_of_a_png_does_not_condemn_them() -> None:
    """Long texts, wrong checksums, damaged Exif data and profiles."""
    source = Image.new("RGB", (6, 4), (200, 90, 10))
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "x" * 1_500_000, zip=True)
    data = saved(source, "PNG")
    odd = [
        saved(source, "PNG", pnginfo=text),
        *(
            data[:33] + each + data[33:]
            for each in (
                chunk(b"tEXt", b"k\0v", wrong=1),
                chunk(b"eXIf", b"LoremIpsum"),
                chunk(b"iCCP", b"name\0\0rubbish"),
                chunk(b"gAMA", b"\0\0"),
                chunk(b"acTL", b""),
                chunk(b"pHYs", b"\1"),
                chunk(b"abCd", b"\1", wrong=5),
            )
        ),
    ]
    for each in odd:
        assert (pixels(each) == (200, 90, 10)).all()
        assert decode.decode_image(each, 100).images == 1


def test_a_transparent_color_that_no_pixel_can_have_is_none() -> None:
    """Such a PNG is opaque."""
    row = bytes((0b10110001,))
    for value in (2, 3, 0x0100, 0xFFFF):
        assert pixels(png(1, 0, (8, 2), row, (b"tRNS", struct.pack(">H", value)))).shape[2] == 3
    assert pixels(png(1, 0, (8, 2), row, (b"tRNS", struct.pack(">H", 1)))).shape[2] == 4


# JPEG


def jpeg(size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, size[::-1]).astype(np.uint8))
    picture = Image.merge("RGB", (noise, noise.rotate(180), noise))
    return saved(picture, "JPEG", quality=90, **options)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_may_lack_its_last_marker(progressive: bool) -> None:
    """All of its pixels are there, and the user is told nothing."""
    data = jpeg(progressive=progressive)
    for cut in (1, 2):
        assert (pixels(data[:-cut]) == pixels(data)).all()
        assert notes(data[:-cut]) == []


def test_a_jpeg_of_which_little_is_missing_is_shown_with_a_note() -> None:
    """A part of the last row of blocks; more is refused, as half an image is."""
    data = jpeg((64, 160))
    assert notes(data[:-40]) == ["a JPEG that is cut off, with pixels missing in its last rows"]
    assert (pixels(data[:-40])[:140] == pixels(data)[:140]).all()
    for part in (0.5, 0.8):
        with pytest.raises(Undecodable):
            decode.decode_image(data[: int(len(data) * part)], 10**6)


def exif(*entries: bytes) -> bytes:
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4)


def test_odd_exif_tags_do_not_condemn_a_jpeg() -> None:
    """Its orientation is obeyed all the same."""
    turn = struct.pack("<HHIHH", ORIENTATION, 3, 1, 6, 0)
    plain = pixels(jpeg())
    for odd in (
        struct.pack("<HHII", 271, 5, 1, 38) + b"",
        struct.pack("<HHIi", 256, 9, 1, -5),
        struct.pack("<HHII", 306, 2, 0x7FFFFFFF, 8),
        struct.pack("<HHII", 306, 77, 1, 8),
    ):
        found = pixels(jpeg(exif=exif(odd, turn)))
        assert (found == np.rot90(plain, 3)).all()
    for nothing in (b"Exif\0\0", b"Exif\0\0MM\0*", exif(), exif(turn)[:20]):
        assert (pixels(jpeg(exif=nothing)) == plain).all()


def test_bytes_that_fill_between_the_segments_of_a_jpeg_are_passed_over() -> None:
    """ITU-T T.81, B.1.1.2: any marker may have more than one 0xFF before it."""
    turn = struct.pack("<HHIHH", ORIENTATION, 3, 1, 6, 0)
    data = jpeg(exif=exif(turn))
    filled = data[:2] + b"\xff\xff" + data[2:]
    assert (pixels(filled) == np.rot90(pixels(jpeg()), 3)).all()


def test_an_orientation_in_xmp_is_not_obeyed() -> None:
    """Neither do browsers, ffmpeg and ImageMagick."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert (pixels(jpeg(xmp=xmp)) == pixels(jpeg())).all()


def test_further_images_of_a_jpeg_count_if_they_are_there() -> None:
    """Where an index names one that was cut off, none is left out."""
    both = saved(
        Image.new("RGB", (60, 40)), "MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))]
    )
    assert decode.decode_image(both, 10**6).images == 2
    alone = both[: both.index(b"\xff\xd9\xff\xd8") + 2]
    assert decode.decode_image(alone, 10**6).images == 1


# BMP


def bmp(depth: int, masks: tuple[int, ...], levels: list[int], header: int = 56) -> bytes:
    """One row of pixels."""
    row = b"".join(level.to_bytes(depth // 8, "little") for level in levels)
    row += bytes(-len(row) % 4)
    info = struct.pack("<IiiHHIIiiII", header, len(levels), 1, 1, depth, 3, len(row), 0, 0, 0, 0)
    info += struct.pack(f"<{len(masks)}I", *masks)
    offset = 14 + max(len(info), header)
    return (
        struct.pack("<2sIHHI", b"BM", offset + len(row), 0, 0, offset)
        + info.ljust(header, b"\0")
        + row
    )


def test_a_bmp_may_have_any_masks() -> None:
    """Each channel has as many bits as its mask, wherever they are, also for alpha."""
    found = pixels(bmp(16, (0xF00, 0xF0, 0xF, 0xF000), [0xF123, 0x0FFF]))[0]
    assert found.tolist() == [[17, 34, 51, 255], [255, 255, 255, 0]]
    found = pixels(bmp(32, (0xFFE00000, 0x1FFC00, 0x3FF), [0xFFE00000, 0x3FF], 40))[0]
    assert found.tolist() == [[255, 0, 0], [0, 0, 255]]


def test_a_bmp_may_have_the_short_header_of_os2() -> None:
    """16 bytes: what is left out is none."""
    palette = bytes((10, 20, 30, 0, 40, 50, 60, 0)) + bytes(8 * 127)
    info = struct.pack("<IiiHH", 16, 4, 1, 1, 8)
    offset = 14 + 16 + len(palette)
    data = (
        struct.pack("<2sIHHI", b"BM", offset + 4, 0, 0, offset)
        + info
        + palette
        + bytes((0, 1, 1, 0))
    )
    assert pixels(data)[0].tolist() == [[30, 20, 10], [60, 50, 40], [60, 50, 40], [30, 20, 10]]


def test_a_bmp_may_name_more_colors_than_its_pixels_can_have() -> None:
    """The first 256 of them count, and the pixels stand where the header says."""
    palette = bytes((10, 20, 30, 0, 40, 50, 60, 0)) + bytes(4 * 298)
    for number in (300, 305_402_420):
        offset = 14 + 40 + len(palette)
        info = struct.pack("<IiiHHIIiiII", 40, 4, 1, 1, 8, 0, 4, 0, 0, number, 0)
        head = struct.pack("<2sIHHI", b"BM", offset + 4, 0, 0, offset)
        found = pixels(head + info + palette + bytes((0, 1, 1, 0)))
        assert found[0, :2].tolist() == [[30, 20, 10], [60, 50, 40]]


# Colors


def p3() -> bytes:
    profile = color_profiles.of_png({b"cICP": bytes((12, 13, 0, 1))})
    assert profile is not None
    return profile


def near(data: bytes, color: tuple[int, int, int]) -> bool:
    found = pixels(data).astype(int)
    return bool(abs(found[found.shape[0] // 2, found.shape[1] // 2, :3] - color).max() <= 2)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WebP", "TIFF"])
def test_a_color_profile_is_obeyed(format_: str) -> None:
    """A color of Display P3 becomes that of sRGB which browsers show; alpha stays."""
    choices: dict[str, dict[str, object]] = {
        "JPEG": {"quality": 98, "subsampling": 0},
        "WebP": {"lossless": True},
    }
    options = choices.get(format_, {})
    source = Image.new("RGB", (16, 16), (230, 90, 60))
    data = saved(source, format_, icc_profile=p3(), **options)
    assert near(data, (249, 77, 45))
    if format_ != "JPEG":
        source.putalpha(99)
        data = saved(source, format_, icc_profile=p3(), **options)
        assert near(data, (249, 77, 45))
        assert (pixels(data)[..., 3] == 99).all()


def test_a_profile_in_a_bmp_is_obeyed() -> None:
    """Windows's last header points to it."""
    data = bmp(32, (0xFF0000, 0xFF00, 0xFF, 0), [0x00FF00], 124)
    plain = pixels(data)
    profile_field = struct.pack("<II", len(data) - 14, len(p3()))
    marked = data[:70] + b"DEBM" + data[74:126] + profile_field + data[134:] + p3()
    expected = color_profiles.to_srgb(Image.fromarray(plain[..., :3]), p3())
    assert (pixels(marked)[..., :3] == np.asarray(expected)).all()
    assert (pixels(marked.replace(b"DEBM", b"BGRs")) == plain).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_a_profile_of_gray_is_obeyed_beside_transparency(depth: int) -> None:
    """Of gray with alpha, and of gray with a transparent level."""
    data = b"made\0\0" + zlib.compress(profiles.gray(profiles.gamma(1.0)))
    level, half = bytes([60] * (depth // 8)), bytes([128] * (depth // 8))
    with_alpha = png(depth, 4, (6, 4), (level + half) * 6, (b"iCCP", data))
    with_key = png(depth, 0, (6, 4), level * 6, (b"iCCP", data), (b"tRNS", b"\0\1"))
    for each, alpha in ((with_alpha, 128), (with_key, 255)):
        assert near(each, (133, 133, 133))
        assert (pixels(each)[..., 3] == alpha).all()


def test_the_blacks_of_a_table_are_not_scaled() -> None:
    """Little CMS would do so, to be perceptual; browsers do not."""
    profile = profiles.table(b"CMYK", profiles.lab_of_cmyk, b"mAB ", grid=5)
    black = saved(Image.new("CMYK", (16, 16), (0, 0, 0, 255)), "TIFF", icc_profile=profile)
    light = 0.15**2 * 0.9
    level = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    assert abs(pixels(black)[8, 8, :3].astype(int).mean() - level) < 2


def test_a_profile_of_rgb_is_not_for_cmyk() -> None:
    """It is ignored, as a profile of CMYK is in a picture of RGB."""
    source = Image.new("CMYK", (9, 9), (40, 90, 10, 30))
    with_profile = saved(source, "JPEG", icc_profile=p3())
    assert (pixels(with_profile) == pixels(saved(source, "JPEG"))).all()


def test_a_profile_of_srgb_changes_nothing() -> None:
    """Nor does one that is broken, or for other channels than there are."""
    source = Image.effect_noise((40, 30), 90).convert("RGB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    linear = profiles.matrix(profiles.SRGB, profiles.gamma(1.0))
    for profile in (
        srgb,
        p3()[:200],
        b"rubbish" * 40,
        b"",
        p3().replace(b"RGB ", b"CMYK"),
        linear[:-4],
    ):
        assert (pixels(saved(source, "PNG", icc_profile=profile)) == np.asarray(source)).all()


@pytest.mark.parametrize(
    ("chunks", "color", "shown"),
    [
        ({b"gAMA": 100_000}, (60, 60, 60), (133, 133, 133)),
        ({b"gAMA": 55_556}, (60, 60, 60), (77, 77, 77)),
        ({b"gAMA": 45_455}, (20, 60, 200), (20, 60, 200)),
        ({b"gAMA": 47_500}, (20, 60, 200), (20, 60, 200)),
        ({b"gAMA": 100_000, b"sRGB": b"\0"}, (60, 60, 60), (60, 60, 60)),
        ({b"gAMA": 100_000, b"sRGB": b"\7"}, (60, 60, 60), (133, 133, 133)),
        ({b"cHRM": "P3"}, (230, 90, 60), (230, 90, 60)),
        ({b"cHRM": "P3", b"gAMA": 45_455}, (230, 90, 60), (250, 76, 41)),
        ({b"cICP": bytes((12, 13, 0, 1))}, (230, 90, 60), (249, 77, 45)),
        ({b"cICP": bytes((1, 1, 0, 1))}, (60, 60, 60), (49, 49, 49)),
        ({b"cICP": bytes((1, 8, 0, 1)), b"sRGB": b"\0"}, (60, 60, 60), (133, 133, 133)),
        ({b"gAMA": 0, b"cHRM": bytes(32)}, (60, 60, 60), (60, 60, 60)),
        ({b"gAMA": 100_000, b"cHRM": bytes(32)}, (60, 60, 60), (60, 60, 60)),
    ],
)
def test_the_color_chunks_of_a_png_are_obeyed(
    chunks: dict[bytes, object], color: tuple[int, int, int], shown: tuple[int, int, int]
) -> None:
    """As Chromium does; the shown colors are those that it gave."""
    data = saved(Image.new("RGB", (8, 8), color), "PNG")
    primaries = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    added = b""
    for kind, value in chunks.items():
        body = struct.pack(">I", value) if isinstance(value, int) else value
        added += chunk(kind, primaries if body == "P3" else body)  # type: ignore[arg-type]
    assert near(data[:33] + added + data[33:], shown)


# The process


def test_pillows_settings_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """And its filter of warnings, whatever is decoded in whatever thread."""
    from PIL import ImageFile, TiffImagePlugin

    before = list(warnings.filters)
    odd = [jpeg()[:-2], tiff(20, 12, [bytes(480)], samples=1, bits=16, photometric=0)]
    seen: list[object] = []

    def work() -> None:
        for data in odd * 20:
            pixels(data)
            seen.append((ImageFile.LOAD_TRUNCATED_IMAGES, TiffImagePlugin.READ_LIBTIFF))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {(False, False)}
    assert PngImagePlugin.MAX_TEXT_CHUNK == 1 << 20
    assert list(warnings.filters) == before
