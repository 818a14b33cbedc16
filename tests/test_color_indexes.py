"""The color indexes of an image: one of them transparent, encoded, decoded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.encoded import made, shown

from luigi_gif import gif as gif_
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import gif_pictures, pixel_data
from luigi_gif.imaging.frame_palette import Bytes


def whole(image: gif_.Image) -> Bytes:
    """What is shown of the image alone."""
    return shown(image._replace(screen=image.size, position=(0, 0)))


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 8),
    st.integers(1, 255),
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.integers(0, 2**32 - 1),
)
def test_a_transparent_index_is_one_that_no_pixel_has(
    bits: int, used: int, shape: tuple[int, int], seed: int
) -> None:
    """No pixel changes, whatever the size of the table, while a color is free."""
    random = np.random.default_rng(seed)
    table = random.integers(0, 256, 3 << bits).astype(np.uint8).tobytes()
    in_use = random.permutation(1 << bits)[:used].astype(np.uint8)
    indexes = in_use[random.integers(0, len(in_use), shape)]
    image = made(indexes, table)
    cleared = gif_pictures.make_clearable(image)
    assert cleared.transparent_index is not None
    assert cleared.transparent_index not in indexes
    assert 3 * cleared.transparent_index < len(cleared.color_table)
    assert (whole(cleared) == whole(image)).all()
    assert (cleared.screen, cleared.position, cleared.size) == (
        image.screen,
        image.position,
        image.size,
    )
    assert gif_pictures.make_clearable(cleared) is cleared


def test_where_all_256_colors_are_in_use_one_is_given_up() -> None:
    """All pixels stay opaque and near to what they were, where they were."""
    random = np.random.default_rng(2)
    table = random.choice(1 << 24, 256, replace=False).astype("<u4").view(np.uint8)
    colors_ = table.reshape(-1, 4)[:, :3]
    indexes = random.permutation(np.resize(np.arange(256, dtype=np.uint8), 40 * 30))
    image = made(indexes.reshape(30, 40), colors_.tobytes())
    cleared = gif_pictures.make_clearable(image)
    assert cleared.transparent_index is not None
    assert (cleared.screen, cleared.position, cleared.size) == ((46, 34), (3, 2), (40, 30))
    before, after = whole(image), whole(cleared)
    assert (after[..., 3] == 255).all()
    changed = (before != after).any(axis=2)
    assert len(np.unique(indexes.reshape(30, 40)[changed])) == 1
    assert abs(before.astype(int) - after)[changed].max() < 40


def test_colors_that_stand_twice_cost_none() -> None:
    """Where all 256 indexes are in use but two are of one color, no pixel changes."""
    table = bytearray(value for value in range(256) for _ in range(3))
    table[3:6] = table[:3]
    indexes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = made(indexes, bytes(table))
    cleared = gif_pictures.make_clearable(image)
    assert cleared.transparent_index is not None
    assert (whole(cleared) == whole(image)).all()


def test_an_image_that_cannot_be_decoded_cannot_be_made_clearable() -> None:
    """If that takes its pixels: while its table is small, nobody looks."""
    indexes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = made(indexes, bytes(768))._replace(data=memoryview(b"\x08\x01\xff\0"))
    with pytest.raises(Undecodable, match="whose pixels can be decoded"):
        gif_pictures.make_clearable(image)
    assert (
        gif_pictures.make_clearable(image._replace(color_table=bytes(3 * 128))).transparent_index
        == 128
    )


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.integers(1, 256),
    st.integers(0, 2**32 - 1),
)
def test_what_is_encoded_is_decoded(shape: tuple[int, int], color_range: int, seed: int) -> None:
    """Every index, also where the table has no such color."""
    indexes = np.random.default_rng(seed).integers(0, color_range, shape).astype(np.uint8)
    image = made(indexes, bytes(range(6)))._replace(screen=shape[::-1], position=(0, 0))
    assert (gif_pictures.decode_indexes(gif_.encode_single(image)) == indexes).all()


@settings(max_examples=50)
@given(st.sets(st.integers(0, 255)))
def test_the_first_index_that_is_not_used_is_free(used: set[int]) -> None:
    """None where all 256 are."""
    found = pixel_data.free_index(np.array(sorted(used), np.uint8))
    assert found == next((index for index in range(256) if index not in used), None)


def test_no_file_in_memory_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sandbox forbids it, or the system has none, the bytes are the same."""
    indexes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    usual = bytes(pixel_data.encode_pixels(indexes))

    def forbidden(name: str) -> int:
        raise PermissionError(1, name)

    monkeypatch.setattr("os.memfd_create", forbidden)
    assert bytes(pixel_data.encode_pixels(indexes)) == usual
    monkeypatch.delattr("os.memfd_create")
    assert bytes(pixel_data.encode_pixels(indexes)) == usual
