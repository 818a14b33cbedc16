"""The page of all clips: what it tells, that it is HTML, and what Chromium fetches of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import html5lib
import programs
import pytest
from browser import HEADLESS
from conftest import DELIMITER, SAMPLE, Server, gif, make_clip

from luigi_gif import page, storage
from luigi_gif.errors import StorageError


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    """Two work directories with a clip each, and one without."""
    folder = tmp_path / "nights"
    folder.mkdir()
    for name, data in (("2026-11-01", SAMPLE.read_bytes()), ("a b&c", gif(1) + DELIMITER + gif(2))):
        make_clip(data, folder / name)
    make_clip(gif(1), folder / "gone").unlink()
    return folder


def test_a_page_tells_of_each_clip(nights: Path) -> None:
    """Its path, size, duration, source and steps; a clip that is not there is left out."""
    path = Path(page.write(str(nights)))
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
    here = storage.folder(str(nights))
    there = storage.folder("memory://nights")
    for path in nights.rglob("*"):
        if path.is_file():
            there.write(str(path.relative_to(nights)), path.read_bytes())
    assert page.write("memory://nights") == "memory://nights/index.html"
    page.write(str(nights))
    assert there.read("index.html") == here.read("index.html")


def test_a_folder_without_clips_is_an_error(tmp_path: Path) -> None:
    """In words."""
    with pytest.raises(StorageError, match="there is no clip to show"):
        page.write(str(tmp_path))


def test_a_year_opens_at_once(tmp_path: Path, server: Server) -> None:
    """365 clips, of which only the first ones are fetched."""
    chromium = programs.need("chromium")
    make_clip(SAMPLE.read_bytes(), tmp_path / "day")
    (clip,) = page._clips(storage.folder(str(tmp_path)))
    clips = [clip._replace(path=f"{number}.gif") for number in range(365)]
    told = "<script>addEventListener('load', () => { document.title = 'loaded'; })</script></body>"
    html = page.render(clips).replace("</body>", told).encode()
    server.pages = {f"/{number}.gif": SAMPLE.read_bytes() for number in range(365)}
    server.pages["/"] = html
    shown = subprocess.run(
        [
            chromium, *HEADLESS, f"--user-data-dir={tmp_path / 'profile'}",
            "--blink-settings=lazyLoadEnabled=true",  # which headless leaves out
            "--screenshot=shot.png", "--window-size=1280,900", "--dump-dom", server.url("/"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    ).stdout  # fmt: skip
    assert "<title>loaded</title>" in shown
    assert 0 < len([path for path in server.requests if path.endswith(".gif")]) < 100
