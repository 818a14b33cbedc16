"""Which items of a source become frames, and when their pictures were taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from luigi_gif import CombineGif
from luigi_gif.errors import ParameterError
from luigi_gif.sources import Selection, listing, parse_age, parse_when, time_reader
from luigi_gif.sources.item import Item
from luigi_gif.sources.selection import LeftOut, choose

HOUR = 3600.0


@pytest.fixture(autouse=True, params=[10_000, 3], ids=["in memory", "in files"])
def _rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many items are held in memory."""
    monkeypatch.setattr(listing, "MAX_ROWS", request.param)


def items(*names: str) -> list[Item]:
    """Items of these names, each an hour later than the one before."""
    return [Item(name, name, time=number * HOUR) for number, name in enumerate(names)]


TWELVE = items(*(f"cam/frame_{number}.jpg" for number in range(12)))


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def chosen(*of: Item, **rules: object) -> list[str]:
    found = choose(of or TWELVE, Selection(**rules))  # type: ignore[arg-type]
    return [item.name.removeprefix("cam/frame_").removesuffix(".jpg") for item in found]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, "0 1 2 3 4 5 6 7 8 9 10 11"),
        ({"match": "*_1*.jpg"}, "1 10 11"),
        ({"match": "cam/*_1.jpg"}, "1"),
        ({"match": "other/*"}, ""),
        ({"since": 3 * HOUR, "until": 5 * HOUR}, "3 4 5"),
        ({"step_s": 4 * HOUR}, "0 4 8"),
        ({"every": 5}, "0 5 10"),
        ({"first": 2}, "0 1"),
        ({"last": 2}, "10 11"),
        ({"last": 99}, "0 1 2 3 4 5 6 7 8 9 10 11"),
        ({"since": HOUR, "step_s": 2 * HOUR, "every": 2, "first": 3, "last": 2}, "4 8"),
        ({"match": "*[02468].jpg", "every": 2, "last": 2}, "4 8"),
    ],
)
def test_rules_act_one_after_another(rules: dict[str, object], expected: str) -> None:
    """Match, since and until, sort, step, every, first, last."""
    assert " ".join(chosen(**rules)) == expected


def test_items_are_in_the_order_that_is_asked_for() -> None:
    """By their numbers, by their times, or as the source has them."""
    given = [item._replace(time=-(item.time or 0)) for item in TWELVE[::-1]]
    assert chosen(*given, sort="natural", first=3) == ["0", "1", "2"]
    assert chosen(*given, sort="time", first=3) == ["11", "10", "9"]
    assert chosen(*given[::-1], sort="given", first=3) == ["0", "1", "2"]


def test_items_of_one_time_are_in_the_order_of_their_names() -> None:
    """Whatever the order is in which a folder lists them."""
    given = [Item(name, name, time=1.0) for name in ("10", "9", "11")]
    assert chosen(*given, sort="time") == ["9", "10", "11"]


def test_what_is_no_image_counts_for_no_rule() -> None:
    """It is neither among the last ones, nor among every second."""
    found = choose(TWELVE, Selection(every=2, last=2), lambda item: item.name[-5] in "13579")
    assert [item.name[10:] for item in found] == ["5.jpg", "9.jpg"]


def test_each_item_that_is_left_out_is_told_with_its_rule() -> None:
    """For --explain."""
    told: list[LeftOut] = []
    assert len(list(choose(TWELVE, Selection(match="*1*", first=2), leave_out=told.append))) == 2
    assert [(each.item.name[10:], each.rule) for each in told] == [
        *((f"{number}.jpg", "match") for number in (0, *range(2, 10))),
        ("11.jpg", "first"),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("radar_202611231820.png", "2026-11-23T18:20"),
        ("20261123T182005Z.jpg", "2026-11-23T18:20:05"),
        ("2026-11-23_18-20-05.jpg", "2026-11-23T18:20:05"),
        ("2026.11.23 18h20.jpg", "2026-11-23T18:20"),
        ("2026-11-23/cam.jpg", "2026-11-23"),
        ("20263271820_GOES19-ABI-FD.jpg", "2026-11-23T18:20"),
        ("img_20261123.jpg", "2026-11-23"),
        ("2026-11-23/18-20.jpg", "2026-11-23"),
        ("gfs.2026112318.f003.png", "2026-11-23T18:00"),
        ("2026-11-23T18Z.png", "2026-11-23T18:00"),
        ("20261123_1820_0055.png", "2026-11-23T18:20"),
        ("20261123_1820-1830.png", "2026-11-23T18:20"),
        ("Screenshot 2026-11-20 at 1.05.03\u202fPM.png", "2026-11-20T13:05:03"),
        ("Screenshot 2026-11-20 at 12.00.09 AM (2).png", "2026-11-20T00:00:09"),
        ("Bildschirmfoto 2026-11-20 um 13.05.03.png", "2026-11-20T13:05:03"),
        ("Skärmavbild 2026-11-20 kl. 9.05.03.png", "2026-11-20T09:05:03"),
        ("WhatsApp Image 2026-11-24 at 13.05.03.jpeg", "2026-11-24T13:05:03"),
        ("2026-11-23T18:20:05+02:00.jpg", "2026-11-23T16:20:05"),
        ("20261123T182005+0530.jpg", "2026-11-23T12:50:05"),
        ("2026-11-23T18:20:05-07:00.jpg", "2026-11-24T01:20:05"),
        ("20261123_182005-0100.jpg", "2026-11-23T18:20:05"),
        ("frame_000017.png", None),
        ("20261323.png", None),
        ("1234567890123.png", None),
    ],
)
def test_the_time_in_a_name_is_found(name: str, expected: str | None) -> None:
    """As cameras, satellites and scripts write it; else the time of the file counts."""
    time = time_reader("", UTC)(Item(name, name, time=7.0))
    assert time == (7.0 if expected is None else utc(expected))


