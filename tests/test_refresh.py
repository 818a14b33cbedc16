"""What a later run knows of a source: where each item came from, and whether it has changed."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import fsspec
import luigi
import pytest
from campaigns import refresh
from PIL import Image
from pytest_mock import MockerFixture
from support.images import DELIMITER, saved
from support.numbered import picture
from support.page_server import Server, reply
from support.pipeline import STEPS, Pipeline, frame

import luigi_gif
from luigi_gif import frames, storage
from luigi_gif.sources import store_items


def test_it_is_noted_where_the_images_of_each_item_are_in_the_bundle(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """Also of an item of several frames, and of one that cannot be used."""
    pictures = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 120, 240)]
    animation = saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:])
    items = {"0.png": picture(0), "1.gif": animation, "2.png": b"no image", "3.png": picture(3)}
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in items.items():
        (folder / name).write_bytes(data)
    pipeline.run(url=str(folder), on_bad_frame="skip")
    bundle = (pipeline.workdir / "image-data.img").read_bytes()
    sha256 = hashlib.sha256(bundle).hexdigest()
    workdir = storage.LocalFolder(pipeline.workdir)
    noted = list(frames.noted_item_sources(workdir, "image-data.img", sha256))
    images = [bundle[item.offset : item.offset + item.size] for item in noted]
    assert DELIMITER.join(images) == bundle
    assert images[1].count(DELIMITER) == 2
    assert [(item.first_frame, item.name) for item in noted] == [
        (0, "0.png"), (1, "1.gif"), (4, "2.png"), (5, "3.png")
    ]  # fmt: skip
    digests = [hashlib.sha256(data).hexdigest() for data in items.values()]
    assert [item.sha256 for item in noted] == [*digests[:2], "", digests[3]]
    assert not list(frames.noted_item_sources(workdir, "image-data.img", "0" * 64))


def index_of(names: Iterable[str]) -> bytes:
    links = "".join(f'<a href="{name}">{name}</a>' for name in names)
    return f"<html><title>Index of /cam/</title>{links}</html>".encode()


def serve(server: Server, numbers: Iterable[int], base: str = "/cam/") -> list[str]:
    """Have a page of these pictures, and their names."""
    names = [f"{number:03}.gif" for number in numbers]
    for name in [name for name in server.pages if name.startswith(base)]:
        del server.pages[name]
    for number, name in zip(numbers, names, strict=True):
        server.pages[f"{base}{name}"] = frame(number)
    server.pages[base] = index_of(names)
    server.requests.clear()
    return names


def outputs(pipeline: Pipeline) -> dict[str, tuple[bytes, int]]:
    """All files but the receipt, which notes when the source was asked."""
    return {name: at for name, at in pipeline.files().items() if name != "image-data.img.json"}


def clip_of(pipeline: Pipeline, folder: Path, **parameters: Any) -> bytes:
    """What a new work directory would have."""
    other = Pipeline(pipeline.server, folder, pipeline._caplog)
    other.run(**parameters)
    return other.clip()


def test_of_a_page_with_a_new_picture_only_that_one_is_fetched(
    pipeline: Pipeline, server: Server, tmp_path: Path
) -> None:
    serve(server, range(8))
    url = server.url("/cam/")
    pipeline.run(url=url)
    names = serve(server, range(1, 9))
    pipeline.run(url=url)
    assert server.requests == []
    assert pipeline.run(url=url, refresh=True) == STEPS
    assert server.requests == ["/cam/", f"/cam/{names[-1]}"]
    clip = pipeline.clip()
    assert clip == clip_of(pipeline, tmp_path / "new", url=url)


def test_of_a_page_with_nothing_new_nothing_is_fetched_or_made(
    pipeline: Pipeline, server: Server
) -> None:
    serve(server, range(5))
    url = server.url("/cam/")
    pipeline.run(url=url)
    before = outputs(pipeline)
    server.requests.clear()
    assert pipeline.run(url=url, refresh=True) == ["DownloadData"]
    assert server.requests == ["/cam/"]
    assert outputs(pipeline) == before


def test_a_picture_that_could_not_be_used_is_fetched_again(
    pipeline: Pipeline, server: Server, tmp_path: Path
) -> None:
    """Its place in the clip may be anywhere."""
    names = serve(server, range(5))
    url = server.url("/cam/")
    server.pages[f"/cam/{names[2]}"] = b"not yet"
    pipeline.run(url=url, on_bad_frame="skip")
    server.pages[f"/cam/{names[2]}"] = frame(2)
    server.requests.clear()
    pipeline.run(url=url, on_bad_frame="skip", refresh=True)
    assert server.requests == ["/cam/", f"/cam/{names[2]}"]
    assert pipeline.clip() == clip_of(pipeline, tmp_path / "new", url=url, on_bad_frame="skip")


class Picture:
    """A page of one picture that a server asks for conditions of; it can be overwritten."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.etag: str | None = None
        self.modified: str | None = None
        self.answered = "Wed, 25 Nov 2026 18:00:00 GMT"
        self.bodies = 0

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers
        assert not asked["Range"]
        etag, since = asked["If-None-Match"], asked["If-Modified-Since"]
        assert not (etag and since)
        known = (etag and etag == self.etag) or (since and since == self.modified)
        handler.send_response_only(304 if known else 200)
        handler.send_header("Date", self.answered)
        for name, value in (("ETag", self.etag), ("Last-Modified", self.modified)):
            if value is not None:
                handler.send_header(name, value)
        if not known:
            self.bodies += 1
            handler.send_header("Content-Length", str(len(self.data)))
        handler.end_headers()
        if not known:
            handler.wfile.write(self.data)


