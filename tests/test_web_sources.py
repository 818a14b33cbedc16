"""Pages, lists and dated URLs as sources: what is asked of the server, and what comes of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from campaigns import items
from PIL import Image
from support import warm
from support.clips import clip_here
from support.explained import explained
from support.images import saved
from support.numbered import picture, shown
from support.page_server import Page, Server, in_turn, reply

from luigi_gif import settings
from luigi_gif.errors import DownloadError, ParameterError, PipelineError, SourceError
from luigi_gif.frames import load_manifest
from luigi_gif.integrations.progress import ProgressReporter
from luigi_gif.sources import Selection
from luigi_gif.storage import open_folder

COUNT = 12


@pytest.fixture
def site(server: Server) -> Server:
    """A server with pictures, and a page that links to them and to other things."""
    for number in range(COUNT):
        server.pages[f"/radar/frame_{number}.png"] = picture(number)
    links = "".join(f'<a href="frame_{number}.png">{number}</a>' for number in range(COUNT))
    others = '<a href="../">up</a><a href="?C=N">sort</a><a href="notes.txt">notes</a>'
    server.pages["/radar/"] = f"<!DOCTYPE html><title>x</title>{others}{links}".encode()
    return server


def test_a_page_of_pictures_is_a_source(site: Server, tmp_path: Path) -> None:
    """What is not chosen is not asked for: one request for the page, one for each picture."""
    clip = clip_here(site.url("/radar/"), tmp_path / "work", last=3)
    assert shown(clip) == [9, 10, 11]
    assert sorted(site.requests) == [
        "/radar/", *sorted(f"/radar/frame_{number}.png" for number in (9, 10, 11))
    ]  # fmt: skip
    assert not list((tmp_path / "work").glob("items/*"))


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"last": 24}, range(476, 500)),
        ({"every": 10, "since": "2026-11-23", "until": "2026-11-23T18:00Z"}, range(144, 253, 10)),
    ],
)
def test_of_a_long_page_only_what_is_chosen_is_asked_for(
    server: Server, tmp_path: Path, wanted: dict[str, Any], numbers: range
) -> None:
    """One request for the page, and one for each picture that is wanted; here of 500."""
    times = [datetime(2026, 11, 22) + timedelta(minutes=10 * number) for number in range(500)]
    names = [f"/radar_{time:%Y%m%d_%H%M}.png" for time in times]
    server.pages = dict.fromkeys(names, picture(1))
    links = "".join(f"<a href={name}>x</a>" for name in names)
    server.pages["/"] = f"<!DOCTYPE html>{links}".encode()
    clip_here(server.url("/"), tmp_path / "work", **wanted)
    assert sorted(server.requests) == ["/", *(names[number] for number in numbers)]


def test_the_choice_of_a_page_is_explained_by_one_request(site: Server) -> None:
    """That for the page."""
    lines = explained(site.url("/radar/"), Selection(every=5))
    assert lines[:3] == [f"frame {n}: frame_{number}.png" for n, number in enumerate((0, 5, 10))]
    assert lines[3].endswith("frame_1.png (--every)")
    assert len(lines) == COUNT
    assert site.requests == ["/radar/"]


def test_the_choice_of_a_list_and_of_dated_urls_is_explained_without_requests(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "list").write_text(f"{server.url('/b.png')}\n{server.url('/a.png')}\n")
    assert explained(tmp_path / "list", Selection(first=1)) == [
        "frame 0: b.png", "left out: a.png (--first)"
    ]  # fmt: skip
    since = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
    hours = Selection(since=since, until=since + 3600, step_s=3600)
    assert explained(server.url("/%Y%m%d_%H.png"), hours) == [
        "frame 0: 20261123_00.png, 2026-11-23T00:00:00Z",
        "frame 1: 20261123_01.png, 2026-11-23T01:00:00Z",
    ]
    assert server.requests == []


def test_nothing_is_explained_of_a_picture_at_a_url(server: Server) -> None:
    server.pages["/picture"] = picture(1)
    assert explained(server.url("/picture"), Selection()) == []


def test_pictures_at_urls_are_some_of_several_sources(site: Server, tmp_path: Path) -> None:
    """In the order in which they are given, between files of this machine."""
    (tmp_path / "1.png").write_bytes(picture(1))
    several = [
        site.url("/radar/frame_7.png"),
        site.url("/radar/frame_2.png"),
        str(tmp_path / "1.png"),
        site.url("/radar/frame_7.png"),
    ]
    assert shown(clip_here(json.dumps(several), tmp_path / "work")) == [7, 2, 1, 7]
    assert not list((tmp_path / "work").glob("items/*"))


def test_what_is_no_picture_of_several_urls_is_fetched_again(site: Server, tmp_path: Path) -> None:
    """Once its server has mended it."""
    urls = json.dumps([site.url("/radar/frame_1.png"), site.url("/x.png")])
    site.pages["/x.png"] = b"no picture"
    with pytest.raises(SourceError, match=r"x\.png"):
        clip_here(urls, tmp_path / "work")
    site.pages["/x.png"] = picture(2)
    assert shown(clip_here(urls, tmp_path / "work")) == [1, 2]
    assert site.requests.count("/radar/frame_1.png") == 1


def test_a_host_sees_per_host_connections_at_most(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the page, its pictures, and what is tried again, on connections that end and others."""
    monkeypatch.setattr(settings.download.per_host, "_default", 4)
    monkeypatch.setattr(settings.download.retry_delay, "_default", 0.0)
    names = [f"/{number}.png" for number in range(40)]
    links = "".join(f"<a href={name}>x</a>" for name in names)
    server.pages["/"] = f"<!DOCTYPE html>{links}".encode()
    for number, name in enumerate(names):
        picked = reply(
            200, picture(number % 13), Connection="close" if number % 4 == 0 else "keep-alive"
        )
        busy = reply(503, Connection="close" if number % 6 == 0 else "keep-alive")
        server.pages[name] = in_turn(busy, picked) if number % 3 == 0 else picked
    assert len(shown(clip_here(server.url("/"), tmp_path / "work"))) == 40
    assert len(server.requests) == 1 + 40 + 14
    assert server.most_at_once <= 4


