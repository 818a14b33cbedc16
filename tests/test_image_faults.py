"""An image that cannot be shown is an error that says why; a lack of memory is no such error."""

from __future__ import annotations

import itertools
import struct
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pytest_mock import MockerFixture
from support.encoded import ORIENTATION, picture, several, shown, to_gif
from support.images import png, saved

from luigi_gif.errors import Undecodable
from luigi_gif.imaging import gif_pictures


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
    with pytest.raises(Undecodable, match=r"--range MIN:MAX, .* got numbers"):
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
    for decode, format_ in ((to_gif, "PNG"), (gif_pictures.decode_indexes, "GIF")):
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
    for decode in (to_gif, gif_pictures.decode_indexes):
        with pytest.raises((MemoryError, OSError)) as error:
            decode(saved(picture(), "GIF"))
        assert isinstance(error.value, MemoryError) or error.value is odd


def test_where_no_memory_is_left_the_image_is_not_at_fault(mocker: MockerFixture) -> None:
    """Whatever a decoder says then."""
    mocker.patch("PIL.ImageFile.ImageFile.load", side_effect=OSError("broken data stream"))
    mocker.patch("luigi_gif.imaging.decode._MIN_MEMORY_BYTES", 1 << 60)
    with pytest.raises(MemoryError):
        to_gif(saved(picture(), "PNG"))


@pytest.mark.slow
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
        "from luigi_gif.imaging import encode as image, look\n"
        "PIL.Image.MAX_IMAGE_PIXELS = 3000\n"
        f"for data in {images!r}:\n"
        "    try:\n"
        "        image.to_gif(data, look.Look(10**6))\n"
        "    except image.Undecodable:\n"
        "        pass\n"
        "print('done')\n"
    )
    child = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, check=True
    )
    assert child.stdout == "done\n"
    assert child.stderr == ""
