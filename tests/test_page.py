"""The page of all clips, its feed and its posters: what they tell, and whose files they are."""

from __future__ import annotations

import io
import itertools
import logging
import os
import shutil
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import fsspec
import html5lib
import pytest
from PIL import Image
from pytest_mock import MockerFixture
from support.clips import make_clip, note_of_clip
from support.images import DELIMITER, gif
from support.paths import SAMPLE

from luigi_gif import clip_page, imaging, storage
from luigi_gif.errors import ForeignFileError, ParameterError, StorageError

ATOM = "{http://www.w3.org/2005/Atom}"
SITE = "https://example.org/nights/"


@pytest.fixture(scope="module")
def three_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two work directories with a clip each, and one without."""
    folder = tmp_path_factory.mktemp("three") / "nights"
    folder.mkdir()
    for name, data in (("2026-11-01", SAMPLE.read_bytes()), ("a b&c", gif(1) + DELIMITER + gif(2))):
        make_clip(data, folder / name)
    make_clip(gif(1), folder / "gone").unlink()
    return folder


def texts(html: str, tag: str) -> list[str]:
    """What the elements of this name say."""
    found = html5lib.parse(html, namespaceHTMLElements=False).iter(tag)
    return ["".join(each.itertext()) for each in found]


def links(html: str) -> list[str]:
    """Whatever a page leads to, or loads."""
    elements = list(html5lib.parse(html, namespaceHTMLElements=False).iter())
    return [
        each.attrib[name] for each in elements for name in ("href", "src") if name in each.attrib
    ]


def posters(folder: Path) -> dict[str, int]:
    """When each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "posters").iterdir()}


def poster_sizes(folder: Path) -> set[tuple[int, int]]:
    """Width and height of each in pixels."""
    sizes = set()
    for name in posters(folder):
        with Image.open(folder / "posters" / name) as poster:
            poster.load()
            sizes.add(poster.size)
    return sizes


@pytest.fixture
def nights(three_nights: Path, tmp_path: Path) -> Path:
    """A copy of them, for one test."""
    return Path(shutil.copytree(three_nights, tmp_path / "nights"))


def test_a_page_tells_of_each_clip(nights: Path) -> None:
    """Its name, frames, duration, size, source, steps and files; one that is gone is left out."""
    note_of_clip(nights / "2026-11-01", made="2026-11-01T02:15:00+00:00")
    path = Path(clip_page.write_page(str(nights)))
    assert path == nights / "index.html"
    text = path.read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert texts(text, "title") == ["nights: 2 clips"]
    assert texts(text, "h2") == ["a b&c", "2026-11-01"]
    assert texts(text, "time")[1] == "2026-11-01 02:15 UTC"
    paragraphs = texts(text, "p")
    assert {"32 frames · 1.92 s · 320×320", "2 frames · 0.2 s · 3×2"} < set(paragraphs)  # noqa: RUF001
    assert paragraphs.count("unused") == 2
    assert "CombineGif 0." in text
    assert 'href="a%20b%26c/clip.gif" type="image/gif"' in text
    assert "gone" not in text


def test_files_beside_a_clip_are_linked(nights: Path) -> None:
    """As far as they are there."""
    workdir = nights / "a b&c"
    (workdir / "clip.mp4").write_bytes(b"1234")
    note_of_clip(workdir, also={"mp4": "clip.mp4", "webm": "clip.webm", "exe": "clip.exe"})
    text = Path(clip_page.write_page(str(nights))).read_text()
    assert '<a href="a%20b%26c/clip.mp4" type="video/mp4">MP4 <small>0.0 kB</small></a>' in text
    assert "webm" not in text
    assert "exe" not in text


