"""What changed between two images is stored, and shows exactly what the second shows."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from luigi_gif import gif as gif_
from luigi_gif.imaging import differences, pixel_data
from luigi_gif.imaging.frame_palette import Bytes

GREY = bytes(value for value in range(256) for _ in range(3))


def made(indexes: Bytes, colors: bytes) -> differences.IndexedImage:
    """An opaque image of these color indexes, and its pixels, decoded."""
    size = indexes.shape[1], indexes.shape[0]
    image = gif_.Image(
        screen=size,
        position=(0, 0),
        size=size,
        interlaced=False,
        color_table=gif_.pad_color_table(colors),
        delay_cs=0,
        transparent_index=None,
        data=pixel_data.encode_pixels(indexes),
    )
    assert (pixel_data.decode_pixels(image) == indexes).all()
    return differences.IndexedImage.of(image, image.color_table)


def shown(previous: differences.IndexedImage, stored: gif_.Image, global_table: bytes) -> Bytes:
    """What Pillow shows of the second of two images in a GIF, height x width x 3."""
    parts = [gif_.encode_header(previous.image.screen, global_table, 0, b"")]
    for image in (previous.image, stored):
        parts += [blocks(image, global_table), bytes(image.data)]
    with Image.open(io.BytesIO(b"".join(parts) + b";")) as animation:
        animation.seek(1)
        assert animation.size == previous.image.screen
        return np.asarray(animation.convert("RGB"))


def blocks(image: gif_.Image, global_table: bytes) -> bytes:
    return gif_.encode_image_blocks(
        image, delay_cs=10, disposal=gif_.DISPOSE_NOT, global_table=global_table
    )


def pixels(decoded: differences.IndexedImage) -> Bytes:
    table = np.frombuffer(decoded.image.color_table.ljust(768, b"\0"), np.uint8).reshape(-1, 3)
    return table[decoded.indexes]


def checked(
    previous: differences.IndexedImage, current: differences.IndexedImage, global_table: bytes
) -> gif_.Image:
    """What is stored of ``current``, held against what every delta promises."""
    of = differences.IndexedImage.of
    stored = differences.encode_delta(
        of(previous.image, global_table), of(current.image, global_table), global_table
    )
    assert (shown(previous, stored, global_table) == pixels(current)).all()
    whole = current.image
    assert len(blocks(stored, global_table)) + len(stored.data) <= len(
        blocks(whole, global_table)
    ) + len(whole.data)
    assert stored.screen == whole.screen
    assert stored.delay_cs == whole.delay_cs
    return stored


COLORS = st.lists(
    st.sampled_from([b"\0\0\0", b"\xff\0\0", b"\0\0\xff", b"\x01\0\0", b"\0\x01\0", b"\xff" * 3]),
    min_size=1,
    max_size=9,
).map(b"".join)


@settings(deadline=None, max_examples=60)
@given(st.data(), COLORS, COLORS, st.sampled_from(["same", "other", "third"]))
def test_a_difference_shows_what_the_image_shows(
    data: st.DataObject, colors: bytes, others: bytes, tables: str
) -> None:
    """With the same or another table, with colors twice in one, and colors beyond its end."""
    width, height = data.draw(st.tuples(st.integers(1, 24), st.integers(1, 6)))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    max_colors = data.draw(st.integers(1, 12))
    first = random.integers(0, max_colors, (height, width)).astype(np.uint8)
    second = (
        first if tables == "same" else random.integers(0, max_colors, first.shape).astype(np.uint8)
    )
    changed = random.random(first.shape) < data.draw(st.sampled_from([0, 0.02, 0.3, 1]))
    second = np.where(changed, random.integers(0, max_colors, first.shape).astype(np.uint8), second)
    previous = made(first, colors)
    current = made(second, colors if tables == "same" else others)
    table = {"same": previous, "other": current}.get(tables, previous).image.color_table
    checked(previous, current, GREY if tables == "third" else table)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([253, 254, 255, 256]),
    st.sampled_from([0, 1, 60, 700, 3000]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_no_color_need_be_free(used: int, changes: int, same_table: bool, seed: int) -> None:
    """Also where an image, or the changed part of it, has each of 256 colors."""
    random = np.random.default_rng(seed)
    table = (
        random.choice(1 << 24, 256, replace=False)
        .astype("<u4")
        .view(np.uint8)
        .reshape(-1, 4)[:, :3]
    )
    first = np.resize(np.arange(used, dtype=np.uint8), 40 * 70)
    first[1000:] = first[1000]
    second = first.copy()
    second[random.integers(0, 2800, changes)] = random.integers(0, used, changes)
    order = np.arange(256) if same_table else random.permutation(256)
    index = np.argsort(order).astype(np.uint8)
    previous = made(first.reshape(40, 70), table.tobytes())
    current = made(index[second].reshape(40, 70), table[order].tobytes())
    assert (pixels(current).reshape(-1, 3) == table[second]).all()
    stored = checked(previous, current, previous.image.color_table)
    if 1 <= changes <= 60 and same_table:
        assert len(stored.data) < len(current.image.data)


@pytest.mark.parametrize("shared", [253, 254, 255, 256])
def test_colors_of_two_full_tables_are_not_mistaken(shared: int) -> None:
    """Where each has its own beside those they share, every pair of two colors is told apart."""
    common = b"".join(bytes((1, 1, index)) for index in range(shared))
    own = [bytes((0, number, 0)) * (256 - shared) for number in (2, 3)]
    first, second = np.divmod(np.arange(1 << 16), 256)
    previous, current = (
        made(np.flip(indexes).astype(np.uint8).reshape(256, 256), common + color)
        for indexes, color in zip((first, second), own, strict=True)
    )
    same = differences._same_color(previous, current)
    equal = (pixels(previous) == pixels(current)).all(axis=2)
    assert equal[same].all()
    assert same.sum() >= min(shared, 254)


def test_what_cannot_be_marked_is_stored() -> None:
    """Where all 256 colors are among the changed pixels, the unchanged ones keep theirs."""
    first = np.zeros((40, 40), np.uint8)
    second = first.copy()
    second[0, :] = second[:, 0] = 1
    second[10:26, 10:26] = np.arange(256).reshape(16, 16)
    second[39, 39] = 1
    previous, current = made(first, GREY), made(second, GREY)
    checked(previous, current, GREY)


def test_what_is_the_same_is_one_pixel() -> None:
    """A transparent one, without a table of its own, also where the tables differ."""
    first = np.resize(np.arange(3, dtype=np.uint8), (30, 30))
    previous = made(first, b"\0\0\0\xff\0\0\0\xff\0")
    current = made(2 - first, b"\0\xff\0\xff\0\0\0\0\0")
    for other in (previous, current):
        for table in (previous.image.color_table, current.image.color_table, GREY):
            stored = checked(previous, other, table)
            assert (stored.size, stored.position) == ((1, 1), (0, 0))
            assert stored.color_table == table
            assert len(stored.data) == 5


@pytest.mark.parametrize("area", [(3, 4, 1, 1), (0, 0, 2, 3), (58, 47, 2, 1), (7, 0, 5, 48)])
def test_only_the_rectangle_that_changed_is_stored(area: tuple[int, int, int, int]) -> None:
    """Left, top, width and height are the smallest that hold all changes."""
    left, top, width, height = area
    first = np.random.default_rng(2).integers(0, 5, (48, 60)).astype(np.uint8)
    second = first.copy()
    corners = [(top, left), (top + height - 1, left + width - 1)]
    for row, column in corners:
        second[row, column] = 5 + first[row, column]
    previous, current = made(first, GREY), made(second, GREY)
    stored = checked(previous, current, GREY)
    assert stored.position == (left, top)
    assert stored.size == (width, height)


def test_an_interlaced_image_is_compared_by_its_rows() -> None:
    """What is stored of it is not interlaced."""
    first = np.random.default_rng(2).integers(0, 5, (48, 60)).astype(np.uint8)
    second = first.copy()
    second[20:22, 30:33] = 9
    file = io.BytesIO()
    picture = Image.fromarray(second)
    picture.putpalette(GREY)
    picture.save(file, "GIF", interlace=1, optimize=False)
    image, _ = gif_.read_first_image(file.getvalue())
    assert image.interlaced
    stored = checked(made(first, GREY), differences.IndexedImage.of(image, GREY), GREY)
    assert (stored.position, stored.size, stored.interlaced) == ((30, 20), (3, 2), False)


def test_an_image_that_shares_nothing_is_stored_as_it_was() -> None:
    """Where a difference would take more bytes, there is none."""
    random = np.random.default_rng(4)
    first, second = random.integers(0, 128, (2, 20, 20)).astype(np.uint8)
    previous, current = made(first, GREY), made(second + np.uint8(128), GREY)
    assert checked(previous, current, GREY) is current.image


def worth_leaving(unchanged: list[bool], indexes: list[int]) -> list[bool]:
    """One flag after another."""
    kept = [False] * len(unchanged)
    start = 0
    for index in range(len(unchanged) + 1):
        if index == len(unchanged) or not unchanged[index]:
            long = index - start >= differences.SHORTEST_STRETCH
            if long and len(set(indexes[start:index])) > 1:
                kept[start:index] = [True] * (index - start)
            start = index + 1
    return kept


STRETCHES = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=12).map(
    lambda runs: [flag for long, gap in runs for flag in [True] * long + [False] * gap]
)


@given(st.data(), STRETCHES | st.lists(st.booleans(), max_size=40), st.integers(0, 20))
def test_only_long_stretches_of_several_colors_are_left(
    data: st.DataObject, flags: list[bool], more: int
) -> None:
    """Those of 4 pixels and more, wherever they stand, and in full."""
    flags = [*flags, True, *[True] * more]
    colors = st.lists(st.integers(0, 1), min_size=len(flags), max_size=len(flags))
    indexes = data.draw(colors)
    found = differences.worth_leaving(np.array(flags, np.bool_), np.array(indexes, np.uint8))
    assert found.tolist() == worth_leaving(flags, indexes)


def test_an_image_with_a_table_of_its_own_needs_none_where_the_global_one_has_its_colors() -> None:
    """Also where it has them in another order, or some of them are of no changed pixel."""
    first = np.resize(np.arange(6, dtype=np.uint8), (12, 40))
    second = first.copy()
    second[4:7, 9:30] = 5 - second[4:7, 9:30]
    table = np.random.default_rng(4).integers(0, 256, (6, 3)).astype(np.uint8)
    previous = made(first, table.tobytes())
    current = made(5 - second, table[::-1].tobytes())
    global_table = previous.image.color_table
    assert checked(previous, current, global_table).color_table == global_table
    others = made(second, table[:5].tobytes() + b"\1\2\3")
    assert checked(previous, others, global_table).color_table != global_table
    second[second == 5] = 4
    fewer = made(second, table[:5].tobytes() + b"\1\2\3")
    assert checked(previous, fewer, global_table).color_table == global_table


def test_a_small_table_gives_small_codes() -> None:
    """An image of few colors of its own, of a table of 256, is stored with as many as it has."""
    random = np.random.default_rng(3)
    table = random.permutation(np.arange(1, 257) * 65_000).astype("<u4").view(np.uint8)
    colors = table.reshape(-1, 4)[:, :3].tobytes()
    first = np.zeros((60, 60), np.uint8)
    second = random.integers(0, 6, first.shape).astype(np.uint8) * 40
    previous = made(first, b"\1\0\0")
    stored = checked(previous, made(second, colors), previous.image.color_table)
    assert len(stored.color_table) == 3 * 8
    assert stored.data[0] == 3


COLOR = st.binary(min_size=3, max_size=3)
TABLES = st.lists(st.lists(COLOR, min_size=1, max_size=90).map(b"".join), max_size=5)


@settings(deadline=None, max_examples=25)
@given(st.lists(COLOR, min_size=1, max_size=256).map(b"".join), TABLES)
def test_a_joined_table_has_the_first_colors_and_those_of_each_other_that_fits(
    first: bytes, others: list[bytes]
) -> None:
    """As a color table, with an entry left for what is transparent if it can be."""
    joined = gif_.join_color_tables(first, map(gif_.pad_color_table, others))
    assert joined.startswith(first)
    assert len(joined) // 3 in (2, 4, 8, 16, 32, 64, 128, 256)
    known = set(gif_.split_colors(first))
    left = 256 - len(first) // 3
    for other in others:
        new = set(gif_.split_colors(gif_.pad_color_table(other))) - known
        if len(new) <= left:
            known |= new
            left -= len(new)
    assert set(gif_.split_colors(joined)) - {bytes(3)} == known - {bytes(3)}
    assert left == 0 or len(joined) // 3 > 256 - left
