"""Image data that do not give all of their pixels are found, whatever is wrong with them."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.clips import make_clip
from support.decoders import DECODERS, EACH_DECODER, installed
from support.images import DELIMITER
from support.page_server import Server

import luigi_gif
from luigi_gif import gif as gif_
from luigi_gif.errors import BundleError, DamagedFileError
from luigi_gif.frames import write_frames
from luigi_gif.gif import lzw

END = "the End code"


def packed(codes: list[int], minimum_code_size: int, sub_block: int = 255) -> bytes:
    """Image data of these codes, each as wide as a decoder will read it."""
    clear = 1 << minimum_code_size
    bits, filled, width, known = 0, 0, minimum_code_size + 1, 0
    data = bytearray()
    for code in codes:
        bits |= code << filled
        filled += width
        while filled >= 8:
            data.append(bits & 255)
            bits, filled = bits >> 8, filled - 8
        if code == clear:
            width, known = minimum_code_size + 1, clear + 1
        else:
            known = min(known + 1, 4096)
            width += known == 1 << width and width < 12
    data += bits.to_bytes((filled + 7) // 8, "little")
    pieces = [data[start : start + sub_block] for start in range(0, len(data), sub_block)]
    blocks = b"".join(bytes((len(piece),)) + piece for piece in pieces)
    return bytes((minimum_code_size,)) + blocks + b"\0"


def strings(codes: list[int], clear: int) -> list[bytes] | None:
    """What a plain decoder makes of codes that begin with Clear; None for an invalid one."""
    table: list[bytes] = []
    shown: list[bytes] = []
    last = b""
    for code in codes:
        if code == clear:
            table, last = [bytes((index,)) for index in range(clear)] + [b"", b""], b""
            continue
        if code == clear + 1:
            break
        if code > len(table) or (code == len(table) and (not last or len(table) == 4096)):
            return None
        string = table[code] if code < len(table) else last + last[:1]
        if last and len(table) < 4096:
            table.append(last + string[:1])
        shown.append(string)
        last = string
    return shown


def counted(codes: list[int], minimum_code_size: int, enough: int = 1 << 40) -> lzw.PixelCount:
    data = packed(codes, minimum_code_size)
    return lzw.count_pixels(lzw.code_data(data), minimum_code_size, enough)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 8), st.integers(0, 9000), st.integers(0, 2**32 - 1), st.booleans())
def test_pixels_are_counted_as_a_decoder_gives_them(
    bits: int, number: int, seed: int, clears: bool
) -> None:
    """For valid codes of every width, with a table that is cleared, full, or short."""
    draw = random.Random(seed)
    clear = 1 << bits
    codes, known = [clear], clear + 2
    for _ in range(number):
        if clears and draw.random() < 0.0005:
            codes.append(clear)
            known = clear + 2
        fresh = codes[-1] == clear
        code = draw.randrange(clear if fresh or draw.random() < 0.3 else known)
        codes.append(code if code not in (clear, clear + 1) else 0)
        known = min(known + (not fresh), 4096)
    codes.append(clear + 1)
    shown = strings(codes, clear)
    assert shown is not None
    assert counted(codes, bits) == (sum(map(len, shown)), END)


def test_an_invalid_code_is_told() -> None:
    """With the pixels before it; one that is valid only a code later is one too."""
    assert counted([4, 0, 7, 5], 2) == (1, "the invalid code 7")
    assert counted([4, 0, 1, 7, 5], 2) == (4, END)
    assert counted([4, 0, 6, 7, 15, 5], 2) == (6, "the invalid code 15")
    assert counted([4, 7, 5], 2) == (0, "the invalid code 7")
    assert counted([4, 0, 4, 6, 5], 2) == (1, "the invalid code 6")


def test_what_comes_behind_the_last_pixel_does_not_count() -> None:
    """No decoder looks at it: neither an invalid code nor a missing end."""
    assert counted([4, 0, 1, 7, 7, 5], 2, enough=2).end == ""
    assert counted([4, 0, 1], 2, enough=2).end == ""
    assert counted([4, 0, 5, 1, 1], 2, enough=2) == (1, END)
    assert lzw.count_pixels(b"", 2, 1) == (0, "the end of the data")


@pytest.mark.parametrize("sub_block", [1, 7, 254, 255])
def test_codes_are_joined(sub_block: int) -> None:
    """Whatever the lengths of their sub-blocks, and where the data end before these do."""
    codes = [256, *random.Random(1).choices(range(256), k=900), 257]
    data = packed(codes, 8, sub_block)
    whole = lzw.code_data(data)
    assert whole == lzw.code_data(packed(codes, 8, 200))
    for end in range(1, len(data)):
        assert whole.startswith(lzw.code_data(data[:end]))
    assert lzw.code_data(data[:-1]) == whole


def test_an_image_too_large_for_any_memory_is_counted() -> None:
    """65535x65535 pixels, of which 4 are there."""
    data = packed([4, 0, 1, 2, 3, 5], 2)
    assert lzw.count_image_pixels(data, (65535, 65535)) == (4, END)


def noise(seed: int = 1, size: tuple[int, int] = (150, 120)) -> bytes:
    """A GIF that fills its table several times."""
    indexes = np.random.default_rng(seed).integers(0, 200, size[::-1]).astype(np.uint8)
    image = Image.fromarray(indexes).convert("P")
    image.putpalette([value for index in range(256) for value in (index, 255 - index, 9)])
    file = io.BytesIO()
    image.save(file, "GIF", optimize=False, interlace=0)
    return file.getvalue()


def data_of(file: bytes) -> tuple[gif_.Image, bytes]:
    image, _ = gif_.read_first_image(file)
    return image, bytes(image.data)


def test_a_glance_tells_that_data_are_whole() -> None:
    """Of an encoder that clears a full table, in sizes that end anywhere."""
    for height in range(60, 90):
        image, data = data_of(noise(1, (150, height)))
        assert lzw.looks_whole(image.data), height
        assert lzw.count_pixels(lzw.code_data(data), 8, 1 << 40) == (150 * height, END)


def test_a_glance_finds_what_is_lost_inserted_and_overwritten() -> None:
    """Bytes that are missing or too many before the last Clear code, and some thousand zeros."""
    _, data = data_of(noise())
    codes = lzw.code_data(data)
    draw = random.Random(1)
    for _ in range(200):
        index, length = draw.randrange(300, len(codes) // 2), draw.randrange(1, 200)
        for other in (
            codes[:index] + codes[index + length :],
            codes[:index] + draw.randbytes(length) + codes[index:],
            codes[:index] + bytes(6000) + codes[index + 6000 :],
            codes[:index],
        ):
            pieces = [other[start : start + 255] for start in range(0, len(other), 255)]
            blocks = b"".join(bytes((len(piece),)) + piece for piece in pieces)
            assert not lzw.looks_whole(data[:1] + blocks + b"\0")


@pytest.mark.parametrize(
    "data", [b"\x08\x00", b"\x08\x01\x00\x00", b"\x02\x02\x44\x01\x00", packed([256, 257], 8)]
)
def test_little_data_tell_nothing_at_a_glance(data: bytes) -> None:
    """They are counted."""
    assert not lzw.looks_whole(data)


def damaged(file: bytes, change: str) -> bytes:
    """The GIF with codes that a decoder stumbles over, or too few."""
    image, _ = data_of(file)
    pixels = image.size[0] * image.size[1]
    number = {"none": 0, "one too few": pixels - 1, "half": pixels // 2, "an invalid code": 40}
    codes = [code for index in range(number[change]) for code in (4, index % 4)]
    if change == "an invalid code":
        codes += [4, 0, 7, *codes]
    return gif_.encode_single(image._replace(data=memoryview(packed([*codes, 5], 2))))


def small(color: int) -> bytes:
    image = Image.new("P", (12, 9), color)
    image.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30, 30, 30, 200])
    image.putpixel((11, 8), 0)
    file = io.BytesIO()
    image.save(file, "GIF", optimize=False)
    return file.getvalue()


CHANGES = ["none", "one too few", "half", "an invalid code"]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("options", [{}, {"size": (24, 18)}, {"optimize": "lossless"}])
def test_damaged_pixels_are_a_bad_frame(
    tmp_path: Path, change: str, options: dict[str, object]
) -> None:
    """The error says which frame and how many pixels, whatever is done with them."""
    bundle = DELIMITER.join([small(1), damaged(small(2), change), small(3)])
    with pytest.raises(BundleError, match="frame 1 of the bundle is not usable") as error:
        make_clip(bundle, tmp_path / "work", **options)
    assert "12x9 = 108 pixels" in error.value.expected
    assert "before" in error.value.got


@EACH_DECODER
def test_without_the_damaged_frames_every_decoder_shows_the_others(
    tmp_path: Path, program: str
) -> None:
    """All of them, where one would spoil the clip for most."""
    if not installed(program):
        pytest.skip(f"{program} is not installed")
    files = [small(1), *(damaged(small(2), change) for change in CHANGES), small(3), small(2)]
    clip = make_clip(DELIMITER.join(files), tmp_path / "work", on_bad_frame="skip")
    shown = DECODERS[program](clip)
    assert [tuple(each[0, 0, :3]) for each in shown] == [
        (200, 30, 30), (30, 30, 200), (30, 200, 30),
    ]  # fmt: skip


def odd_ends() -> dict[str, bytes]:
    """GIFs whose pixels are those of ``small(2)``, and that are odd behind them."""
    whole = small(2)
    rows = [2] * (12 * 9 - 1) + [0] + [1] * 40
    more = io.BytesIO()
    with Image.open(io.BytesIO(whole)) as first, Image.open(io.BytesIO(small(3))) as second:
        first.save(more, "GIF", save_all=True, append_images=[second])
    return {
        "Trailer": whole[:-1],
        "Block Terminator": whole[:-2],
        "half": whole[:-3],
        "comment": whole[:-1] + b"!\xfe\x20begun",
        "junk": whole[:-1] + b"junk",
        "second": more.getvalue()[:-9],
        "extra image": gif_.encode_single(
            gif_.read_first_image(whole)[0]._replace(
                data=memoryview(packed([code for n in rows for code in (4, n)] + [5], 2))
            )
        ),
    }


ODD = odd_ends()


@pytest.mark.parametrize("end", ODD)
def test_a_gif_that_is_odd_only_behind_its_pixels_is_shown(end: str, tmp_path: Path) -> None:
    """In the midst of a bundle and at its end."""
    whole, other = small(2), ODD[end]
    expected = make_clip(DELIMITER.join([small(1), whole, whole, small(3), whole]), tmp_path / "a")
    clip = make_clip(DELIMITER.join([small(1), other, other, small(3), other]), tmp_path / "b")
    show = DECODERS["python3"]
    np.testing.assert_array_equal(show(clip), show(expected))


@EACH_DECODER
def test_every_decoder_shows_gifs_that_are_odd_behind_their_pixels(
    program: str, tmp_path: Path
) -> None:
    """All of them in one clip, as browsers do."""
    if not installed(program):
        pytest.skip(f"{program} is not installed")
    others = [small(1), *ODD.values(), small(3), *ODD.values()]
    rights = [small(1), *[small(2)] * len(ODD), small(3), *[small(2)] * len(ODD)]
    clip = make_clip(DELIMITER.join(others), tmp_path / "a")
    show = DECODERS[program]
    np.testing.assert_array_equal(
        show(clip), show(make_clip(DELIMITER.join(rights), tmp_path / "b"))
    )


def test_in_a_large_bundle_most_damage_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where counting would take too long, frames that do not look whole are counted still."""
    monkeypatch.setattr(write_frames, "MAX_COUNTED_BYTES", 0)
    image, data = data_of(noise())
    codes = lzw.code_data(data)
    cut = codes[: len(codes) // 2]
    blocks = b"".join(bytes((255,)) + cut[i : i + 255] for i in range(0, len(cut) - 254, 255))
    half = gif_.encode_single(image._replace(data=memoryview(data[:1] + blocks + b"\0")))
    for bad in (half, damaged(small(2), "one too few")):
        folder = tmp_path / str(len(bad))
        bundle = DELIMITER.join([noise(), bad, noise(2)])
        clip = make_clip(bundle, folder, on_bad_frame="skip")
        assert len(DECODERS["python3"](clip)) == 2


def colored(number: int) -> bytes:
    """A GIF of other colors than gray ones, which Pillow needs decoded."""
    image, _ = data_of(noise(number))
    table = bytes(image.color_table[3:]) + b"\xff\x00\x80"
    return gif_.encode_single(image._replace(color_table=table))


def short_of_a_row() -> bytes:
    """A GIF that looks whole, but has too few pixels."""
    image, _ = data_of(noise())
    codes = [256]
    for index in range(150 * 119):
        codes += [256] * (index > 0 and index % 3836 == 0) + [index % 7]
    return gif_.encode_single(image._replace(data=memoryview(packed([*codes, 257], 8))))


def test_what_looked_whole_is_found_where_pixels_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame is then written anew, and counted: it is bad, or left out as was asked."""
    monkeypatch.setattr(write_frames, "MAX_COUNTED_BYTES", 0)
    bad = short_of_a_row()
    assert lzw.looks_whole(gif_.read_first_image(bad)[0].data)
    bundle = DELIMITER.join([noise(), bad, noise(2)])
    for choice in ("fail", "skip"):
        options = {"optimize": "lossless", "on_bad_frame": choice}
        with pytest.raises(DamagedFileError, match="damaged pixels"):
            make_clip(bundle, tmp_path / choice, **options)
        task = luigi_gif.CombineGif(url="unused", workdir=str(tmp_path / choice), **options)
        if choice == "fail":
            with pytest.raises(BundleError, match="frame 1 of the bundle is not usable"):
                task.requires().run()
            continue
        for step in (task.requires(), task):
            step.run()
        assert len(DECODERS["python3"](tmp_path / choice / "clip.gif")) == 2


@pytest.mark.parametrize("places", [(0, 1), (2, 5), (6,)])
@pytest.mark.parametrize(
    "options", [{"also": "webp"}, {"optimize": "lossless"}, {"also": "apng", "bounce": True}]
)
def test_all_that_only_looked_whole_is_left_out_once_one_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    places: tuple[int, ...],
    options: dict[str, Any],
) -> None:
    """One call looks at all frames once more; a refresh does not forget it."""
    monkeypatch.setattr(write_frames, "MAX_COUNTED_BYTES", 0)
    pictures, clip = tmp_path / "pictures", tmp_path / "clip.gif"
    pictures.mkdir()
    for number in range(7):
        data = short_of_a_row() if number in places else colored(number)
        (pictures / f"{number}.gif").write_bytes(data)
    options = options | {"on_bad_frame": "skip", "refresh": True, "workdir": tmp_path / "work"}
    made = luigi_gif.make_gif(pictures, clip, **options)
    assert len(made.left_out) == len(places)
    shown = 7 - len(places)
    shown = 2 * shown - 2 if "bounce" in options else shown
    assert len(DECODERS["python3"](clip)) == made.frames == shown
    for path in made.also.values():
        with Image.open(path) as image:
            assert getattr(image, "n_frames", 1) == shown
    (pictures / "7.gif").write_bytes(short_of_a_row())
    again = luigi_gif.make_gif(pictures, clip, **options)
    assert (again.frames, len(again.left_out)) == (shown, len(places) + 1)


def test_without_a_work_directory_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no later run could know what was found."""
    monkeypatch.setattr(write_frames, "MAX_COUNTED_BYTES", 0)
    frames = [colored(0), short_of_a_row(), colored(2)]
    options: dict[str, Any] = {"optimize": "lossy", "on_bad_frame": "skip"}
    assert luigi_gif.make_gif(frames, tmp_path / "clip.gif", **options).frames == 2
    with pytest.raises(BundleError, match="frame 1 of the bundle is not usable"):
        luigi_gif.make_gif(frames, tmp_path / "clip.gif", optimize="lossy")


def test_looking_once_more_asks_no_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server
) -> None:
    """One run fetches one version, also where it goes back to a step before."""
    monkeypatch.setattr(write_frames, "MAX_COUNTED_BYTES", 0)
    server.pages["/b.img"] = DELIMITER.join([colored(0), short_of_a_row(), colored(2)])
    options: dict[str, Any] = {"also": "webp", "on_bad_frame": "skip", "refresh": True}
    made = luigi_gif.make_gif(server.url("/b.img"), tmp_path / "clip.gif", **options)
    assert made.frames == 2
    assert server.requests == ["/b.img"]


def test_a_refreshed_clip_has_the_frames_of_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one only looks whole."""
    monkeypatch.setattr(write_frames, "MAX_COUNTED_BYTES", 0)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        (pictures / f"{number}.gif").write_bytes(noise(number))
    options = {"on_bad_frame": "skip", "refresh": True}
    luigi_gif.make_gif(pictures, tmp_path / "old.gif", workdir=tmp_path / "old", **options)
    (pictures / "3.gif").write_bytes(short_of_a_row())
    refreshed = luigi_gif.make_gif(
        pictures, tmp_path / "old.gif", workdir=tmp_path / "old", **options
    )
    new = luigi_gif.make_gif(pictures, tmp_path / "new.gif", workdir=tmp_path / "new", **options)
    assert refreshed.frames == new.frames
