"""A clip for each night, and one for each line of a file."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest
from support import warm
from support.clips import clip_of
from support.commands import luigi_command, luigi_environment
from support.images import gif
from support.numbered import picture, shown
from support.page_server import Server
from support.paths import ROOT

from luigi_gif import GifBatch, NightlyGif
from luigi_gif.dated_urls import with_date
from luigi_gif.errors import ParameterError


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = luigi_command(*arguments, "--download-retry-delay", "0", "--dask-workers", "0")
    return warm.run(command, cwd=folder, env=luigi_environment())


def clips(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.rglob("clip.gif")}


@pytest.mark.slow
def test_nights_that_are_missing_are_made(server: Server, tmp_path: Path) -> None:
    """RangeDaily makes all that it can, says what failed, and later makes what was missing."""
    days = {f"2026-11-{day:02d}" for day in range(1, 5)}
    missing = {"2026-11-02", "2026-11-04"}
    for day in days - missing:
        server.pages[f"/{day}/all.img"] = gif(int(day[-2:]) % 4)
    of = {"url": server.url("/%Y-%m-%d/all.img"), "workdir": "nights/%Y-%m-%d"}
    nights = (
        "RangeDaily", "--of", "NightlyGif", "--of-params", json.dumps(of),
        "--start", "2026-11-01", "--stop", "2026-11-05",
    )  # fmt: skip
    first = run(tmp_path, *nights)
    assert first.returncode == 30, first.stderr
    assert clips(tmp_path) == days - missing
    assert first.stderr.count("ERROR: the server does not give the file") == 2
    for day in missing:
        assert server.url(f"/{day}/all.img") in first.stderr
        server.pages[f"/{day}/all.img"] = gif(1)
    server.requests.clear()
    second = run(tmp_path, *nights)
    assert second.returncode == 0, second.stderr
    assert clips(tmp_path) == days
    assert sorted(server.requests) == sorted(f"/{day}/all.img" for day in missing)


@pytest.mark.slow
def test_one_night_is_made_by_hand(server: Server, tmp_path: Path) -> None:
    """By its date, in a folder of that name."""
    server.pages["/20261123.img"] = gif(1)
    url = server.url("/%Y%m%d.img")
    result = run(tmp_path, "NightlyGif", "--date", "2026-11-23", "--url", url)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "data" / "2026-11-23" / "clip.gif").exists()


@pytest.mark.parametrize(
    "workdir",
    [
        "data", "%Y-%m", "%d", "%Y", "%A", "%j", "%Y-%W", "%Y-%V-%u", "x/%Y-%M-%d", "%Y%%m%d",
        "data/%Y-%m-%d/..", "s3://bucket/data?day=%Y-%m-%d",
    ],
)  # fmt: skip
def test_nights_never_share_a_folder(workdir: str) -> None:
    """Nor any two days of the calendar; the error says what a folder needs, and names two."""
    expected = r"(?s)a folder for each day.+the same on [0-9-]+ and [0-9-]+"
    with pytest.raises(ParameterError, match=expected):
        NightlyGif(date(2026, 11, 23), url="x-%Y.img", workdir=workdir)


@pytest.mark.parametrize(
    "workdir", ["%Y-%m-%d", "%y%m%d", "%Y/%j", "%d. %B %Y", "%G-W%V/%a", "%Y-%U-%w", "x/%Y/%W/%d"]
)
def test_a_day_may_be_written_in_many_ways(workdir: str) -> None:
    """All that tell each day from every other."""
    NightlyGif(date(2026, 11, 23), url="x-%Y.img", workdir=workdir)


@pytest.mark.slow
def test_nights_of_long_ago_are_made(tmp_path: Path) -> None:
    """Luigi itself would leave out those of more than 100 days ago, without a word."""
    first = "2000-01-01"
    nights = [date.fromisoformat(first) + timedelta(number) for number in range(2)]
    for night in nights:
        path = tmp_path / "nights" / str(night) / "image-data.img"
        path.parent.mkdir(parents=True)
        path.write_bytes(gif(1))
    result = run(
        tmp_path, "RangeDaily", "--of", "NightlyGif", "--start", first,
        "--stop", str(nights[-1] + timedelta(1)), "--NightlyGif-url", "none-%Y-%m-%d.img",
        "--NightlyGif-workdir", "nights/%Y-%m-%d",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert clips(tmp_path) == {str(night) for night in nights}


@pytest.mark.slow
def test_a_range_whose_nights_cannot_be_made_says_so_in_words(tmp_path: Path) -> None:
    """Luigi finds that out while it schedules, and logs a traceback as a text."""
    result = run(
        tmp_path, "RangeDaily", "--of", "NightlyGif", "--start", "2026-11-01",
        "--stop", "2026-11-03", "--NightlyGif-workdir", "nights/%Y-%m",
    )  # fmt: skip
    assert result.returncode == 35
    assert "a folder for each day" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%Y/%m/%d", "2026/01/09"),
        ("a%20b%2Fc", "a%20b%2Fc"),
        ("100%%", "100%"),
        ("%j-%%Y", "009-%Y"),
    ],
)
def test_fields_of_a_date_are_filled_in(text: str, expected: str) -> None:
    """Whatever is no such field stays."""
    assert with_date(text, date(2026, 1, 9)) == expected


NIGHT = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("given", "since", "until"),
    [
        ({}, "", ""),
        ({"since": "24h"}, "2026-11-23T00:00:00+00:00", "2026-11-24T00:00:00+00:00"),
        ({"since": "7d", "until": "1h"}, "2026-11-17T00:00:00+00:00", "2026-11-23T23:00:00+00:00"),
        ({"until": "0s"}, "", "2026-11-24T00:00:00+00:00"),
        ({"since": "2026-11-01", "until": "2026-12-01"}, "2026-11-01", "2026-12-01"),
        (
            {"since": "24h", "timezone": "Asia/Tokyo"},
            "2026-11-22T15:00:00+00:00",
            "2026-11-23T15:00:00+00:00",
        ),
    ],
)
def test_ages_count_from_the_midnight_of_a_night(
    given: dict[str, str], since: str, until: str
) -> None:
    """In its time zone; other times stay, and nothing that is later than that has an age."""
    clip = NightlyGif(NIGHT, url="pictures", **given).requires()
    assert (clip.since, clip.until) == (since, until)


def test_a_night_of_the_past_gets_the_clip_that_it_would_have_made(tmp_path: Path) -> None:
    """Whatever pictures came since."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()

    def arrive(*days: int) -> None:
        for day in days:
            for hour in (6, 18):
                (pictures / f"202611{day}_{hour:02d}00.png").write_bytes(
                    picture(day % 10 + hour // 9)
                )

    def night(folder: str) -> NightlyGif:
        workdir = tmp_path / folder / "%Y-%m-%d"
        return NightlyGif(NIGHT, url=pictures, workdir=workdir, since="24h")

    arrive(22, 23)
    first = clip_of(night("then").requires())
    assert shown(first) == [3, 5]
    arrive(24, 25)
    assert night("then").complete()
    assert clip_of(night("now").requires()).read_bytes() == first.read_bytes()


def test_a_night_of_dated_urls_takes_a_picture_for_each_step(
    server: Server, tmp_path: Path
) -> None:
    """Of the day before it, where --since and --step say so; else a URL has the night's date."""
    for number, time in enumerate(["23/00", "23/06", "23/18", "24/00", "24/06"]):
        server.pages[f"/{time}.png"] = picture(number)
    workdir = tmp_path / "%Y-%m-%d"
    night = NightlyGif(
        NIGHT, url=server.url("/%d/%H.png?%Y"), workdir=workdir, since="24h", step="6h"
    )
    assert shown(clip_of(night.requires())) == [0, 1, 2, 3]
    of_the_day = NightlyGif(NIGHT, url=server.url("/%d/"), workdir=workdir, step="6h")
    assert of_the_day.requires().url == server.url("/24/")


def test_a_night_may_have_several_sources(tmp_path: Path) -> None:
    """Each with the fields of its date."""
    urls = [tmp_path / "a" / "%d.img", tmp_path / "b" / "%d.img"]
    clip = NightlyGif(NIGHT, url=urls, workdir=tmp_path / "%Y-%m-%d").requires()
    assert json.loads(clip.url) == [str(tmp_path / "a" / "24.img"), str(tmp_path / "b" / "24.img")]


def test_the_clips_of_a_batch_take_what_is_chosen(tmp_path: Path) -> None:
    """Of each line that names many pictures."""
    for folder, numbers in (("a", (1, 2, 3)), ("b", (4, 5, 6))):
        (tmp_path / folder).mkdir()
        for number in numbers:
            (tmp_path / folder / f"{number}.png").write_bytes(picture(number))
    (tmp_path / "urls.txt").write_text(f"{tmp_path}/a\n{tmp_path}/b/*.png\n")
    batch = GifBatch(urls_file=tmp_path / "urls.txt", workdir=tmp_path / "clips", last=2)
    assert [shown(clip_of(clip)) for clip in batch.requires()] == [[2, 3], [5, 6]]


@pytest.mark.slow
def test_one_failure_does_not_stop_the_rest(server: Server, tmp_path: Path) -> None:
    """12 URLs, 3 of them broken: each failure is named."""
    urls = [server.url(f"/{number}.img") for number in range(12)]
    for number in range(12):
        server.pages[f"/{number}.img"] = gif(number % 4)
    del server.pages["/7.img"]
    server.pages["/9.img"] = b"<html>"
    server.pages["/11.img"] = gif(1)[:-5]
    (tmp_path / "urls.txt").write_text("# all of them\n\n" + "\n".join([*urls, urls[0]]))
    result = run(tmp_path, "GifBatch", "--urls-file", "urls.txt")
    assert result.returncode == 30
    assert len(clips(tmp_path)) == 9
    errors = re.findall(r"ERROR: .+\n  where:    (\S+)", result.stderr)
    assert sorted(error.strip(",") for error in errors) == sorted(urls[n] for n in (7, 9, 11))
    for number in (7, 9, 11):
        assert f"* {urls[number]}: " in summary(result.stderr)


def summary(said: str) -> str:
    return said.partition("===== Luigi Execution Summary")[2]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"]
)
def test_a_batch_is_read_as_editors_save_it(tmp_path: Path, encoding: str) -> None:
    """With a byte order mark or without, with line ends of Windows, and comments."""
    text = "# two\r\n\r\n  a.img \r\nhttps://host/\u00fc.img\r\n./a.img"
    if encoding.endswith("-bom"):
        data = f"\ufeff{text}".encode(encoding.removesuffix("-bom"))
    else:
        data = text.encode(encoding)
    path = tmp_path / "urls.txt"
    path.write_bytes(data)
    batch = GifBatch(urls_file=path, workdir=tmp_path)
    found = [clip.url for clip in batch.requires()]
    assert found == [os.path.abspath("a.img"), "https://host/\u00fc.img"]


