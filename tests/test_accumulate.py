"""--accumulate: each version of a picture that is overwritten becomes a further frame."""

from __future__ import annotations

import email.utils
import hashlib
import json
import shutil
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import fsspec
import pytest
from PIL import Image
from support.images import DELIMITER, saved
from support.page_server import Server, reply
from support.pipeline import BUNDLE, STEPS, Pipeline, frame

import luigi_gif
from luigi_gif import frames, storage
from luigi_gif.errors import BundleError, ParameterError, SourceError

NOON = 1_795_780_800


class Camera:
    """A page of a picture, overwritten every so many seconds by another."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        date = email.utils.formatdate(NOON + self.number, usegmt=True)
        reply(200, frame(self.number), Last_Modified=date)(handler)


@pytest.fixture
def camera(server: Server) -> Camera:
    camera = server.pages["/latest.gif"] = Camera()
    return camera


def noted(pipeline: Pipeline) -> list[frames.ItemSource]:
    folder = storage.LocalFolder(pipeline.workdir)
    sha256 = hashlib.sha256((pipeline.workdir / "image-data.img").read_bytes()).hexdigest()
    return list(frames.noted_item_sources(folder, "image-data.img", sha256))


def gathered(pipeline: Pipeline) -> list[bytes]:
    return (pipeline.workdir / "image-data.img").read_bytes().split(DELIMITER)


def gather(pipeline: Pipeline, url: str, **options: Any) -> None:
    """Run the first task alone."""
    task = luigi_gif.DownloadData(
        url=url, workdir=str(pipeline.workdir), accumulate=True, **options
    )
    try:
        assert not task.complete()
        task.run()
    finally:
        task.forget_run()


def test_the_last_20_of_30_pictures_are_gathered_in_order_with_their_times(
    pipeline: Pipeline, server: Server, camera: Camera
) -> None:
    """And the clip has them."""
    url = server.url("/latest.gif")
    for number in range(30):
        camera.number = number
        gather(pipeline, url, last=20)
    assert gathered(pipeline) == [frame(number) for number in range(10, 30)]
    assert [item.time for item in noted(pipeline)] == [NOON + number for number in range(10, 30)]
    assert {item.name for item in noted(pipeline)} == {"latest.gif"}
    camera.number = 30
    assert pipeline.run(url=url, accumulate=True, last=20, caption="{time:%H:%M:%S}") == STEPS
    with Image.open(pipeline.workdir / "clip.gif") as clip:
        assert getattr(clip, "n_frames", 1) == 20


def test_the_same_picture_again_changes_nothing(
    pipeline: Pipeline, server: Server, camera: Camera
) -> None:
    """Also where it was overwritten by itself."""
    url = server.url("/latest.gif")
    pipeline.run(url=url, accumulate=True)
    files = {path.name: path.stat().st_mtime_ns for path in pipeline.workdir.glob("*.i*g")}
    for date in (NOON, NOON + 60):
        stamp = email.utils.formatdate(date, usegmt=True)
        server.pages["/latest.gif"] = reply(200, frame(0), Last_Modified=stamp)
        assert pipeline.run(url=url, accumulate=True) == ["DownloadData"]
        assert gathered(pipeline) == [frame(0)]
        after = {path.name: path.stat().st_mtime_ns for path in pipeline.workdir.glob("*.i*g")}
        assert after == files


def test_a_picture_that_comes_back_is_gathered_again(
    pipeline: Pipeline, server: Server, camera: Camera
) -> None:
    """With the time at which it was seen, where the server tells an older one."""
    url = server.url("/latest.gif")
    for camera.number in (0, 1, 0):
        gather(pipeline, url)
    assert gathered(pipeline) == [frame(0), frame(1), frame(0)]
    first, second, third = (item.time for item in noted(pipeline))
    assert (first, second) == (NOON, NOON + 1)
    assert third is not None
    assert abs(third - time.time()) < 3600


def test_a_server_that_names_versions_is_asked_for_another_one(
    pipeline: Pipeline, server: Server
) -> None:
    conditions = []

    def page(handler: BaseHTTPRequestHandler) -> None:
        conditions.append(handler.headers["If-None-Match"])
        known = conditions[-1] == '"0"'
        reply(304 if known else 200, b"" if known else frame(0), ETag='"0"')(handler)

    server.pages["/latest.gif"] = page
    url = server.url("/latest.gif")
    for _ in range(3):
        gather(pipeline, url)
    assert conditions == [None, '"0"', '"0"']
    assert gathered(pipeline) == [frame(0)]


def test_other_options_lose_nothing_that_was_gathered(
    pipeline: Pipeline, server: Server, camera: Camera
) -> None:
    """But --last, which says so."""
    url = server.url("/latest.gif")
    for camera.number in range(4):
        gather(pipeline, url)
    pipeline.run(url=url, accumulate=True, last=10)
    pipeline.run(url=url, size="8x", max_age="1h")
    pipeline.run(url=url, last=10)
    assert pipeline.ok
    assert gathered(pipeline) == [frame(number) for number in range(4)]
    pipeline.run(url=url, last=2)
    assert not pipeline.ok
    assert "what --accumulate has gathered would be lost" in pipeline.log[-1]
    pipeline.run(url=url, refresh=True)
    assert not pipeline.ok
    assert gathered(pipeline) == [frame(number) for number in range(4)]
    pipeline.run(url=url, accumulate=True, last=2)
    assert gathered(pipeline) == [frame(2), frame(3)]


def test_what_was_gathered_of_another_url_is_set_aside(
    pipeline: Pipeline, server: Server, camera: Camera
) -> None:
    for camera.number in range(3):
        gather(pipeline, server.url("/latest.gif"))
    before = (pipeline.workdir / "image-data.img").read_bytes()
    server.pages["/other.gif"] = frame(9)
    pipeline.run(url=server.url("/other.gif"), accumulate=True)
    assert gathered(pipeline) == [frame(9)]
    assert (pipeline.workdir / "image-data.img.altered").read_bytes() == before


def test_a_mistaken_url_leaves_what_was_gathered_in_its_place(
    pipeline: Pipeline, server: Server, camera: Camera
) -> None:
    """The next run with the right one goes on."""
    url = server.url("/latest.gif")
    for camera.number in range(3):
        gather(pipeline, url)
    pipeline.run(url=server.url("/lastest.gif"), accumulate=True)
    assert not pipeline.ok
    camera.number = 3
    pipeline.run(url=url, accumulate=True)
    assert pipeline.ok
    assert gathered(pipeline) == [frame(number) for number in range(4)]
    assert not list(pipeline.workdir.glob("*.altered"))


def test_a_page_in_the_place_of_the_picture_is_no_other_source(
    pipeline: Pipeline, server: Server, camera: Camera
) -> None:
    """Once there was a picture: its server is under maintenance, and the advice is to wait."""
    url = server.url("/latest.gif")
    gather(pipeline, url)
    server.pages["/latest.gif"] = b"<html><h1>Back soon</h1></html>"
    with pytest.raises(SourceError, match="run again later"):
        gather(pipeline, url)
    with pytest.raises(SourceError, match="leave out --accumulate"):
        luigi_gif.DownloadData(
            url=url, workdir=str(pipeline.workdir / "new"), accumulate=True
        ).run()
    server.pages["/latest.gif"], camera.number = camera, 1
    gather(pipeline, url)
    assert gathered(pipeline) == [frame(0), frame(1)]


def test_a_picture_that_is_halfway_written_is_not_gathered(
    pipeline: Pipeline, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be in all later clips."""
    photo = saved(Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG")
    url = server.url("/latest.jpg")
    server.pages["/latest.jpg"] = photo
    gather(pipeline, url)
    server.pages["/latest.jpg"] = photo[: len(photo) // 2]
    with pytest.raises(BundleError, match="is not whole"):
        gather(pipeline, url)
    gather(pipeline, url, on_bad_frame="skip")
    assert "not gathered" in caplog.text
    assert gathered(pipeline) == [photo]
    server.pages["/latest.jpg"] = frame(1)
    gather(pipeline, url)
    assert gathered(pipeline) == [photo, frame(1)]


def test_a_file_and_an_object_are_gathered_too(pipeline: Pipeline, tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    path = tmp_path / "latest.gif"
    for number in range(3):
        path.write_bytes(frame(number))
        gather(pipeline, str(path))
    assert gathered(pipeline) == [frame(number) for number in range(3)]
    shutil.rmtree(pipeline.workdir)
    for number in range(3):
        store.pipe_file("/cam/latest.gif", frame(number))
        gather(pipeline, "memory://cam/latest.gif")
    assert gathered(pipeline) == [frame(number) for number in range(3)]
    store.rm("/cam", recursive=True)


@pytest.mark.parametrize("kind", ["page", "list", "bundle", "folder", "several", "dated"])
def test_a_source_of_many_pictures_is_an_error_that_says_what_it_is_for(
    pipeline: Pipeline, server: Server, tmp_path: Path, kind: str
) -> None:
    page = b'<html><a href="0.gif">0</a></html>'
    server.pages |= {"/page": page, "/list": b"0.gif\n1.gif\n", "/bundle": BUNDLE}
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "0.gif").write_bytes(frame(0))
    url = {
        "folder": str(tmp_path / "pictures"),
        "several": json.dumps([server.url("/0.gif"), server.url("/1.gif")]),
        "dated": server.url("/%Y%m%d.gif"),
    }.get(kind, server.url(f"/{kind}"))
    error = ParameterError if kind in ("folder", "several", "dated") else SourceError
    with pytest.raises(error, match="--accumulate is for one picture that is overwritten"):
        gather(pipeline, url)


def test_many_clips_can_gather_each_of_its_own(tmp_path: Path) -> None:
    """What names several pictures is looked for once the URL of a clip is known."""
    (tmp_path / "2026.gif").write_bytes(frame(0))
    (tmp_path / "urls.txt").write_text(str(tmp_path / "2026.gif"))
    (clip,) = luigi_gif.GifBatch(urls_file=tmp_path / "urls.txt", accumulate=True).requires()
    assert clip.accumulate
    options = {"url": str(tmp_path / "%Y.gif"), "accumulate": True}
    assert luigi_gif.NightlyGif(date="2026-11-23", **options).requires().url.endswith("2026.gif")
    assert luigi_gif.HourlyGif(hour="2026-11-23T18", **options).requires().url.endswith("2026.gif")


def test_it_goes_with_no_other_choice_than_the_last() -> None:
    for options in ({"every": 2}, {"since": "1d"}, {"match": "*.gif"}, {"sha256": "0" * 64}):
        with pytest.raises(ParameterError, match="only --last to choose with --accumulate"):
            luigi_gif.DownloadData(url="https://example.org/latest.gif", accumulate=True, **options)


def test_a_workdir_on_a_store_gathers_too(server: Server, camera: Camera) -> None:
    for camera.number in range(3):
        task = luigi_gif.DownloadData(
            url=server.url("/latest.gif"), workdir="memory://gathered", accumulate=True
        )
        task.run()
        task.forget_run()
    store = fsspec.filesystem("memory")
    data = store.cat_file("/gathered/image-data.img")
    assert data.split(DELIMITER) == [frame(number) for number in range(3)]
    store.rm("/gathered", recursive=True)
