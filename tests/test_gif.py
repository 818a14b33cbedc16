"""The GIF container is read and written by its specification."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.images import gif as make_gif

from luigi_gif import gif as gif_
from luigi_gif.errors import Malformed, Truncated


@pytest.mark.parametrize("length", range(len(make_gif())))
def test_every_cut_is_noticed(length: int) -> None:
    """A GIF that ends early is truncated, wherever that is; only the trailer may lack."""
    data = make_gif()
    if length == len(data) - 1:
        assert gif_.end_of_gif(data[:length]) == length
    else:
        with pytest.raises(Truncated):
            gif_.end_of_gif(data[:length])


@given(
    st.lists(st.integers(1, 255), max_size=40) | st.lists(st.just(255), max_size=300),
    st.integers(0, 5),
)
def test_sub_blocks_of_any_size_are_walked(lengths: list[int], start: int) -> None:
    """Short ones one by one, runs of full ones in leaps: the end is the same."""
    sub_blocks = b"".join(bytes((n,)) + b"\xff" * n for n in lengths) + b"\0"
    data = make_gif()[:-1] + b"\x21\xfe" + sub_blocks + b";"
    assert gif_.end_of_gif(b"x" * start + data + b"more", start) == start + len(data)
    for cut in (1, 2, 255, 256, 257):
        if 1 < cut < len(sub_blocks):
            with pytest.raises(Truncated):
                gif_.end_of_gif(data[:-cut])


def test_an_image_is_read_with_what_governs_it() -> None:
    """Screen, place, colors, delay and transparency are those that were written."""
    data = make_gif(2, (17, 18), duration=120, transparency=2, interlace=1)
    image, images = gif_.read_first_image(data)
    assert images == 1
    assert (image.screen, image.position, image.size) == ((17, 18), (0, 0), (17, 18))
    assert (image.delay_cs, image.transparent_index, image.interlaced) == (12, 2, True)
    assert len(image.color_table) == 3 * 4
    assert image.color_table[6:9] == bytes((30, 200, 30))
    assert not image.fills_screen


def test_several_images_are_counted() -> None:
    """The first is the one that is read."""
    others = [Image.open(io.BytesIO(make_gif(color))) for color in (2, 3)]
    data = make_gif(1, save_all=True, append_images=others, duration=50)
    image, images = gif_.read_first_image(data)
    assert images == 3
    assert image.delay_cs == 5


@pytest.mark.parametrize(
    ("position", "byte", "expected"),
    [
        (0, b"g", "GIF87a or GIF89a"),
        (10, b"\0", "a local or a global color table"),
        (25, b"!\xf9\x03", "Graphic Control Extension of 4 bytes"),
        (25, b"?", "an image, an extension or the trailer"),
        (34, b"\xff\xff", "an image within 65,535 pixels"),
        (38, b"\0\0", "an image with pixels"),
    ],
)
def test_what_no_gif_can_hold_is_named(position: int, byte: bytes, expected: str) -> None:
    """The error says what was expected, where, and what there is."""
    data = make_gif(duration=10)
    table = 13 + 12
    assert data[table : table + 2] == b"!\xf9"
    if position == 10:
        data = data[:10] + byte + data[11:13] + data[table:]
    else:
        data = data[:position] + byte + data[position + len(byte) :]
    with pytest.raises(Malformed) as error:
        gif_.read_first_image(data)
    assert expected in error.value.expected


@pytest.mark.parametrize("plays", [0, 1, 2, 3, 65_536])
@pytest.mark.parametrize("comment", [b"short", b"x" * 700])
def test_a_header_says_how_often_and_what_for(plays: int, comment: bytes) -> None:
    """Pillow reads the repeats, one less than the plays; without any the GIF plays once."""
    image, _ = gif_.read_first_image(make_gif(1, (3, 2)))
    data = b"".join(
        (
            gif_.encode_header((3, 2), image.color_table, plays, comment),
            gif_.encode_image_blocks(
                image,
                delay_cs=4,
                disposal=gif_.DISPOSE_NOT,
                global_table=image.color_table,
            ),
            image.data,
            bytes((gif_.TRAILER,)),
        )
    )
    assert gif_.read_first_comment(data) == comment
    shown = Image.open(io.BytesIO(data))
    assert shown.info.get("loop") == {0: 0, 1: None}.get(plays, plays - 1)
    assert shown.info["duration"] == 40
    assert shown.info["comment"] == comment
    assert shown.convert("RGB").getpixel((2, 1)) == (200, 30, 30)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"mine", make_gif(), make_gif()[:20]])
def test_there_may_be_no_comment(data: bytes) -> None:
    """Also where there is no GIF, or not enough of one."""
    assert gif_.read_first_comment(data) is None


def test_zeros_between_blocks_are_passed_over() -> None:
    """Some encoders write one Block Terminator too many; decoders show such a GIF."""
    data = make_gif(1)
    doubled = data[:-1] + b"\0\0" + data[-1:]
    assert gif_.end_of_gif(doubled + b"\n\n\n\n") == len(doubled)
    assert gif_.read_first_image(doubled)[1] == 1


def test_a_gif_without_an_image_is_named() -> None:
    """Its blocks are whole."""
    data = make_gif()
    with pytest.raises(Malformed, match="an image") as error:
        gif_.read_first_image(data[: data.index(b",")] + b";")
    assert error.value.got == "a GIF without one"


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("sub_blocks.MAX_SHORT_SUB_BLOCKS", "a block whose sub-blocks are full"),
        ("block_reader.MAX_BLOCKS", "at most 9 blocks"),
    ],
)
def test_a_gif_cannot_ask_for_endless_work(
    monkeypatch: pytest.MonkeyPatch, limit: str, expected: str
) -> None:
    """The number of its blocks, and of short pieces in one, is bounded."""
    short = b"\x01x" * 9 + b"\0"
    blocks = b"!\xfe\x01x\0" * 9
    data = make_gif()[:-1] + b"!\xfe" + short + blocks + b";"
    assert gif_.end_of_gif(data) == len(data)
    monkeypatch.setattr(f"luigi_gif.gif.{limit}", 9)
    with pytest.raises(Malformed) as error:
        gif_.end_of_gif(data)
    assert error.value.expected == expected
