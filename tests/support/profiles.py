"""Color profiles by their specification, ICC.1:2022, made here so that no data file is needed.

Written apart from luigi_gif.imaging.color_profiles, which they judge.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

D50 = np.array((0.9642, 1.0, 0.8249))
D65 = (0.3127, 0.3290)
_BRADFORD = np.array(
    ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
)
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65)
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65)
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65)
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585))
REC2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65)
"""x and y of red, green, blue and white."""

Primaries = Sequence[Sequence[float]]
SRGB_CURVE = struct.pack(
    ">4s4xHxx5i",
    b"para",
    3,
    *(round(65_536 * each) for each in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)),
)


def gamma(exponent: float) -> bytes:
    """A curve of one exponent: curveType with one entry."""
    return struct.pack(">4s4xIH", b"curv", 1, round(256 * exponent))


def sampled(curve: Callable[[Floats], Floats], entries: int = 1024) -> bytes:
    """A curve by its values: curveType with many entries."""
    values = np.rint(65_535 * curve(np.linspace(0, 1, entries))).astype(">u2")
    return struct.pack(">4s4xI", b"curv", entries) + values.tobytes()


def matrix(primaries: Primaries, curve: bytes, version: int = 2) -> bytes:
    """A profile of three primaries and one curve for all three channels."""
    white = _xyz(primaries[3])
    colors = np.stack([_xyz(each) for each in primaries[:3]], 1)
    colors = colors * np.linalg.solve(colors, white)
    cones = (_BRADFORD @ D50) / (_BRADFORD @ white)
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ colors
    tags = {name: _xyz_tag(adapted[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return _profile(b"RGB ", b"XYZ ", tags | dict.fromkeys(_CURVE_TAGS, curve), version)


def gray(curve: bytes, version: int = 2) -> bytes:
    """A profile of one channel."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": curve}, version)


def table(
    space: bytes, lab_of: Callable[[Floats], Floats], kind: bytes = b"mft1", grid: int = 17
) -> bytes:
    """A profile whose colors stand in a table of ``grid`` levels of each channel.

    Its ``kind`` is that of lut8Type, mft1, or of lutAToBType, mAB. ``lab_of`` gives L, a and b,
    n x 3, for levels of 0 to 1, n x channels.
    """
    channels = {b"RGB ": 3, b"CMYK": 4}[space]
    levels = np.stack(
        np.meshgrid(*[np.linspace(0, 1, grid)] * channels, indexing="ij"), -1
    ).reshape(-1, channels)
    lab = lab_of(levels) + np.array((0, 128, 128))
    if kind == b"mft1":
        values = np.rint(lab * (2.55, 1, 1)).clip(0, 255).astype(np.uint8).tobytes()
        ramps = bytes(range(256))
        head = struct.pack(">4s4xBBBx9i", kind, channels, 3, grid, *_IDENTITY)
        data = head + ramps * channels + values + ramps * 3
    else:
        values = np.rint(lab * (655.35, 257, 257)).clip(0, 65_535).astype(">u2").tobytes()
        line = struct.pack(">4s4xI", b"curv", 0)
        b_curves, clut = 32, 32 + 12 * 3
        a_curves = clut + 20 + len(values) + -len(values) % 4
        head = struct.pack(">4s4xBBxx5I", b"mAB ", channels, 3, b_curves, 0, 0, clut, a_curves)
        grids = bytes([grid] * channels).ljust(16, b"\0") + b"\2\0\0\0"
        data = head + line * 3 + grids + values + bytes(-len(values) % 4) + line * channels
    return _profile(space, b"Lab ", {b"A2B0": data}, 4 if kind == b"mAB " else 2)


def lab_of_rgb(levels: Floats) -> Floats:
    """L, a and b for linear light of the sRGB primaries after a curve of 1.8."""
    return _lab(levels**1.8 @ _SRGB_TO_XYZ.T)


def lab_of_cmyk(levels: Floats) -> Floats:
    """Ink on a press that does not exist: yellowish paper, and black that is not quite black."""
    light = (1 - 0.9 * levels[:, :3]) * (1 - 0.85 * levels[:, 3:])
    return _lab(light**2.0 @ _SRGB_TO_XYZ.T * (0.9, 0.9, 0.8))


def _lab(xyz: Floats) -> Floats:
    scaled = xyz / D50
    root = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    x, y, z = root.T
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), 1)


def _xyz(place: Sequence[float]) -> Floats:
    x, y = place
    return np.array((x / y, 1.0, (1 - x - y) / y))


def _xyz_tag(color: Floats) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(65_536 * each) for each in color))


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes], version: int) -> bytes:
    tags = {b"wtpt": _xyz_tag(D50), b"cprt": b"text\0\0\0\0none\0\0\0\0", **tags}
    if version == 2:
        description = struct.pack(">4s4xI5s", b"desc", 5, b"made\0").ljust(92, b"\0")
    else:
        words = "made".encode("utf-16-be")
        description = struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", 8, 28) + words
    tags[b"desc"] = description
    begin = 132 + 12 * len(tags)
    listed, content = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        listed += struct.pack(">4sII", name, begin + len(content), len(data))
        content += data + bytes(-len(data) % 4)
    size = begin + len(content)
    class_ = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(">I4xI4s4s4s", size, version << 24, class_, space, connection)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
    header = header.ljust(68, b"\0") + _xyz_tag(D50)[8:]
    return header.ljust(128, b"\0") + listed + content


_CURVE_TAGS = (b"rTRC", b"gTRC", b"bTRC")
_IDENTITY = [65_536 * each for each in (1, 0, 0, 0, 1, 0, 0, 0, 1)]
_SRGB_TO_XYZ = np.array(
    ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410))
)
