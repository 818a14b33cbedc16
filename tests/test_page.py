"""The page of all clips: what it tells, that it is HTML, and what Chromium fetches of it."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

import fsspec
import html5lib
import pytest
from pytest_mock import MockerFixture
from support.browser import browser
from support.clips import make_clip
from support.decoders import IN_CHROMIUM
from support.images import DELIMITER, gif
from support.page_server import Server
from support.paths import SAMPLE
from support.warm import wait_until

from luigi_gif import storage
from luigi_gif.errors import ForeignFileError, StorageError
from luigi_gif.integrations import page


@pytest.fixture(scope="module")
def three_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two work directories with a clip each, and one without."""
    folder = tmp_path_factory.mktemp("three") / "nights"
    folder.mkdir()
    for name, data in (("2026-11-01", SAMPLE.read_bytes()), ("a b&c", gif(1) + DELIMITER + gif(2))):
        make_clip(data, folder / name)
    make_clip(gif(1), folder / "gone").unlink()
    return folder


@pytest.fixture
def nights(three_nights: Path, tmp_path: Path) -> Path:
    """A copy of them, for one test."""
    return Path(shutil.copytree(three_nights, tmp_path / "nights"))


def test_a_page_tells_of_each_clip(nights: Path) -> None:
    """Its path, size, duration, source and steps; a clip that is not there is left out."""
    path = Path(page.write_page(str(nights)))
    assert path == nights / "index.html"
    text = path.read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<h1>2 clips, 0.3 MiB</h1>" in text
    assert 'src="2026-11-01/clip.gif" alt="2026-11-01/clip.gif" width="320" height="320"' in text
    assert "32 frames · 1.92 s" in text
    assert 'src="a%20b%26c/clip.gif"' in text
    assert "<h2>a b&amp;c/clip.gif</h2>" in text
    assert "2 frames · 0.2 s · 3×2" in text  # noqa: RUF001
    assert "CombineGif 0." in text
    assert "gone" not in text
    assert text.count('loading="lazy"') == 2


def test_a_page_lies_on_a_store_too(nights: Path) -> None:
    """With the same words."""
    here = storage.open_folder(str(nights))
    store = storage.open_folder("memory://nights")
    for path in nights.rglob("*"):
        if path.is_file():
            store.write(str(path.relative_to(nights)), path.read_bytes())
    assert page.write_page("memory://nights") == "memory://nights/index.html"
    page.write_page(str(nights))
    assert store.read("index.html") == here.read("index.html")


def note(workdir: Path, **changes: object) -> None:
    """Let a work directory say something else of its clip, with a right checksum."""
    folder = storage.open_folder(str(workdir))
    run = folder.read_json("run.json")
    assert run is not None
    run["clips"]["clip.gif"] |= changes
    folder.write_json("run.json", run)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"width": '1"><script>alert(1)</script>'}, "2 frames · 0.2 s · 0"),
        ({"height": True}, "2 frames · 0.2 s · 0"),
        ({"frames": -1}, "UTC</time> · 0.2 s · 3×2 · 0"),  # noqa: RUF001
        ({"duration_ms": float("nan")}, "2 frames · 3×2 · 0"),  # noqa: RUF001
        ({"made": "<script>"}, "<p>2 frames · 0.2 s · 3×2 · 0"),  # noqa: RUF001
    ],
)
def test_what_is_no_number_is_not_shown(
    nights: Path, changes: dict[str, object], shown: str
) -> None:
    """Whoever may write to a work directory puts nothing else into the page of all."""
    note(nights / "a b&c", **changes)
    text = Path(page.write_page(str(nights))).read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<h1>2 clips, " in text
    assert "script" not in text
    assert shown in text


@pytest.mark.parametrize("clips", [[], {"clip.gif": None}, {"clip.gif": {"bytes": "1"}}])
def test_a_note_of_another_form_is_as_good_as_none(nights: Path, clips: object) -> None:
    """No traceback."""
    folder = storage.open_folder(str(nights / "a b&c"))
    folder.write_json("run.json", {"clips": clips})
    assert "<h1>1 clip, " in Path(page.write_page(str(nights))).read_text()