@pytest.mark.parametrize(
    ("text", "got"),
    [
        (None, "No such file"),
        ("# none\n", "no URL"),
        ("a.img\nhttp://host:port/b.img", "line 2: "),
        ("a.img\nb\0.img", "line 2: "),
    ],
)
def test_a_batch_without_urls_is_an_error(tmp_path: Path, text: str | None, got: str) -> None:
    """In words."""
    if text is not None:
        (tmp_path / "urls.txt").write_text(text)
    with pytest.raises(ParameterError) as caught:
        GifBatch(urls_file=tmp_path / "urls.txt", workdir=tmp_path)
    assert got in str(caught.value)


@pytest.mark.slow
def test_a_batch_without_urls_ends_the_command(tmp_path: Path) -> None:
    """With an exit code of its own, and without a traceback."""
    (tmp_path / "urls.txt").write_text("a.img\nhttp://host:port/b.img")
    result = run(tmp_path, "GifBatch", "--urls-file", "urls.txt")
    assert result.returncode == 40
    assert "line 2: " in result.stderr
    assert "Traceback" not in result.stderr
    assert str(ROOT) not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_clip_of_a_batch_is_one_task(tmp_path: Path, workers: str) -> None:
    """It runs the steps that are not current, in order, and says so of each; then none is left."""
    for number in range(3):
        (tmp_path / f"{number}.img").write_bytes(gif(number))
    (tmp_path / "urls.txt").write_text("0.img\n1.img\n2.img\n")
    batch = ("GifBatch", "--urls-file", "urls.txt", "--workers", workers)
    first = run(tmp_path, *batch)
    assert first.returncode == 0, first.stderr
    assert "- 3 CombineGif(" in summary(first.stderr)
    assert "Scheduled 4 tasks" in summary(first.stderr)
    for step in ("DownloadData", "SplitFrames", "WriteFrames", "CombineGif"):
        assert len(re.findall(f"{step} runs: ", first.stderr)) == 3
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.gif")}
    victim = next(path for path in made if path.name == "clip.gif")
    victim.unlink()
    second = run(tmp_path, *batch)
    assert second.returncode == 0, second.stderr
    assert re.findall("([A-Za-z]+) runs: ", second.stderr) == ["CombineGif"]
    del made[victim]
    assert all(path.stat().st_mtime_ns == time for path, time in made.items())
