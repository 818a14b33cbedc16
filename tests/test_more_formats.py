"""AVIF, HEIC, JPEG 2000, icons, PNM and TGA are shown as what wrote them meant."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from support.clips import clip_here, make_clip
from support.decoders import Pixels
from support.images import DELIMITER, saved
from support.more_formats import (
    CODE_POINTS,
    EACH_FORMAT,
    PICTURE,
    SIZE,
    avif,
    heic,
    pam,
    pfm,
    plain_pnm,
    tga,
)
from support.numbered import picture, shown

from luigi_gif import bundles, imaging
from luigi_gif.errors import BundleError, SourceError, StorageError, Undecodable
from luigi_gif.imaging import color_profiles, decode
from luigi_gif.imaging.opened_image import Values

ORIENTATION = 0x0112
PIXELS = np.asarray(PICTURE)
HALF_CLEAR = PICTURE.copy()
HALF_CLEAR.putalpha(Image.linear_gradient("L").resize(SIZE))


def pixels(data: bytes, mode: str | None = None) -> Pixels:
    """In the mode that the image is shown in."""
    found = decode.decode_image(data, 10**4).picture
    return np.asarray(found.convert(mode) if mode else found)


def by_pillow(data: bytes, mode: str) -> Pixels:
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert(mode))


def p3() -> bytes:
    profile = color_profiles.of_png({b"cICP": bytes((12, 13, 0, 1))})
    assert profile is not None
    return profile


P3_IN_SRGB = np.asarray(color_profiles.to_srgb(PICTURE, p3()))


MODES = {
    "AVIF": ("L", "RGB", "RGBA"),
    "JPEG2000": ("L", "LA", "RGB", "RGBA"),
    "TGA": ("L", "LA", "RGB", "RGBA", "P", "1"),
    "PPM": ("L", "RGB", "1"),
}


@pytest.mark.parametrize(
    ("format_", "mode"), [(format_, mode) for format_, modes in MODES.items() for mode in modes]
)
def test_an_image_has_the_pixels_that_pillow_gives(format_: str, mode: str) -> None:
    """With its alpha, in every mode that it is written in."""
    source = HALF_CLEAR.convert(mode)
    data = avif(source) if format_ == "AVIF" else saved(source, format_)
    assert (pixels(data, "RGBA") == by_pillow(data, "RGBA")).all()


@pytest.mark.parametrize(
    "options",
    [{"no_jp2": True}, {"tile_size": (5, 4)}, {"irreversible": True, "quality_layers": [10]}],
)
def test_a_jpeg_2000_may_be_a_codestream_of_any_layout(options: dict[str, object]) -> None:
    data = saved(PICTURE, "JPEG2000", **options)
    assert (pixels(data) == by_pillow(data, "RGB")).all()


def test_gray_of_sixteen_bits_is_scaled() -> None:
    """As that of a PNG is: in JPEG 2000 and PNM."""
    wide = (np.arange(108).reshape(9, 12) * 600).astype(np.uint16)
    levels = np.rint(wide / 257)
    for format_ in ("JPEG2000", "PPM", "PNG"):
        assert (pixels(saved(Image.fromarray(wide), format_))[..., 0] == levels).all()


@pytest.mark.parametrize("maximum", [1, 7, 255, 256, 65_535])
def test_a_pnm_may_have_any_maximum(maximum: int) -> None:
    """Which is white: in digits, in bytes, with alpha in a PAM."""
    levels = np.random.default_rng(1).integers(0, maximum + 1, (9, 12, 4))
    wanted = np.floor(levels * 255 / maximum + 0.5)
    assert (pixels(pam(levels, maximum, "RGB_ALPHA")) == wanted).all()
    assert (pixels(pam(levels[..., :2], maximum, ""), "LA") == wanted[..., :2]).all()
    assert (pixels(plain_pnm(3, levels[..., :3], maximum=maximum)) == wanted[..., :3]).all()
    data = b"P6 12 9 %d\n" % maximum + pam(levels[..., :3], maximum).partition(b"ENDHDR\n")[2]
    assert (pixels(data) == wanted[..., :3]).all()


def test_the_digits_of_black_and_white_need_no_space() -> None:
    """In PBM; a comment may stand anywhere."""
    assert pixels(b"P1\n3 2\n10 # black\n1\n001")[..., 0].tolist() == [[0, 255, 0], [255, 255, 0]]


def test_a_pam_of_other_channels_is_refused() -> None:
    with pytest.raises(Undecodable, match="a PAM of gray or RGB"):
        pixels(pam(np.zeros((2, 2, 4)), tuple_type="CMYK"))


def test_several_pnm_images_one_behind_another_are_frames(tmp_path: Path) -> None:
    """As in what ffmpeg pipes to other programs: Netpbm knows them as one file."""
    images = [saved(Image.new("RGB", (8, 6), (20 * number, 0, 0)), "PPM") for number in range(3)]
    (tmp_path / "stream").write_bytes(b"".join(images))
    assert shown(clip_here(tmp_path / "stream", tmp_path / "work")) == [0, 1, 2]


def test_a_tga_without_alpha_bits_is_opaque() -> None:
    """What stands in the place of alpha is none then."""
    data = bytearray(tga(HALF_CLEAR))
    data[17] &= 0xF0
    assert (pixels(bytes(data)) == PIXELS).all()


# Icons


@pytest.mark.parametrize("bitmap", ["png", "bmp"])
def test_the_largest_picture_of_an_icon_is_shown(bitmap: str) -> None:
    """Without a warning that there are others."""
    data = saved(HALF_CLEAR.resize((40, 32)), "ICO", sizes=[(16, 16), (40, 32), (24, 24)])
    decoded = decode.decode_image(data, 10**4)
    assert decoded.images == 1
    assert decoded.picture.size == (40, 32)
    assert (np.asarray(decoded.picture) == by_pillow(data, "RGBA")).all()


def test_an_icon_without_alpha_has_a_mask() -> None:
    """Behind its pixels: 1 is transparent. So has one whose alpha is 0 all over."""
    mask = b"\x80\0\0\0" + bytes(4)
    for depth in (24, 32):
        header = struct.pack("<IiiHHIIiiII", 40, 2, 4, 1, depth, 0, 0, 0, 0, 0, 0)
        step = depth // 8
        rows = (bytes((30, 90, 200, 0)[:step]) * 2).ljust(8, b"\0") * 2
        body = header + rows + mask
        entry = struct.pack("<HHHBBBBHHII", 0, 1, 1, 2, 2, 0, 0, 1, depth, len(body), 22)
        found = pixels(entry + body, "RGBA")
        assert found[..., 3].tolist() == [[255, 255], [0, 255]]
        assert found[0, 0].tolist() == [200, 90, 30, 255]


# Colors and orientation


def test_a_profile_of_an_avif_is_obeyed() -> None:
    plain = Image.fromarray(by_pillow(avif(), "RGB"))
    found = pixels(avif(icc_profile=p3()))
    assert (found == np.asarray(color_profiles.to_srgb(plain, p3()))).all()


@pytest.mark.parametrize(
    ("points", "like"),
    [((12, 13), (12, 13)), ((9, 14), (9, 13)), ((1, 6), None), ((2, 2), None), ((1, 8), (1, 8))],
)
def test_the_code_points_of_an_avif_are_obeyed(
    points: tuple[int, int], like: tuple[int, int] | None
) -> None:
    """As Chromium does: curves of cameras count as that of sRGB."""
    data = avif()
    assert CODE_POINTS in data
    changed = data.replace(CODE_POINTS, b"nclx" + struct.pack(">2H", *points) + CODE_POINTS[-3:])
    plain = Image.fromarray(by_pillow(data, "RGB"))
    profile = like and color_profiles.of_png({b"cICP": bytes((*like, 0, 1))})
    wanted = color_profiles.to_srgb(plain, profile) if profile else plain
    assert (pixels(changed) == np.asarray(wanted)).all()


def test_a_profile_of_a_jpeg_2000_is_obeyed() -> None:
    data = saved(PICTURE, "JPEG2000")
    header, color = data.index(b"jp2h") - 4, data.index(b"colr") - 4
    size, own_size = (struct.unpack_from(">I", data, at)[0] for at in (header, color))
    box = struct.pack(">I4sBBB", 11 + len(p3()), b"colr", 2, 0, 0) + p3()
    changed = (
        data[:header]
        + struct.pack(">I", size - own_size + len(box))
        + data[header + 4 : color]
        + box
        + data[color + own_size :]
    )
    assert (pixels(changed) == P3_IN_SRGB).all()


@pytest.mark.parametrize("format_", ["AVIF", "HEIC"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_once(format_: str, orientation: int) -> None:
    """By its properties irot and imir."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = avif(exif=exif) if format_ == "AVIF" else heic(exif=exif.tobytes())
    turned = Image.fromarray(pixels(avif() if format_ == "AVIF" else heic()))
    turned.getexif()[ORIENTATION] = orientation
    assert (pixels(data) == np.asarray(ImageOps.exif_transpose(turned))).all()


