"""What changed between two images is stored, and shows exactly what the second shows."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from luigi_gif import gif as gif_
from luigi_gif.imaging import differences
from luigi_gif.imaging import encode as image_
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
        data=image_.encode_pixels(indexes),
    )
    decoded = differences.IndexedImage.of(image)
    assert (decoded.indexes == indexes).all()
    return decoded


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
    stored = differences.encode_delta(previous, current, global_table)
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
    stored = checked(made(first, GREY), differences.IndexedImage.of(image), GREY)
    assert (stored.position, stored.size, stored.interlaced) == ((30, 20), (3, 2), False)


def test_an_image_that_shares_nothing_is_stored_as_it_was() -> None:
    """Where a difference would take more bytes, there is none."""
    random = np.random.default_rng(4)
    first, second = random.integers(0, 128, (2, 20, 20)).astype(np.uint8)
    previous, current = made(first, GREY), made(second + np.uint8(128), GREY)
    assert checked(previous, current, GREY) is current.image


def longer_runs(flags: list[bool], shortest: int) -> list[bool]:
    """One flag after another."""
    kept = [False] * len(flags)
    start = 0
    for index in range(len(flags) + 1):
        if index == len(flags) or not flags[index]:
            if index - start >= shortest:
                kept[start:index] = [True] * (index - start)
            start = index + 1
    return kept


RUNS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=12).map(
    lambda runs: [flag for long, gap in runs for flag in [True] * long + [False] * gap]
)


@given(RUNS | st.lists(st.booleans(), max_size=40), st.integers(0, 20))
def test_only_long_runs_are_kept(flags: list[bool], more: int) -> None:
    """Those of 8 or more, wherever they stand, and in full."""
    flags = flags + [True] * more
    found = differences._long_runs(np.array(flags, np.bool_))
    assert found.tolist() == longer_runs(flags, differences.SHORTEST_RUN)