def test_there_is_one_line_of_progress_at_a_time(
    site: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the page in bytes, then of its pictures in their number."""
    told: list[str] = []
    track = ProgressReporter.track

    @contextlib.contextmanager
    def noted(reporter: ProgressReporter, unit: str, *of: Any) -> Iterator[Any]:
        told.append(f"{unit} begin")
        with track(reporter, unit, *of) as progress:
            yield progress
        told.append(f"{unit} end")

    monkeypatch.setattr(ProgressReporter, "track", noted)
    clip_here(site.url("/radar/"), tmp_path / "work")
    assert told[:4] == ["B begin", "B end", "items begin", "items end"]


PART = """<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>1</NextMarker>
<Contents><Key>radar/frame_1.png</Key></Contents></ListBucketResult>"""
LAST_PART = """<ListBucketResult><Contents><Key>radar/frame_2.png</Key></Contents>
</ListBucketResult>"""


def test_a_part_of_a_listing_that_cannot_be_had_is_an_error(
    site: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After as many tries as for any download; and the next run asks for all parts anew."""
    monkeypatch.setattr(settings.download.retry_delay, "_default", 0.0)
    part, last = reply(200, PART.encode()), reply(200, LAST_PART.encode())
    site.pages["/"] = in_turn(part, *[reply(503)] * 3, part, reply(503), last)
    with pytest.raises(DownloadError, match="503"):
        clip_here(site.url("/"), tmp_path / "work")
    assert shown(clip_here(site.url("/"), tmp_path / "work")) == [1, 2]


@pytest.mark.parametrize("rest", [PART, "<html>Please log in"])
def test_a_listing_that_leads_nowhere_is_an_error(site: Server, tmp_path: Path, rest: str) -> None:
    """Such as one whose rest is the same part again, or another page."""
    site.pages["/"] = in_turn(reply(200, PART.encode()), reply(200, rest.encode()))
    with pytest.raises(SourceError, match="rest of a bucket's listing"):
        clip_here(site.url("/"), tmp_path / "work")


def test_pages_are_listed_once(site: Server, tmp_path: Path) -> None:
    """A second run asks the server for nothing."""
    for _ in range(2):
        clip_here(site.url("/radar/"), tmp_path / "work", match="frame_?.png", every=3)
        requests = list(site.requests)
    assert len(requests) == 1 + 4


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_of_urls_and_paths_is_a_source(site: Server, tmp_path: Path, end: str) -> None:
    """In its own order, with comments; paths are relative to the list."""
    (tmp_path / "7.png").write_bytes(picture(7))
    lines = ["# mine", site.url("/radar/frame_3.png"), "", "7.png", site.url("/radar/frame_1.png")]
    (tmp_path / "list").write_bytes(end.join(lines).encode("utf-8-sig"))
    assert shown(clip_here(tmp_path / "list", tmp_path / "work")) == [3, 7, 1]


def test_a_list_that_was_fetched_names_no_files_of_this_machine(
    site: Server, tmp_path: Path
) -> None:
    """The line is named."""
    site.pages["/list"] = f"{site.url('/radar/frame_1.png')}\nfile:///etc/passwd\n".encode()
    with pytest.raises(SourceError, match="line 2"):
        clip_here(site.url("/list"), tmp_path / "work")


def test_dated_urls_are_a_source(server: Server, tmp_path: Path) -> None:
    """One for each step of time; one that does not exist is a gap, and no failure."""
    for number in (0, 1, 3, 5):
        server.pages[f"/20261123/18{number}0.png"] = picture(number)
    wanted = {"since": "2026-11-23T18:00Z", "until": "2026-11-23T18:50Z", "step": "10m"}
    clip = clip_here(server.url("/%Y%m%d/%H%M.png"), tmp_path / "work", **wanted)
    assert shown(clip) == [0, 1, 3, 5]
    assert len(server.requests) == 6


def test_what_a_list_and_dated_urls_name_is_asked_for_whatever_its_name(
    server: Server, tmp_path: Path
) -> None:
    """As cameras have it, whose pictures have no suffix."""
    server.pages["/camera"] = picture(3)
    (tmp_path / "list").write_text(server.url("/camera?id=7"))
    assert shown(clip_here(tmp_path / "list", tmp_path / "a")) == [3]
    wanted = {"since": "2026-11-23T18:00Z", "until": "2026-11-23T18:00Z", "step": "10m"}
    clip = clip_here(server.url("/camera?time=%Y%m%d%H%M"), tmp_path / "b", **wanted)
    assert shown(clip) == [3]


def test_the_time_of_a_dated_item_is_not_the_part_in_its_name(
    server: Server, tmp_path: Path
) -> None:
    """The rest may stand in its folders."""
    for hour in range(3):
        server.pages[f"/{hour:02}/20261123.png"] = picture(hour)
    times = {"since": "2026-11-23T01:00", "until": "2026-11-23T02:00", "step": "1h"}
    assert shown(clip_here(server.url("/%H/%Y%m%d.png"), tmp_path / "work", **times)) == [1, 2]


def test_only_what_does_not_exist_is_a_gap(server: Server, tmp_path: Path) -> None:
    """Whatever number stands in the words of a server that fails."""

    def refuse(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(400, "Request 40404 is not found to be good")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.pages |= {"/2026-11-23.png": picture(1), "/2026-11-24.png": refuse}
    times = {"since": "2026-11-22", "until": "2026-11-25", "step": "1d"}
    with pytest.raises(SourceError, match=r"2026-11-24\.png is not usable"):
        clip_here(server.url("/%Y-%m-%d.png"), tmp_path / "work", **times)


def test_a_dated_url_needs_to_know_which_times(server: Server, tmp_path: Path) -> None:
    """The error says what to give."""
    with pytest.raises(ParameterError, match="--since and --step"):
        clip_here(server.url("/%Y.png"), tmp_path / "work")


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    """Fewer bytes than were announced."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(picture(6))
    handler.close_connection = True


def test_missing_and_broken_pictures_are_named(
    site: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As errors of the item, or in the manifest by their numbers; what passes is tried again."""
    monkeypatch.setattr(settings.download.retry_delay, "_default", 0.0)
    del site.pages["/radar/frame_4.png"]
    site.pages["/radar/frame_6.png"] = cut_off
    whole = site.pages["/radar/frame_2.png"]
    assert isinstance(whole, bytes)
    site.pages["/radar/frame_2.png"] = in_turn(reply(503), reply(503), reply(200, whole))
    with pytest.raises(PipelineError, match=r"frame_4\.png is not usable") as caught:
        clip_here(site.url("/radar/"), tmp_path / "work")
    assert caught.value.got.startswith("404")
    clip = clip_here(site.url("/radar/"), tmp_path / "work", on_bad_frame="skip")
    assert shown(clip) == [number for number in range(COUNT) if number not in (4, 6)]
    manifest = load_manifest(open_folder(str(tmp_path / "work")))
    assert manifest is not None
    missing, broken = manifest.skipped
    assert (missing.number, broken.number) == (4, 6)
    assert "404" in missing.reason
    assert "frame_4.png" in missing.reason
    assert "expected the whole file" in broken.reason
    assert "frame_6.png" in broken.reason
    assert site.requests.count("/radar/frame_2.png") == 3


@pytest.mark.slow
def test_runs_that_are_killed_are_completed_by_the_next(tmp_path: Path) -> None:
    """The short form of tests/campaigns/items.py."""
    assert len(list(items.campaign(24, 2, 4, tmp_path, popen=warm.Popen))) == 2


def test_a_run_goes_on_with_what_was_fetched(site: Server, tmp_path: Path) -> None:
    """A picture that could not be had ends the run; the next one asks only for what is missing."""
    whole = site.pages["/radar/frame_11.png"]

    def refuse(handler: BaseHTTPRequestHandler) -> None:
        handler.send_error(404)

    site.pages["/radar/frame_11.png"] = refuse
    with pytest.raises(PipelineError):
        clip_here(site.url("/radar/"), tmp_path / "work")
    site.requests.clear()
    site.pages["/radar/frame_11.png"] = whole
    assert shown(clip_here(site.url("/radar/"), tmp_path / "work")) == list(range(COUNT))
    assert len(site.requests) == len(set(site.requests))
    assert "/radar/frame_0.png" not in site.requests


def cut_jpeg(handler: BaseHTTPRequestHandler) -> None:
    """Half of a picture, of which nobody says how long it is."""
    handler.send_response(200)
    handler.end_headers()
    data = saved(Image.effect_noise((64, 64), 50), "JPEG")
    handler.wfile.write(data[: len(data) // 2])
    handler.close_connection = True


@pytest.mark.parametrize("answer", [b"<html>", cut_jpeg])
def test_what_is_no_picture_is_fetched_again(site: Server, tmp_path: Path, answer: Page) -> None:
    """By the next run, as its server may have mended it; the others are not."""
    whole = site.pages["/radar/frame_6.png"]
    site.pages["/radar/frame_6.png"] = answer
    with pytest.raises(SourceError, match=r"frame_6\.png is not usable"):
        clip_here(site.url("/radar/"), tmp_path / "work")
    site.requests.clear()
    site.pages["/radar/frame_6.png"] = whole
    assert shown(clip_here(site.url("/radar/"), tmp_path / "work")) == list(range(COUNT))
    assert "/radar/frame_6.png" in site.requests
    assert not {f"/radar/frame_{number}.png" for number in range(6)} & set(site.requests)


def test_what_a_killed_run_left_of_items_is_removed(site: Server, tmp_path: Path) -> None:
    """Its temporary files, and a file that it has unpacked; what is not its own stays."""
    left = ["items/x.json.0123456789abcdef.luigi-gif-tmp", "image-data.img.unpacked.part"]
    for name in (*left, "items/mine"):
        (tmp_path / "work" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / name).write_bytes(b"x")
    clip_here(site.url("/radar/"), tmp_path / "work", last=1)
    assert [path.name for path in (tmp_path / "work/items").iterdir()] == ["mine"]
    assert not (tmp_path / "work" / left[1]).exists()


def test_a_page_without_pictures_is_an_error(server: Server, tmp_path: Path) -> None:
    """It says how many other links there are."""
    server.pages["/"] = b"<!DOCTYPE html><a href='a.txt'>a</a>"
    with pytest.raises(SourceError, match=r"an HTML or XML page .*with 1 other links"):
        clip_here(server.url("/"), tmp_path / "work")


def test_a_page_that_was_cut_off_is_an_error(site: Server, tmp_path: Path) -> None:
    """Its last pictures are not taken for gone."""
    page = site.pages["/radar/"]
    assert isinstance(page, bytes)
    site.pages["/radar/"] = page[:-20]
    with pytest.raises(SourceError, match="ends within a tag"):
        clip_here(site.url("/radar/"), tmp_path / "work")


def test_a_page_that_only_leads_to_another_is_an_error(server: Server, tmp_path: Path) -> None:
    """It says to which."""
    server.pages["/"] = b"<html><meta http-equiv=Refresh content=\"0; URL='/radar/'\">moved"
    with pytest.raises(SourceError) as caught:
        clip_here(server.url("/"), tmp_path / "work")
    assert caught.value.next_step == f"give {server.url('/radar/')} as the URL"
