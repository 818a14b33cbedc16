"""Pages, lists and dated URLs as sources: what is asked of the server, and what comes of it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.clips import clip_here
from support.images import saved
from support.numbered import picture, shown
from support.page_server import Page, Server, in_turn, reply

from luigi_gif import settings
from luigi_gif.errors import ParameterError, PipelineError, SourceError
from luigi_gif.frames import load_manifest
from luigi_gif.integrations.progress import ProgressReporter
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


def test_a_dated_url_needs_to_know_which_times(server: Server, tmp_path: Path) -> None:
    """The error says what to give."""
    with pytest.raises(ParameterError, match="--since and --step"):
        clip_here(server.url("/%Y.png"), tmp_path / "work")


def test_missing_and_broken_pictures_are_named(site: Server, tmp_path: Path) -> None:
    """As errors of the item, or in the manifest by their numbers."""
    del site.pages["/radar/frame_4.png"]
    site.pages["/radar/frame_6.png"] = b"<html>"
    with pytest.raises(PipelineError, match=r"frame_[46]\.png"):
        clip_here(site.url("/radar/"), tmp_path / "work")
    clip = clip_here(site.url("/radar/"), tmp_path / "work", on_bad_frame="skip")
    assert shown(clip) == [number for number in range(COUNT) if number not in (4, 6)]
    manifest = load_manifest(open_folder(str(tmp_path / "work")))
    assert manifest is not None
    assert [frame.number for frame in manifest.skipped] == [4, 6]
    assert all(re.search(r"frame_[46]\.png", frame.reason) for frame in manifest.skipped)


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
