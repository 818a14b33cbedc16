"""Lists of items that do not fit into memory, and what is made of them."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from luigi_gif import frames, storage
from luigi_gif.errors import StorageError
from luigi_gif.sources import Selection, chosen_items, listing
from luigi_gif.sources.chosen_items import Source
from luigi_gif.sources.item import Item, Items
from luigi_gif.sources.listing import Listing, sort_items


def items(count: int) -> list[Item]:
    """Of names and times in no order, some of them alike, as those of any source."""
    drawn = random.Random(count)
    names = [f"\udcff{drawn.randrange(count)}.gif" for _ in range(count)]
    return [
        Item(name, f"/x/{number}", number, drawn.choice([None, 1.5, drawn.random()]), "v")
        for number, name in enumerate(names)
    ]


@pytest.fixture
def _few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows are many."""
    monkeypatch.setattr(listing, "MAX_ROWS", 10)
    monkeypatch.setattr(listing, "MAX_RUNS", 3)


@pytest.mark.usefixtures("_few_rows")
@pytest.mark.parametrize("count", [0, 1, 10, 11, 25])
def test_a_listing_gives_the_rows_that_were_added(count: int) -> None:
    """However many, in their order, and as often as it is asked."""
    rows = items(count)
    with Listing(Item, rows[:5]) as listed:
        for row in rows[5:]:
            listed.append(row)
        assert len(listed) == count
        assert list(listed) == list(listed) == rows


@pytest.mark.usefixtures("_few_rows")
@pytest.mark.parametrize("count", [0, 9, 10, 11, 30, 200])
def test_items_are_sorted_in_parts(count: int) -> None:
    """Equal ones stay as they were, as if they were sorted at once."""
    rows = items(count)

    def key(item: Item) -> str:
        return item.name[:2]

    assert list(sort_items(iter(rows), key)) == sorted(rows, key=key)


def test_few_rows_need_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Many are an error in words where there is no room for them."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert len(list(sort_items(items(listing.MAX_ROWS - 1), lambda item: item.name))) == 9_999
    with pytest.raises(StorageError, match="TMPDIR"):
        list(sort_items(items(listing.MAX_ROWS), lambda item: item.name))


@pytest.mark.usefixtures("_few_rows")
def test_a_listing_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not even while it is used: a run that is killed leaves nothing."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Listing(Item, items(25)) as listed:
        assert len(list(listed)) == 25
        assert list(tmp_path.iterdir()) == []


class SimulatedItems(Items):
    """As many pictures as one likes, which lie nowhere."""

    def __init__(self, count: int) -> None:
        self._count = count

    def items(self) -> Iterator[Item]:
        for number in range(self._count):
            yield Item(f"frame_{number * 7919 % self._count}.gif", str(number), time=number / 3)

    def read(self, item: Item, size: int) -> bytes:
        raise NotImplementedError


def peak_bytes(count: int, folder: storage.LocalFolder) -> int:
    """What it takes to choose most of so many items, and to note them."""
    selection = Selection(since=1.0, first=count - 7, last=count - 10)
    source = Source("/simulated", selection, strict=True, sha256=None)
    tracemalloc.start()
    try:
        with chosen_items.choose_items(source, SimulatedItems(count)) as chosen:
            assert len(chosen) == count - 10
            frames.note_items(folder, "bundle", ((0, item.name, item.time) for item in chosen))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_the_memory_of_a_run_does_not_grow_with_its_items(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As tests/campaigns/listings.py shows with a million of them."""
    monkeypatch.setattr(listing, "MAX_ROWS", 100)
    monkeypatch.setattr(listing, "ROWS_IN_A_LINE", 2)
    folder = storage.LocalFolder(tmp_path)
    peak_bytes(200, folder)  # what is imported and cached once
    few = peak_bytes(500, folder)
    assert peak_bytes(5_000, folder) < 1.2 * few


@pytest.mark.usefixtures("_few_rows")
@pytest.mark.parametrize("count", [1, 30])
def test_items_of_a_bundle_are_noted(tmp_path: Path, count: int) -> None:
    """In a JSON file that needs not be read whole to find the item of a frame."""
    folder = storage.LocalFolder(tmp_path)
    with Listing(frames.FrameItem) as noted:
        for number in range(count):
            noted.append(frames.FrameItem(2 * number, f"item-{number}", number / 3 or None))
        frames.note_items(folder, "bundle", noted)
        rows = list(map(list, noted))
    assert folder.read_json("bundle.items.json") == {"items": rows}
    assert json.loads((tmp_path / "bundle.items.json").read_text())["items"] == rows
    names = [frames.item_name(folder, "bundle", number) for number in range(2 * count)]
    assert names == [f"item-{number // 2}" for number in range(2 * count)]
    frames.note_items(folder, "bundle", [])
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_notes_that_is_the_users_is_left_alone(tmp_path: Path) -> None:
    """It names no item."""
    (tmp_path / "bundle.items.json").write_text("[1]\n[2]\n")
    folder = storage.LocalFolder(tmp_path)
    frames.note_items(folder, "bundle", [])
    assert frames.item_name(folder, "bundle", 0) is None
    assert (tmp_path / "bundle.items.json").read_text() == "[1]\n[2]\n"
