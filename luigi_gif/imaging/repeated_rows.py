"""PNGs that follow each other and differ in few rows: only these are decoded.

The filters of a PNG look at the row above and at the pixel on the left, so a row whose filtered
bytes are those of the picture before, below a row with the same pixels, has the same pixels too.
W3C Recommendation, Portable Network Graphics, section 9.

Each thread keeps one picture for that, the last; which one it is changes no pixel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

from luigi_gif.imaging.png_rows import InflatedRows

_MAX_BYTES = 1 << 24
"""Of the rows that a thread keeps, with their pixels, of up to four bytes."""
_SAMPLED = 16
"""Of so many rows one is looked at to tell whether most are the same."""
_APART = 16
"""Rows that are the same between two runs of others: to begin a run takes as long as these."""
_MODES = {b"\x08\0": "L", b"\x08\2": "RGB", b"\x08\3": "P", b"\x08\4": "LA", b"\x08\6": "RGBA"}
"""By what IHDR has of bit depth and color type: Pillow's modes whose bytes are those of a row."""


class _Kept(NamedTuple):
    """A picture that was decoded."""

    others: tuple[bytes, bytes]
    """What stands in front of its rows and behind them."""
    rows: bytes
    pixels: Image.Image | None = None
    """If most of its rows were those of the picture before, too."""


class _Last(threading.local):
    """What a thread has decoded last."""

    kept: _Kept | None = None


_last = _Last()


def decode_rows(png: InflatedRows, decode: Callable[[bytes], Image.Image]) -> Image.Image:
    """The pixels of a PNG, of which those that the picture before had too are taken from it.

    Parameters
    ----------
    png : InflatedRows
        The picture.
    decode : callable
        Gives the pixels of a PNG.

    Raises
    ------
    Exception
        Whatever ``decode`` raises.
    """
    before, _last.kept = _last.kept, None
    others = b"".join(png.front), b"".join(png.behind)
    if before and before.others == others and _is_near(png, before.rows):
        pixels = before.pixels and _patched(png, before.rows, before.pixels, decode)
        pixels = pixels or decode(png.png())
        if pixels.mode == _MODES.get(bytes(png.front[1][16:18])):
            _last.kept = _Kept(others, png.rows, pixels.copy())  # the caller may draw on its own
    else:
        pixels = decode(png.png())
        if len(png.rows) <= _MAX_BYTES:
            _last.kept = _Kept(others, png.rows)
    return pixels


def _is_near(png: InflatedRows, before: bytes) -> bool:
    """Whether at least a quarter of the rows are the same, by some of them."""
    size = png.row_bytes
    places = range(0, len(before), _SAMPLED * size)
    same = sum(png.rows.startswith(before[at : at + size], at) for at in places)
    return 4 * same >= len(places)


def _patched(
    png: InflatedRows, before: bytes, pixels: Image.Image, decode: Callable[[bytes], Image.Image]
) -> Image.Image | None:
    """The pixels of the picture before, with those that changed; None where most did.

    Raises whatever ``decode`` does. In each case ``pixels`` is not the picture before any more.
    """
    bands = _changed_bands(png, before)
    if sum(bottom - top for top, bottom in bands) > pixels.height * 3 // 4:
        return None
    for top, bottom in bands:
        above = _row(pixels, top - 1) if top else b""
        # One row more: if its pixels are the same too, so are all below it.
        checked = min(bottom + 1, pixels.height)
        band = decode(png.band(above, top, checked))
        band = band.crop((0, bool(above), band.width, band.height))
        if checked > bottom and _row(band, bottom - top) != _row(pixels, bottom):
            return None
        pixels.paste(band, (0, top))
    return pixels


def _row(pixels: Image.Image, number: int) -> bytes:
    """The bytes of a row of pixels."""
    return pixels.crop((0, number, pixels.width, number + 1)).tobytes()


def _changed_bands(png: InflatedRows, before: bytes) -> list[tuple[int, int]]:
    """The first row and the one behind the last, of each run of rows that differ."""
    bands: list[tuple[int, int]] = []
    for number, at in enumerate(range(0, len(before), png.row_bytes)):
        if not png.rows.startswith(before[at : at + png.row_bytes], at):
            top = bands.pop()[0] if bands and number - bands[-1][1] < _APART else number
            bands.append((top, number + 1))
    return bands