def test_texts_of_a_note_are_escaped(nights: Path) -> None:
    """The source, the steps and the names of files and folders."""
    workdir = (nights / "a b&c").rename(nights / "<i>\x1b[2J")
    folder = storage.open_folder(str(workdir))
    run = folder.read_json("run.json")
    assert run is not None
    run |= {"url": "<script>", "steps": {"<script>": {"seconds": 1}}}
    folder.write_json("run.json", run)
    text = Path(page.write_page(str(nights))).read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<h1>2 clips, " in text
    assert "<script>" not in text
    assert "<i>" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", ["../secret.gif", "/etc/passwd", "out/clip.gif", "link.gif", ""])
def test_a_page_shows_nothing_outside_of_its_folder(nights: Path, name: str) -> None:
    """Neither by a name nor by a link."""
    workdir = nights / "a b&c"
    (nights / "secret.gif").write_bytes((workdir / "clip.gif").read_bytes())
    (workdir / "out").symlink_to(nights / "2026-11-01")
    (workdir / "link.gif").symlink_to(nights / "secret.gif")
    folder = storage.open_folder(str(workdir))
    run = folder.read_json("run.json")
    assert run is not None
    run["clips"] = {name: run["clips"]["clip.gif"]}
    folder.write_json("run.json", run)
    assert "<h1>1 clip, " in Path(page.write_page(str(nights))).read_text()


@pytest.mark.parametrize("local", [True, False])
def test_frames_are_not_listed(nights: Path, local: bool, mocker: MockerFixture) -> None:
    """However many there are; and no link is followed."""
    if local:
        folder = storage.open_folder(str(nights))
        (nights / "2026-11-01" / "round").symlink_to(nights)
        scan = mocker.spy(os, "scandir")
    else:
        folder = storage.open_folder(f"memory://{uuid.uuid4()}")
        for name in ("a/run.json", "a/frames/frame_00.gif", "b/c/run.json", "frames/d/run.json"):
            folder.write(name, b"{}")
        scan = mocker.spy(fsspec.get_filesystem_class("memory"), "ls")
    found = folder.find({"run.json"}, {"frames"})
    assert found == (["2026-11-01", "a b&c", "gone"] if local else ["a", "b/c", "frames/d"])
    asked = [str(call.args[-1]) for call in scan.call_args_list]
    assert asked
    assert not [path for path in asked if path.endswith(("/a/frames", "01/frames", "/round"))]


@pytest.mark.parametrize("theirs", [b"<!DOCTYPE html><title>Mine</title>", None])
def test_a_page_of_the_user_is_left_alone(nights: Path, theirs: bytes | None) -> None:
    """Also one of ours that was edited; one as it was written is written again."""
    page.write_page(str(nights))
    path = Path(page.write_page(str(nights)))
    mine = theirs or path.read_bytes().replace(b"2 clips", b"My clips")
    path.write_bytes(mine)
    with pytest.raises(ForeignFileError, match="index"):
        page.write_page(str(nights))
    assert path.read_bytes() == mine


def test_a_folder_without_clips_is_an_error(tmp_path: Path) -> None:
    """In words."""
    with pytest.raises(StorageError, match="there is no clip to show"):
        page.write_page(str(tmp_path))


@pytest.mark.external
@IN_CHROMIUM
def test_a_year_opens_at_once(tmp_path: Path, server: Server) -> None:
    """365 clips, of which only the first ones are fetched."""
    path = make_clip(gif(1, (320, 320)), tmp_path / "day")
    (clip,) = page._clips(storage.open_folder(str(tmp_path)))
    clips = [clip._replace(path=f"{number}.gif") for number in range(365)]
    server.pages = {f"/{number}.gif": path.read_bytes() for number in range(365)}
    server.pages["/"] = page.render(clips).encode()
    browser().open(server.url("/"))
    shown = "[...document.images].filter(each => each.getBoundingClientRect().top < innerHeight)"
    wait_until(lambda: browser().value(f"{shown}.length && {shown}.every(each => each.complete)"))
    browser().open("about:blank")
    assert 0 < len([path for path in server.requests if path.endswith(".gif")]) < 100
