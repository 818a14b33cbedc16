"""URLs with the fields of a time in them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from luigi_gif.errors import ParameterError
from luigi_gif.sources import dated_items as module
from luigi_gif.sources.dated_items import dated_items, is_dated


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host/%Y/%m/%d.png", True),
        ("https://host/%H%M.png", True),
        ("https://host/a%20b.png", False),
        ("https://host/%d0%b0.png", False),
        ("/radar/%Y.png", True),
        ("a.png", False),
    ],
)
def test_a_dated_url_is_told_from_an_encoded_one(url: str, expected: bool) -> None:
    """By a letter that is no hexadecimal digit."""
    assert is_dated(url) == expected


def test_what_exists_under_its_very_name_is_not_dated(tmp_path: Path) -> None:
    (tmp_path / "50%Max").mkdir()
    assert not is_dated(str(tmp_path / "50%Max"))
    assert is_dated(str(tmp_path / "60%Max"))


def test_several_sources_are_not_dated() -> None:
    assert not is_dated('["/radar/%Y.png", "/radar/a.png"]')


def test_there_is_an_item_for_each_step_of_time() -> None:
    """From the first to the last, both included; %% is a percent sign."""
    url = "https://host/%Y%m%d/%H%M.png?a=%%20"
    items = list(dated_items(url, at("2026-11-23T23:50"), at("2026-11-24T00:10"), 600, UTC))
    assert [item.place for item in items] == [
        "https://host/20261123/2350.png?a=%20",
        "https://host/20261124/0000.png?a=%20",
        "https://host/20261124/0010.png?a=%20",
    ]
    assert items[1].time == at("2026-11-24T00:00")


def test_times_in_a_url_are_in_the_zone_that_is_asked_for() -> None:
    """In the night in which summer time ends, an hour comes twice, and its URLs name it once."""
    begin, zone = at("2026-10-24T23:30"), ZoneInfo("Europe/Oslo")
    items = dated_items("https://host/%H%M.png", begin, begin + 3 * 3600, 1800, zone)
    told = [item.place[-8:-4] for item in items]
    assert told == ["0130", "0200", "0230", "0300", "0330"]


@pytest.mark.parametrize(
    ("zone", "begin", "step_s", "told"),
    [
        ("Europe/Oslo", "2026-10-23T22:00", 86_400, ["24 0000", "25 0000", "26 0000", "27 0000"]),
        ("Europe/Oslo", "2026-03-28T23:00", 6 * 3600, ["29 0000", "29 0600", "29 1200"]),
        ("Asia/Kolkata", "2026-11-10T18:10", 3600, ["11 0000", "11 0100"]),
        ("Europe/Oslo", "2026-03-29T00:30", 1800, ["29 0130", "29 0300", "29 0330"]),
    ],
)
def test_whole_steps_are_those_of_the_clocks_of_the_zone(
    zone: str, begin: str, step_s: float, told: list[str]
) -> None:
    """Also in the days in which they are set forward or back."""
    items = dated_items("%d %H%M", at(begin), at(begin) + 10 * 86_400, step_s, ZoneInfo(zone))
    assert [item.place for item in itertools.islice(items, len(told))] == told


def test_the_last_time_is_included() -> None:
    """In any zone, and over a night in which clocks are set back."""
    items = dated_items(
        "%d", at("2026-10-23T22:00"), at("2026-10-27T23:00"), 86_400, ZoneInfo("Europe/Oslo")
    )
    assert [item.place for item in items] == ["24", "25", "26", "27", "28"]


def test_the_name_of_an_item_has_no_secret() -> None:
    """What stands behind the path of a URL may be one; a file has no query."""
    begin = at("2026-11-23T10:00")
    for url, name in (("https://host/%Y/%H.png?key=a/b#c", "10.png"), ("/a/%H?b.png", "10?b.png")):
        assert [item.name for item in dated_items(url, begin, begin, 60, UTC)] == [name]


def test_too_many_steps_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a part of them."""
    monkeypatch.setattr(module, "MAX_ITEMS", 3)
    assert len(list(dated_items("%M", 0, 120, 60, UTC))) == 3
    with pytest.raises(ParameterError, match=r"got: *4"):
        next(dated_items("%M", 0, 180, 60, UTC))


def test_steps_that_the_url_does_not_tell_apart_are_one_item() -> None:
    """Such as minutes, where it has only hours."""
    items = dated_items("%Y%m%d%H", at("2026-11-23T10:00"), at("2026-11-23T11:59"), 60, UTC)
    assert [item.place for item in items] == ["2026112310", "2026112311"]