def test_a_page_lies_on_a_store_too(nights: Path) -> None:
    """With the same words and the same posters."""
    store = storage.open_folder("memory://nights")
    for path in nights.rglob("*"):
        if path.is_file():
            store.write(str(path.relative_to(nights)), path.read_bytes())
    assert clip_page.write_page("memory://nights") == "memory://nights/index.html"
    clip_page.write_page(str(nights))
    for name in ("index.html", *(f"posters/{each}" for each in posters(nights))):
        assert store.read(name) == (nights / name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"width": '1"><script>alert(1)</script>'}, "2 frames · 0.2 s"),
        ({"height": True}, "2 frames · 0.2 s"),
        ({"frames": -1}, "0.2 s · 3×2"),  # noqa: RUF001
        ({"duration_ms": float("nan")}, "2 frames · 3×2"),  # noqa: RUF001
        ({"made": "<script>"}, "2 frames · 0.2 s · 3×2"),  # noqa: RUF001
        ({"also": ["<script>"]}, "2 frames · 0.2 s · 3×2"),  # noqa: RUF001
    ],
)
def test_what_is_no_number_is_not_shown(
    nights: Path, changes: dict[str, object], shown: str
) -> None:
    """Whoever may write to a work directory puts nothing else into the page of all."""
    note_of_clip(nights / "a b&c", **changes)
    text = Path(clip_page.write_page(str(nights))).read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert len(texts(text, "h2")) == 2
    assert len(texts(text, "script")) == 1
    assert shown in texts(text, "p")


@pytest.mark.parametrize("clips", [[], {"clip.gif": None}, {"clip.gif": {"bytes": "1"}}])
def test_a_note_of_another_form_is_as_good_as_none(nights: Path, clips: object) -> None:
    """No traceback."""
    folder = storage.open_folder(str(nights / "a b&c"))
    folder.write_json("run.json", {"clips": clips})
    assert texts(Path(clip_page.write_page(str(nights))).read_text(), "h2") == ["2026-11-01"]


def test_of_a_local_source_only_its_name_is_told(nights: Path) -> None:
    """A page may be public."""
    folder = storage.open_folder(str(nights / "a b&c"))
    run = folder.read_json("run.json")
    assert run is not None
    for url, shown in (
        ("file:///home/ann/radar/", "radar"),
        ('["/home/ann/*.png", "http://127.0.0.1/radar/"]', "*.png, http://127.0.0.1/radar/"),
    ):
        folder.write_json("run.json", run | {"url": url})
        text = Path(clip_page.write_page(str(nights))).read_text()
        assert texts(text, "p").count(shown) == 1
    folder.write_json("run.json", run | {"url": '["/home/ann'})
    assert "ann" not in Path(clip_page.write_page(str(nights))).read_text()


def test_texts_of_a_note_are_escaped(nights: Path) -> None:
    """The source, the steps and the names of files and folders, on the page and in the feed."""
    name = "<script>alert(1)<"
    (nights / name).mkdir()
    workdir = (nights / "a b&c").rename(nights / name / "i>\x1b[2J")
    folder = storage.open_folder(str(workdir))
    run = folder.read_json("run.json")
    assert run is not None
    run |= {"url": "</p><script>", "steps": {"<script>": {"seconds": 1}}}
    folder.write_json("run.json", run)
    text = Path(clip_page.write_page(str(nights))).read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert texts(text, "h2")[0] == f"{name}/i>\\x1b[2J"
    assert texts(text, "details")[0] == "Made in 1.0 s<script> 1.00 s"
    assert len(texts(text, "script")) == 1
    assert "alert(1)<" not in text
    entry = ElementTree.parse(nights / "atom.xml").findall(f"{ATOM}entry")[0]
    assert entry.findtext(f"{ATOM}title") == f"{name}/i>\\x1b[2J"
    assert not texts(entry.findtext(f"{ATOM}content") or "", "script")


def test_no_link_has_a_scheme(nights: Path) -> None:
    """Whatever work directories are called, a page leads only to what is in its folder."""
    (nights / "a b&c").rename(nights / "javascript:alert(1)")
    text = Path(clip_page.write_page(str(nights))).read_text()
    assert "javascript%3Aalert%281%29/clip.gif" in links(text)
    assert not [link for link in links(text) if urlsplit(link).scheme or link.startswith("/")]
    assert all(urljoin(SITE, link).startswith(SITE) for link in links(text))


OUTSIDE = ["../secret.gif", "/etc/passwd", "out/clip.gif", "link.gif", ""]
NO_NAMES = ["\0", "\ud800", "x" * 300]
"""What no file can be called."""


@pytest.mark.parametrize("name", OUTSIDE + NO_NAMES, ids=ascii)
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
    assert texts(Path(clip_page.write_page(str(nights))).read_text(), "h2") == ["2026-11-01"]


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