MONDAY = "Mon, 23 Nov 2026 18:00:00 GMT"
TUESDAY = "Tue, 24 Nov 2026 18:00:00 GMT"
BUNDLE = DELIMITER.join(map(frame, range(3)))


@pytest.fixture
def page(server: Server) -> Picture:
    page = server.pages["/bundle"] = Picture(BUNDLE)
    return page


@pytest.mark.parametrize("validator", [{"etag": '"1"'}, {"etag": 'W/"1"'}, {"modified": MONDAY}])
def test_a_url_of_the_same_version_is_not_fetched_again(
    pipeline: Pipeline, page: Picture, validator: dict[str, str]
) -> None:
    vars(page).update(validator)
    pipeline.run(refresh=True)
    before = outputs(pipeline)
    assert pipeline.run(refresh=True) == ["DownloadData"]
    assert page.bodies == 1
    assert outputs(pipeline) == before


def test_a_url_of_another_version_with_the_same_bytes_changes_nothing(
    pipeline: Pipeline, page: Picture
) -> None:
    """Its new version is asked for the next time."""
    page.etag = '"1"'
    pipeline.run(refresh=True)
    before = outputs(pipeline)
    page.etag = '"2"'
    for _ in range(2):
        assert pipeline.run(refresh=True) == ["DownloadData"]
        assert page.bodies == 2
        assert outputs(pipeline) == before


@pytest.mark.parametrize("modified", [None, MONDAY])
def test_a_url_with_other_bytes_is_made_again(
    pipeline: Pipeline, page: Picture, tmp_path: Path, modified: str | None
) -> None:
    page.modified = modified
    pipeline.run()
    page.data, page.modified = DELIMITER.join(map(frame, range(4))), modified and TUESDAY
    assert pipeline.run() == []
    assert pipeline.run(refresh=True) == STEPS
    assert pipeline.clip() == clip_of(pipeline, tmp_path / "new")


def test_a_url_whose_etag_is_another_in_each_answer_is_judged_by_its_bytes(
    pipeline: Pipeline, page: Picture
) -> None:
    page.etag = '"0"'
    pipeline.run(refresh=True)
    before = outputs(pipeline)
    for number in range(1, 4):
        page.etag = f'"{number}"'
        assert pipeline.run(refresh=True) == ["DownloadData"]
        assert outputs(pipeline) == before
    page.data, page.etag = DELIMITER.join(map(frame, range(4))), '"4"'
    assert pipeline.run(refresh=True) == STEPS


