"""What a clip shows of pictures with color profiles, held against what Chromium shows of them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from support import profiles
from support.decoders import IN_CHROMIUM, need, shown_by_chromium
from support.images import saved
from support.profiles import ADOBE, P3, PROPHOTO, REC2020

import luigi_gif

pytestmark = [pytest.mark.external, pytest.mark.slow]

LEVELS = np.random.default_rng(16).integers(0, 256, (12, 16, 3)).astype(np.uint8)
LEVELS[:2] = np.linspace(0, 255, 32).reshape(2, 16, 1)
AREAS = LEVELS.repeat(8, 0).repeat(8, 1)
"""192 colors, a ramp of gray among them, each over a block of JPEG."""
PICTURE = Image.fromarray(AREAS)
WIDE = AREAS.astype(np.uint16) * 257
P3_PRIMARIES = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def png(pixels: np.ndarray, color_type: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 8 or 16 bits with these chunks in front of its pixels."""
    depth = 8 * pixels.dtype.itemsize
    size = struct.pack(">2I5B", pixels.shape[1], pixels.shape[0], depth, color_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(f">u{depth // 8}").tobytes() for row in pixels)
    every = [(b"IHDR", size), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in every
    )


def iccp(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"made\0\0" + zlib.compress(profile)


def gama(gamma: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", gamma)


def jpeg(picture: Image.Image, profile: bytes) -> bytes:
    return saved(picture, "JPEG", quality=95, subsampling=0, icc_profile=profile)


def pictures() -> dict[str, bytes]:
    """By names of files."""
    p3 = profiles.matrix(P3, profiles.SRGB_CURVE, version=4)
    adobe = profiles.matrix(ADOBE, profiles.gamma(563 / 256))
    prophoto = profiles.matrix(PROPHOTO, profiles.gamma(1.8))
    linear_gray = profiles.gray(profiles.gamma(1.0))
    of_rgb = profiles.table(b"RGB ", profiles.lab_of_rgb, b"mAB ")
    of_cmyk = profiles.table(b"CMYK", profiles.lab_of_cmyk)
    ink = np.dstack([255 - AREAS, AREAS[..., 1] // 4])
    gray_alpha = np.dstack([WIDE[..., 0], np.full_like(WIDE[..., 0], 0xFFFF)])
    return {
        "display-p3.jpg": jpeg(PICTURE, p3),
        "adobe-rgb.jpg": jpeg(PICTURE, adobe),
        "prophoto.jpg": jpeg(PICTURE, prophoto),
        "cmyk.jpg": jpeg(Image.fromarray(ink, "CMYK"), of_cmyk),
        "cmyk-without.jpg": jpeg(Image.fromarray(ink, "CMYK"), b""),
        "table.png": png(AREAS, 2, iccp(of_rgb)),
        "sampled.png": png(AREAS, 2, iccp(profiles.matrix(P3, profiles.sampled(np.square)))),
        "16-bit.png": png(WIDE, 2, iccp(profiles.matrix(REC2020, profiles.gamma(2.4), 4))),
        "16-bit-gray-alpha.png": png(gray_alpha, 4, iccp(linear_gray)),
        "gray-key.png": png(AREAS[..., 0], 0, iccp(linear_gray), (b"tRNS", b"\0\1")),
        "indexed.png": saved(PICTURE.quantize(192), "PNG", icc_profile=p3),
        "gama.png": png(AREAS, 2, gama(100_000)),
        "gama-chrm.png": png(AREAS, 2, gama(55_556), (b"cHRM", P3_PRIMARIES)),
        "gama-like-srgb.png": png(AREAS, 2, gama(47_500)),
        "gama-srgb.png": png(AREAS, 2, gama(100_000), (b"sRGB", b"\0")),
        "cicp.png": png(AREAS, 2, (b"cICP", bytes((9, 1, 0, 1))), gama(100_000)),
        "prophoto.webp": saved(PICTURE, "WebP", lossless=True, icc_profile=prophoto),
        "adobe.avif": saved(PICTURE, "AVIF", quality=100, subsampling="4:4:4", icc_profile=adobe),
    }


@IN_CHROMIUM
def test_the_colors_of_a_clip_are_those_that_chromium_shows(tmp_path: Path) -> None:
    """Of all kinds of profiles, in formats that it knows: means differ by less than 1.5 levels."""
    need("chromium")
    made = dict(sorted(pictures().items()))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in made.items():
        (folder / name).write_bytes(data)
    luigi_gif.make_gif(folder, tmp_path / "clip.gif", sort="given", palette="frame")
    with Image.open(tmp_path / "clip.gif") as clip:
        frames = [np.array(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(clip)]
    far: dict[str, float] = {}
    for (name, data), frame in zip(made.items(), frames, strict=True):
        type_ = {"jpg": "jpeg"}.get(name[-3:], name.partition(".")[2])
        ((shown, _),) = shown_by_chromium(data, f"image/{type_}")
        far[name] = round(float(abs(frame - shown[..., :3]).mean()), 2)
    assert max(far.values()) < 1.5, far
