"""Colors as browsers show them: what a picture's color profile says, in sRGB.

ICC.1:2022; PNG, section 11.3.2: cICP, iCCP, sRGB, gAMA and cHRM, of which the
first counts. What gAMA and cHRM say becomes a profile too, so that there is one
way to convert. Little CMS converts, as in Pillow. A profile that is broken, or
for other channels than the picture has, is ignored, as browsers do.

Pure code.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
"""By the color space that the header of a profile names."""
_SPACE = slice(16, 20)
_STEPS = 16
_SAME = 2
"""So many levels from sRGB, at most: the curves of profiles that mean sRGB differ by as much."""
_FIXED = 65_536
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = (0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)
_SRGB_PRIMARIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES = {
    1: _SRGB_PRIMARIES,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (0.3127, 0.3290, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    8: (0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (0.3127, 0.3290, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
"""ITU-T H.273, table 2: x and y of white, red, green and blue. Browsers take 6 and 7 for 1."""
_CURVES = {
    **dict.fromkeys((1, 6, 11, 14, 15), (2.4,)),
    4: (2.2,),
    5: (2.8,),
    8: (1.0,),
    13: (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
}
"""ITU-T H.273, table 3, but for those of high dynamic range, as parameters of an ICC curve. Those
of cameras are shown by the curve of a television, ITU-R BT.1886, as Chromium does."""
_SRGB_CURVE = 13
_LIKE_SRGB = (1, 2, 6, 14, 15)
_INTENTS = [bytes([intent]) for intent in range(4)]
"""What an sRGB chunk may hold."""

Matrix = tuple[tuple[float, ...], ...]


class _Conversion(NamedTuple):
    """From the colors of a profile to sRGB."""

    mode: str
    """Of the pictures that it converts."""
    transform: ImageCms.ImageCmsTransform


def to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """The picture, RGB, RGBA, L, LA or CMYK, with the colors of its profile in sRGB.

    It is the same one where nothing is to be done.
    """
    conversion = _conversion(profile)
    if conversion is None:
        return picture
    alpha = picture.getchannel("A") if picture.mode in ("LA", "RGBA") else None
    mode = {"RGBA": "RGB", "LA": "L"}.get(picture.mode, picture.mode)
    if mode != conversion.mode:
        return picture
    from PIL import ImageCms

    flat = picture if alpha is None else picture.convert(mode)
    converted = ImageCms.applyTransform(flat, conversion.transform)
    assert converted is not None
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def of_png(chunks: dict[bytes, bytes]) -> bytes | None:
    """The profile that the chunks of a PNG stand for; None for sRGB, and where they say nothing."""
    cicp, iccp = chunks.get(b"cICP", b""), chunks.get(b"iCCP")
    if len(cicp) == 4 and cicp[0] in _PRIMARIES and cicp[1] in _CURVES and cicp[2:] == b"\0\1":
        return _built(_PRIMARIES[cicp[0]], _CURVES[cicp[1]])
    if iccp is not None and (profile := _inflated(iccp)) is not None:
        return profile
    if chunks.get(b"sRGB") in _INTENTS:
        return None
    gama, chrm = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    gamma = int.from_bytes(gama, "big") if len(gama) == 4 else 0
    if not gamma:
        return None
    if len(chrm) == 32:
        primaries = tuple(value / 100_000 for value in struct.unpack(">8I", chrm))
    elif _is_gamma_of_srgb(gamma):
        return None
    else:
        primaries = _SRGB_PRIMARIES
    return _built(primaries, (100_000 / gamma,))


def _is_gamma_of_srgb(gamma: int) -> bool:
    """Whether a gAMA without primaries means sRGB: one within a twentieth of 1 / 2.2.

    So browsers have it from libpng, png_gamma_not_sRGB().
    """
    return abs((11 * gamma + 2) // 5 - 100_000) <= 5_000


def of_video(primaries: int, curve: int) -> bytes | None:
    """The profile that these code points of an AVIF or HEIC stand for; None for sRGB.

    As Chromium does, curves of cameras count as that of sRGB, and so does what is not said.
    Those of high dynamic range are left as they are.
    """
    curve = _SRGB_CURVE if curve in _LIKE_SRGB else curve
    if curve not in _CURVES:
        return None
    return _built(_PRIMARIES.get(primaries, _SRGB_PRIMARIES), _CURVES[curve])


def _inflated(chunk: bytes) -> bytes | None:
    """The profile in an iCCP chunk: a name, a method, and zlib data."""
    import zlib

    _, _, compressed = chunk.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(compressed[1:], 1 << 24)
    except zlib.error:
        return None


@functools.lru_cache(maxsize=16)
def _conversion(profile: bytes) -> _Conversion | None:
    """None where the profile is that of sRGB, is broken, or is of no kind that is converted."""
    mode = _MODES.get(profile[_SPACE])
    if mode is None or int.from_bytes(profile[:4], "big") > len(profile):
        return None
    from PIL import ImageCms

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.ImageCmsProfile(io.BytesIO(_srgb())),
            mode,
            "RGB",
            ImageCms.Intent.PERCEPTUAL,
        )
        colors = _all_over(mode)
        converted = ImageCms.applyTransform(colors, transform)
    except (ImageCms.PyCMSError, OSError):
        return None
    assert converted is not None
    if mode != "CMYK" and _distance(converted, colors.convert("RGB")) <= _SAME:
        return None
    return _Conversion(mode, transform)


@functools.cache
def _srgb() -> bytes:
    """The profile of sRGB, as one of version 2.

    To one of version 4 Little CMS would scale blacks where a profile has a table, as most of CMYK
    have: browsers do not.
    """
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:8] + b"\x02\x10\0\0" + profile[12:]


def _all_over(mode: str) -> Image.Image:
    """A picture of colors that lie all over a mode."""
    if mode == "L":
        return Image.linear_gradient("L")
    levels = [255 * step // (_STEPS - 1) for step in range(_STEPS)]
    colors = bytes(value for r in levels for g in levels for b in levels for value in (r, g, b))
    picture = Image.frombytes("RGB", (_STEPS**2, _STEPS), colors)
    return picture if mode == "RGB" else picture.convert(mode)


def _distance(picture: Image.Image, other: Image.Image) -> int:
    """In levels, where they are farthest apart."""
    from PIL import ImageChops

    return max(highest for _, highest in ImageChops.difference(picture, other).getextrema())  # type: ignore[misc]


@functools.lru_cache(maxsize=16)
def _built(primaries: tuple[float, ...], curve: tuple[float, ...]) -> bytes | None:
    """A profile of these primaries (x and y of white, red, green, blue) and this curve."""
    white, *colors = [
        (x / y, 1.0, (1 - x - y) / y) if y else (0.0, 0.0, 0.0)
        for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    ]
    try:
        amounts = _product(_inverse(_columns(*colors)), _columns(white))
        adapted = _product(_adaptation(white), _columns(*colors))
        scaled = [[row[i] * amounts[i][0] for row in adapted] for i in range(3)]
        return _profile([_xyz(color) for color in scaled], _parametric(curve))
    except (ZeroDivisionError, struct.error, OverflowError):  # such primaries cannot be
        return None


def _profile(colorants: list[bytes], curve: bytes) -> bytes:
    tags = [(b"wtpt", _xyz(_D50)), *zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, content = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += struct.pack(">4sII", name, 128 + 4 + 12 * len(tags) + len(content), len(data))
        content += data
    size = 128 + len(table) + len(content)
    header = struct.pack(">I4xI4s4s4s12x4s", size, 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    header = header.ljust(68, b"\0") + _xyz(_D50)[8:]
    return header.ljust(128, b"\0") + table + content


def _xyz(color: Sequence[float]) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(value * _FIXED) for value in color))


def _parametric(curve: tuple[float, ...]) -> bytes:
    kind = 3 if len(curve) > 1 else 0
    numbers = [round(value * _FIXED) for value in curve]
    return struct.pack(f">4s4xHxx{len(numbers)}i", b"para", kind, *numbers)


def _adaptation(white: tuple[float, ...]) -> Matrix:
    """From this white to that of profiles, D50, by Bradford's method."""
    source, target = (_product(_BRADFORD, _columns(each)) for each in (white, _D50))
    ratios = [t[0] / s[0] for s, t in zip(source, target, strict=True)]
    scaled = tuple(
        tuple(ratio * v for v in row) for ratio, row in zip(ratios, _BRADFORD, strict=True)
    )
    return _product(_inverse(_BRADFORD), scaled)


def _columns(*vectors: Sequence[float]) -> Matrix:
    return tuple(zip(*vectors, strict=True))


def _product(left: Matrix, right: Matrix) -> Matrix:
    return tuple(
        tuple(
            sum(a * b for a, b in zip(row, column, strict=True))
            for column in zip(*right, strict=True)
        )
        for row in left
    )


def _inverse(m: Matrix) -> Matrix:
    """Of a matrix of 3 x 3."""
    minors = [
        [
            m[(j + 1) % 3][(i + 1) % 3] * m[(j + 2) % 3][(i + 2) % 3]
            - m[(j + 1) % 3][(i + 2) % 3] * m[(j + 2) % 3][(i + 1) % 3]
            for j in range(3)
        ]
        for i in range(3)
    ]
    determinant = sum(m[0][i] * minors[i][0] for i in range(3))
    return tuple(tuple(value / determinant for value in row) for row in minors)