@pytest.mark.parametrize("validator", [{"etag": '"1"'}, {"modified": MONDAY}])
def test_a_version_of_another_file_that_a_url_led_to_does_not_count(
    pipeline: Pipeline, server: Server, validator: dict[str, str]
) -> None:
    """As a link to the newest of many files has it; the query of one may be signed anew."""
    pages = [Picture(frame(0)), Picture(frame(1))]
    for number, page in enumerate(pages):
        vars(page).update(validator)
        server.pages[f"/{number}.gif"] = page
    bundles = []
    for place in ("/0.gif?signed=1", "/0.gif?signed=2", "/1.gif?signed=3"):
        server.pages["/latest"] = reply(302, Location=place)
        pipeline.run(url=server.url("/latest"), refresh=True)
        bundles.append((pipeline.workdir / "image-data.img").read_bytes())
    assert bundles == [frame(0), frame(0), frame(1)]
    assert [page.bodies for page in pages] == [1, 1]


def test_a_time_of_the_second_of_the_answer_tells_no_version(
    pipeline: Pipeline, page: Picture
) -> None:
    """The file may be overwritten in that same second."""
    page.modified = page.answered
    pipeline.run()
    page.data = DELIMITER.join(map(frame, range(4)))
    assert pipeline.run(refresh=True) == STEPS


def test_a_source_that_cannot_be_reached_fails_the_run_and_leaves_the_clip(
    pipeline: Pipeline, server: Server, page: Picture
) -> None:
    pipeline.run()
    before = pipeline.files()
    del server.pages["/bundle"]
    pipeline.run(refresh=True)
    assert not pipeline.ok
    assert "404" in pipeline.log[-1]
    assert pipeline.files() == before
    assert pipeline.run() == []


def test_a_source_that_was_asked_a_short_time_ago_is_not_asked_again(
    pipeline: Pipeline, server: Server, page: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    pipeline.run()
    for seconds, steps in ((590, []), (610, ["DownloadData"]), (1200, []), (-5, ["DownloadData"])):
        monkeypatch.setattr(time, "time", lambda seconds=seconds: now + seconds)
        assert pipeline.run(max_age="10m") == steps
    assert len(server.requests) == 3


@pytest.mark.parametrize("kind", ["page", "list", "dated"])
def test_pictures_that_are_chosen_by_their_age_are_others_in_each_run(
    pipeline: Pipeline, server: Server, kind: str
) -> None:
    """Without --refresh, too; those that a run before has are not fetched again."""
    now = datetime.now(UTC)
    names = [f"{now - timedelta(minutes=age):%Y%m%d_%H%M}.gif" for age in (150, 90, 30, 1)]
    for number, name in enumerate(names):
        server.pages[f"/{name}"] = frame(number)
    texts = {"page": index_of, "list": lambda names: "\n".join(names).encode()}
    path = {"dated": "/%Y%m%d_%H%M.gif"}.get(kind, "/cam")
    options = {"url": server.url(path), "since": "2h", "on_bad_frame": "skip"}
    options |= {"step": "1m"} if kind == "dated" else {}
    last = server.pages.pop(f"/{names[3]}")
    for shown in (3, 4):
        if kind != "dated":
            server.pages["/cam"] = texts[kind](names[:shown])
        server.requests.clear()
        pipeline.run(**options)
        assert pipeline.ok
        assert len(server.requests) > 0
        server.pages[f"/{names[3]}"] = last
    assert f"/{names[1]}" not in server.requests
    assert (pipeline.workdir / "image-data.img").read_bytes() == DELIMITER.join(
        map(frame, (1, 2, 3))
    )


def test_a_clip_whose_source_is_not_asked_says_what_asks_it(
    pipeline: Pipeline, page: Picture
) -> None:
    hint = "is current; only --refresh asks its source for changes"
    for options, is_told in (({}, True), ({"refresh": True}, False), ({"max_age": "1h"}, False)):
        pipeline.run(**options)
        pipeline.run(**options)
        assert any(hint in line for line in pipeline.log) is is_told


def test_a_file_that_was_fetched_is_asked_for_what_it_was(
    pipeline: Pipeline, server: Server
) -> None:
    """An archive, an animation: neither is unpacked again."""
    pictures = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 120, 240)]
    animation = saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(3):
            file.writestr(f"{number}.png", picture(number))
    for path, data in (("/0.gif", animation), ("/0.zip", archive.getvalue())):
        page = server.pages[path] = Picture(data)
        page.etag = '"1"'
        pipeline.run(url=server.url(path))
        before = outputs(pipeline)
        for etag in ('"1"', '"2"'):
            page.etag = etag
            assert pipeline.run(url=server.url(path), refresh=True) == ["DownloadData"]
            assert outputs(pipeline) == before
        assert page.bodies == 2


