"""The rows of a PNG that are inflated at once show what Pillow shows of it."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from support.images import saved

from luigi_gif.containers import png_chunk
from luigi_gif.imaging import png_rows
from luigi_gif.imaging.decode_png import SIGNATURE, iterate_chunks

NOISE = np.random.default_rng(5).integers(0, 256, (61, 87, 4), np.uint8)
"""Of odd sides, in no multiple of the pixels of a byte."""
RGB = Image.fromarray(NOISE[..., :3])


def chunks(data: bytes) -> list[bytes]:
    return [SIGNATURE, *(data[start:end] for _, start, end in iterate_chunks(data))]


def opened(data: bytes) -> PngImageFile:
    picture = PngImageFile(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pixels_of_any_kind_are_those_that_pillow_inflates(mode: str) -> None:
    numbers = NOISE[..., 0].astype(np.uint16) * 251
    picture = Image.fromarray(numbers) if mode == "I;16" else Image.fromarray(NOISE).convert(mode)
    data = saved(picture, "PNG")
    inflated = png_rows.inflate_rows(chunks(data))
    assert inflated is not None
    mine, pillows = opened(inflated.png()), opened(data)
    assert (mine.mode, mine.tobytes()) == (pillows.mode, pillows.tobytes())
    assert mine.getpalette() == pillows.getpalette()


def test_chunks_of_pixels_may_be_small_and_stored_ones_large() -> None:
    """16 bytes a chunk; the rows are of three blocks."""
    picture = RGB.resize((300, 200))
    data = saved(picture, "PNG")
    kept = chunks(data)
    deflated = b"".join(chunk[8:-4] for chunk in kept if chunk[4:8] == b"IDAT")
    pieces = [
        png_chunk(b"IDAT", deflated[begin : begin + 16]) for begin in range(0, len(deflated), 16)
    ]
    others = [chunk for chunk in kept if chunk[4:8] != b"IDAT"]
    inflated = png_rows.inflate_rows([*others[:-1], *pieces, others[-1]])
    assert inflated is not None
    stored = inflated.png()
    assert opened(stored).tobytes() == picture.tobytes()
    with Image.open(io.BytesIO(stored)) as checked:
        checked.verify()  # its checksums too


def test_damage_is_left_to_pillow() -> None:
    data = saved(RGB, "PNG")
    kept = chunks(data)
    [place] = [index for index, chunk in enumerate(kept) if chunk[4:8] == b"IDAT"]
    deflated = kept[place][8:-4]
    rows = zlib.decompress(deflated)
    damaged = (
        deflated[:-30],  # cut off
        deflated[:-1] + bytes([deflated[-1] ^ 1]),  # its checksum
        deflated[:99] + b"\xff" * 99 + deflated[198:],
        zlib.compress(rows[:-1]),
        zlib.compress(rows + b"\0"),
        b"",
    )
    for body in damaged:
        changed = [*kept[:place], png_chunk(b"IDAT", body), *kept[place + 1 :]]
        assert png_rows.inflate_rows(changed) is None
    assert png_rows.inflate_rows([*kept[:place], *kept[place + 1 :]]) is None


def test_interlaced_and_huge_pixels_are_left_to_pillow() -> None:
    kept = chunks(saved(RGB, "PNG"))
    header = kept[1][8:-4]
    interlaced = png_chunk(b"IHDR", header[:-1] + b"\1")
    huge = png_chunk(b"IHDR", struct.pack(">2I", 1 << 15, 1 << 15) + header[8:])
    for changed in (interlaced, huge):
        assert png_rows.inflate_rows([kept[0], changed, *kept[2:]]) is None
