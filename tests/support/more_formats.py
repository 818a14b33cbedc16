"""Small images of the formats that only some programs write, built where Pillow writes them not."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features

from support.images import saved

SIZE = (12, 9)
PICTURE = Image.merge(
    "RGB", [Image.radial_gradient("L").resize(SIZE).rotate(turn) for turn in (0, 90, 200)]
)
_PIXELS = np.asarray(PICTURE)
CODE_POINTS = bytes.fromhex("6e636c780001000d000680")
"""Of the colors of an AVIF, as Pillow writes them: those of sRGB."""
TGA_FOOTER_BYTES = 26


def avif(picture: Image.Image = PICTURE, **options: object) -> bytes:
    if not features.check("avif"):
        pytest.skip("Pillow has no AVIF here")
    return saved(picture, "AVIF", **{"quality": 90, "subsampling": "4:4:4", **options})


def heic(picture: Image.Image = PICTURE, **options: object) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=90, chroma=444, **options)
    return file.getvalue()


def plain_pnm(
    kind: int, numbers: NDArray[Any], size: tuple[int, int] = SIZE, maximum: int = 255
) -> bytes:
    """A PBM, PGM or PPM in decimal digits, with comments."""
    most = b"" if kind == 1 else b"%d\n" % maximum
    digits = b" ".join(b"%d" % number for number in numbers.ravel())
    return b"P%d\n# a comment\n%d %d\n" % (kind, *size) + most + digits


def pam(pixels: np.ndarray, maximum: int = 255, tuple_type: str = "RGB") -> bytes:
    height, width, channels = pixels.shape
    words = {"WIDTH": width, "HEIGHT": height, "DEPTH": channels, "MAXVAL": maximum}
    words |= {"TUPLTYPE": tuple_type} if tuple_type else {}
    head = "".join(f"{word} {value}\n" for word, value in words.items())
    levels = pixels.astype(np.uint8 if maximum < 256 else ">u2")
    return f"P7\n{head}ENDHDR\n".encode() + levels.tobytes()


def pfm(values: np.ndarray, order: str = "<") -> bytes:
    kind = b"PF" if values.ndim == 3 else b"Pf"
    head = b"%s\n%d %d\n%s\n" % (
        kind,
        values.shape[1],
        values.shape[0],
        b"-1.0" if order == "<" else b"1",
    )
    return head + values[::-1].astype(f"{order}f4").tobytes()


def tga(picture: Image.Image = PICTURE, **options: object) -> bytes:
    """With no footer."""
    return saved(picture, "TGA", **options)[:-TGA_FOOTER_BYTES]


def jpeg2000_of_no_length(data: bytes) -> bytes:
    """A JP2 whose last box goes on to the end of the file."""
    begin = data.index(b"jp2c") - 4
    return data[:begin] + struct.pack(">I", 0) + data[begin + 4 :]


def of_each_format() -> dict[str, bytes]:
    """By names that begin with the format's. Each ends behind its last pixel."""
    images = {
        "JPEG2000 file": saved(PICTURE, "JPEG2000"),
        "JPEG2000 codestream": saved(PICTURE, "JPEG2000", no_jp2=True),
        "JPEG2000 of tiles": saved(PICTURE, "JPEG2000", no_jp2=True, tile_size=(5, 5)),
        "JPEG2000 without a length": jpeg2000_of_no_length(saved(PICTURE, "JPEG2000")),
        "ICO of PNG": saved(PICTURE, "ICO", sizes=[(8, 8), (9, 9)]),
        "ICO of bitmaps": saved(PICTURE, "ICO", sizes=[(8, 8), (9, 9)], bitmap_format="bmp"),
        "PNM black and white": saved(PICTURE.convert("1"), "PPM"),
        "PNM gray": saved(PICTURE.convert("L"), "PPM"),
        "PNM color": saved(PICTURE, "PPM"),
        "PNM in digits": plain_pnm(3, np.where(_PIXELS > 99, _PIXELS, 7)[::-1] // 100),
        "PNM in digits, black and white": plain_pnm(1, _PIXELS[..., 0] > 99),
        "PNM of any channels": pam(_PIXELS),
        "PNM of floats": pfm(_PIXELS.astype(float)),
        "TGA color": tga(),
        "TGA gray": tga(PICTURE.convert("L")),
        "TGA of a palette": tga(PICTURE.quantize(5)),
        "TGA in packets": tga(compression="tga_rle"),
    }
    if features.check("avif"):
        images["AVIF"] = avif()
        images["AVIF of frames"] = avif(save_all=True, append_images=[PICTURE], duration=50)
        images["HEIC"] = images["AVIF"].replace(b"ftypavif", b"ftypheic")  # as far as boxes go
    return images


EACH_FORMAT = of_each_format()
