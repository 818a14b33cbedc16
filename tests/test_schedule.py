"""A clip for each night, and one for each line of a file."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import date
from pathlib import Path

import pytest
from conftest import PATIENCE_S, ROOT, Server, gif, luigi_command, luigi_environment

from luigi_gif import NightlyGif
from luigi_gif.errors import ParameterError
from luigi_gif.schedule import dated


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        luigi_command(*arguments, "--download-retry-delay", "0", "--dask-workers", "0"),
        cwd=folder,
        env=luigi_environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def clips(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.rglob("clip.gif")}


def test_nights_that_are_missing_are_made(server: Server, tmp_path: Path) -> None:
    """RangeDaily makes all that it can, says what failed, and later makes what was missing."""
    days = {f"2026-11-{day:02d}" for day in range(1, 11)}
    missing = {"2026-11-04", "2026-11-09"}
    for day in days - missing:
        server.pages[f"/{day}/all.img"] = gif(int(day[-2:]) % 4)
    of = {"url": server.url("/%Y-%m-%d/all.img"), "workdir": "nights/%Y-%m-%d"}
    nights = (
        "RangeDaily", "--of", "NightlyGif", "--of-params", json.dumps(of),
        "--start", "2026-11-01", "--stop", "2026-11-11",
    )  # fmt: skip
    first = run(tmp_path, *nights)
    assert first.returncode == 30, first.stderr
    assert clips(tmp_path) == days - missing
    assert first.stderr.count("ERROR: the server does not give the bundle") == 2
    for day in missing:
        assert server.url(f"/{day}/all.img") in first.stderr
        server.pages[f"/{day}/all.img"] = gif(1)
    server.requests.clear()
    second = run(tmp_path, *nights)
    assert second.returncode == 0, second.stderr
    assert clips(tmp_path) == days
    assert sorted(server.requests) == sorted(f"/{day}/all.img" for day in missing)


def test_one_night_is_made_by_hand(server: Server, tmp_path: Path) -> None:
    """By its date, in a folder of that name."""
    server.pages["/20261123.img"] = gif(1)
    url = server.url("/%Y%m%d.img")
    result = run(tmp_path, "NightlyGif", "--date", "2026-11-23", "--url", url)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "data" / "2026-11-23" / "clip.gif").exists()


def test_nights_never_share_a_folder() -> None:
    """The error says what a folder needs."""
    with pytest.raises(ParameterError, match="a folder for each day"):
        NightlyGif(date(2026, 11, 23), url="x-%Y.img", workdir="data")


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
    assert dated(text, date(2026, 1, 9)) == expected


def test_one_failure_does_not_stop_the_rest(server: Server, tmp_path: Path) -> None:
    """50 URLs, 3 of them broken: each failure is named."""
    urls = [server.url(f"/{number}.img") for number in range(50)]
    for number in range(50):
        server.pages[f"/{number}.img"] = gif(number % 4)
    del server.pages["/7.img"]
    server.pages["/23.img"] = b"<html>"
    server.pages["/42.img"] = gif(1)[:-5]
    (tmp_path / "urls.txt").write_text("# all of them\n\n" + "\n".join([*urls, urls[0]]))
    result = run(tmp_path, "GifBatch", "--urls-file", "urls.txt")
    assert result.returncode == 30
    assert len(clips(tmp_path)) == 47
    errors = re.findall(r"ERROR: .+\n  where:    (\S+)", result.stderr)
    assert sorted(error.strip(",") for error in errors) == sorted(urls[n] for n in (7, 23, 42))
    for number in (7, 23, 42):
        assert f"* {urls[number]}: " in summary(result.stderr)


def summary(said: str) -> str:
    return said.partition("===== Luigi Execution Summary")[2]


@pytest.mark.parametrize(("text", "got"), [(None, "No such file"), ("# none\n", "no URL")])
def test_a_batch_without_urls_is_an_error(tmp_path: Path, text: str | None, got: str) -> None:
    """In words."""
    if text is not None:
        (tmp_path / "urls.txt").write_text(text)
    result = run(tmp_path, "GifBatch", "--urls-file", "urls.txt")
    assert result.returncode == 40
    assert got in result.stderr
    assert "Traceback" not in result.stderr
    assert str(ROOT) not in result.stderr