@pytest.mark.parametrize("name", ["index.html", "atom.xml"])
@pytest.mark.parametrize("theirs", [b"<!DOCTYPE html><title>Mine</title>", None])
def test_a_page_of_the_user_is_left_alone(nights: Path, name: str, theirs: bytes | None) -> None:
    """Also one of ours that was edited, and such a feed."""
    clip_page.write_page(str(nights))
    mine = theirs or (nights / name).read_bytes().replace(b"nights", b"my nights")
    (nights / name).write_bytes(mine)
    with pytest.raises(ForeignFileError, match=name):
        clip_page.write_page(str(nights))
    assert (nights / name).read_bytes() == mine


def test_a_page_that_is_current_is_not_written_again(nights: Path) -> None:
    """Nor are its posters and its feed."""

    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in nights.rglob("*") if path.is_file()}

    clip_page.write_page(str(nights))
    before = times()
    clip_page.write_page(str(nights))
    assert times() == before
    assert len(posters(nights)) == 2


def test_a_poster_is_a_small_picture_of_its_clip(nights: Path) -> None:
    """Of its first frame."""
    clip_page.write_page(str(nights))
    assert poster_sizes(nights) == {(320, 320), (3, 2)}


def test_a_poster_is_never_large() -> None:
    """Not even of noise: a page fetches many at once."""
    file = io.BytesIO()
    noise = Image.frombytes("RGB", (1000, 800), os.urandom(2_400_000))
    noise.save(file, "BMP")
    small = imaging.small_webp(file.getvalue(), 400, 30_000)
    assert small.size == (400, 320)
    assert len(small.data) <= 30_000


def test_the_poster_beside_a_clip_is_taken(nights: Path) -> None:
    """In a size for a page."""
    workdir = nights / "a b&c"
    Image.new("RGB", (1200, 800)).save(workdir / "clip.poster.webp")
    note_of_clip(workdir, also={"poster": "clip.poster.webp"})
    clip_page.write_page(str(nights))
    assert (400, 267) in poster_sizes(nights)


def test_a_clip_that_was_made_again_gets_another_poster(nights: Path) -> None:
    """The earlier one goes, and that of a clip that is gone; whatever is the user's stays."""
    clip_page.write_page(str(nights))
    before = posters(nights)
    (mine := nights / "posters" / "mine.webp").write_bytes(b"mine")
    shutil.copy(SAMPLE, nights / "posters" / "0123456789abcdef-0123456789abcdef.webp")
    note_of_clip(nights / "a b&c", made="2026-11-02T00:00:00+00:00")
    (nights / "2026-11-01" / "clip.gif").unlink()
    clip_page.write_page(str(nights))
    after = posters(nights)
    assert not before.keys() & after.keys()
    assert len(after) == 3
    assert mine.read_bytes() == b"mine"


def test_an_altered_poster_is_its_users(nights: Path) -> None:
    """It is neither written over nor removed."""
    clip_page.write_page(str(nights))
    altered = [nights / "posters" / name for name in posters(nights)]
    for path in altered:
        path.write_bytes(b"altered")
    clip_page.write_page(str(nights))
    for workdir in ("a b&c", "2026-11-01"):
        note_of_clip(nights / workdir, made="2026-11-02T00:00:00+00:00")
    clip_page.write_page(str(nights))
    assert [path.read_bytes() for path in altered] == [b"altered"] * 2


def test_a_poster_of_a_clip_with_a_long_path_is_removed_with_it(nights: Path) -> None:
    """Its note names the path, with three characters for each byte that is no ASCII."""
    far = nights.joinpath(*["\u96e8" * 60] * 8)
    shutil.copytree(nights / "a b&c", far)
    clip_page.write_page(str(nights))
    assert len(posters(nights)) == 3
    shutil.rmtree(far)
    clip_page.write_page(str(nights))
    assert len(posters(nights)) == 2