def test_a_time_is_read_in_its_format_and_zone() -> None:
    """Both are the user's to say; a name without such a time has that of its file."""
    read = time_reader("%d%b%Y-%I%p", ZoneInfo("Europe/Oslo"))
    assert (
        read(Item("cam-23Jul2026-06PM.jpg", ""))
        == datetime(2026, 7, 23, 16, tzinfo=UTC).timestamp()
    )
    assert read(Item("cam.jpg", "", time=5.0)) == 5.0


@pytest.mark.parametrize("time_format", ["", "%Y%m%dT%H%MZ"])
def test_a_z_behind_a_time_makes_it_one_in_utc(time_format: str) -> None:
    """Whatever the zone of the others; a word that begins with one does not."""
    read = time_reader(time_format, ZoneInfo("Europe/Oslo"))
    assert read(Item("cam_20260723T1800Z.png", "")) == utc("2026-07-23T18:00")
    assert time_reader("", ZoneInfo("Europe/Oslo"))(Item("20260723T1800Zoom.png", "")) == utc(
        "2026-07-23T16:00"
    )


@pytest.mark.filterwarnings("ignore:Parsing dates")  # of Python 3.13, without a year
@pytest.mark.parametrize(
    ("time_format", "name", "expected"),
    [
        ("%Y_%d%b", "2026_23Nov.png", "2026-11-23"),
        ("%d. %B", "cam 1. February", "1900-02-01"),
        ("%G-W%V-%u", "2026-W48-1.png", "2026-11-23"),
        ("%Y%m%d%H", "cam12026112318.png", "2026-11-23T18:00"),
        ("%Y%m%d", "20250101/20261123.png", "2026-11-23"),
        ("%Y/%m/%d/%H%M", "2026/11/23/1820.png", "2026-11-23T18:20"),
        ("%s", "2026/cam-1795458000.jpg", "2026-11-23T18:20"),
        ("%%%Y", "a%2026.png", "2026-01-01"),
    ],
)
def test_a_format_finds_its_time_in_a_name(time_format: str, name: str, expected: str) -> None:
    """In the last part of it, if it is there; what only looks like one is passed over."""
    assert time_reader(time_format, UTC)(Item(name, name, time=7.0)) == utc(expected)


@pytest.mark.parametrize("time_format", ["%Q", "%", "%T", "%Y%", "cam", "%%", "%Y%s", "%G", "%V"])
def test_a_format_that_finds_no_time_is_an_error(time_format: str) -> None:
    """Not one that leaves all names without a time."""
    with pytest.raises(ParameterError, match="--time-format"):
        CombineGif(url="a.png", time_format=time_format)


def test_a_time_at_the_end_of_the_calendar_is_none() -> None:
    """In UTC it may be in no year."""
    item = Item("0001.png", "", time=5.0)
    assert time_reader("%Y", ZoneInfo("Asia/Tokyo"))(item) == 5.0


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31T12:00", "9" * 30 + "w"])
def test_a_time_that_no_clock_shows_is_an_error(text: str) -> None:
    """In whatever zone it is meant to be."""
    with pytest.raises(ParameterError, match="--since"):
        CombineGif(url="a.png", since=text)


def test_a_span_that_is_too_long_is_an_error() -> None:
    with pytest.raises(ParameterError, match="--step"):
        CombineGif(url="a.png", step="9" * 30 + "w")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T18:20", datetime(2026, 11, 23, 18, 20, tzinfo=UTC)),
        ("2026-11-23T18:20+01:00", datetime(2026, 11, 23, 17, 20, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("1.5d", datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_date_or_an_age(text: str, expected: datetime) -> None:
    """In UTC, unless it has a zone."""
    assert parse_when(text, datetime(2026, 11, 23, 12, tzinfo=UTC), UTC) == expected.timestamp()


def test_ages_have_a_unit() -> None:
    """Seconds, minutes, hours, days or weeks."""
    assert parse_age("90s") == parse_age("1.5m") == timedelta(seconds=90)
    assert parse_age("1w") == timedelta(days=7)
    assert parse_age("24") is None
    assert parse_age("-1h") is None


def test_a_step_begins_by_the_clocks_of_the_zone() -> None:
    """A day at midnight there."""
    names = ["2330", "0030", "1200", "2329"]
    times = [-90 * 60, -30 * 60, 11 * HOUR, 22 * HOUR + 29 * 60]
    listed = [Item(name, "", time=float(time)) for name, time in zip(names, times, strict=True)]
    selection = Selection(sort="given", step_s=24 * HOUR, zone=ZoneInfo("Africa/Lagos"))
    assert [item.name for item in choose(listed, selection)] == ["2330", "0030"]