# HEIC


def test_a_heic_has_the_pixels_that_libheif_gives() -> None:
    """One that is cut off, or has too many, is bad."""
    pillow_heif = pytest.importorskip("pillow_heif")
    for source in (PICTURE, HALF_CLEAR):
        data = heic(source)
        wanted = np.asarray(pillow_heif.open_heif(data).to_pillow())
        assert (pixels(data) == wanted).all()
    for cut in (data[:-1], data[:200]):
        with pytest.raises(Undecodable, match="the end of the data"):
            pixels(cut)
    with pytest.raises(Undecodable, match="--max-megapixels"):
        decode.decode_image(data, 20)


def test_the_colors_of_a_heic_are_brought_to_srgb() -> None:
    """By its profile, or by its code points."""
    tagged = PICTURE.copy()
    tagged.info["icc_profile"] = p3()
    for data in (heic(tagged), heic(color_primaries=12, transfer_characteristic=13)):
        assert abs(pixels(data).astype(int) - P3_IN_SRGB).max() <= 12


def test_a_heic_without_its_decoder_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with --on-bad-frame skip: the frame is not at fault. The error names the extra."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    data = DELIMITER.join([picture(1), EACH_FORMAT["HEIC"].replace(b"avif", b"mif1")])
    with pytest.raises(StorageError) as caught:
        make_clip(data, tmp_path, on_bad_frame="skip")
    assert "luigi_gif[heif]" in caught.value.expected
    assert caught.value.got == "no decoder of HEIC"