def test_dated_pictures_that_were_gaps_are_asked_for_again(
    pipeline: Pipeline, server: Server, tmp_path: Path
) -> None:
    options = {"since": "2026-11-23T00:00", "until": "2026-11-23T05:00", "step": "1h"}
    url = server.url("/%Y%m%d_%H.gif")
    for hour in (0, 1, 3):
        server.pages[f"/20261123_{hour:02}.gif"] = frame(hour)
    pipeline.run(url=url, **options)
    before = outputs(pipeline)
    server.requests.clear()
    assert pipeline.run(url=url, refresh=True, **options) == ["DownloadData"]
    assert sorted(server.requests) == [f"/20261123_{hour:02}.gif" for hour in (2, 4, 5)]
    assert outputs(pipeline) == before
    server.pages["/20261123_02.gif"] = frame(2)
    pipeline.run(url=url, refresh=True, **options)
    assert pipeline.clip() == clip_of(pipeline, tmp_path / "new", url=url, **options)


def test_a_store_is_listed_again_and_only_new_objects_are_read(
    pipeline: Pipeline, tmp_path: Path, mocker: MockerFixture
) -> None:
    """An object of the same name and another version is new."""
    bucket = fsspec.filesystem("memory")
    for number in range(5):
        bucket.pipe_file(f"/cam/{number}.gif", frame(number))
    url = "memory://cam/"
    pipeline.run(url=url)
    before = outputs(pipeline)
    read = mocker.spy(store_items.StoreItems, "_read_once")
    assert pipeline.run(url=url, refresh=True) == ["DownloadData"]
    assert outputs(pipeline) == before
    bucket.rm_file("/cam/0.gif")
    bucket.pipe_file("/cam/3.gif", frame(30))
    bucket.pipe_file("/cam/5.gif", frame(5))
    pipeline.run(url=url, refresh=True)
    assert {call.args[1].name for call in read.call_args_list} == {"3.gif", "5.gif"}
    assert pipeline.clip() == clip_of(pipeline, tmp_path / "new", url=url)
    bucket.rm("/cam", recursive=True)


def test_of_a_folder_with_nothing_new_nothing_is_made(pipeline: Pipeline, tmp_path: Path) -> None:
    """With --refresh or without: each run looks at what lies on this machine."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.gif").write_bytes(frame(number))
    pipeline.run(url=str(folder), refresh=True)
    before = pipeline.files()
    assert pipeline.run(url=str(folder), refresh=True) == []
    assert pipeline.files() == before
    (folder / "0.gif").unlink()
    (folder / "3.gif").write_bytes(frame(3))
    assert pipeline.run(url=str(folder), refresh=True) == STEPS
    assert pipeline.clip() == clip_of(pipeline, tmp_path / "new", url=str(folder))


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_has_nothing_any_more_fails_a_refresh(
    pipeline: Pipeline, tmp_path: Path, *, is_there: bool
) -> None:
    """As a page does: what brings its pictures may have broken. The clip stays."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "0.gif").write_bytes(frame(0))
    pipeline.run(url=str(folder))
    before = pipeline.clip()
    (folder / "0.gif").unlink()
    if not is_there:
        folder.rmdir()
    assert pipeline.run(url=str(folder)) == []
    assert pipeline.ok
    for options in ({"refresh": True}, {"since": "1h"}):
        assert pipeline.run(url=str(folder), **options) == ["DownloadData"]
        assert not pipeline.ok
        assert pipeline.clip() == before


def test_each_of_several_urls_is_asked_for_anew(pipeline: Pipeline, server: Server) -> None:
    """The user named them: any of them may have been overwritten."""
    places = ["/north.gif", "/south.gif"]
    server.pages |= {place: frame(number) for number, place in enumerate(places)}
    urls = [server.url(place) for place in places]
    pipeline.run(url=urls)
    before = outputs(pipeline)
    assert pipeline.run(url=urls, refresh=True) == ["DownloadData"]
    assert outputs(pipeline) == before
    server.pages["/south.gif"] = frame(5)
    server.requests.clear()
    assert pipeline.run(url=urls, refresh=True) == STEPS
    assert sorted(server.requests) == places
    assert (pipeline.workdir / "image-data.img").read_bytes() == frame(0) + DELIMITER + frame(5)


