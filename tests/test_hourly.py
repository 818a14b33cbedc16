"""A clip for each hour, and those of past hours that are missing."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import luigi
import pytest
from luigi.task_register import Register
from luigi.tools.range import RangeHourly
from support import warm
from support.clips import clip_of
from support.commands import luigi_command, luigi_environment
from support.images import gif
from support.numbered import picture, shown
from support.page_server import Server

from luigi_gif import HourlyGif
from luigi_gif.dated_urls import with_hour
from luigi_gif.errors import ParameterError
from luigi_gif.integrations import process_setup

HOUR = datetime(2026, 11, 23, 18)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = luigi_command(*arguments, "--download-retry-delay", "0", "--dask-workers", "0")
    return warm.run(command, cwd=folder, env=luigi_environment())


@pytest.mark.slow
def test_hours_that_are_missing_are_made(server: Server, tmp_path: Path) -> None:
    """RangeHourly makes all that it can, however long ago, and later exactly what was missing."""
    hours = [f"1999-12-31T{hour:02d}" for hour in range(18, 24)]
    missing = {hours[1], hours[-1]}
    for hour in set(hours) - missing:
        server.pages[f"/{hour}.img"] = gif(1)
    of = {"url": server.url("/%Y-%m-%dT%H.img"), "workdir": "hours/%Y%m%d/%H"}
    command = (
        "RangeHourly", "--of", "HourlyGif", "--of-params", json.dumps(of),
        "--start", hours[0], "--stop", "2000-01-01T00",
    )  # fmt: skip
    first = run(tmp_path, *command)
    assert first.returncode == 30, first.stderr
    assert clips(tmp_path) == set(hours) - missing
    for hour in missing:
        server.pages[f"/{hour}.img"] = gif(2)
    server.requests.clear()
    second = run(tmp_path, *command)
    assert second.returncode == 0, second.stderr
    assert clips(tmp_path) == set(hours)
    assert sorted(server.requests) == sorted(f"/{hour}.img" for hour in missing)


@pytest.mark.filterwarnings("ignore:Parameter")  # of Luigi's own ranges
def test_a_range_is_complete_once_the_source_of_each_hour_was_asked(
    server: Server, tmp_path: Path
) -> None:
    """Each range asks again, though the clips are there; but not once more at its own end."""
    server.pages["/latest.img"] = gif(1)
    of = {"url": server.url("/latest.img"), "workdir": f"{tmp_path}/%Y%m%d%H", "refresh": True}
    for _ in range(2):
        Register.clear_instance_cache()
        hours = RangeHourly(of=HourlyGif, of_params=of, start=HOUR, stop=HOUR + timedelta(hours=1))
        assert not hours.complete()
        assert luigi.build([hours], local_scheduler=True)
        assert hours.complete()
    assert len(server.requests) == 2


def clips(folder: Path) -> set[str]:
    parts = (path.parts[-3:-1] for path in folder.rglob("clip.gif"))
    return {f"{day[:4]}-{day[4:6]}-{day[6:]}T{hour}" for day, hour in parts}


def test_no_hour_is_too_long_ago_for_a_range() -> None:
    """Nor are there too many of them: the luigi command sets what Luigi itself has for less."""
    limits = process_setup.DEFAULTS["RangeHourly"]
    names = dict(luigi.tools.range.RangeHourly.get_params())
    assert limits.keys() < names.keys()
    assert min(int(str(limit)) for limit in limits.values()) >= 24 * 365 * 100


@pytest.mark.parametrize(
    "workdir",
    [
        "data", "%Y-%m-%d", "%Y-%m-%d/%I", "%H", "%d/%H", "%Y-%mT%H", "%Y%m%d%%H", "%Y-%m-%d %p",
        "%Y-%m-%d/%H/..", "s3://bucket/data?%Y-%m-%dT%H",
    ],
)  # fmt: skip
def test_hours_never_share_a_folder(workdir: str) -> None:
    """Nor any two of the calendar; the error says what a folder needs, and names two."""
    expected = r"(?s)a folder for each hour.+the same on [0-9T-]+ and [0-9T-]+"
    with pytest.raises(ParameterError, match=expected):
        HourlyGif(HOUR, workdir=workdir)


@pytest.mark.parametrize("workdir", ["%Y-%m-%dT%H", "%y%m%d%H", "%Y/%j/%I%p", "s3://b/%Y%m%d/%H"])
def test_an_hour_may_be_written_in_many_ways(workdir: str) -> None:
    """All that tell each hour from every other."""
    HourlyGif(HOUR, workdir=workdir)


@pytest.mark.parametrize(
    "hour",
    ["2026-11-23T18", HOUR, HOUR.replace(minute=59), HOUR.replace(tzinfo=UTC),
     datetime(2026, 11, 23, 20, tzinfo=timezone(timedelta(hours=2)))],
)  # fmt: skip
def test_an_hour_is_one_of_utc(hour: object) -> None:
    """A time within it stands for it."""
    assert HourlyGif(hour).hour == HOUR
    assert HourlyGif.hour.serialize(HourlyGif(hour).hour) == "2026-11-23T18"


@pytest.mark.parametrize("hour", ["2026-11-23", "2026-11-23T24", HOUR.date(), 18])
def test_what_is_no_hour_is_an_error(hour: object) -> None:
    """Which says what an hour is."""
    with pytest.raises(ParameterError, match="2026-11-23T18"):
        HourlyGif(hour)


@pytest.mark.parametrize(
    ("given", "since", "until"),
    [
        ({}, "", ""),
        ({"since": "1h"}, "2026-11-23T17:00:00+00:00", "2026-11-23T18:00:00+00:00"),
        ({"since": "1d", "until": "30m"}, "2026-11-22T18:00:00+00:00", "2026-11-23T17:30:00+00:00"),
        (
            {"since": "1h", "timezone": "Asia/Tokyo"},
            "2026-11-23T17:00:00+00:00",
            "2026-11-23T18:00:00+00:00",
        ),
        ({"since": "2026-11-01", "until": "2026-12-01"}, "2026-11-01", "2026-12-01"),
    ],
)
def test_ages_count_from_the_beginning_of_an_hour(
    given: dict[str, str], since: str, until: str
) -> None:
    """Whatever the time zone; other times stay, and nothing that is later than that has an age."""
    clip = HourlyGif(HOUR, url="pictures", **given).requires()
    assert (clip.since, clip.until) == (since, until)


@pytest.mark.parametrize(
    ("hour", "url"),
    [
        ("2026-03-29T00", "0329T01"),
        ("2026-03-29T01", "0329T03"),
        ("2026-10-25T00", "1025T02"),
        ("2026-10-25T01", "1025T02"),
        ("2026-10-25T02", "1025T03"),
    ],
)
def test_summer_time_neither_loses_nor_repeats_an_hour(hour: str, url: str) -> None:
    """The URL has what the clocks of its time zone show, the folder the hour of UTC."""
    task = HourlyGif(hour, url="%m%dT%H", workdir="/%Y-%m-%dT%H", timezone="Europe/Oslo")
    clip = task.requires()
    assert Path(clip.url).name == url
    assert clip.workdir == f"/{hour}"


def test_clocks_may_be_off_by_half_an_hour() -> None:
    """The URL may hold the minutes that they show."""
    clip = HourlyGif(HOUR, url="/%d_%H%M/a%20b", timezone="Asia/Kolkata").requires()
    assert clip.url == "/23_2330/a%20b"
    assert with_hour("%H%%H%S", HOUR) == "18%H%S"


def test_an_hour_of_the_past_gets_the_clip_that_it_would_have_made(tmp_path: Path) -> None:
    """Whatever pictures came since."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()

    def arrive(*hours: int) -> None:
        for hour in hours:
            (pictures / f"20261123_{hour}30.png").write_bytes(picture(hour - 12))

    def hourly(folder: str) -> HourlyGif:
        return HourlyGif(HOUR, url=pictures, workdir=tmp_path / folder / "%Y%m%d%H", since="2h")

    arrive(15, 16, 17)
    first = clip_of(hourly("then").requires())
    assert shown(first) == [4, 5]
    arrive(18, 19)
    assert hourly("then").complete()
    assert clip_of(hourly("now").requires()).read_bytes() == first.read_bytes()


def test_an_hour_of_dated_urls_takes_a_picture_for_each_step(
    server: Server, tmp_path: Path
) -> None:
    """Of the hour before it, where --since and --step say so; else a URL has its own hour."""
    for number, time in enumerate(["16/50", "17/00", "17/30", "18/00", "18/10"]):
        server.pages[f"/{time}.png"] = picture(number)
    hour = HourlyGif(
        HOUR, url=server.url("/%H/%M.png"), workdir=tmp_path / "%Y%m%d%H", since="1h", step="30m"
    )
    assert shown(clip_of(hour.requires())) == [1, 2, 3]
    page = HourlyGif(HOUR, url=server.url("/%H/"), workdir=tmp_path / "%Y%m%d%H", step="30m")
    assert page.requires().url == server.url("/18/")