# Damage


@pytest.mark.parametrize("name", EACH_FORMAT)
def test_an_image_that_is_cut_off_is_bad_alone(name: str) -> None:
    """It is named in words, and the images around it in a bundle are whole."""
    data, other = EACH_FORMAT[name], picture(1)
    for length in (len(data) * 2 // 3, len(data) - 1):
        cut = data[:length]
        with pytest.raises(Undecodable, match=r"end|runcated|whole"):
            pixels(cut)
        around = [other, data, cut, data, other]
        source = io.BytesIO(DELIMITER.join(around))
        assert [frame.data for frame in bundles.iter_frames(source.read)] == around


@pytest.mark.parametrize("name", EACH_FORMAT)
def test_an_image_of_too_many_pixels_is_not_decoded(name: str) -> None:
    """Its header says so."""
    with pytest.raises(Undecodable, match="--max-megapixels"):
        decode.decode_image(EACH_FORMAT[name], 20)


def test_the_codestream_of_a_jpeg_2000_says_its_size_too() -> None:
    """By which its decoder takes memory, whatever the boxes around it say; also for each tile."""
    data = bytearray(saved(PICTURE, "JPEG2000"))
    sizes = data.index(b"\xff\x4f\xff\x51") + 8
    struct.pack_into(">II", data, sizes, 40_000, 40_000)
    struct.pack_into(">II", data, sizes + 16, 40_000, 40_000)
    with pytest.raises(Undecodable, match="40000x40000"):
        pixels(bytes(data))
    struct.pack_into(">II", data, sizes, 99, 99)
    struct.pack_into(">II", data, sizes + 16, 1, 1)
    with pytest.raises(Undecodable, match="9,801 tiles"):
        pixels(bytes(data))


# Sources


def test_a_folder_of_every_format_is_a_source(tmp_path: Path) -> None:
    """Each is a frame, known by its name or its content."""
    (tmp_path / "pictures").mkdir()
    names = ["a.ico", "b.jp2", "c.J2K", "d.pam", "e.pbm", "f.pgm", "g.ppm", "h.tga", "i"]
    kinds = ["ICO of PNG", "JPEG2000 file", "JPEG2000 codestream", "PNM of any channels"]
    kinds += ["PNM black and white", "PNM gray", "PNM in digits", "TGA in packets", "TGA color"]
    for name, kind in zip(names, kinds, strict=True):
        (tmp_path / "pictures" / name).write_bytes(EACH_FORMAT[kind])
    clip = clip_here(tmp_path / "pictures", tmp_path / "work", palette="frame")
    with Image.open(clip) as image:
        assert getattr(image, "n_frames", 1) == len(names)
        image.seek(7)
        assert (np.asarray(image.convert("RGB")) == PIXELS).all()


@pytest.mark.parametrize("name", ["TGA in packets", "PNM in digits"])
def test_a_single_image_is_a_source(tmp_path: Path, name: str) -> None:
    """Told by its content."""
    (tmp_path / "download").write_bytes(EACH_FORMAT[name])
    with Image.open(clip_here(tmp_path / "download", tmp_path / "work")) as image:
        assert image.size == SIZE


def test_an_image_that_cannot_be_a_frame_is_named_with_what_helps(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"8BPS\0\1" + bytes(40))
    with pytest.raises(SourceError) as caught:
        clip_here(tmp_path / "pictures", tmp_path / "work")
    assert caught.value.got.startswith("a Photoshop image: convert it to PNG")


def test_a_folder_of_images_that_cannot_be_frames_is_named_too(tmp_path: Path) -> None:
    """By one of them, wherever it stands among other files."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.txt").write_text("notes")
    (tmp_path / "pictures" / "b.CR2").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(40))
    with pytest.raises(SourceError) as caught:
        clip_here(tmp_path / "pictures", tmp_path / "work")
    assert caught.value.got.startswith("none in 2 files; b.CR2 is a camera raw image: develop it")


def test_a_raw_image_that_is_a_tiff_is_not_shown_by_its_preview() -> None:
    """A DNG: its first picture is small, those in its subdirectories are of a sensor."""
    tagged = {"tiffinfo": {50706: bytes((1, 4, 0, 0))}}
    with pytest.raises(Undecodable) as caught:
        pixels(saved(PICTURE, "TIFF", **tagged))
    assert caught.value.got.startswith("a camera raw image")
    pages = saved(PICTURE, "TIFF", save_all=True, append_images=[PICTURE], **tagged)
    with pytest.raises(Undecodable, match="a camera raw image"):
        imaging.single_frames(pages, 10**4)


# Numbers whose range is not known


VALUES = np.linspace(-40, 60, 108).reshape(9, 12)
RANGE = (-20.0, 30.0)


def levels(values: Values) -> Values:
    """What they are to become: the least of the range black, the greatest white."""
    return np.rint((np.clip(values.astype(float), *RANGE) + 20) / 50 * 255)


def scaled(data: bytes) -> Pixels:
    return np.asarray(decode.decode_image(data, 10**4, RANGE).picture)


@pytest.mark.parametrize(
    ("kind", "compression", "predictor"),
    [
        ("f4", None, 1),
        ("f4", "packbits", 1),
        ("f4", "tiff_lzw", 2),
        ("f4", "tiff_adobe_deflate", 3),
        ("i4", None, 1),
        ("i4", "tiff_adobe_deflate", 1),
        ("i4", "tiff_lzw", 2),
    ],
)
def test_values_of_a_tiff_are_levels_of_their_range(
    kind: str, compression: str | None, predictor: int
) -> None:
    """However they are compressed, as libtiff writes them."""
    values = Image.fromarray(VALUES.astype(kind))
    options = {"tiffinfo": {317: predictor}} if predictor > 1 else {}
    found = scaled(saved(values, "TIFF", compression=compression, **options))
    assert (found[..., 0] == levels(VALUES.astype(kind))).all()


def test_what_is_no_number_is_transparent() -> None:
    """In a TIFF and a PFM; what is infinite is black or white."""
    values = VALUES.astype(np.float32).copy()
    values[0, :3] = np.nan, np.inf, -np.inf
    for data in (saved(Image.fromarray(values), "TIFF"), pfm(values), pfm(values, ">")):
        found = scaled(data)
        assert found[0, :3].tolist() == [[0, 0, 0, 0], [255] * 4, [0, 0, 0, 255]]
        assert (found[1:, :, 0] == levels(values[1:])).all()
        assert (found[1:, :, 3] == 255).all()


def test_a_pfm_may_have_colors() -> None:
    values = np.stack([VALUES, -VALUES, VALUES], axis=2)
    assert (scaled(pfm(values)) == levels(values.astype(np.float32))).all()


def test_values_without_a_range_are_an_error_that_names_it(tmp_path: Path) -> None:
    """With one they are frames; a frame whose range is known stays as it is."""
    values = VALUES.astype(np.float32)
    data = DELIMITER.join([saved(Image.fromarray(values), "TIFF"), saved(PICTURE, "PNG")])
    with pytest.raises(BundleError, match="--range MIN:MAX"):
        make_clip(data, tmp_path)
    with Image.open(make_clip(data, tmp_path, range="-20:30", palette="frame")) as clip:
        assert (np.asarray(clip.convert("RGB"))[..., 0] == levels(values)).all()
        clip.seek(1)
        assert (np.asarray(clip.convert("RGB")) == PIXELS).all()


def test_pages_of_values_have_one_range() -> None:
    """Each page of a TIFF becomes an image of its own, of the same values."""
    pages = [Image.fromarray((VALUES + shift).astype(np.float32)) for shift in (0, 10)]
    frames = imaging.single_frames(
        saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), 10**4
    )
    assert frames is not None
    first, second = (scaled(frame.data).astype(int)[..., 0] for frame in frames)
    assert (first == levels(VALUES.astype(np.float32))).all()
    assert (second >= first).all()
    assert second.mean() > first.mean()