def test_a_page_that_shows_a_logo_where_it_linked_to_pictures_is_an_error(
    pipeline: Pipeline, server: Server, tmp_path: Path
) -> None:
    """It is no loop of one picture. A page that only shows pictures is one, from the first on."""
    serve(server, range(3))
    url = server.url("/cam/")
    pipeline.run(url=url)
    before = pipeline.clip()
    server.pages["/cam/"] = b'<html><h1>Back soon</h1><img src="/logo.gif"></html>'
    server.pages["/logo.gif"] = frame(9)
    pipeline.run(url=url, refresh=True)
    assert not pipeline.ok
    assert any("one that only shows 1 picture" in line for line in pipeline.log)
    assert pipeline.clip() == before
    serve(server, range(4))
    assert pipeline.run(url=url, refresh=True) == STEPS
    shows = Pipeline(server, tmp_path / "shows", pipeline._caplog)
    server.pages["/wall/"] = b'<html><img src="/a.gif"></html>'
    server.pages["/a.gif"] = frame(1)
    shows.run(url=server.url("/wall/"))
    server.pages["/wall/"] = b'<html><img src="/a.gif"><img src="/logo.gif"></html>'
    shows.run(url=server.url("/wall/"), refresh=True)
    assert shows.ok


def test_a_bundle_of_the_user_is_used_as_it_is(pipeline: Pipeline, server: Server) -> None:
    """And the log says that its source is not asked."""
    pipeline.workdir.mkdir()
    (pipeline.workdir / "image-data.img").write_bytes(BUNDLE)
    pipeline.run(refresh=True)
    assert pipeline.run(refresh=True) == []
    assert any("image-data.img has no receipt" in line for line in pipeline.log)
    assert server.requests == []


def test_make_gif_and_a_batch_ask_once_for_each_clip(
    server: Server, page: Picture, tmp_path: Path
) -> None:
    """A clip that has not changed is not made again."""
    page.etag = '"1"'
    (tmp_path / "urls.txt").write_text(server.url("/bundle"))
    options = {"refresh": True, "workdir": str(tmp_path / "work")}
    batch = luigi_gif.GifBatch(urls_file=str(tmp_path / "urls.txt"), **options)
    for number in range(1, 4):
        luigi_gif.make_gif(server.url("/bundle"), tmp_path / "clip.gif", **options)
        luigi.build([batch], local_scheduler=True, no_lock=True)
        assert len(server.requests) == 2 * number
    assert page.bodies == 2


@pytest.mark.slow
def test_after_any_change_and_any_kill_the_next_run_is_right(tmp_path: Path) -> None:
    """As tests/campaigns/refresh.py finds it with other seeds."""
    assert len(list(refresh.campaign(6, 4, tmp_path))) == 6


def test_a_listing_in_parts_is_listed_whole_again(
    pipeline: Pipeline, server: Server, tmp_path: Path
) -> None:
    """Its first part may be the same while another has changed; versions are in it."""

    def part(names: str, version: int, rest: str) -> Picture:
        objects = "".join(
            f"<Contents><Key>{name}.gif</Key><ETag>{version}</ETag></Contents>" for name in names
        )
        page = Picture(f"<ListBucketResult>{rest}{objects}</ListBucketResult>".encode())
        page.etag = f'"{names}{version}"'
        return page

    more = "<IsTruncated>true</IsTruncated><NextMarker>b.gif</NextMarker>"
    first, url = part("ab", 1, more), server.url("/bucket/")

    def listing(handler: BaseHTTPRequestHandler) -> None:
        (second if "marker" in handler.path else first)(handler)

    server.pages["/bucket/"] = listing
    server.pages |= {f"/bucket/{name}.gif": frame(number) for number, name in enumerate("abcd")}
    second = part("c", 1, "")
    pipeline.run(url=url)
    before = outputs(pipeline)
    assert pipeline.run(url=url, refresh=True) == ["DownloadData"]
    assert outputs(pipeline) == before
    server.pages["/bucket/c.gif"] = frame(9)
    second = part("cd", 2, "")
    server.requests.clear()
    pipeline.run(url=url, refresh=True)
    assert sorted(server.requests) == ["/bucket/", "/bucket/", "/bucket/c.gif", "/bucket/d.gif"]
    assert pipeline.clip() == clip_of(pipeline, tmp_path / "new", url=url)
