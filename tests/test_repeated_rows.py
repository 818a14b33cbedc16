"""PNGs of which only the rows that changed are decoded show what Pillow shows of them."""

from __future__ import annotations

import io
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from support.images import saved

from luigi_gif.containers import png_chunk
from luigi_gif.imaging import decode_png, png_rows, repeated_rows
from luigi_gif.imaging.decode_png import SIGNATURE, iterate_chunks

WIDTH, HEIGHT = 53, 120
_BYTES = {"L": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4}


@pytest.fixture(autouse=True)
def nothing_decoded() -> None:
    """What tests before have decoded does not count."""
    repeated_rows._last.kept = None


def pictures(mode: str, *, seed: int = 1) -> Iterator[Image.Image]:
    """Some that change in one place, in two, at the edges, in all places, or nowhere."""
    random = np.random.default_rng(seed)
    shape = HEIGHT, WIDTH, _BYTES[mode]
    pixels = random.integers(0, 256, shape, np.uint8)
    first = Image.fromarray(pixels.squeeze(), "L" if mode == "P" else mode)
    if mode == "P":
        first = first.convert("RGB").quantize(200)
    palette = first.getpalette()
    pixels = np.asarray(first).reshape(shape).copy()
    changes = [[], [], [(20, 30)], [(40, 41)], [(0, 3)], [(HEIGHT - 1, HEIGHT)], [(5, 9), (70, 80)]]
    changes += [[(0, HEIGHT)], [(50, 52), (54, 55)], [], [(0, 1), (40, 44), (HEIGHT - 2, HEIGHT)]]
    for bands in changes:
        for top, bottom in bands:
            left = int(random.integers(WIDTH))
            pixels[top:bottom, left:] = random.integers(0, 200, shape[2], np.uint8)
        picture = Image.frombytes(mode, (WIDTH, HEIGHT), pixels.tobytes())
        if palette:
            picture.putpalette(palette)
        yield picture


def filtered(picture: Image.Image, filters: Callable[[int], int]) -> bytes:
    """A PNG of a picture, each of whose rows has the filter that its number gives: PNG, 9.2."""
    data = saved(picture, "PNG")
    others = [data[start:end] for _, start, end in iterate_chunks(data) if data[start + 4] != 73]
    header = next(data[start:end] for kind, start, end in iterate_chunks(data) if kind == b"IHDR")
    pixel = _BYTES[picture.mode]
    rows = np.frombuffer(picture.tobytes(), np.uint8).reshape(HEIGHT, -1).astype(np.int16)
    above, out = np.zeros_like(rows[0]), bytearray()
    for number, row in enumerate(rows):
        left = np.concatenate([np.zeros(pixel, np.int16), row[:-pixel]])
        corner = np.concatenate([np.zeros(pixel, np.int16), above[:-pixel]])
        guess = left + above - corner
        apart = np.abs([guess - left, guess - above, guess - corner])
        paeth = np.choose(apart.argmin(axis=0), [left, above, corner])
        kind = filters(number)
        taken = [0 * row, left, above, (left + above) // 2, paeth][kind]
        out += bytes([kind]) + (row - taken).astype(np.uint8).tobytes()
        above = row
    body = png_chunk(b"IDAT", zlib.compress(bytes(out)))
    return b"".join([SIGNATURE, header, *others, body, png_chunk(b"IEND", b"")])


def pixels_of(data: bytes) -> tuple[str, bytes, object, object]:
    picture = decode_png.open_png(data).load_pixels()
    assert isinstance(picture, Image.Image)
    shown = picture.mode, picture.tobytes(), picture.getpalette(), picture.info.get("transparency")
    picture.paste(0, (0, 0, *picture.size))  # as a caption is drawn on it
    return shown


def pillows(data: bytes) -> tuple[str, bytes, object, object]:
    picture = PngImageFile(io.BytesIO(data))
    picture.load()
    return picture.mode, picture.tobytes(), picture.getpalette(), picture.info.get("transparency")


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, "any"])
@pytest.mark.parametrize("mode", _BYTES)
def test_each_picture_is_decoded_as_if_it_were_alone(mode: str, kind: int | str) -> None:
    random = np.random.default_rng(3)
    chosen = [int(number) for number in random.integers(0, 5, HEIGHT)]
    for picture in pictures(mode):
        filters = (lambda number: chosen[number]) if kind == "any" else (lambda _: int(kind))
        data = filtered(picture, filters)
        assert pixels_of(data) == pillows(data)
        # A writer may also choose another filter for a row whose pixels are the same.
        chosen[int(random.integers(HEIGHT))] = int(random.integers(5))


def test_only_the_rows_that_changed_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    heights = []
    load = decode_png._load_pixels

    def noted(png: bytes, *arguments: Any) -> Image.Image:
        heights.append(int.from_bytes(png[20:24], "big"))
        return load(png, *arguments)

    monkeypatch.setattr(decode_png, "_load_pixels", noted)
    for picture in pictures("RGB"):
        pixels_of(filtered(picture, lambda _: 0))
    # The first; the second, of which it is seen that it is the same; nothing; then the rows that
    # changed, one above and one below.
    expected = [[HEIGHT], [HEIGHT], [12], [3], [4], [2], [6, 12], [HEIGHT], [HEIGHT], [], [2, 6, 3]]
    assert heights == [height for each in expected for height in each]


def test_other_colors_of_a_table_are_another_picture() -> None:
    picture = next(pictures("P"))
    for number in range(6):
        picture.putpalette(bytes(range(number, number + 200)) * 3)
        data = saved(picture, "PNG", **({"transparency": number} if number % 2 else {}))
        for _ in range(3):
            assert pixels_of(data) == pillows(data)


def test_rows_of_other_bytes_than_their_pixels_are_decoded_whole() -> None:
    """Of one, two and four bits, and of 16."""
    random = np.random.default_rng(2)
    gray = random.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    wide = Image.fromarray(gray.astype(np.uint16) * 251)
    few = Image.fromarray(gray).convert("RGB").quantize(13)
    for picture in (wide, few, few.convert("1")):
        for top in (0, 0, 0, 40, 60, 90):
            picture.paste(top, (0, top, 30, top + 3))
            data = saved(picture, "PNG")
            assert pixels_of(data) == pillows(data)


def test_damage_is_of_the_picture_that_has_it() -> None:
    good = [filtered(picture, lambda _: 2) for picture in pictures("RGB")][:4]
    for data in good[:3]:
        pixels_of(data)
    bad_rows = bytearray(png_rows_of(good[3]))
    bad_rows[41 * (1 + 3 * WIDTH)] = 9  # no filter has this number
    front = good[3].split(b"IDAT")[0][:-4]
    bad = front + png_chunk(b"IDAT", zlib.compress(bytes(bad_rows))) + png_chunk(b"IEND", b"")
    with pytest.raises(OSError, match="image"):
        pixels_of(bad)
    assert pixels_of(good[3]) == pillows(good[3])


def png_rows_of(data: bytes) -> bytes:
    kept = [SIGNATURE, *(data[start:end] for _, start, end in iterate_chunks(data))]
    inflated = png_rows.inflate_rows(kept)
    assert inflated is not None
    return inflated.rows


def test_threads_do_not_share_what_they_decoded() -> None:
    files = [
        [filtered(picture, lambda _: 4) for picture in pictures("RGB", seed=seed)]
        for seed in range(2)
    ]
    wrong: list[int] = []

    def decode(which: int) -> None:
        for _ in range(5):
            wrong.extend(
                number
                for number, data in enumerate(files[which])
                if pixels_of(data) != pillows(data)
            )

    threads = [threading.Thread(target=decode, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