def interrupt(patch: pytest.MonkeyPatch, at: int) -> None:
    """Let the run end where it would write or remove a file for this time, from 0."""
    calls = itertools.count()

    def interrupting(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if next(calls) == at:
                raise KeyboardInterrupt
            return method(*args, **kwargs)

        return call

    for name in ("atomic_writer", "remove"):
        method = getattr(storage.LocalFolder, name)
        patch.setattr(storage.LocalFolder, name, interrupting(method))


@pytest.mark.parametrize("at", range(6))
def test_a_run_that_is_interrupted_leaves_a_page_with_its_posters(nights: Path, at: int) -> None:
    """The one before or the new one; the next run writes the new one, and leaves nothing else."""

    def posters_of_page() -> set[str]:
        found = links((nights / "index.html").read_text())
        return {link.removeprefix("posters/") for link in found if link.startswith("posters/")}

    clip_page.write_page(str(nights))
    for name in ("2026-11-01", "a b&c"):
        note_of_clip(nights / name, made="2026-11-02T00:00:00+00:00")
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, at)
        with pytest.raises(KeyboardInterrupt):
            clip_page.write_page(str(nights))
    assert len(posters_of_page()) == 2
    assert posters_of_page() <= posters(nights).keys()
    text = Path(clip_page.write_page(str(nights))).read_text()
    assert texts(text, "time") == ["2026-11-02 00:00 UTC"] * 2
    assert posters_of_page() == posters(nights).keys()


def test_a_clip_that_cannot_be_decoded_has_no_poster(
    nights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The page tells of it all the same."""
    clip = nights / "a b&c" / "clip.gif"
    clip.write_bytes(b"x" * clip.stat().st_size)
    with caplog.at_level(logging.WARNING, "luigi-interface"):
        text = Path(clip_page.write_page(str(nights))).read_text()
    assert len(texts(text, "h2")) == 2
    assert len(posters(nights)) == 1
    assert "no poster of" in caplog.text


def test_the_feed_tells_of_each_clip(nights: Path) -> None:
    """RFC 4287, sections 4.1.1 and 4.1.2: ids, titles and times, the newest first."""
    note_of_clip(nights / "2026-11-01", made="2026-11-01T02:15:00+00:00")
    clip_page.write_page(str(nights), SITE)
    feed = ElementTree.parse(nights / "atom.xml").getroot()
    assert feed.tag == f"{ATOM}feed"
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == ["a b&c", "2026-11-01"]
    ids = [each.findtext(f"{ATOM}id") or "" for each in (feed, *entries)]
    assert len(set(ids)) == 3
    assert all(id_.startswith("urn:uuid:") for id_ in ids)
    times = [each.findtext(f"{ATOM}updated") or "" for each in (feed, *entries)]
    assert times[0] == times[1] > times[2]
    assert all(datetime.fromisoformat(time).tzinfo for time in times)
    hrefs = [link.attrib["href"] for link in feed.iter(f"{ATOM}link")]
    assert SITE + "a%20b%26c/clip.gif" in hrefs
    assert all(href.startswith(SITE) for href in hrefs)


def test_ids_of_a_feed_stay(nights: Path) -> None:
    """Wherever its folder goes, and whatever is made; those of another feed are others."""

    def ids() -> list[str | None]:
        return [each.text for each in ElementTree.parse(nights / "atom.xml").iter(f"{ATOM}id")]

    clip_page.write_page(str(nights))
    before = ids()
    note_of_clip(nights / "2026-11-01", made="2026-11-02T02:15:00+00:00")
    clip_page.write_page(str(nights), SITE)
    assert sorted(map(str, ids())) == sorted(map(str, before))
    (nights / "atom.xml").unlink()
    clip_page.write_page(str(nights))
    assert not set(ids()) & set(before)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "example.org/nights", "https://", "s3://bucket", "https://[",
        "https://user:password@example.org/", "https://example.org/?a=1", "https://example.org/#a",
    ],
)  # fmt: skip
def test_a_page_is_on_the_web_or_nowhere(url: str) -> None:
    """A URL of another kind is an error without its secrets."""
    with pytest.raises(ParameterError, match="--page-url") as caught:
        clip_page.check_site_url(url)
    assert "password" not in str(caught.value)


def test_a_folder_without_clips_is_an_error(tmp_path: Path) -> None:
    """In words."""
    (tmp_path / "file").write_bytes(b"")
    for name, got in (("", "none with a clip"), ("nowhere", "no such folder"), ("file", "a file")):
        with pytest.raises(StorageError, match="there is no clip to show") as caught:
            clip_page.write_page(str(tmp_path / name))
        assert caught.value.got == got
